// A stand-in for the engine. It reads the program and the inputs, and it writes the sum of all
// words read, followed by counting words.
//
// Word 0 of the program says how to behave, word 1 how many bytes to read and word 2 how many bytes
// to write in one run. Behaviours: 0 works, 1 to 15 end with that error after the program, 16 waits
// for an abort, 17 never ends.
module bench_engine
  import ls_bus_pkg::*;
#(
    parameter int unsigned DataWidth = 64,
    localparam int unsigned EngineEvents = lockstep_pkg::Events - lockstep_pkg::OuterEvents
) (
    input  logic                              clk_i,
    input  logic                              rst_ni,
    input  logic                              drain,
    input  job_t                              engine_job,
    output logic                              engine_job_ready,
    output done_t                             engine_done,
    input  logic                              engine_abort,
    output request_t                          card_read_req,
    input  logic                              card_read_req_ready,
    input  beat_t                             card_read_beat,
    input  logic     [   DataWidth-1:0]       card_data,
    output request_t                          host_read_req,
    input  logic                              host_read_req_ready,
    input  beat_t                             host_read_beat,
    input  logic     [   DataWidth-1:0]       host_data,
    output request_t                          host_write_req,
    input  logic                              host_write_req_ready,
    output logic                              host_write_valid,
    output logic     [   DataWidth-1:0]       host_write_data,
    input  logic                              host_write_ready,
    input  answer_t                           host_write_done,
    output logic     [EngineEvents-1:0][63:0] engine_counters
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

  assign engine_job_ready = state_q == Idle;
  assign engine_done = '{valid: state_q == Done, error: error_q, busy: busy_q};
  assign card_read_req = '{
          valid: state_q == AskProgram,
          addr: program_q,
          bytes: 32'(length_q) * 32
      };
  assign host_read_req = '{valid: state_q == AskInput, addr: input_q, bytes: in_bytes_q};
  assign host_write_req = '{valid: state_q == AskOutput, addr: output_q, bytes: out_bytes_q};
  assign host_write_valid = state_q == Output;

  assign data = (state_q == Program) ? card_data : host_data;
  always_comb begin
    sum = sum_q;
    for (int unsigned i = 0; i < Words; i++) begin
      if (32'(4 * i) < left_q) sum = sum + data[32*i+:32];
      host_write_data[32*i+:32] = sum_q + (at_q >> 2) + 32'(i);
    end
  end

  always_comb begin
    engine_counters = '0;
    engine_counters[0] = busy_q;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
      {program_q, input_q, output_q, busy_q} <= '0;
      {length_q, runs_q, left_q, sum_q, at_q, behave_q} <= '0;
      {in_bytes_q, out_bytes_q, in_stride_q, out_stride_q, error_q} <= '0;
    end else if (drain) begin
      state_q <= Idle;
    end else begin
      if (state_q != Idle) busy_q <= busy_q + 1;
      unique case (state_q)
        Idle: begin
          program_q <= engine_job.program_address;
          length_q <= engine_job.length;
          input_q <= engine_job.input_address;
          in_stride_q <= engine_job.input_stride;
          out_stride_q <= engine_job.output_stride;
          output_q <= engine_job.output_address;
          runs_q <= engine_job.runs;
          left_q <= 32'(engine_job.length) * 32;
          sum_q <= '0;
          at_q <= '0;
          busy_q <= '0;
          error_q <= '0;
          if (engine_job.valid) state_q <= AskProgram;
        end
        AskProgram: if (card_read_req_ready) state_q <= Program;
        Program:
        if (card_read_beat.valid) begin
          left_q <= left_q - DataWidth / 8;
          at_q   <= at_q + DataWidth / 8;
          sum_q  <= sum;
          for (int unsigned i = 0; i < Words; i++) begin
            if (at_q + 4 * i == 0) behave_q <= card_data[32*i+:32];
            if (at_q + 4 * i == 4) in_bytes_q <= card_data[32*i+:32];
            if (at_q + 4 * i == 8) out_bytes_q <= card_data[32*i+:32];
          end
          if (card_read_beat.error) error_q <= 8'(lockstep_pkg::EngineCardBus);
          if (card_read_beat.last)
            state_q <= (card_read_beat.error || error_q != 0) ? Done : AskInput;
        end
        AskInput: begin
          left_q <= in_bytes_q;
          if (engine_abort) error_q <= 8'(lockstep_pkg::EngineAborted);
          else if (behave_q < 16) error_q <= behave_q[7:0];
          if (host_read_req_ready) state_q <= Input;
        end
        Input:
        if (host_read_beat.valid) begin
          left_q <= left_q - DataWidth / 8;
          sum_q  <= sum;
          if (host_read_beat.error) error_q <= 8'(lockstep_pkg::EngineHostBus);
          if (host_read_beat.last) begin
            if (host_read_beat.error || error_q != 0) state_q <= Done;
            else state_q <= (behave_q >= 16) ? Hang : AskOutput;
          end
        end
        AskOutput: begin
          left_q <= out_bytes_q;
          at_q   <= '0;
          if (engine_abort) error_q <= 8'(lockstep_pkg::EngineAborted);
          if (host_write_req_ready) state_q <= Output;
        end
        Output:
        if (host_write_ready) begin
          left_q <= left_q - DataWidth / 8;
          at_q   <= at_q + DataWidth / 8;
          if (left_q <= DataWidth / 8) state_q <= Answer;
        end
        Answer:
        if (host_write_done.valid) begin
          if (host_write_done.error) error_q <= 8'(lockstep_pkg::EngineHostBus);
          runs_q   <= runs_q - 1;
          input_q  <= input_q + 64'(in_stride_q);
          output_q <= output_q + 64'(out_stride_q);
          state_q  <= (host_write_done.error || error_q != 0 || runs_q == 1) ? Done : AskInput;
        end
        Hang:
        if (engine_abort && behave_q == 16) begin
          error_q <= 8'(lockstep_pkg::EngineAborted);
          state_q <= Done;
        end
        default: state_q <= Idle;
      endcase
    end
  end
endmodule
