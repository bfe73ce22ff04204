// Jobs of the engine: one at a time, its sequences one after the other, until the last one ends or
// the first error comes.
module ls_engine_jobs
  import lockstep_pkg::*;
  import ls_bus_pkg::*;
(
    input  logic            clk_i,
    input  logic            engine_srst_n,
    input  job_t            engine_job,
    output logic            engine_job_ready,
    output done_t           engine_done,
    input  logic            engine_abort,
    // what ends a sequence or a job
    input  logic            sequence_end,
    input  logic            illegal,               // an illegal instruction
    input  logic            bad_token,
    // the memory ports
    input  logic            card_idle,
    input  beat_t           card_read_beat,
    input  request_t        host_read_req,
    input  logic            host_read_req_ready,
    input  beat_t           host_read_beat,
    input  request_t        host_write_req,
    input  logic            host_write_req_ready,
    input  answer_t         host_write_done,
    output logic            host_writing,          // a write has not been answered yet
    // the job at work
    input  logic            step,                  // of the array
    output logic            srst_n,                // low while a failed job runs dry
    output logic            running,
    output logic            start,                 // for one cycle
    output logic     [39:0] program_address,
    output logic     [15:0] length,
    output logic     [15:0] repeats,
    output logic     [63:0] input_address,         // of the sequence
    output logic     [63:0] output_address
);
  typedef enum logic [1:0] {
    StIdle,
    StRun,
    StQuiet,  // the job has failed: the units are reset, the memory ports run dry
    StDone
  } state_e;
  state_e state_q;
  logic [15:0] sequence_q;
  logic [31:0] input_stride_q, output_stride_q;
  logic [63:0] busy_q;
  engine_error_e error_q, error;
  logic begins, host_reading_q;

  assign engine_job_ready = state_q == StIdle;
  assign begins = engine_job.valid && engine_job_ready;
  assign srst_n = engine_srst_n && state_q != StQuiet;
  assign running = state_q == StRun;
  assign engine_done = '{valid: state_q == StDone, error: error_q, busy: busy_q};

  always_comb begin
    error = EngineNone;
    if (engine_abort) error = EngineAborted;
    if (bad_token) error = EngineBadInput;
    if (illegal) error = EngineIllegalInstruction;
    if (host_read_beat.valid && host_read_beat.error) error = EngineHostBus;
    if (host_write_done.valid && host_write_done.error) error = EngineHostBus;
    if (card_read_beat.valid && card_read_beat.error) error = EngineCardBus;
  end

  always_ff @(posedge clk_i) begin
    start <= engine_srst_n && begins;
    if (!engine_srst_n) begin
      state_q <= StIdle;
      host_reading_q <= 1'b0;
      host_writing <= 1'b0;
    end else begin
      if (host_read_req.valid && host_read_req_ready) host_reading_q <= 1'b1;
      else if (host_read_beat.valid && host_read_beat.last) host_reading_q <= 1'b0;
      if (host_write_req.valid && host_write_req_ready) host_writing <= 1'b1;
      else if (host_write_done.valid) host_writing <= 1'b0;
      unique case (state_q)
        StIdle:
        if (begins) begin
          state_q <= StRun;
          sequence_q <= '0;
          program_address <= engine_job.program_address[39:0];
          length <= engine_job.length;
          repeats <= engine_job.runs;
          input_address <= engine_job.input_address;
          output_address <= engine_job.output_address;
          input_stride_q <= engine_job.input_stride;
          output_stride_q <= engine_job.output_stride;
          error_q <= EngineNone;
          busy_q <= '0;
        end
        StRun: begin
          busy_q <= busy_q + 64'(step);
          if (error != EngineNone) begin
            error_q <= error;
            state_q <= StQuiet;
          end else if (sequence_end) begin
            sequence_q     <= sequence_q + 1'b1;
            input_address  <= input_address + 64'(input_stride_q);
            output_address <= output_address + 64'(output_stride_q);
            if (sequence_q == repeats - 1'b1) state_q <= StDone;
          end
        end
        // The engine finishes an open write with undefined words, so that the port is free for the
        // next job.
        StQuiet: if (card_idle && !host_reading_q && !host_writing) state_q <= StDone;
        default: state_q <= StIdle;
      endcase
    end
  end
endmodule
