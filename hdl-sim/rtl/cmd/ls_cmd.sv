// The command processor: everything of the card but the engine. Registers, the two rings, the jobs under way, the copier, the ports to
// memory, interrupts, reset. The engine stands at the engine_* ports.
module ls_cmd #(
    parameter int unsigned ArraySize = 8,
    parameter int unsigned DataWidth = 64,  // of both memory ports: 64, 128, 256, 512
    parameter longint unsigned CardBytes = 64'h1_0000_0000,
    parameter int unsigned MaxTokens = 512,
    parameter int unsigned MaxHidden = 1024,
    parameter int unsigned Jobs = 4,
    parameter int unsigned ReadBeats = 64,  // most beats of a burst
    parameter int unsigned WriteBeats = 16,
    parameter int unsigned Outstanding = 16,  // bursts of one port
    parameter int unsigned ProgramVersion = 1,
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
  import ls_cmd_pkg::*;

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
  logic fetched, fetch_error, recorded, record_interrupt, record_error, late, stuck;
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
      .clk_i,
      .rst_ni,
      .regs_awvalid_i,
      .regs_awready_o,
      .regs_awaddr_i,
      .regs_wvalid_i,
      .regs_wready_o,
      .regs_wdata_i,
      .regs_wstrb_i,
      .regs_bvalid_o,
      .regs_bready_i,
      .regs_bresp_o,
      .regs_arvalid_i,
      .regs_arready_o,
      .regs_araddr_i,
      .regs_rvalid_o,
      .regs_rready_i,
      .regs_rdata_o,
      .regs_rresp_o,
      .irq_o(irq_o),
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
      .notify_i(record_interrupt),
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
  logic cw_req_ready, cw_ready, cw_done;
  logic [63:0] cw_fault;
  logic copy_start, engine_done;
  logic [1:0] copy_read_valid, copy_write_valid, copy_data_ready, copy_data_valid;
  logic [63:0] copy_read_addr, copy_write_addr;
  logic [31:0] copy_read_bytes, copy_write_bytes;
  logic [DataWidth-1:0] copy_data;

  ls_ports #(
      .DataWidth  (DataWidth),
      .ReadBeats  (ReadBeats),
      .WriteBeats (WriteBeats),
      .Outstanding(Outstanding)
  ) u_ports (
      .clk_i,
      .rst_ni,
      .drain_i(drain),
      .clear_i(clear),
      .idle_o(idle),
      .copy_start_i(copy_start),
      .engine_done_i(engine_done),
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
      .cw_req_valid_i(copy_write_valid[1]),
      .cw_req_ready_o(cw_req_ready),
      .cw_addr_i(copy_write_addr),
      .cw_bytes_i(copy_write_bytes),
      .cw_valid_i(copy_data_valid[1]),
      .cw_ready_o(cw_ready),
      .cw_data_i(copy_data),
      .cw_done_o(cw_done),
      .cw_error_o(cw_error),
      .cw_fault_o(cw_fault),
      .bus_error_o(bus_error),
      .bus_address_o(bus_address),
      .bus_response_o(bus_response),
      .host_arvalid_o,
      .host_arready_i,
      .host_araddr_o,
      .host_arlen_o,
      .host_arsize_o,
      .host_arburst_o,
      .host_rvalid_i,
      .host_rready_o,
      .host_rdata_i,
      .host_rresp_i,
      .host_rlast_i,
      .host_awvalid_o,
      .host_awready_i,
      .host_awaddr_o,
      .host_awlen_o,
      .host_awsize_o,
      .host_awburst_o,
      .host_wvalid_o,
      .host_wready_i,
      .host_wdata_o,
      .host_wstrb_o,
      .host_wlast_o,
      .host_bvalid_i,
      .host_bready_o,
      .host_bresp_i,
      .card_arvalid_o,
      .card_arready_i,
      .card_araddr_o,
      .card_arlen_o,
      .card_arsize_o,
      .card_arburst_o,
      .card_rvalid_i,
      .card_rready_o,
      .card_rdata_i,
      .card_rresp_i,
      .card_rlast_i,
      .card_awvalid_o,
      .card_awready_i,
      .card_awaddr_o,
      .card_awlen_o,
      .card_awsize_o,
      .card_awburst_o,
      .card_wvalid_o,
      .card_wready_i,
      .card_wdata_o,
      .card_wstrb_o,
      .card_wlast_o,
      .card_bvalid_i,
      .card_bready_o,
      .card_bresp_i
  );

  // ---- descriptors to jobs to records
  command_t command;
  ending_t  ending;
  logic command_valid, command_ready, ending_valid, ending_ready;
  logic [OuterEvents-1:0][47:0] outer;

  ls_fetch #(
      .DataWidth(DataWidth),
      .Depth(4),
      .ArraySize(ArraySize),
      .CardBytes(CardBytes),
      .MaxTokens(MaxTokens),
      .MaxHidden(MaxHidden)
  ) u_fetch (
      .clk_i,
      .rst_ni,
      .clear_i(drain),
      .run_i(enable),
      .base_i(submit_base),
      .log2_i(ring_log2),
      .used_i(submit_used),
      .index_i(submit_consumer),
      .records_i(complete_consumer),
      .advance_o(fetched),
      .error_o(fetch_error),
      .req_valid_o(hr_req_valid[HostReadFetch]),
      .req_ready_i(hr_req_ready[HostReadFetch]),
      .req_addr_o(hr_addr[HostReadFetch]),
      .req_bytes_o(hr_bytes[HostReadFetch]),
      .data_valid_i(hr_valid[HostReadFetch]),
      .data_ready_o(hr_ready[HostReadFetch]),
      .data_i(hr_data),
      .data_error_i(hr_error),
      .command_valid_o(command_valid),
      .command_ready_i(command_ready),
      .command_o(command)
  );

  // The engine's own codes, and where it met the bus's.
  status_e engine_status, copy_status;
  logic [63:0] engine_address, copy_address;
  logic copy_valid, copy_ready, copy_done, copy_abort;
  logic [31:0] engine_busy;

  always_comb begin
    engine_address = '0;
    unique case (engine_done_error_i)
      8'd0: engine_status = StatusOk;
      8'd1: engine_status = StatusBadInstruction;
      8'd2: begin
        engine_status  = StatusCardRead;
        engine_address = cr_fault[CardReadEngine];
      end
      8'd3: begin
        engine_status = hw_fault_valid[HostWriteEngine] ? StatusHostWrite : StatusHostRead;
        engine_address = hw_fault_valid[HostWriteEngine] ? hw_fault[HostWriteEngine] : hr_fault[HostReadEngine];
      end
      8'd4: engine_status = StatusBadInput;
      8'd5: engine_status = StatusAborted;
      8'd7: engine_status = StatusMisaligned;
      default: engine_status = StatusBadOperand;
    endcase
  end
  assign engine_done = engine_done_valid_i;
  assign engine_busy = (engine_done_busy_i[63:32] != '0) ? '1 : engine_done_busy_i[31:0];
  assign engine_clear_o = drain;
  assign engine_job_program_o = command.card_address;
  assign engine_job_length_o = command.program_length;
  assign engine_job_input_o = command.host_address;
  assign engine_job_output_o = command.output_address;
  assign engine_job_runs_o = command.runs;
  assign engine_job_input_stride_o = command.input_stride;
  assign engine_job_output_stride_o = command.output_stride;

  ls_jobs #(
      .Jobs(Jobs)
  ) u_jobs (
      .clk_i,
      .rst_ni,
      .clear_i(drain),
      .run_i(!halted && !drain),
      .now_i(outer[EventCycles]),
      .watchdog_i(watchdog),
      .command_valid_i(command_valid),
      .command_ready_o(command_ready),
      .command_i(command.start),
      .engine_valid_o(engine_job_valid_o),
      .engine_ready_i(engine_job_ready_i),
      .engine_done_i(engine_done),
      .engine_status_i(engine_status),
      .engine_detail_i(engine_done_error_i),
      .engine_busy_i(engine_busy),
      .engine_address_i(engine_address),
      .engine_abort_o(engine_abort_o),
      .copy_valid_o(copy_valid),
      .copy_ready_i(copy_ready),
      .copy_done_i(copy_done),
      .copy_status_i(copy_status),
      .copy_address_i(copy_address),
      .copy_abort_o(copy_abort),
      .ending_valid_o(ending_valid),
      .ending_ready_i(ending_ready),
      .ending_o(ending),
      .abort_valid_i(abort),
      .abort_tag_i(abort_tag),
      .submitted_i(submit_producer),
      .aborting_o(aborting),
      .watchdog_o(late),
      .stuck_o(stuck),
      .count_o(jobs)
  );

  assign copy_start = copy_valid && copy_ready;

  ls_copy #(
      .DataWidth (DataWidth),
      .ChunkBytes(DataWidth * 8)
  ) u_copy (
      .clk_i,
      .rst_ni,
      .clear_i(drain),
      .command_valid_i(copy_valid),
      .command_ready_o(copy_ready),
      .to_card_i(command.start.opcode == OpCopyToCard),
      .card_address_i(command.card_address),
      .host_address_i(command.host_address),
      .bytes_i(command.bytes),
      .abort_i(copy_abort),
      .done_o(copy_done),
      .status_o(copy_status),
      .address_o(copy_address),
      .read_valid_o(copy_read_valid),
      .read_ready_i({cr_req_ready[CardReadCopy], hr_req_ready[HostReadCopy]}),
      .read_addr_o(copy_read_addr),
      .read_bytes_o(copy_read_bytes),
      .data_valid_i({cr_valid[CardReadCopy], hr_valid[HostReadCopy]}),
      .data_ready_o(copy_data_ready),
      .data_error_i({cr_error, hr_error}),
      .data_i({cr_data, hr_data}),
      .write_valid_o(copy_write_valid),
      .write_ready_i({cw_req_ready, hw_req_ready[HostWriteCopy]}),
      .write_addr_o(copy_write_addr),
      .write_bytes_o(copy_write_bytes),
      .data_valid_o(copy_data_valid),
      .data_ready_i({cw_ready, hw_ready[HostWriteCopy]}),
      .data_o(copy_data),
      .done_i({cw_done, hw_done[HostWriteCopy]}),
      .done_error_i({cw_error, hw_error}),
      .read_fault_i({cr_fault[CardReadCopy], hr_fault[HostReadCopy]}),
      .write_fault_i({cw_fault, hw_fault[HostWriteCopy]})
  );

  ls_record #(
      .DataWidth(DataWidth)
  ) u_record (
      .clk_i,
      .rst_ni,
      .clear_i(drain),
      .base_i(complete_base),
      .log2_i(ring_log2),
      .index_i(complete_producer),
      .consumer_i(submit_consumer),
      .ending_valid_i(ending_valid),
      .ending_ready_o(ending_ready),
      .ending_i(ending),
      .advance_o(recorded),
      .interrupt_o(record_interrupt),
      .error_o(record_error),
      .req_valid_o(hw_req_valid[HostWriteRecord]),
      .req_ready_i(hw_req_ready[HostWriteRecord]),
      .req_addr_o(hw_addr[HostWriteRecord]),
      .req_bytes_o(hw_bytes[HostWriteRecord]),
      .data_valid_o(hw_valid[HostWriteRecord]),
      .data_ready_i(hw_ready[HostWriteRecord]),
      .data_o(hw_data[HostWriteRecord]),
      .done_i(hw_done[HostWriteRecord]),
      .done_error_i(hw_error)
  );

  // ---- wires of the users
  assign hr_req_valid[HostReadCopy]    = copy_read_valid[0];
  assign hr_addr[HostReadCopy]         = copy_read_addr;
  assign hr_bytes[HostReadCopy]        = copy_read_bytes;
  assign hr_ready[HostReadCopy]        = copy_data_ready[0];
  assign cr_req_valid[CardReadCopy]    = copy_read_valid[1];
  assign cr_addr[CardReadCopy]         = copy_read_addr;
  assign cr_bytes[CardReadCopy]        = copy_read_bytes;
  assign cr_ready[CardReadCopy]        = copy_data_ready[1];
  assign hw_req_valid[HostWriteCopy]   = copy_write_valid[0];
  assign hw_addr[HostWriteCopy]        = copy_write_addr;
  assign hw_bytes[HostWriteCopy]       = copy_write_bytes;
  assign hw_valid[HostWriteCopy]       = copy_data_valid[0];
  assign hw_data[HostWriteCopy]        = copy_data;

  assign hr_req_valid[HostReadEngine]  = engine_read_req_valid_i;
  assign hr_addr[HostReadEngine]       = engine_read_req_addr_i;
  assign hr_bytes[HostReadEngine]      = engine_read_req_bytes_i;
  assign hr_ready[HostReadEngine]      = engine_read_ready_i;
  assign engine_read_req_ready_o       = hr_req_ready[HostReadEngine];
  assign engine_read_valid_o           = hr_valid[HostReadEngine];
  assign engine_read_data_o            = hr_data;
  assign engine_read_last_o            = hr_last;
  assign engine_read_error_o           = hr_error;
  assign cr_req_valid[CardReadEngine]  = engine_card_req_valid_i;
  assign cr_addr[CardReadEngine]       = engine_card_req_addr_i;
  assign cr_bytes[CardReadEngine]      = engine_card_req_bytes_i;
  assign cr_ready[CardReadEngine]      = engine_card_ready_i;
  assign engine_card_req_ready_o       = cr_req_ready[CardReadEngine];
  assign engine_card_valid_o           = cr_valid[CardReadEngine];
  assign engine_card_data_o            = cr_data;
  assign engine_card_last_o            = cr_last;
  assign engine_card_error_o           = cr_error;
  assign hw_req_valid[HostWriteEngine] = engine_write_req_valid_i;
  assign hw_addr[HostWriteEngine]      = engine_write_req_addr_i;
  assign hw_bytes[HostWriteEngine]     = engine_write_req_bytes_i;
  assign hw_valid[HostWriteEngine]     = engine_write_valid_i;
  assign hw_data[HostWriteEngine]      = engine_write_data_i;
  assign engine_write_req_ready_o      = hw_req_ready[HostWriteEngine];
  assign engine_write_ready_o          = hw_ready[HostWriteEngine];
  assign engine_write_done_o           = hw_done[HostWriteEngine];
  assign engine_write_error_o          = hw_error;

  // ---- counters
  logic [OuterEvents-1:0][7:0] step;
  logic ended;
  assign ended = ending_valid && ending_ready;
  assign busy  = jobs != '0 || command_valid || submit_used != '0;
  always_comb begin
    step = '0;
    step[EventCycles] = 8'd1;
    step[EventBusy] = 8'(jobs != '0);
    step[EventJobsOk] = 8'(ended && ending.status == StatusOk);
    step[EventJobsFailed] = 8'(ended && ending.status != StatusOk);
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
