// The driver's side of the command processor: registers, the two rings' indices, interrupts, soft reset.
module ls_control #(
    parameter int unsigned ArraySize = 8,
    parameter int unsigned DataWidth = 64,
    parameter longint unsigned CardBytes = 64'h1_0000_0000,
    parameter int unsigned MaxTokens = lockstep_pkg::TokensMax,
    parameter int unsigned MaxHidden = lockstep_pkg::HiddenMax,
    parameter int unsigned Jobs = 4,
    parameter int unsigned ProgramVersion = lockstep_pkg::ProgramVersion,
    parameter int unsigned ClockKhz = 0,
    parameter logic [31:0] BuildId = '0,
    parameter int unsigned ADepth = 0,
    parameter int unsigned BDepth = 0,
    parameter int unsigned VDepth = 0,
    parameter int unsigned YDepth = 0,
    parameter int unsigned PDepth = 0,
    parameter int unsigned RingDepth = 0
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
    output logic [lockstep_pkg::Vectors-1:0] irq_o,
    input logic idle_i,  // nothing is on the buses
    output logic drain_o,  // a soft reset is under way
    output logic clear_o,  // its last cycle
    output logic enable_o,
    output logic halted_o,
    output logic [63:0] submit_base_o,
    output logic [63:0] complete_base_o,
    output logic [3:0] ring_log2_o,
    output logic [31:0] watchdog_o,
    output logic abort_o,
    output logic [15:0] abort_tag_o,
    output logic [15:0] submit_producer_o,
    output logic [15:0] submit_consumer_o,
    output logic [15:0] submit_used_o,
    output logic [15:0] complete_producer_o,
    output logic [15:0] complete_consumer_o,
    input logic fetched_i,  // a descriptor has been read
    input logic recorded_i,  // a record is on its way
    input logic notify_i,  // it is there and asked for an interrupt
    input logic [3:0] bus_error_i,  // by port
    input logic [3:0][63:0] bus_address_i,
    input logic [3:0][1:0] bus_response_i,
    input logic fetch_error_i,
    input logic record_error_i,
    input logic late_i,  // the watchdog stopped a job
    input logic stuck_i,  // the stopped job did not end
    input logic aborting_i,
    input logic busy_i,
    input logic [7:0] jobs_i,
    input logic [lockstep_pkg::Events-1:0][63:0] counters_i
);
  import lockstep_pkg::*;

  logic reg_write, reg_whole, soft_reset, submit, complete, submit_bad, complete_bad, error_event;
  logic [OffsetBits-1:0] reg_write_addr, reg_read_addr;
  logic [31:0] reg_write_data, reg_read_data;
  logic [15:0] operand;
  logic [IntBits-1:0] int_enable, int_acknowledge, int_force, int_status, int_set;
  logic [ErrorBits-1:0] error_set;
  assign abort_tag_o = operand;

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
      .clear_i(clear_o),
      .write_i(reg_write),
      .write_addr_i(reg_write_addr),
      .write_data_i(reg_write_data),
      .write_whole_i(reg_whole),
      .read_addr_i(reg_read_addr),
      .read_data_o(reg_read_data),
      .reset_o(soft_reset),
      .enable_o(enable_o),
      .halted_o(halted_o),
      .submit_base_o(submit_base_o),
      .complete_base_o(complete_base_o),
      .ring_log2_o(ring_log2_o),
      .watchdog_o(watchdog_o),
      .submit_o(submit),
      .complete_o(complete),
      .abort_o(abort_o),
      .operand_o(operand),
      .int_enable_o(int_enable),
      .int_acknowledge_o(int_acknowledge),
      .int_force_o(int_force),
      .error_event_o(error_event),
      .int_status_i(int_status),
      .error_set_i(error_set),
      .bus_address_i(bus_address_i),
      .bus_response_i(bus_response_i),
      .resetting_i(drain_o),
      .aborting_i(aborting_i),
      .busy_i(busy_i),
      .jobs_i(jobs_i),
      .submit_producer_i(submit_producer_o),
      .submit_consumer_i(submit_consumer_o),
      .complete_producer_i(complete_producer_o),
      .complete_consumer_i(complete_consumer_o),
      .counters_i(counters_i)
  );

  always_comb begin
    error_set = '0;
    error_set[3:0] = bus_error_i;
    error_set[ErrorDescriptorRead] = fetch_error_i;
    error_set[ErrorCompletionWrite] = record_error_i;
    error_set[ErrorWatchdog] = late_i;
    error_set[ErrorEngineStuck] = stuck_i;
    error_set[ErrorBadDoorbell] = submit_bad || complete_bad;
    int_set = int_force;
    int_set[IntCompletion] = int_force[IntCompletion] || notify_i;
    int_set[IntError] = int_force[IntError] || error_event;
  end

  ls_irq #(
      .Count(IntBits)
  ) u_irq (
      .clk_i,
      .rst_ni,
      .clear_i(clear_o),
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
      .idle_i,
      .drain_o  (drain_o),
      .clear_o  (clear_o)
  );

  ls_ring #(
      .HostProduces(1'b1)
  ) u_submit (
      .clk_i,
      .rst_ni,
      .clear_i(drain_o),
      .log2_i(ring_log2_o),
      .doorbell_valid_i(submit),
      .doorbell_index_i(operand),
      .doorbell_bad_o(submit_bad),
      .advance_i(fetched_i),
      .host_index_o(submit_producer_o),
      .card_index_o(submit_consumer_o),
      .used_o(submit_used_o)
  );

  ls_ring #(
      .HostProduces(1'b0)
  ) u_complete (
      .clk_i,
      .rst_ni,
      .clear_i(drain_o),
      .log2_i(ring_log2_o),
      .doorbell_valid_i(complete),
      .doorbell_index_i(operand),
      .doorbell_bad_o(complete_bad),
      .advance_i(recorded_i),
      .host_index_o(complete_consumer_o),
      .card_index_o(complete_producer_o),
      .used_o()
  );
endmodule
