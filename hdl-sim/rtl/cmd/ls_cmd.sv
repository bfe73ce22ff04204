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

  // ---- registers, interrupts, reset
  logic
      reg_write,
      reg_whole,
      soft_reset,
      enable,
      halted,
      submit,
      complete,
      abort,
      aborting,
      error_event;
  logic [OffsetBits-1:0] reg_write_addr, reg_read_addr;
  logic [31:0] reg_write_data, reg_read_data, watchdog;
  logic [63:0] submit_base, complete_base;
  logic [ 3:0] ring_log2;
  logic [15:0] operand;
  logic [IntBits-1:0] int_enable, int_acknowledge, int_force, int_status, int_set;
  logic [ErrorBits-1:0] error_set;
  logic [3:0] bus_error;
  logic [3:0][63:0] bus_address;
  logic [3:0][1:0] bus_response;
  logic drain, clear, busy, host_read_idle, host_write_idle, card_read_idle, card_write_idle;
  logic [7:0] jobs;
  logic [15:0] submit_producer, submit_consumer, submit_used, complete_producer, complete_consumer;
  logic
      submit_bad,
      complete_bad,
      fetched,
      fetch_error,
      recorded,
      record_interrupt,
      record_error,
      late,
      stuck;
  logic [Events-1:0][63:0] counters;

  ls_axil #(
      .AddressWidth(OffsetBits)
  ) u_axil (
      .clk_i,
      .rst_ni,
      .axi_awvalid_i(regs_awvalid_i),
      .axi_awready_o(regs_awready_o),
      .axi_awaddr_i(regs_awaddr_i),
      .axi_wvalid_i(regs_wvalid_i),
      .axi_wready_o(regs_wready_o),
      .axi_wdata_i(regs_wdata_i),
      .axi_wstrb_i(regs_wstrb_i),
      .axi_bvalid_o(regs_bvalid_o),
      .axi_bready_i(regs_bready_i),
      .axi_bresp_o(regs_bresp_o),
      .axi_arvalid_i(regs_arvalid_i),
      .axi_arready_o(regs_arready_o),
      .axi_araddr_i(regs_araddr_i),
      .axi_rvalid_o(regs_rvalid_o),
      .axi_rready_i(regs_rready_i),
      .axi_rdata_o(regs_rdata_o),
      .axi_rresp_o(regs_rresp_o),
      .write_o(reg_write),
      .write_addr_o(reg_write_addr),
      .write_data_o(reg_write_data),
      .write_whole_o(reg_whole),
      .read_addr_o(reg_read_addr),
      .read_data_i(reg_read_data)
  );

  ls_regs #(
      .BuildId(BuildId),
      .ArraySize(ArraySize),
      .DataWidth(DataWidth),
      .CardBytes(CardBytes),
      .MaxTokens(MaxTokens),
      .MaxHidden(MaxHidden),
      .Jobs(Jobs),
      .ProgramVersion(ProgramVersion),
      .ClockKhz(ClockKhz),
      .ADepth(ADepth),
      .BDepth(BDepth),
      .VDepth(VDepth),
      .YDepth(YDepth),
      .PDepth(PDepth),
      .RingDepth(RingDepth)
  ) u_regs (
      .clk_i,
      .rst_ni,
      .clear_i(clear),
      .write_i(reg_write),
      .write_addr_i(reg_write_addr),
      .write_data_i(reg_write_data),
      .write_whole_i(reg_whole),
      .read_addr_i(reg_read_addr),
      .read_data_o(reg_read_data),
      .reset_o(soft_reset),
      .enable_o(enable),
      .halted_o(halted),
      .submit_base_o(submit_base),
      .complete_base_o(complete_base),
      .ring_log2_o(ring_log2),
      .watchdog_o(watchdog),
      .submit_o(submit),
      .complete_o(complete),
      .abort_o(abort),
      .operand_o(operand),
      .int_enable_o(int_enable),
      .int_acknowledge_o(int_acknowledge),
      .int_force_o(int_force),
      .error_event_o(error_event),
      .int_status_i(int_status),
      .error_set_i(error_set),
      .bus_address_i(bus_address),
      .bus_response_i(bus_response),
      .resetting_i(drain),
      .aborting_i(aborting),
      .busy_i(busy),
      .jobs_i(jobs),
      .submit_producer_i(submit_producer),
      .submit_consumer_i(submit_consumer),
      .complete_producer_i(complete_producer),
      .complete_consumer_i(complete_consumer),
      .counters_i(counters)
  );

  always_comb begin
    error_set = '0;
    error_set[3:0] = bus_error;
    error_set[ErrorDescriptorRead] = fetch_error;
    error_set[ErrorCompletionWrite] = record_error;
    error_set[ErrorWatchdog] = late;
    error_set[ErrorEngineStuck] = stuck;
    error_set[ErrorBadDoorbell] = submit_bad || complete_bad;
    int_set = int_force;
    int_set[IntCompletion] = int_force[IntCompletion] || record_interrupt;
    int_set[IntError] = int_force[IntError] || error_event;
  end

  ls_irq #(
      .Count(IntBits)
  ) u_irq (
      .clk_i,
      .rst_ni,
      .clear_i(clear),
      .set_i(int_set),
      .acknowledge_i(int_acknowledge),
      .enable_i(int_enable),
      .status_o(int_status),
      .irq_o(irq_o)
  );

  ls_reset u_reset (
      .clk_i,
      .rst_ni,
      .request_i(soft_reset),
      .idle_i(host_read_idle && host_write_idle && card_read_idle && card_write_idle),
      .drain_o(drain),
      .clear_o(clear)
  );

  // ---- rings
  ls_ring #(
      .HostProduces(1'b1)
  ) u_submit (
      .clk_i,
      .rst_ni,
      .clear_i(drain),
      .log2_i(ring_log2),
      .doorbell_valid_i(submit),
      .doorbell_index_i(operand),
      .doorbell_bad_o(submit_bad),
      .advance_i(fetched),
      .host_index_o(submit_producer),
      .card_index_o(submit_consumer),
      .used_o(submit_used)
  );

  ls_ring #(
      .HostProduces(1'b0)
  ) u_complete (
      .clk_i,
      .rst_ni,
      .clear_i(drain),
      .log2_i(ring_log2),
      .doorbell_valid_i(complete),
      .doorbell_index_i(operand),
      .doorbell_bad_o(complete_bad),
      .advance_i(recorded),
      .host_index_o(complete_consumer),
      .card_index_o(complete_producer),
      .used_o()
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

  ls_read_port #(
      .Count(3),
      .DataWidth(DataWidth),
      .MaxBeats(ReadBeats),
      .Outstanding(Outstanding)
  ) u_host_read (
      .clk_i,
      .rst_ni,
      .drain_i(drain),
      .idle_o(host_read_idle),
      .req_valid_i(hr_req_valid),
      .req_ready_o(hr_req_ready),
      .req_addr_i(hr_addr),
      .req_bytes_i(hr_bytes),
      .data_valid_o(hr_valid),
      .data_ready_i(hr_ready),
      .data_o(hr_data),
      .data_last_o(hr_last),
      .data_error_o(hr_error),
      .fault_clear_i({engine_done, copy_start, 1'b0}),
      .fault_addr_o(hr_fault),
      .error_valid_o(bus_error[2'(PortHostRead)]),
      .error_addr_o(bus_address[2'(PortHostRead)]),
      .error_resp_o(bus_response[2'(PortHostRead)]),
      .axi_arvalid_o(host_arvalid_o),
      .axi_arready_i(host_arready_i),
      .axi_araddr_o(host_araddr_o),
      .axi_arlen_o(host_arlen_o),
      .axi_rvalid_i(host_rvalid_i),
      .axi_rready_o(host_rready_o),
      .axi_rdata_i(host_rdata_i),
      .axi_rresp_i(host_rresp_i),
      .axi_rlast_i(host_rlast_i)
  );

  ls_write_port #(
      .Count(3),
      .DataWidth(DataWidth),
      .MaxBeats(WriteBeats),
      .Outstanding(Outstanding)
  ) u_host_write (
      .clk_i,
      .rst_ni,
      .drain_i(drain),
      .clear_i(clear),
      .idle_o(host_write_idle),
      .req_valid_i(hw_req_valid),
      .req_ready_o(hw_req_ready),
      .req_addr_i(hw_addr),
      .req_bytes_i(hw_bytes),
      .data_valid_i(hw_valid),
      .data_ready_o(hw_ready),
      .data_i(hw_data),
      .done_valid_o(hw_done),
      .done_error_o(hw_error),
      .fault_clear_i({engine_done, copy_start, 1'b0}),
      .fault_valid_o(hw_fault_valid),
      .fault_addr_o(hw_fault),
      .error_valid_o(bus_error[2'(PortHostWrite)]),
      .error_addr_o(bus_address[2'(PortHostWrite)]),
      .error_resp_o(bus_response[2'(PortHostWrite)]),
      .axi_awvalid_o(host_awvalid_o),
      .axi_awready_i(host_awready_i),
      .axi_awaddr_o(host_awaddr_o),
      .axi_awlen_o(host_awlen_o),
      .axi_wvalid_o(host_wvalid_o),
      .axi_wready_i(host_wready_i),
      .axi_wdata_o(host_wdata_o),
      .axi_wstrb_o(host_wstrb_o),
      .axi_wlast_o(host_wlast_o),
      .axi_bvalid_i(host_bvalid_i),
      .axi_bready_o(host_bready_o),
      .axi_bresp_i(host_bresp_i)
  );

  ls_read_port #(
      .Count(2),
      .DataWidth(DataWidth),
      .MaxBeats(ReadBeats),
      .Outstanding(Outstanding)
  ) u_card_read (
      .clk_i,
      .rst_ni,
      .drain_i(drain),
      .idle_o(card_read_idle),
      .req_valid_i(cr_req_valid),
      .req_ready_o(cr_req_ready),
      .req_addr_i(cr_addr),
      .req_bytes_i(cr_bytes),
      .data_valid_o(cr_valid),
      .data_ready_i(cr_ready),
      .data_o(cr_data),
      .data_last_o(cr_last),
      .data_error_o(cr_error),
      .fault_clear_i({engine_done, copy_start}),
      .fault_addr_o(cr_fault),
      .error_valid_o(bus_error[2'(PortCardRead)]),
      .error_addr_o(bus_address[2'(PortCardRead)]),
      .error_resp_o(bus_response[2'(PortCardRead)]),
      .axi_arvalid_o(card_arvalid_o),
      .axi_arready_i(card_arready_i),
      .axi_araddr_o(card_araddr_o),
      .axi_arlen_o(card_arlen_o),
      .axi_rvalid_i(card_rvalid_i),
      .axi_rready_o(card_rready_o),
      .axi_rdata_i(card_rdata_i),
      .axi_rresp_i(card_rresp_i),
      .axi_rlast_i(card_rlast_i)
  );

  ls_axi_write #(
      .DataWidth(DataWidth),
      .IdWidth(1),
      .MaxBeats(WriteBeats),
      .Outstanding(Outstanding)
  ) u_card_write (
      .clk_i,
      .rst_ni,
      .drain_i(drain),
      .clear_i(clear),
      .idle_o(card_write_idle),
      .req_valid_i(copy_write_valid[1]),
      .req_ready_o(cw_req_ready),
      .req_addr_i(copy_write_addr),
      .req_bytes_i(copy_write_bytes),
      .req_id_i(1'b0),
      .data_id_o(),
      .data_valid_i(copy_data_valid[1]),
      .data_ready_o(cw_ready),
      .data_i(copy_data),
      .done_valid_o(cw_done),
      .done_error_o(cw_error),
      .done_id_o(),
      .error_valid_o(bus_error[2'(PortCardWrite)]),
      .error_addr_o(bus_address[2'(PortCardWrite)]),
      .error_resp_o(bus_response[2'(PortCardWrite)]),
      .error_id_o(),
      .axi_awvalid_o(card_awvalid_o),
      .axi_awready_i(card_awready_i),
      .axi_awaddr_o(card_awaddr_o),
      .axi_awlen_o(card_awlen_o),
      .axi_wvalid_o(card_wvalid_o),
      .axi_wready_i(card_wready_i),
      .axi_wdata_o(card_wdata_o),
      .axi_wstrb_o(card_wstrb_o),
      .axi_wlast_o(card_wlast_o),
      .axi_bvalid_i(card_bvalid_i),
      .axi_bready_o(card_bready_o),
      .axi_bresp_i(card_bresp_i)
  );

  ls_first_fault #(
      .Count(1)
  ) u_card_write_fault (
      .clk_i,
      .rst_ni,
      .clear_i(copy_start),
      .error_valid_i(bus_error[2'(PortCardWrite)]),
      .error_id_i(1'b0),
      .error_addr_i(bus_address[2'(PortCardWrite)]),
      .valid_o(),
      .addr_o(cw_fault)
  );

  assign host_arsize_o  = 3'($clog2(DataWidth / 8));
  assign host_awsize_o  = 3'($clog2(DataWidth / 8));
  assign card_arsize_o  = 3'($clog2(DataWidth / 8));
  assign card_awsize_o  = 3'($clog2(DataWidth / 8));
  assign host_arburst_o = 2'b01;
  assign host_awburst_o = 2'b01;
  assign card_arburst_o = 2'b01;
  assign card_awburst_o = 2'b01;

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
      .abort_tag_i(operand),
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
