// AXI4-Lite slave: one write and one read at a time, turned into one-cycle accesses of registers.
module ls_axil #(
    parameter int unsigned AddressWidth = 13
) (
    input  logic                    clk_i,
    input  logic                    rst_ni,
    input  logic                    axi_awvalid_i,
    output logic                    axi_awready_o,
    input  logic [AddressWidth-1:0] axi_awaddr_i,
    input  logic                    axi_wvalid_i,
    output logic                    axi_wready_o,
    input  logic [            31:0] axi_wdata_i,
    input  logic [             3:0] axi_wstrb_i,
    output logic                    axi_bvalid_o,
    input  logic                    axi_bready_i,
    output logic [             1:0] axi_bresp_o,
    input  logic                    axi_arvalid_i,
    output logic                    axi_arready_o,
    input  logic [AddressWidth-1:0] axi_araddr_i,
    output logic                    axi_rvalid_o,
    input  logic                    axi_rready_i,
    output logic [            31:0] axi_rdata_o,
    output logic [             1:0] axi_rresp_o,
    output logic                    write_o,        // for one cycle
    output logic [AddressWidth-1:0] write_addr_o,
    output logic [            31:0] write_data_o,
    output logic                    write_whole_o,  // all four bytes
    output logic [AddressWidth-1:0] read_addr_o,
    input  logic [            31:0] read_data_i     // of read_addr_o, in the same cycle
);
  logic aw_full_q, w_full_q, whole_q, b_valid_q, r_valid_q, r_fetch_q;
  logic [AddressWidth-1:0] aw_q, ar_q;
  logic [31:0] w_q, r_q;

  assign axi_awready_o = !aw_full_q;
  assign axi_wready_o  = !w_full_q;
  assign axi_bvalid_o  = b_valid_q;
  // Always OKAY: a bridge would make all ones of an error, which a driver takes for a card that is gone.
  assign axi_bresp_o   = 2'b00;
  assign axi_rresp_o   = 2'b00;
  assign axi_arready_o = !r_fetch_q && !r_valid_q;
  assign axi_rvalid_o  = r_valid_q;
  assign axi_rdata_o   = r_q;

  assign write_o       = aw_full_q && w_full_q && !b_valid_q;
  assign write_addr_o  = aw_q;
  assign write_data_o  = w_q;
  assign write_whole_o = whole_q;
  assign read_addr_o   = ar_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      aw_full_q <= 1'b0;
      w_full_q  <= 1'b0;
      whole_q   <= 1'b0;
      b_valid_q <= 1'b0;
      r_valid_q <= 1'b0;
      r_fetch_q <= 1'b0;
      aw_q      <= '0;
      w_q       <= '0;
      ar_q      <= '0;
      r_q       <= '0;
    end else begin
      if (axi_awvalid_i && axi_awready_o) begin
        aw_full_q <= 1'b1;
        aw_q      <= axi_awaddr_i;
      end
      if (axi_wvalid_i && axi_wready_o) begin
        w_full_q <= 1'b1;
        w_q      <= axi_wdata_i;
        whole_q  <= &axi_wstrb_i;
      end
      if (write_o) begin
        aw_full_q <= 1'b0;
        w_full_q  <= 1'b0;
        b_valid_q <= 1'b1;
      end
      if (axi_bvalid_o && axi_bready_i) b_valid_q <= 1'b0;
      r_fetch_q <= axi_arvalid_i && axi_arready_o;
      if (axi_arvalid_i && axi_arready_o) ar_q <= axi_araddr_i;
      if (r_fetch_q) begin
        r_q       <= read_data_i;
        r_valid_q <= 1'b1;
      end
      if (axi_rvalid_o && axi_rready_i) r_valid_q <= 1'b0;
    end
  end

  ls_handshake_check #(
      .Width(2)
  ) u_check_b (
      .clk_i,
      .rst_ni,
      .clear_i(1'b0),
      .valid_i(axi_bvalid_o),
      .ready_i(axi_bready_i),
      .data_i (axi_bresp_o)
  );
  ls_handshake_check #(
      .Width(34)
  ) u_check_r (
      .clk_i,
      .rst_ni,
      .clear_i(1'b0),
      .valid_i(axi_rvalid_o),
      .ready_i(axi_rready_i),
      .data_i ({axi_rresp_o, axi_rdata_o})
  );
endmodule
