// An AXI4 master whose every signal is driven by the bench, for tests of the memory model itself.
module bench_axi_wires (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         arvalid_i,
    input  logic [ 31:0] araddr_i,
    input  logic [  7:0] arlen_i,
    input  logic [  1:0] arid_i,
    input  logic         rready_i,
    input  logic         awvalid_i,
    input  logic [ 31:0] awaddr_i,
    input  logic [  7:0] awlen_i,
    input  logic         wvalid_i,
    input  logic [127:0] wdata_i,
    input  logic [ 15:0] wstrb_i,
    input  logic         wlast_i,
    input  logic         bready_i,
    output logic         m_arvalid_o,
    input  logic         m_arready_i,
    output logic [ 31:0] m_araddr_o,
    output logic [  7:0] m_arlen_o,
    output logic [  1:0] m_arid_o,
    input  logic         m_rvalid_i,
    output logic         m_rready_o,
    input  logic [127:0] m_rdata_i,
    input  logic [  1:0] m_rresp_i,
    input  logic         m_rlast_i,
    input  logic [  1:0] m_rid_i,
    output logic         m_awvalid_o,
    input  logic         m_awready_i,
    output logic [ 31:0] m_awaddr_o,
    output logic [  7:0] m_awlen_o,
    output logic         m_wvalid_o,
    input  logic         m_wready_i,
    output logic [127:0] m_wdata_o,
    output logic [ 15:0] m_wstrb_o,
    output logic         m_wlast_o,
    input  logic         m_bvalid_i,
    output logic         m_bready_o,
    input  logic [  1:0] m_bresp_i,
    output logic         seen_o
);
  assign m_arvalid_o = arvalid_i;
  assign m_araddr_o = araddr_i;
  assign m_arlen_o = arlen_i;
  assign m_arid_o = arid_i;
  assign m_rready_o = rready_i;
  assign m_awvalid_o = awvalid_i;
  assign m_awaddr_o = awaddr_i;
  assign m_awlen_o = awlen_i;
  assign m_wvalid_o = wvalid_i;
  assign m_wdata_o = wdata_i;
  assign m_wstrb_o = wstrb_i;
  assign m_wlast_o = wlast_i;
  assign m_bready_o = bready_i;

  // All of the memory's answers reach something, so that no port is removed.
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) seen_o <= 1'b0;
    else
      seen_o <= ^{m_arready_i, m_rvalid_i, m_rdata_i, m_rresp_i, m_rlast_i, m_rid_i,
                      m_awready_i, m_wready_i, m_bvalid_i, m_bresp_i};
  end
endmodule
