// The table of jobs under way: starts commands in order, collects how the jobs end, and hands their
// endings over in order.
//
// A job goes to the engine or to the copier. A job that is refused or has no work goes to neither.
// The engine and the copier each end their jobs in the order in which they got them, so an ending
// belongs to the oldest job of its unit, whatever the tags are. An abort or the watchdog marks a
// job. The unit that works on a marked job sees its abort signal until it has ended the job.
module ls_jobs
  import ls_bus_pkg::*;
  import ls_cmd_pkg::*;
  import lockstep_pkg::*;
#(
    parameter int unsigned Jobs = 4  // a power of two, at least 2
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             drain,
    input  logic             run_i,             // new jobs may start
    input  logic      [47:0] now,               // clock cycles
    input  logic      [31:0] watchdog,          // cycles, 0 for never
    input  logic             command_valid,
    output logic             command_ready,
    input  start_t           command_i,
    output logic             engine_valid_o,
    input  logic             engine_job_ready,
    input  unit_end_t        engine_end,
    output logic             engine_abort,
    output logic             copy_valid,
    input  logic             copy_ready,
    input  unit_end_t        copy_end,
    output logic             copy_abort,
    output logic             ending_valid,
    input  logic             ending_ready,
    output ending_t          ending,
    input  abort_t           abort,
    input  ring_t            submit,
    output logic             aborting_o,        // an abort may still hit a job that has not started
    output logic             late_o,            // for one cycle: the watchdog stopped a job
    output logic             stuck_o,           // for one cycle: the stopped job did not end
    output logic      [ 7:0] jobs_o             // under way
);
  localparam int unsigned IndexWidth = $clog2(Jobs);

  // The table is a ring of entries. An entry waits for the engine or for the copier, or its job has
  // ended.
  logic [Jobs-1:0] valid_q, done_q, engine_q, abort_q, late_q;
  ending_t ending_q[Jobs];
  logic [IndexWidth-1:0] head_q, tail_q, engine_entry, copy_entry;
  logic engine_any, copy_any;

  // The oldest entry that waits for the engine, and the oldest one that waits for the copier.
  always_comb begin
    engine_entry = head_q;
    copy_entry   = head_q;
    engine_any   = 1'b0;
    copy_any     = 1'b0;
    for (int unsigned i = 0; i < Jobs; i++) begin
      // From the youngest entry to the oldest: the last assignment wins.
      if (valid_q[head_q+IndexWidth'(Jobs-1-i)] && !done_q[head_q+IndexWidth'(Jobs-1-i)]) begin
        if (engine_q[head_q+IndexWidth'(Jobs-1-i)]) begin
          engine_any   = 1'b1;
          engine_entry = head_q + IndexWidth'(Jobs - 1 - i);
        end else begin
          copy_any   = 1'b1;
          copy_entry = head_q + IndexWidth'(Jobs - 1 - i);
        end
      end
    end
  end
  assign engine_abort = engine_any && abort_q[engine_entry];
  assign copy_abort   = copy_any && abort_q[copy_entry];

  // The table remembers an abort until every descriptor that was submitted before it has started. A
  // second abort in that time hits only jobs under way.
  logic aborting_q, meant, abort_now;
  logic [15:0] abort_tag_q, abort_end_q, started_q;
  assign aborting_o = aborting_q;
  assign abort_now  = abort.valid && !aborting_q;
  assign meant      = aborting_q && started_q != abort_end_q && command_i.tag == abort_tag_q;

  // Starts. A job that was offered to a unit stays offered. An abort that comes before the unit has
  // taken it marks it.
  logic free, may, offered_q, refused, start;
  assign free = !valid_q[tail_q];
  assign may = run_i && command_valid && free && !(command_i.fence && valid_q != '0);
  assign refused         = command_i.status != StatusOk || command_i.opcode == OpNop || (meant && !offered_q);
  assign engine_valid_o = (offered_q || (may && !refused)) && command_i.opcode == OpRun;
  assign copy_valid = (offered_q || (may && !refused)) && command_i.opcode != OpRun;
  assign start           = (engine_valid_o && engine_job_ready) || (copy_valid && copy_ready) ||
                           (may && refused && !offered_q);
  assign command_ready = start;

  // The watchdog counts the cycles since the oldest job became the oldest.
  logic [31:0] age_q;
  logic head_waits, expired;
  assign head_waits   = valid_q[head_q] && !done_q[head_q];
  assign expired      = head_waits && watchdog != '0 && age_q >= watchdog;
  assign late_o       = expired && !late_q[head_q];
  assign stuck_o      = expired && late_q[head_q];

  assign ending_valid = run_i && valid_q[head_q] && done_q[head_q];
  assign ending       = ending_q[head_q];

  always_comb begin
    jobs_o = '0;
    for (int unsigned i = 0; i < Jobs; i++) jobs_o = jobs_o + 8'(valid_q[i]);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q     <= '0;
      done_q      <= '0;
      engine_q    <= '0;
      abort_q     <= '0;
      late_q      <= '0;
      head_q      <= '0;
      tail_q      <= '0;
      offered_q   <= 1'b0;
      aborting_q  <= 1'b0;
      abort_tag_q <= '0;
      abort_end_q <= '0;
      started_q   <= '0;
      age_q       <= '0;
    end else if (drain) begin
      valid_q    <= '0;
      head_q     <= '0;
      tail_q     <= '0;
      offered_q  <= 1'b0;
      aborting_q <= 1'b0;
      started_q  <= '0;
      age_q      <= '0;
    end else begin
      offered_q <= (engine_valid_o || copy_valid) && !start;
      for (int unsigned i = 0; i < Jobs; i++) begin
        if (abort.valid && valid_q[i] && ending_q[i].tag == abort.tag) abort_q[i] <= 1'b1;
      end
      if (abort_now) begin
        aborting_q  <= 1'b1;
        abort_tag_q <= abort.tag;
        abort_end_q <= submit.producer;
      end else if (started_q == abort_end_q) begin
        aborting_q <= 1'b0;
      end
      if (late_o) begin
        abort_q[head_q] <= 1'b1;
        late_q[head_q]  <= 1'b1;
      end
      age_q <= (head_waits && !expired) ? age_q + 32'd1 : '0;
      if (engine_end.done) done_q[engine_entry] <= 1'b1;
      if (copy_end.done) done_q[copy_entry] <= 1'b1;
      if (start) begin
        valid_q[tail_q]  <= 1'b1;
        done_q[tail_q]   <= refused && !offered_q;
        engine_q[tail_q] <= command_i.opcode == OpRun;
        abort_q[tail_q]  <= meant || (abort.valid && command_i.tag == abort.tag);
        late_q[tail_q]   <= 1'b0;
        tail_q           <= tail_q + 1'b1;
        started_q        <= started_q + 16'd1;
      end
      if (ending_valid && ending_ready) begin
        valid_q[head_q] <= 1'b0;
        head_q          <= head_q + 1'b1;
      end
    end
  end

  // Endings. Until the job ends, its cycle count holds the time of its start.
  logic stopped, engine_late, copy_late;
  assign stopped = command_i.status == StatusOk && meant && !offered_q;
  assign engine_late = engine_end.status == StatusAborted && late_q[engine_entry];
  assign copy_late = copy_end.status == StatusAborted && late_q[copy_entry];

  // Each entry has its own enables. An index would put a multiplexer in front of every bit.
  logic [47:0] engine_cycles, copy_cycles;
  assign engine_cycles = now - ending_q[engine_entry].cycles;
  assign copy_cycles   = now - ending_q[copy_entry].cycles;
  always_ff @(posedge clk_i) begin
    for (int unsigned i = 0; i < Jobs; i++) begin
      if (start && tail_q == IndexWidth'(i)) begin
        ending_q[i].notify <= command_i.notify;
        ending_q[i].tag <= command_i.tag;
        ending_q[i].address <= command_i.fault_address;
        ending_q[i].detail <= '0;
        ending_q[i].array_busy <= '0;
        ending_q[i].cycles <= (refused && !offered_q) ? '0 : now;
        ending_q[i].status <= stopped ? StatusAborted : command_i.status;
      end
      if (engine_end.done && engine_entry == IndexWidth'(i)) begin
        ending_q[i].status <= engine_late ? StatusWatchdog : engine_end.status;
        ending_q[i].detail <= engine_end.detail;
        ending_q[i].array_busy <= engine_end.busy;
        ending_q[i].address <= engine_end.address;
        ending_q[i].cycles <= engine_cycles;
      end
      if (copy_end.done && copy_entry == IndexWidth'(i)) begin
        ending_q[i].status  <= copy_late ? StatusWatchdog : copy_end.status;
        ending_q[i].address <= copy_end.address;
        ending_q[i].cycles  <= copy_cycles;
      end
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !drain) begin
      // Only a job that was started ends.
      a_engine :
      assert (!engine_end.done || engine_any)
      else $error("engine ended no job");
      a_copy :
      assert (!copy_end.done || copy_any)
      else $error("copier ended no job");
      // An entry is given to one job at a time.
      a_free :
      assert (!start || !valid_q[tail_q])
      else $error("entry in use");
    end
  end
`endif
endmodule
