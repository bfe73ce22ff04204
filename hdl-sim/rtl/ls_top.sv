// The card: the command processor and the engine. Its ports are flat, as PCIe bridges have them;
// BRIDGES.md says how to wire them.
module ls_top #(
    parameter int unsigned N = 8,  // 8, 16, 32 or 64: the array is N x N, memory ports have N bytes
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
  import ls_bus_pkg::*;

  // The flat ports as structs.
  axil_in_t  regs_i;
  axil_out_t regs_o;
  axi_in_t host_i, card_i;
  axi_out_t host_o, card_o;
  assign regs_i.aw = {regs_awvalid_i, regs_awaddr_i};
  assign regs_i.w = {regs_wvalid_i, regs_wdata_i, regs_wstrb_i};
  assign regs_i.ar = {regs_arvalid_i, regs_araddr_i};
  assign {regs_i.bready, regs_i.rready} = {regs_bready_i, regs_rready_i};
  assign {regs_awready_o, regs_wready_o} = {regs_o.awready, regs_o.wready};
  assign {regs_bvalid_o, regs_bresp_o} = regs_o.b;
  assign regs_arready_o = regs_o.arready;
  assign {regs_rvalid_o, regs_rdata_o, regs_rresp_o} = regs_o.r;
  assign {host_arvalid_o, host_araddr_o, host_arlen_o} = host_o.read.ar;
  assign {host_awvalid_o, host_awaddr_o, host_awlen_o} = host_o.write.aw;
  assign {host_wvalid_o, host_wlast_o} = host_o.write.w;
  assign {host_rready_o, host_bready_o} = {host_o.read.rready, host_o.write.bready};
  assign host_i.read.r = {host_rvalid_i, host_rresp_i, host_rlast_i};
  assign host_i.write.b = {host_bvalid_i, host_bresp_i};
  assign host_i.read.arready = host_arready_i;
  assign {host_i.write.awready, host_i.write.wready} = {host_awready_i, host_wready_i};
  assign {card_arvalid_o, card_araddr_o, card_arlen_o} = card_o.read.ar;
  assign {card_awvalid_o, card_awaddr_o, card_awlen_o} = card_o.write.aw;
  assign {card_wvalid_o, card_wlast_o} = card_o.write.w;
  assign {card_rready_o, card_bready_o} = {card_o.read.rready, card_o.write.bready};
  assign card_i.read.r = {card_rvalid_i, card_rresp_i, card_rlast_i};
  assign card_i.write.b = {card_bvalid_i, card_bresp_i};
  assign card_i.read.arready = card_arready_i;
  assign {card_i.write.awready, card_i.write.wready} = {card_awready_i, card_wready_i};
  // All bursts are of whole beats at growing addresses (INCR).
  assign {host_arsize_o, host_awsize_o, card_arsize_o, card_awsize_o} = {4{3'($clog2(N))}};
  assign {host_arburst_o, host_awburst_o, card_arburst_o, card_awburst_o} = {4{2'b01}};

  // The seam between the command processor and the engine.
  job_t  engine_job;
  done_t engine_done;
  request_t card_read_req, host_read_req, host_write_req;
  beat_t card_read_beat, host_read_beat;
  answer_t host_write_done;
  logic drain, engine_job_ready, engine_abort, engine_srst_n;
  logic card_read_req_ready, host_read_req_ready, host_write_req_ready;
  logic host_write_valid, host_write_ready;
  logic [8*N-1:0] card_data, host_data, host_write_data;
  logic [Events-OuterEvents-1:0][63:0] engine_counters;
  ls_engine_pkg::counters_t counts;

  function automatic ls_cmd_pkg::card_t card();
    card = ls_cmd_pkg::DefaultCard;
    card.build_id = BuildId;
    card.array = 16'(N);
    card.card_bytes = CardBytes;
    card.max_tokens = 16'(MaxTokens);
    card.max_hidden = 16'(MaxHidden);
    card.jobs = 8'(Jobs);
    card.clock_khz = ClockKhz;
    card.a_depth = ADepth;
    card.b_depth = BDepth;
    card.v_depth = VDepth;
    card.y_depth = YDepth;
    card.p_depth = PDepth;
    card.ring_depth = RingDepth;
  endfunction

  ls_cmd #(
      .DataWidth(8 * N),
      .Card(card())
  ) u_cmd (
      .*,
      .host_rdata(host_rdata_i),
      .host_wdata(host_wdata_o),
      .host_wstrb(host_wstrb_o),
      .card_rdata(card_rdata_i),
      .card_wdata(card_wdata_o),
      .card_wstrb(card_wstrb_o)
  );

  // A soft reset resets the engine. Its source is a flip-flop.
  assign engine_srst_n = rst_ni && !drain;

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
      .*
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
