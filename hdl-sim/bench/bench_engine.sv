// A stand-in for the engine: reads the program, reads inputs, writes a sum of all words and the words after it.
//
// Words of the program: 0 how to behave, 1 bytes of input, 2 bytes of output of one run. Behaviours: 0 well, 1 to 15 end with that error
// after the program, 16 wait for an abort, 17 wait for ever.
module bench_engine #(
    parameter int unsigned DataWidth = 64,
    localparam int unsigned EngineEvents = lockstep_pkg::Events - lockstep_pkg::OuterEvents
) (
    input  logic                          clk_i,
    input  logic                          rst_ni,
    input  logic                          clear_i,
    input  logic                          job_valid_i,
    output logic                          job_ready_o,
    input  logic [            63:0]       job_program_i,
    input  logic [            15:0]       job_length_i,
    input  logic [            63:0]       job_input_i,
    input  logic [            63:0]       job_output_i,
    input  logic [            15:0]       job_runs_i,
    input  logic [            31:0]       job_input_stride_i,
    input  logic [            31:0]       job_output_stride_i,
    output logic                          done_valid_o,
    output logic [             7:0]       done_error_o,
    output logic [            63:0]       done_busy_o,
    input  logic                          abort_i,
    output logic                          card_req_valid_o,
    input  logic                          card_req_ready_i,
    output logic [            63:0]       card_req_addr_o,
    output logic [            31:0]       card_req_bytes_o,
    input  logic                          card_valid_i,
    output logic                          card_ready_o,
    input  logic [   DataWidth-1:0]       card_data_i,
    input  logic                          card_last_i,
    input  logic                          card_error_i,
    output logic                          read_req_valid_o,
    input  logic                          read_req_ready_i,
    output logic [            63:0]       read_req_addr_o,
    output logic [            31:0]       read_req_bytes_o,
    input  logic                          read_valid_i,
    output logic                          read_ready_o,
    input  logic [   DataWidth-1:0]       read_data_i,
    input  logic                          read_last_i,
    input  logic                          read_error_i,
    output logic                          write_req_valid_o,
    input  logic                          write_req_ready_i,
    output logic [            63:0]       write_req_addr_o,
    output logic [            31:0]       write_req_bytes_o,
    output logic                          write_valid_o,
    input  logic                          write_ready_i,
    output logic [   DataWidth-1:0]       write_data_o,
    input  logic                          write_done_i,
    input  logic                          write_error_i,
    output logic [EngineEvents-1:0][63:0] counters_o
);
  localparam int unsigned Words = DataWidth / 32;

  typedef enum logic [3:0] {
    Idle,
    AskProgram,
    Program,
    AskInput,
    Input,
    AskOutput,
    Output,
    Answer,
    Hang,
    Done
  } state_e;

  state_e state_q;
  logic [63:0] program_q, input_q, output_q, busy_q;
  logic [15:0] length_q, runs_q;
  logic [31:0]
      left_q, sum_q, sum, at_q, behave_q, in_bytes_q, out_bytes_q, in_stride_q, out_stride_q;
  logic [7:0] error_q;
  logic [DataWidth-1:0] data;

  assign job_ready_o = state_q == Idle;
  assign done_valid_o = state_q == Done;
  assign done_error_o = error_q;
  assign done_busy_o = busy_q;
  assign card_req_valid_o = state_q == AskProgram;
  assign card_req_addr_o = program_q;
  assign card_req_bytes_o = 32'(length_q) * 32;
  assign card_ready_o = state_q == Program;
  assign read_req_valid_o = state_q == AskInput;
  assign read_req_addr_o = input_q;
  assign read_req_bytes_o = in_bytes_q;
  assign read_ready_o = state_q == Input;
  assign write_req_valid_o = state_q == AskOutput;
  assign write_req_addr_o = output_q;
  assign write_req_bytes_o = out_bytes_q;
  assign write_valid_o = state_q == Output;

  assign data = (state_q == Program) ? card_data_i : read_data_i;
  always_comb begin
    sum = sum_q;
    for (int unsigned i = 0; i < Words; i++) begin
      if (32'(4 * i) < left_q) sum = sum + data[32*i+:32];
      write_data_o[32*i+:32] = sum_q + (at_q >> 2) + 32'(i);
    end
  end

  always_comb begin
    counters_o = '0;
    counters_o[0] = busy_q;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
      {program_q, input_q, output_q, busy_q} <= '0;
      {length_q, runs_q, left_q, sum_q, at_q, behave_q} <= '0;
      {in_bytes_q, out_bytes_q, in_stride_q, out_stride_q, error_q} <= '0;
    end else if (clear_i) begin
      state_q <= Idle;
    end else begin
      if (state_q != Idle) busy_q <= busy_q + 1;
      unique case (state_q)
        Idle: begin
          program_q <= job_program_i;
          length_q <= job_length_i;
          input_q <= job_input_i;
          in_stride_q <= job_input_stride_i;
          out_stride_q <= job_output_stride_i;
          output_q <= job_output_i;
          runs_q <= job_runs_i;
          left_q <= 32'(job_length_i) * 32;
          sum_q <= '0;
          at_q <= '0;
          busy_q <= '0;
          error_q <= '0;
          if (job_valid_i) state_q <= AskProgram;
        end
        AskProgram: if (card_req_ready_i) state_q <= Program;
        Program:
        if (card_valid_i) begin
          left_q <= left_q - DataWidth / 8;
          at_q   <= at_q + DataWidth / 8;
          sum_q  <= sum;
          for (int unsigned i = 0; i < Words; i++) begin
            if (at_q + 4 * i == 0) behave_q <= card_data_i[32*i+:32];
            if (at_q + 4 * i == 4) in_bytes_q <= card_data_i[32*i+:32];
            if (at_q + 4 * i == 8) out_bytes_q <= card_data_i[32*i+:32];
          end
          if (card_error_i) error_q <= 8'(lockstep_pkg::EngineCardBus);
          if (card_last_i) state_q <= (card_error_i || error_q != 0) ? Done : AskInput;
        end
        AskInput: begin
          left_q <= in_bytes_q;
          if (abort_i) error_q <= 8'(lockstep_pkg::EngineAborted);
          else if (behave_q < 16) error_q <= behave_q[7:0];
          if (read_req_ready_i) state_q <= Input;
        end
        Input:
        if (read_valid_i) begin
          left_q <= left_q - DataWidth / 8;
          sum_q  <= sum;
          if (read_error_i) error_q <= 8'(lockstep_pkg::EngineHostBus);
          if (read_last_i) begin
            if (read_error_i || error_q != 0) state_q <= Done;
            else state_q <= (behave_q >= 16) ? Hang : AskOutput;
          end
        end
        AskOutput: begin
          left_q <= out_bytes_q;
          at_q   <= '0;
          if (abort_i) error_q <= 8'(lockstep_pkg::EngineAborted);
          if (write_req_ready_i) state_q <= Output;
        end
        Output:
        if (write_ready_i) begin
          left_q <= left_q - DataWidth / 8;
          at_q   <= at_q + DataWidth / 8;
          if (left_q <= DataWidth / 8) state_q <= Answer;
        end
        Answer:
        if (write_done_i) begin
          if (write_error_i) error_q <= 8'(lockstep_pkg::EngineHostBus);
          runs_q   <= runs_q - 1;
          input_q  <= input_q + 64'(in_stride_q);
          output_q <= output_q + 64'(out_stride_q);
          state_q  <= (write_error_i || error_q != 0 || runs_q == 1) ? Done : AskInput;
        end
        Hang:
        if (abort_i && behave_q == 16) begin
          error_q <= 8'(lockstep_pkg::EngineAborted);
          state_q <= Done;
        end
        default: state_q <= Idle;
      endcase
    end
  end
endmodule
