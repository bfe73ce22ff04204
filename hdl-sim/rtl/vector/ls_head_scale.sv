// (20) of SPEC.md: the factor and the shift of a head's scores. Latency 5, inputs held.
module ls_head_scale
  import ls_arith_pkg::*;
(
    input  logic        clk_i,
    input  logic [14:0] m_q_i,     // greatest magnitude of the queries, [1, 32767]
    input  logic [14:0] m_k_i,     // of the keys
    input  logic [14:0] mult_i,    // score_multiplier, [16384, 32767]
    input  logic [ 6:0] sshift_i,  // score_shift, [37, 74]
    output logic [14:0] factor_o,  // F, [16384, 32767]
    output logic [ 5:0] shift_o    // h, signed, [-8, 30]
);
  logic [29:0] g_q, g_up_q, product_q;
  logic [5:0] bits_q;
  logic below_2_29;
  logic signed [8:0] shift;

  assign below_2_29 = !product_q[29];
  assign shift = $signed(
      {2'b0, sshift_i}
  ) - $signed(
      {3'b0, bits_q}
  ) - (below_2_29 ? 9'sd14 : 9'sd15);

  always_ff @(posedge clk_i) begin
    g_q       <= {15'b0, m_q_i} * {15'b0, m_k_i};
    // Inputs are held, so each register stays right once it is right. g_up_q is g shifted up to
    // bit 29; its highest 15 bits are g_n.
    bits_q    <= bit_length({2'b0, g_q});
    g_up_q    <= g_q << (6'd30 - bits_q);
    product_q <= {15'b0, g_up_q[29:15]} * {15'b0, mult_i};
    factor_o  <= below_2_29 ? product_q[28:14] : product_q[29:15];
    shift_o   <= (shift > 9'sd30) ? 6'd30 : shift[5:0];
  end
endmodule
