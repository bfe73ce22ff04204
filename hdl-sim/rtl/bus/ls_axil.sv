// AXI4-Lite slave. It handles one write and one read at a time and turns them into accesses of
// registers that last one cycle.
module ls_axil
  import ls_bus_pkg::*;
  import lockstep_pkg::OffsetBits;
(
    input  logic                             clk_i,
    input  logic                             rst_ni,
    input  axil_in_t                         regs_i,
    output axil_out_t                        regs_o,
    output register_write_t                  write,
    output logic            [OffsetBits-1:0] read_addr,
    input  logic            [          31:0] read_data   // of read_addr, in the same cycle
);
  axil_address_t aw_q;
  axil_w_t w_q;
  logic b_valid_q, r_valid_q, r_fetch_q;
  logic [31:0] r_q;

  // Responses are always OKAY: a bridge would turn an error into a word of ones, and the driver
  // would take the card for gone.
  assign regs_o = '{
          awready: !aw_q.valid,
          wready: !w_q.valid,
          b: '{valid: b_valid_q, resp: 2'b00},
          arready: !r_fetch_q && !r_valid_q,
          r: '{valid: r_valid_q, data: r_q, resp: 2'b00}
      };
  assign write = '{
          valid: aw_q.valid && w_q.valid && !b_valid_q,
          whole: &w_q.strb,
          addr: aw_q.addr,
          data: w_q.data
      };

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      aw_q      <= '0;
      w_q       <= '0;
      b_valid_q <= 1'b0;
      r_valid_q <= 1'b0;
      r_fetch_q <= 1'b0;
      read_addr <= '0;
      r_q       <= '0;
    end else begin
      if (regs_i.aw.valid && regs_o.awready) aw_q <= regs_i.aw;
      if (regs_i.w.valid && regs_o.wready) w_q <= regs_i.w;
      if (write.valid) begin
        aw_q.valid <= 1'b0;
        w_q.valid  <= 1'b0;
        b_valid_q  <= 1'b1;
      end
      if (regs_o.b.valid && regs_i.bready) b_valid_q <= 1'b0;
      r_fetch_q <= regs_i.ar.valid && regs_o.arready;
      if (regs_i.ar.valid && regs_o.arready) read_addr <= regs_i.ar.addr;
      if (r_fetch_q) begin
        r_q       <= read_data;
        r_valid_q <= 1'b1;
      end
      if (regs_o.r.valid && regs_i.rready) r_valid_q <= 1'b0;
    end
  end

  ls_handshake_check #(
      .Width($bits(regs_o.b))
  ) u_check_b (
      .*,
      .clear_i(1'b0),
      .valid_i(regs_o.b.valid),
      .ready_i(regs_i.bready),
      .data_i (regs_o.b)
  );
  ls_handshake_check #(
      .Width($bits(regs_o.r))
  ) u_check_r (
      .*,
      .clear_i(1'b0),
      .valid_i(regs_o.r.valid),
      .ready_i(regs_i.rready),
      .data_i (regs_o.r)
  );
endmodule
