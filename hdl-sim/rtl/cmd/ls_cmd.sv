// The command processor: everything of the card but the engine. Registers, the two rings, the jobs under way, the copier, the ports to
// memory, interrupts, reset. The engine stands at the engine_* ports.
module ls_cmd #(
    parameter int unsigned ArraySize = 8,
    parameter int unsigned DataWidth = 64,  // of both memory ports: 64, 128, 256, 512
    parameter longint unsigned CardBytes = 64'h1_0000_0000,
    parameter int unsigned MaxTokens = lockstep_pkg::TokensMax,
    parameter int unsigned MaxHidden = lockstep_pkg::HiddenMax,
    parameter int unsigned Jobs = 4,
    parameter int unsigned ReadBeats = 64,  // most beats of a burst
    parameter int unsigned WriteBeats = 16,
    parameter int unsigned Outstanding = 16,  // bursts of one port
    parameter int unsigned ProgramVersion = lockstep_pkg::ProgramVersion,
    parameter int unsigned ClockKhz = 0,
    parameter logic [31:0] BuildId = '0,
    parameter int unsigned ADepth = 0,
    parameter int unsigned BDepth = 0,
    parameter int unsigned VDepth = 0,
    parameter int unsigned YDepth = 0,
    parameter int unsigned PDepth = 0,
    parameter int unsigned RingDepth = 0,
    localparam int unsigned EngineEvents = lockstep_pkg::Events - lockstep_pkg::OuterEvents
) (
    input logic clk_i,
    input logic rst_ni,
    input logic regs_awvalid_i,
    output logic regs_awready_o,
    input logic [lockstep_pkg::OffsetBits-1:0] regs_awaddr_i,
    input logic regs_wvalid_i,
    output logic regs_wready_o,
    input logic [31:0] regs_wdata_i,
    input logic [3:0] regs_wstrb_i,
    output logic regs_bvalid_o,
    input logic regs_bready_i,
    output logic [1:0] regs_bresp_o,
    input logic regs_arvalid_i,
    output logic regs_arready_o,
    input logic [lockstep_pkg::OffsetBits-1:0] regs_araddr_i,
    output logic regs_rvalid_o,
    input logic regs_rready_i,
    output logic [31:0] regs_rdata_o,
    output logic [1:0] regs_rresp_o,
    output logic host_arvalid_o,
    input logic host_arready_i,
    output logic [63:0] host_araddr_o,
    output logic [7:0] host_arlen_o,
    output logic [2:0] host_arsize_o,
    output logic [1:0] host_arburst_o,
    input logic host_rvalid_i,
    output logic host_rready_o,
    input logic [DataWidth-1:0] host_rdata_i,
    input logic [1:0] host_rresp_i,
    input logic host_rlast_i,
    output logic host_awvalid_o,
    input logic host_awready_i,
    output logic [63:0] host_awaddr_o,
    output logic [7:0] host_awlen_o,
    output logic [2:0] host_awsize_o,
    output logic [1:0] host_awburst_o,
    output logic host_wvalid_o,
    input logic host_wready_i,
    output logic [DataWidth-1:0] host_wdata_o,
    output logic [DataWidth/8-1:0] host_wstrb_o,
    output logic host_wlast_o,
    input logic host_bvalid_i,
    output logic host_bready_o,
    input logic [1:0] host_bresp_i,
    output logic card_arvalid_o,
    input logic card_arready_i,
    output logic [63:0] card_araddr_o,
    output logic [7:0] card_arlen_o,
    output logic [2:0] card_arsize_o,
    output logic [1:0] card_arburst_o,
    input logic card_rvalid_i,
    output logic card_rready_o,
    input logic [DataWidth-1:0] card_rdata_i,
    input logic [1:0] card_rresp_i,
    input logic card_rlast_i,
    output logic card_awvalid_o,
    input logic card_awready_i,
    output logic [63:0] card_awaddr_o,
    output logic [7:0] card_awlen_o,
    output logic [2:0] card_awsize_o,
    output logic [1:0] card_awburst_o,
    output logic card_wvalid_o,
    input logic card_wready_i,
    output logic [DataWidth-1:0] card_wdata_o,
    output logic [DataWidth/8-1:0] card_wstrb_o,
    output logic card_wlast_o,
    input logic card_bvalid_i,
    output logic card_bready_o,
    input logic [1:0] card_bresp_i,
    output logic [lockstep_pkg::Vectors-1:0] irq_o,
    output logic engine_clear_o,  // soft reset: all work is dropped
    output logic engine_job_valid_o,
    input logic engine_job_ready_i,
    output logic [63:0] engine_job_program_o,  // card address
    output logic [15:0] engine_job_length_o,  // instructions
    output logic [63:0] engine_job_input_o,  // IOVA
    output logic [63:0] engine_job_output_o,  // IOVA
    output logic [15:0] engine_job_runs_o,
    output logic [31:0] engine_job_input_stride_o,
    output logic [31:0] engine_job_output_stride_o,
    input logic engine_done_valid_i,  // taken at once
    input logic [7:0] engine_done_error_i,  // DESIGN.md, "Errors"
    input logic [63:0] engine_done_busy_i,  // cycles
    output logic engine_abort_o,  // the job under way shall end; until it has
    input logic engine_card_req_valid_i,
    output logic engine_card_req_ready_o,
    input logic [63:0] engine_card_req_addr_i,
    input logic [31:0] engine_card_req_bytes_i,
    output logic engine_card_valid_o,
    input logic engine_card_ready_i,
    output logic [DataWidth-1:0] engine_card_data_o,
    output logic engine_card_last_o,
    output logic engine_card_error_o,
    input logic engine_read_req_valid_i,
    output logic engine_read_req_ready_o,
    input logic [63:0] engine_read_req_addr_i,
    input logic [31:0] engine_read_req_bytes_i,
    output logic engine_read_valid_o,
    input logic engine_read_ready_i,
    output logic [DataWidth-1:0] engine_read_data_o,
    output logic engine_read_last_o,
    output logic engine_read_error_o,
    input logic engine_write_req_valid_i,
    output logic engine_write_req_ready_o,
    input logic [63:0] engine_write_req_addr_i,
    input logic [31:0] engine_write_req_bytes_i,
    input logic engine_write_valid_i,
    output logic engine_write_ready_o,
    input logic [DataWidth-1:0] engine_write_data_i,
    output logic engine_write_done_o,  // for one cycle
    output logic engine_write_error_o,  // with it
    input logic [EngineEvents-1:0][63:0] engine_counters_i
);
  import lockstep_pkg::*;

  // ---- the driver's side
  logic enable, halted, abort, aborting, drain, clear, idle, busy;
  logic [63:0] submit_base, complete_base;
  logic [ 3:0] ring_log2;
  logic [31:0] watchdog;
  logic [15:0]
      abort_tag,
      submit_producer,
      submit_consumer,
      submit_used,
      complete_producer,
      complete_consumer;
  logic fetched, fetch_error, recorded, notify, record_error, late, stuck;
  logic [3:0] bus_error;
  logic [3:0][63:0] bus_address;
  logic [3:0][1:0] bus_response;
  logic [7:0] jobs;
  logic [Events-1:0][63:0] counters;

  ls_control #(
      .ArraySize(ArraySize),
      .DataWidth(DataWidth),
      .CardBytes(CardBytes),
      .MaxTokens(MaxTokens),
      .MaxHidden(MaxHidden),
      .Jobs(Jobs),
      .ProgramVersion(ProgramVersion),
      .ClockKhz(ClockKhz),
      .BuildId(BuildId),
      .ADepth(ADepth),
      .BDepth(BDepth),
      .VDepth(VDepth),
      .YDepth(YDepth),
      .PDepth(PDepth),
      .RingDepth(RingDepth)
  ) u_control (
      .*,  // registers, interrupts
      .idle_i(idle),
      .drain_o(drain),
      .clear_o(clear),
      .enable_o(enable),
      .halted_o(halted),
      .submit_base_o(submit_base),
      .complete_base_o(complete_base),
      .ring_log2_o(ring_log2),
      .watchdog_o(watchdog),
      .abort_o(abort),
      .abort_tag_o(abort_tag),
      .submit_producer_o(submit_producer),
      .submit_consumer_o(submit_consumer),
      .submit_used_o(submit_used),
      .complete_producer_o(complete_producer),
      .complete_consumer_o(complete_consumer),
      .fetched_i(fetched),
      .recorded_i(recorded),
      .notify_i(notify),
      .bus_error_i(bus_error),
      .bus_address_i(bus_address),
      .bus_response_i(bus_response),
      .fetch_error_i(fetch_error),
      .record_error_i(record_error),
      .late_i(late),
      .stuck_i(stuck),
      .aborting_i(aborting),
      .busy_i(busy),
      .jobs_i(jobs),
      .counters_i(counters)
  );

  // ---- users of host memory (reads: fetch, copy, engine; writes: record, copy, engine) and of card memory (copy, engine)
  logic [2:0] hr_req_valid, hr_req_ready, hr_valid, hr_ready;
  logic [2:0][63:0] hr_addr, hr_fault;
  logic [2:0][31:0] hr_bytes;
  logic [DataWidth-1:0] hr_data, cr_data;
  logic hr_last, hr_error, cr_last, cr_error;
  logic [1:0] cr_req_valid, cr_req_ready, cr_valid, cr_ready;
  logic [1:0][63:0] cr_addr, cr_fault;
  logic [1:0][31:0] cr_bytes;
  logic [2:0] hw_req_valid, hw_req_ready, hw_valid, hw_ready, hw_done, hw_fault_valid;
  logic [2:0][63:0] hw_addr, hw_fault;
  logic [2:0][31:0] hw_bytes;
  logic [2:0][DataWidth-1:0] hw_data;
  logic hw_error, cw_error;
  logic cw_req_valid, cw_req_ready, cw_valid, cw_ready, cw_done;
  logic [63:0] cw_addr, cw_fault;
  logic [31:0] cw_bytes;
  logic [DataWidth-1:0] cw_data;
  logic copy_start;

  ls_ports #(
      .DataWidth  (DataWidth),
      .ReadBeats  (ReadBeats),
      .WriteBeats (WriteBeats),
      .Outstanding(Outstanding)
  ) u_ports (
      .*,  // the two buses
      .drain_i(drain),
      .clear_i(clear),
      .idle_o(idle),
      .copy_start_i(copy_start),
      .engine_done_i(engine_done_valid_i),
      .hr_req_valid_i(hr_req_valid),
      .hr_req_ready_o(hr_req_ready),
      .hr_addr_i(hr_addr),
      .hr_bytes_i(hr_bytes),
      .hr_valid_o(hr_valid),
      .hr_ready_i(hr_ready),
      .hr_data_o(hr_data),
      .hr_last_o(hr_last),
      .hr_error_o(hr_error),
      .hr_fault_o(hr_fault),
      .cr_req_valid_i(cr_req_valid),
      .cr_req_ready_o(cr_req_ready),
      .cr_addr_i(cr_addr),
      .cr_bytes_i(cr_bytes),
      .cr_valid_o(cr_valid),
      .cr_ready_i(cr_ready),
      .cr_data_o(cr_data),
      .cr_last_o(cr_last),
      .cr_error_o(cr_error),
      .cr_fault_o(cr_fault),
      .hw_req_valid_i(hw_req_valid),
      .hw_req_ready_o(hw_req_ready),
      .hw_addr_i(hw_addr),
      .hw_bytes_i(hw_bytes),
      .hw_valid_i(hw_valid),
      .hw_ready_o(hw_ready),
      .hw_data_i(hw_data),
      .hw_done_o(hw_done),
      .hw_error_o(hw_error),
      .hw_fault_valid_o(hw_fault_valid),
      .hw_fault_o(hw_fault),
      .cw_req_valid_i(cw_req_valid),
      .cw_req_ready_o(cw_req_ready),
      .cw_addr_i(cw_addr),
      .cw_bytes_i(cw_bytes),
      .cw_valid_i(cw_valid),
      .cw_ready_o(cw_ready),
      .cw_data_i(cw_data),
      .cw_done_o(cw_done),
      .cw_error_o(cw_error),
      .cw_fault_o(cw_fault),
      .bus_error_o(bus_error),
      .bus_address_o(bus_address),
      .bus_response_o(bus_response)
  );

  // ---- descriptors to jobs to records
  logic [OuterEvents-1:0][47:0] outer;
  logic ended, ended_ok;
  assign engine_clear_o = drain;

  ls_work #(
      .ArraySize(ArraySize),
      .DataWidth(DataWidth),
      .CardBytes(CardBytes),
      .MaxTokens(MaxTokens),
      .MaxHidden(MaxHidden),
      .Jobs(Jobs)
  ) u_work (
      .*,  // the engine
      .drain_i(drain),
      .enable_i(enable),
      .halted_i(halted),
      .submit_base_i(submit_base),
      .complete_base_i(complete_base),
      .ring_log2_i(ring_log2),
      .watchdog_i(watchdog),
      .abort_i(abort),
      .abort_tag_i(abort_tag),
      .submit_producer_i(submit_producer),
      .submit_consumer_i(submit_consumer),
      .submit_used_i(submit_used),
      .complete_producer_i(complete_producer),
      .complete_consumer_i(complete_consumer),
      .now_i(outer[EventCycles]),
      .fetched_o(fetched),
      .fetch_error_o(fetch_error),
      .recorded_o(recorded),
      .notify_o(notify),
      .record_error_o(record_error),
      .late_o(late),
      .stuck_o(stuck),
      .aborting_o(aborting),
      .busy_o(busy),
      .jobs_o(jobs),
      .ended_o(ended),
      .ended_ok_o(ended_ok),
      .copy_start_o(copy_start),
      .hr_req_valid_o(hr_req_valid),
      .hr_addr_o(hr_addr),
      .hr_bytes_o(hr_bytes),
      .hr_ready_o(hr_ready),
      .hr_req_ready_i(hr_req_ready),
      .hr_valid_i(hr_valid),
      .hr_data_i(hr_data),
      .hr_last_i(hr_last),
      .hr_error_i(hr_error),
      .hr_fault_i(hr_fault),
      .cr_req_valid_o(cr_req_valid),
      .cr_addr_o(cr_addr),
      .cr_bytes_o(cr_bytes),
      .cr_ready_o(cr_ready),
      .cr_req_ready_i(cr_req_ready),
      .cr_valid_i(cr_valid),
      .cr_data_i(cr_data),
      .cr_last_i(cr_last),
      .cr_error_i(cr_error),
      .cr_fault_i(cr_fault),
      .hw_req_valid_o(hw_req_valid),
      .hw_addr_o(hw_addr),
      .hw_bytes_o(hw_bytes),
      .hw_valid_o(hw_valid),
      .hw_data_o(hw_data),
      .hw_req_ready_i(hw_req_ready),
      .hw_ready_i(hw_ready),
      .hw_done_i(hw_done),
      .hw_error_i(hw_error),
      .hw_fault_valid_i(hw_fault_valid),
      .hw_fault_i(hw_fault),
      .cw_req_valid_o(cw_req_valid),
      .cw_addr_o(cw_addr),
      .cw_bytes_o(cw_bytes),
      .cw_valid_o(cw_valid),
      .cw_data_o(cw_data),
      .cw_req_ready_i(cw_req_ready),
      .cw_ready_i(cw_ready),
      .cw_done_i(cw_done),
      .cw_error_i(cw_error),
      .cw_fault_i(cw_fault)
  );

  // ---- counters
  logic [OuterEvents-1:0][7:0] step;
  always_comb begin
    step = '0;
    step[EventCycles] = 8'd1;
    step[EventBusy] = 8'(jobs != '0);
    step[EventJobsOk] = 8'(ended && ended_ok);
    step[EventJobsFailed] = 8'(ended && !ended_ok);
    step[EventHostReadBytes] = (host_rvalid_i && host_rready_o) ? 8'(DataWidth / 8) : '0;
    step[EventHostWriteBytes] = (host_wvalid_o && host_wready_i) ? 8'(DataWidth / 8) : '0;
    step[EventCardReadBytes] = (card_rvalid_i && card_rready_o) ? 8'(DataWidth / 8) : '0;
    step[EventCardWriteBytes] = (card_wvalid_o && card_wready_i) ? 8'(DataWidth / 8) : '0;
    step[EventHostReadHeld] = 8'(host_rvalid_i && !host_rready_o);
    step[EventHostWriteHeld] = 8'(host_wvalid_o && !host_wready_i);
    step[EventCardReadHeld] = 8'(card_rvalid_i && !card_rready_o);
    step[EventCardWriteHeld] = 8'(card_wvalid_o && !card_wready_i);
    for (int unsigned i = 0; i < OuterEvents; i++) counters[i] = 64'(outer[i]);
    for (int unsigned i = 0; i < EngineEvents; i++) counters[OuterEvents+i] = engine_counters_i[i];
  end
  ls_counters #(
      .Count(OuterEvents)
  ) u_counters (
      .clk_i,
      .rst_ni,
      .step_i (step),
      .count_o(outer)
  );
endmodule
