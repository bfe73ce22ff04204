// Jobs of the engine: one at a time, its sequences one after the other, its end or its first error.
module ls_engine_jobs
  import lockstep_pkg::*;
(
    input  logic        clk_i,
    input  logic        rst_ni,
    // jobs: see ls_engine
    input  logic        job_valid_i,
    output logic        job_ready_o,
    input  logic [39:0] job_program_i,
    input  logic [15:0] job_length_i,
    input  logic [15:0] job_repeat_i,
    input  logic [63:0] job_input_i,
    input  logic [31:0] job_input_stride_i,
    input  logic [63:0] job_output_i,
    input  logic [31:0] job_output_stride_i,
    input  logic [15:0] job_tag_i,
    output logic        done_valid_o,
    input  logic        done_ready_i,
    output logic [15:0] done_tag_o,
    output logic [ 7:0] done_error_o,
    output logic [63:0] done_cycles_o,
    output logic [63:0] done_busy_o,
    input  logic        abort_i,
    // what ends a sequence or a job
    input  logic        sequence_end_i,
    input  logic        illegal_i,            // an instruction that is none
    input  logic        bad_token_i,
    input  logic        card_valid_i,
    input  logic        card_error_i,
    input  logic        host_read_valid_i,
    input  logic        host_read_error_i,
    input  logic        host_write_done_i,
    input  logic        host_write_error_i,
    // what is open on the memory ports
    input  logic        card_idle_i,
    input  logic        host_read_asked_i,
    input  logic        host_read_last_i,
    input  logic        host_write_asked_i,
    output logic        host_writing_o,
    // the job at work
    input  logic        step_i,               // of the array
    output logic        unit_rst_no,          // low while a failed job runs dry
    output logic        running_o,
    output logic        start_o,              // pulse
    output logic [39:0] program_o,
    output logic [15:0] length_o,
    output logic [15:0] repeat_o,
    output logic [63:0] input_o,              // of the sequence
    output logic [63:0] output_o
);
  typedef enum logic [1:0] {
    StIdle,
    StRun,
    StQuiet,  // failed: the units are reset, the memory ports run dry
    StDone
  } state_e;
  state_e state_q;
  logic [15:0] sequence_q, tag_q;
  logic [31:0] input_stride_q, output_stride_q;
  logic [63:0] cycles_q, busy_q;
  engine_error_e error_q, error;
  logic start, host_reading_q;

  assign job_ready_o = state_q == StIdle;
  assign start = job_valid_i && job_ready_o;
  assign unit_rst_no = rst_ni && state_q != StQuiet;
  assign running_o = state_q == StRun;
  assign done_valid_o = state_q == StDone;
  assign done_tag_o = tag_q;
  assign done_error_o = error_q;
  assign done_cycles_o = cycles_q;
  assign done_busy_o = busy_q;

  always_comb begin
    error = EngineNone;
    if (abort_i) error = EngineAborted;
    if (bad_token_i) error = EngineBadInput;
    if (illegal_i) error = EngineIllegalInstruction;
    if (host_read_valid_i && host_read_error_i) error = EngineHostBus;
    if (host_write_done_i && host_write_error_i) error = EngineHostBus;
    if (card_valid_i && card_error_i) error = EngineCardBus;
  end

  always_ff @(posedge clk_i) begin
    start_o <= rst_ni && start;
    if (!rst_ni) begin
      state_q <= StIdle;
      host_reading_q <= 1'b0;
      host_writing_o <= 1'b0;
    end else begin
      if (host_read_asked_i) host_reading_q <= 1'b1;
      else if (host_read_valid_i && host_read_last_i) host_reading_q <= 1'b0;
      if (host_write_asked_i) host_writing_o <= 1'b1;
      else if (host_write_done_i) host_writing_o <= 1'b0;
      unique case (state_q)
        StIdle:
        if (start) begin
          state_q <= StRun;
          sequence_q <= '0;
          program_o <= job_program_i;
          length_o <= job_length_i;
          repeat_o <= job_repeat_i;
          input_o <= job_input_i;
          output_o <= job_output_i;
          input_stride_q <= job_input_stride_i;
          output_stride_q <= job_output_stride_i;
          tag_q <= job_tag_i;
          error_q <= EngineNone;
          cycles_q <= '0;
          busy_q <= '0;
        end
        StRun: begin
          cycles_q <= cycles_q + 1'b1;
          busy_q   <= busy_q + 64'(step_i);
          if (error != EngineNone) begin
            error_q <= error;
            state_q <= StQuiet;
          end else if (sequence_end_i) begin
            sequence_q <= sequence_q + 1'b1;
            input_o    <= input_o + 64'(input_stride_q);
            output_o   <= output_o + 64'(output_stride_q);
            if (sequence_q == repeat_o - 1'b1) state_q <= StDone;
          end
        end
        // An open write is finished with zeros, so that the port is whole for the next job.
        StQuiet: if (card_idle_i && !host_reading_q && !host_writing_o) state_q <= StDone;
        default: if (done_ready_i) state_q <= StIdle;
      endcase
    end
  end
endmodule
