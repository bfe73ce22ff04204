// The card: the command processor and the engine. Its ports are those that PCIe bridges offer; BRIDGES.md says how to wire them.
module ls_top #(
    parameter int unsigned N = 8,  // the array is N x N, the memory ports are N bytes wide: 8, 16, 32, 64
    parameter longint unsigned CardBytes = 64'h4000_0000,  // at most 2^40
    parameter int unsigned MaxTokens = lockstep_pkg::TokensMax,
    parameter int unsigned MaxHidden = lockstep_pkg::HiddenMax,
    parameter int unsigned Jobs = 4,  // under way at once
    parameter int unsigned RingDepth = lockstep_pkg::depth_ring(N),
    // Words of the engine's memories: 512 tokens of 1024 channels and 4096 behind the activation.
    parameter int unsigned ADepth = lockstep_pkg::depth_a(N),
    parameter int unsigned BDepth = lockstep_pkg::depth_b(N),
    parameter int unsigned PDepth = lockstep_pkg::depth_p(N),
    parameter int unsigned VDepth = lockstep_pkg::depth_v(N),
    parameter int unsigned YDepth = lockstep_pkg::depth_y(N),
    parameter int unsigned GWords = lockstep_pkg::depth_g(N),
    parameter int unsigned ClockKhz = 0,
    parameter logic [31:0] BuildId = '0
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
    input logic [8*N-1:0] host_rdata_i,
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
    output logic [8*N-1:0] host_wdata_o,
    output logic [N-1:0] host_wstrb_o,
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
    input logic [8*N-1:0] card_rdata_i,
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
    output logic [8*N-1:0] card_wdata_o,
    output logic [N-1:0] card_wstrb_o,
    output logic card_wlast_o,
    input logic card_bvalid_i,
    output logic card_bready_o,
    input logic [1:0] card_bresp_i,
    output logic [lockstep_pkg::Vectors-1:0] irq_o
);
  import lockstep_pkg::*;

  logic engine_clear;
  logic engine_job_valid;
  logic engine_job_ready;
  logic [63:0] engine_job_program;
  logic [15:0] engine_job_length;
  logic [63:0] engine_job_input;
  logic [63:0] engine_job_output;
  logic [15:0] engine_job_runs;
  logic [31:0] engine_job_input_stride;
  logic [31:0] engine_job_output_stride;
  logic engine_done_valid;
  logic [7:0] engine_done_error;
  logic [63:0] engine_done_busy;
  logic engine_abort;
  logic engine_card_req_valid;
  logic engine_card_req_ready;
  logic [63:0] engine_card_req_addr;
  logic [31:0] engine_card_req_bytes;
  logic engine_card_valid;
  logic engine_card_ready;
  logic [8*N-1:0] engine_card_data;
  logic engine_card_last;
  logic engine_card_error;
  logic engine_read_req_valid;
  logic engine_read_req_ready;
  logic [63:0] engine_read_req_addr;
  logic [31:0] engine_read_req_bytes;
  logic engine_read_valid;
  logic engine_read_ready;
  logic [8*N-1:0] engine_read_data;
  logic engine_read_last;
  logic engine_read_error;
  logic engine_write_req_valid;
  logic engine_write_req_ready;
  logic [63:0] engine_write_req_addr;
  logic [31:0] engine_write_req_bytes;
  logic engine_write_valid;
  logic engine_write_ready;
  logic [8*N-1:0] engine_write_data;
  logic engine_write_done;
  logic engine_write_error;
  logic [lockstep_pkg::Events-lockstep_pkg::OuterEvents-1:0][63:0] engine_counters;
  logic engine_rst_n;
  ls_engine_pkg::counters_t counts;

  ls_cmd #(
      .ArraySize(N),
      .DataWidth(8 * N),
      .CardBytes(CardBytes),
      .MaxTokens(MaxTokens),
      .MaxHidden(MaxHidden),
      .Jobs(Jobs),
      .ClockKhz(ClockKhz),
      .BuildId(BuildId),
      .ADepth(ADepth),
      .BDepth(BDepth),
      .VDepth(VDepth),
      .YDepth(YDepth),
      .PDepth(PDepth),
      .RingDepth(RingDepth)
  ) u_cmd (
      .*,  // clock, registers, buses, interrupts
      .engine_clear_o(engine_clear),
      .engine_job_valid_o(engine_job_valid),
      .engine_job_ready_i(engine_job_ready),
      .engine_job_program_o(engine_job_program),
      .engine_job_length_o(engine_job_length),
      .engine_job_input_o(engine_job_input),
      .engine_job_output_o(engine_job_output),
      .engine_job_runs_o(engine_job_runs),
      .engine_job_input_stride_o(engine_job_input_stride),
      .engine_job_output_stride_o(engine_job_output_stride),
      .engine_done_valid_i(engine_done_valid),
      .engine_done_error_i(engine_done_error),
      .engine_done_busy_i(engine_done_busy),
      .engine_abort_o(engine_abort),
      .engine_card_req_valid_i(engine_card_req_valid),
      .engine_card_req_ready_o(engine_card_req_ready),
      .engine_card_req_addr_i(engine_card_req_addr),
      .engine_card_req_bytes_i(engine_card_req_bytes),
      .engine_card_valid_o(engine_card_valid),
      .engine_card_ready_i(engine_card_ready),
      .engine_card_data_o(engine_card_data),
      .engine_card_last_o(engine_card_last),
      .engine_card_error_o(engine_card_error),
      .engine_read_req_valid_i(engine_read_req_valid),
      .engine_read_req_ready_o(engine_read_req_ready),
      .engine_read_req_addr_i(engine_read_req_addr),
      .engine_read_req_bytes_i(engine_read_req_bytes),
      .engine_read_valid_o(engine_read_valid),
      .engine_read_ready_i(engine_read_ready),
      .engine_read_data_o(engine_read_data),
      .engine_read_last_o(engine_read_last),
      .engine_read_error_o(engine_read_error),
      .engine_write_req_valid_i(engine_write_req_valid),
      .engine_write_req_ready_o(engine_write_req_ready),
      .engine_write_req_addr_i(engine_write_req_addr),
      .engine_write_req_bytes_i(engine_write_req_bytes),
      .engine_write_valid_i(engine_write_valid),
      .engine_write_ready_o(engine_write_ready),
      .engine_write_data_i(engine_write_data),
      .engine_write_done_o(engine_write_done),
      .engine_write_error_o(engine_write_error),
      .engine_counters_i(engine_counters)
  );

  // A soft reset is a reset of the engine; its source is a flop.
  assign engine_rst_n = rst_ni && !engine_clear;

  ls_engine #(
      .N(N),
      .RingDepth(RingDepth),
      .ADepth(ADepth),
      .BDepth(BDepth),
      .PDepth(PDepth),
      .VDepth(VDepth),
      .YDepth(YDepth),
      .GWords(GWords)
  ) u_engine (
      .clk_i,
      .rst_ni(engine_rst_n),
      .job_valid_i(engine_job_valid),
      .job_ready_o(engine_job_ready),
      .job_program_i(engine_job_program[39:0]),
      .job_length_i(engine_job_length),
      .job_repeat_i(engine_job_runs),
      .job_input_i(engine_job_input),
      .job_input_stride_i(engine_job_input_stride),
      .job_output_i(engine_job_output),
      .job_output_stride_i(engine_job_output_stride),
      .job_tag_i(16'd0),
      .done_valid_o(engine_done_valid),
      .done_ready_i(1'b1),
      .done_tag_o(),
      .done_error_o(engine_done_error),
      .done_cycles_o(),
      .done_busy_o(engine_done_busy),
      .abort_i(engine_abort),
      .card_req_valid_o(engine_card_req_valid),
      .card_req_ready_i(engine_card_req_ready),
      .card_req_addr_o(engine_card_req_addr),
      .card_req_bytes_o(engine_card_req_bytes),
      .card_rsp_valid_i(engine_card_valid),
      .card_rsp_ready_o(engine_card_ready),
      .card_rsp_data_i(engine_card_data),
      .card_rsp_last_i(engine_card_last),
      .card_rsp_error_i(engine_card_error),
      .host_rd_req_valid_o(engine_read_req_valid),
      .host_rd_req_ready_i(engine_read_req_ready),
      .host_rd_req_addr_o(engine_read_req_addr),
      .host_rd_req_bytes_o(engine_read_req_bytes),
      .host_rd_rsp_valid_i(engine_read_valid),
      .host_rd_rsp_ready_o(engine_read_ready),
      .host_rd_rsp_data_i(engine_read_data),
      .host_rd_rsp_last_i(engine_read_last),
      .host_rd_rsp_error_i(engine_read_error),
      .host_wr_req_valid_o(engine_write_req_valid),
      .host_wr_req_ready_i(engine_write_req_ready),
      .host_wr_req_addr_o(engine_write_req_addr),
      .host_wr_req_bytes_o(engine_write_req_bytes),
      .host_wr_valid_o(engine_write_valid),
      .host_wr_ready_i(engine_write_ready),
      .host_wr_data_o(engine_write_data),
      .host_wr_done_i(engine_write_done),
      .host_wr_error_i(engine_write_error),
      .counters_o(counts)
  );

  // The engine's counters in the order of the register map.
  localparam int unsigned First = OuterEvents;
  always_comb begin
    engine_counters = '0;
    engine_counters[32'(EventArrayBusy)-First] = counts.busy;
    engine_counters[32'(EventStallWeights)-First] = counts.stall_weights;
    engine_counters[32'(EventStallOperand)-First] = counts.stall_operand;
    engine_counters[32'(EventStallPlane)-First] = counts.stall_plane;
    engine_counters[32'(EventStallIdle)-First] = counts.idle;
    engine_counters[32'(EventWordsDrained)-First] = counts.drained;
    engine_counters[32'(EventWordsPassed)-First] = counts.passed;
  end
endmodule
