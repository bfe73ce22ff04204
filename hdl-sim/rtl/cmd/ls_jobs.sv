// The jobs under way: starts commands in order, collects how they end, and hands the endings over in order.
//
// A job goes to the engine, to the copier, or, refused or without work, nowhere. Engine and copier each end their jobs in the order they
// got them; a job is meant by its place in that order, not by its tag. An abort or the watchdog marks a job; the unit that
// works on a marked job sees abort_o until it has ended it.
module ls_jobs #(
    parameter int unsigned Jobs = 4  // a power of two, at least 2
) (
    input logic clk_i,
    input logic rst_ni,
    input logic clear_i,
    input logic run_i,  // new jobs may start
    input logic [47:0] now_i,  // clock cycles
    input logic [31:0] watchdog_i,  // cycles, 0 for never
    input logic command_valid_i,
    output logic command_ready_o,
    input ls_cmd_pkg::start_t command_i,
    output logic engine_valid_o,
    input logic engine_ready_i,
    input logic engine_done_i,
    input lockstep_pkg::status_e engine_status_i,
    input logic [7:0] engine_detail_i,
    input logic [31:0] engine_busy_i,
    input logic [63:0] engine_address_i,
    output logic engine_abort_o,
    output logic copy_valid_o,
    input logic copy_ready_i,
    input logic copy_done_i,
    input lockstep_pkg::status_e copy_status_i,
    input logic [63:0] copy_address_i,
    output logic copy_abort_o,
    output logic ending_valid_o,
    input logic ending_ready_i,
    output ls_cmd_pkg::ending_t ending_o,
    input logic abort_valid_i,  // abort the job with this tag
    input logic [15:0] abort_tag_i,
    input logic [15:0] submitted_i,  // producer index of the submission ring
    output logic aborting_o,  // a submitted job that has not started may still be meant
    output logic watchdog_o,  // for one cycle: it stopped a job
    output logic stuck_o,  // for one cycle: the stopped job did not end
    output logic [7:0] count_o  // jobs under way
);
  import lockstep_pkg::*;
  import ls_cmd_pkg::*;

  localparam int unsigned IndexWidth = $clog2(Jobs);

  // The table: a ring of places. A place is whom it waits for, or has ended.
  logic [Jobs-1:0] valid_q, done_q, engine_q, abort_q, late_q;
  ending_t ending_q[Jobs];
  logic [IndexWidth-1:0] head_q, tail_q, engine_place, copy_place;
  logic engine_any, copy_any;

  // The oldest place that waits for the engine, and for the copier.
  always_comb begin
    engine_place = head_q;
    copy_place   = head_q;
    engine_any   = 1'b0;
    copy_any     = 1'b0;
    for (int unsigned i = 0; i < Jobs; i++) begin
      // From the youngest to the oldest: the last assignment wins.
      if (valid_q[head_q+IndexWidth'(Jobs-1-i)] && !done_q[head_q+IndexWidth'(Jobs-1-i)]) begin
        if (engine_q[head_q+IndexWidth'(Jobs-1-i)]) begin
          engine_any   = 1'b1;
          engine_place = head_q + IndexWidth'(Jobs - 1 - i);
        end else begin
          copy_any   = 1'b1;
          copy_place = head_q + IndexWidth'(Jobs - 1 - i);
        end
      end
    end
  end
  assign engine_abort_o = engine_any && abort_q[engine_place];
  assign copy_abort_o   = copy_any && abort_q[copy_place];

  // An abort is remembered until every descriptor that was submitted before it has started; a second one meanwhile only hits jobs under way.
  logic aborting_q, meant, abort_now;
  logic [15:0] abort_tag_q, abort_end_q, started_q;
  assign aborting_o = aborting_q;
  assign abort_now  = abort_valid_i && !aborting_q;
  assign meant      = aborting_q && started_q != abort_end_q && command_i.tag == abort_tag_q;

  // Start. What was offered to a unit stays offered, and is marked if an abort comes in between.
  logic free, may, offered_q, refused, start;
  assign free = !valid_q[tail_q];
  assign may = run_i && command_valid_i && free && !(command_i.fence && valid_q != '0);
  assign refused         = command_i.status != StatusOk || command_i.opcode == OpNop || (meant && !offered_q);
  assign engine_valid_o = (offered_q || (may && !refused)) && command_i.opcode == OpRun;
  assign copy_valid_o = (offered_q || (may && !refused)) && command_i.opcode != OpRun;
  assign start           = (engine_valid_o && engine_ready_i) || (copy_valid_o && copy_ready_i) ||
                           (may && refused && !offered_q);
  assign command_ready_o = start;

  // Watchdog: how long the oldest job has been the oldest.
  logic [31:0] age_q;
  logic head_waits, expired;
  assign head_waits     = valid_q[head_q] && !done_q[head_q];
  assign expired        = head_waits && watchdog_i != '0 && age_q >= watchdog_i;
  assign watchdog_o     = expired && !late_q[head_q];
  assign stuck_o        = expired && late_q[head_q];

  assign ending_valid_o = run_i && valid_q[head_q] && done_q[head_q];
  assign ending_o       = ending_q[head_q];

  always_comb begin
    count_o = '0;
    for (int unsigned i = 0; i < Jobs; i++) count_o = count_o + 8'(valid_q[i]);
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
    end else if (clear_i) begin
      valid_q    <= '0;
      head_q     <= '0;
      tail_q     <= '0;
      offered_q  <= 1'b0;
      aborting_q <= 1'b0;
      started_q  <= '0;
      age_q      <= '0;
    end else begin
      offered_q <= (engine_valid_o || copy_valid_o) && !start;
      for (int unsigned i = 0; i < Jobs; i++) begin
        if (abort_valid_i && valid_q[i] && ending_q[i].tag == abort_tag_i) abort_q[i] <= 1'b1;
      end
      if (abort_now) begin
        aborting_q  <= 1'b1;
        abort_tag_q <= abort_tag_i;
        abort_end_q <= submitted_i;
      end else if (started_q == abort_end_q) begin
        aborting_q <= 1'b0;
      end
      if (watchdog_o) begin
        abort_q[head_q] <= 1'b1;
        late_q[head_q]  <= 1'b1;
      end
      age_q <= (head_waits && !expired) ? age_q + 32'd1 : '0;
      if (engine_done_i) done_q[engine_place] <= 1'b1;
      if (copy_done_i) done_q[copy_place] <= 1'b1;
      if (start) begin
        valid_q[tail_q]  <= 1'b1;
        done_q[tail_q]   <= refused && !offered_q;
        engine_q[tail_q] <= command_i.opcode == OpRun;
        abort_q[tail_q]  <= meant || (abort_valid_i && command_i.tag == abort_tag_i);
        late_q[tail_q]   <= 1'b0;
        tail_q           <= tail_q + 1'b1;
        started_q        <= started_q + 16'd1;
      end
      if (ending_valid_o && ending_ready_i) begin
        valid_q[head_q] <= 1'b0;
        head_q          <= head_q + 1'b1;
      end
    end
  end

  // Endings. The cycle count begins as the time of the start.
  logic stopped, engine_late, copy_late;
  assign stopped = command_i.status == StatusOk && meant && !offered_q;
  assign engine_late = engine_status_i == StatusAborted && late_q[engine_place];
  assign copy_late = copy_status_i == StatusAborted && late_q[copy_place];

  // Each place has its own enables: one that is chosen by an index is a multiplexer in front of every bit.
  logic [47:0] engine_cycles, copy_cycles;
  assign engine_cycles = now_i - ending_q[engine_place].cycles;
  assign copy_cycles   = now_i - ending_q[copy_place].cycles;
  always_ff @(posedge clk_i) begin
    for (int unsigned i = 0; i < Jobs; i++) begin
      if (start && tail_q == IndexWidth'(i)) begin
        ending_q[i].notify <= command_i.notify;
        ending_q[i].tag <= command_i.tag;
        ending_q[i].address <= command_i.fault_address;
        ending_q[i].detail <= '0;
        ending_q[i].array_busy <= '0;
        ending_q[i].cycles <= (refused && !offered_q) ? '0 : now_i;
        ending_q[i].status <= stopped ? StatusAborted : command_i.status;
      end
      if (engine_done_i && engine_place == IndexWidth'(i)) begin
        ending_q[i].status <= engine_late ? StatusWatchdog : engine_status_i;
        ending_q[i].detail <= engine_detail_i;
        ending_q[i].array_busy <= engine_busy_i;
        ending_q[i].address <= engine_address_i;
        ending_q[i].cycles <= engine_cycles;
      end
      if (copy_done_i && copy_place == IndexWidth'(i)) begin
        ending_q[i].status  <= copy_late ? StatusWatchdog : copy_status_i;
        ending_q[i].address <= copy_address_i;
        ending_q[i].cycles  <= copy_cycles;
      end
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !clear_i) begin
      // Only what was started ends.
      a_engine :
      assert (!engine_done_i || engine_any)
      else $error("engine ended no job");
      a_copy :
      assert (!copy_done_i || copy_any)
      else $error("copier ended no job");
      // A place is given away once.
      a_free :
      assert (!start || !valid_q[tail_q])
      else $error("place in use");
    end
  end
`endif
endmodule
