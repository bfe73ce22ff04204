// From descriptors to records: the unit fetches descriptors, runs them as jobs of the engine and of
// the copier, and writes a record for each.
module ls_work
  import ls_bus_pkg::*;
  import ls_cmd_pkg::*;
  import lockstep_pkg::*;
#(
    parameter int unsigned DataWidth = 64,
    parameter card_t Card = DefaultCard
) (
    input logic clk_i,
    input logic rst_ni,
    // the driver's side
    input logic drain,  // a soft reset is under way
    input logic enable,
    input logic halted,
    input ring_t submit,
    input ring_t complete,
    input logic [3:0] ring_log2,
    input logic [31:0] watchdog,
    input abort_t abort,
    input logic [47:0] now,  // clock cycles
    output work_t work,
    output logic ended,  // for one cycle: a job
    output logic ended_ok,  // with it
    // the ports to memory, see ls_ports
    input logic [DataWidth-1:0] host_data,
    input logic [DataWidth-1:0] card_data,
    output request_t fetch_req,
    input logic fetch_req_ready,
    input beat_t fetch_beat,
    output request_t record_req,
    input logic record_req_ready,
    output logic record_valid,
    output logic [DataWidth-1:0] record_data,
    input logic record_ready,
    input answer_t record_done,
    output logic copy_start,
    output request_t [1:0] copy_read,
    input logic [1:0] copy_read_ready,
    input beat_t [1:0] copy_beat,
    output logic [1:0] copy_beat_ready,
    output request_t [1:0] copy_write,
    input logic [1:0] copy_write_ready,
    output logic [1:0] copy_wvalid,
    output logic [DataWidth-1:0] copy_wdata,
    input logic [1:0] copy_wready,
    input answer_t [1:0] copy_done,
    input fault_t [1:0] copy_read_fault,
    input fault_t [1:0] copy_write_fault,
    // the engine
    output job_t engine_job,
    input logic engine_job_ready,
    input done_t engine_done,
    output logic engine_abort,  // the job under way shall end; held until it has ended
    input engine_fault_t engine_fault
);
  command_t command;
  ending_t  ending;
  unit_end_t engine_end, copy_end;
  logic command_valid, command_ready, ending_valid, ending_ready;
  logic copy_valid, copy_ready, copy_abort;
  logic [7:0] jobs;

  ls_fetch #(
      .DataWidth(DataWidth),
      .Depth(4),
      .Card(Card)
  ) u_fetch (
      .*,
      .fetched_o(work.fetched),
      .fetch_error_o(work.fetch_error)
  );

  assign engine_job.program_address = command.card_address;
  assign engine_job.length = command.program_length;
  assign engine_job.runs = command.runs;
  assign engine_job.input_address = command.host_address;
  assign engine_job.input_stride = command.input_stride;
  assign engine_job.output_address = command.output_address;
  assign engine_job.output_stride = command.output_stride;

  // The status for the engine's error code, and the address of a failed transfer.
  always_comb begin
    engine_end = '{
        done: engine_done.valid,
        status: StatusOk,
        address: '0,
        detail: engine_done.error,
        busy: (engine_done.busy[63:32] != '0) ? '1 : engine_done.busy[31:0]
    };
    unique case (engine_error_e'(engine_done.error))
      EngineNone: engine_end.status = StatusOk;
      EngineCardBus: begin
        engine_end.status  = StatusCardRead;
        engine_end.address = engine_fault.card_read.addr;
      end
      EngineHostBus: begin
        engine_end.status = engine_fault.host_write.valid ? StatusHostWrite : StatusHostRead;
        engine_end.address = engine_fault.host_write.valid ? engine_fault.host_write.addr :
            engine_fault.host_read.addr;
      end
      EngineBadInput: engine_end.status = StatusBadInput;
      EngineAborted: engine_end.status = StatusAborted;
      default: engine_end.status = StatusBadInstruction;  // EngineIllegalInstruction
    endcase
  end

  ls_jobs #(
      .Jobs(32'(Card.jobs))
  ) u_jobs (
      .*,
      .run_i(!halted && !drain),
      .command_i(command.start),
      .engine_valid_o(engine_job.valid),
      .aborting_o(work.aborting),
      .late_o(work.late),
      .stuck_o(work.stuck),
      .jobs_o(jobs)
  );

  assign copy_start = copy_valid && copy_ready;

  ls_copy #(
      .DataWidth (DataWidth),
      .ChunkBytes(DataWidth * 8)
  ) u_copy (
      .*,
      .copy_rdata({card_data, host_data})
  );

  ls_record #(
      .DataWidth(DataWidth)
  ) u_record (
      .*,
      .recorded_o(work.recorded),
      .notify_o(work.notify),
      .record_error_o(work.record_error)
  );

  assign ended = ending_valid && ending_ready;
  assign ended_ok = ending.status == StatusOk;
  assign work.jobs = jobs;
  assign work.busy = jobs != '0 || command_valid || submit.used != '0;

  // The rules of the handshakes: only a soft reset withdraws an offer. The engine and the copier
  // are offered the command, which stays.
  ls_handshake_check #(
      .Width($bits(command_t)),
      .Count(3)
  ) u_check_commands (
      .*,
      .clear_i(drain),
      .valid_i({command_valid, engine_job.valid, copy_valid}),
      .ready_i({command_ready, engine_job_ready, copy_ready}),
      .data_i ({3{command}})
  );
  ls_handshake_check #(
      .Width($bits(ending))
  ) u_check_ending (
      .*,
      .clear_i(drain || halted),
      .valid_i(ending_valid),
      .ready_i(ending_ready),
      .data_i (ending)
  );
endmodule
