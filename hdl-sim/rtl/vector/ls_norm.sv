// (13), (17) and (18) of SPEC.md for N lanes: the two outputs of a LayerNorm. One word a cycle.
//
// The pass for (14) wants the squares of the centred row alone: they come after 3 cycles from the multiplier that rho needs
// otherwise, and rho_i and the channel's parameters may have any value. x_o and x2_o come after 5 cycles.
module ls_norm
  import ls_arith_pkg::*;
#(
    parameter int unsigned N = 8
) (
    input  logic               clk_i,
    input  logic               rst_ni,
    input  logic               valid_i,
    input  logic               square_i,        // with the word: square_o is wanted, not x_o
    input  logic [N-1:0][20:0] s_i,             // signed
    input  logic [N-1:0][20:0] mean_i,          // signed
    input  logic [N-1:0][ 4:0] e_i,             // [1, 21]
    input  logic [N-1:0][14:0] rho_i,           // [0, 32767]
    input  logic [ 15:0]       g_i,             // [-32767, 32767]
    input  logic [ 15:0]       b_i,             // signed
    input  logic [ 15:0]       g2_i,            // of the equalised output
    input  logic [ 15:0]       b2_i,
    output logic               square_valid_o,
    output logic [N-1:0][31:0] square_o,        // [0, 2^30)
    output logic               valid_o,
    output logic [N-1:0][15:0] x_o,             // signed
    output logic [N-1:0][15:0] x2_o             // signed
);
  logic square1_q, square2_q;
  logic signed [15:0] g1_q, g2_q, g3_q, b1_q, b2_q, b3_q, b4_q;
  logic signed [15:0] eq_g1_q, eq_g2_q, eq_g3_q, eq_b1_q, eq_b2_q, eq_b3_q, eq_b4_q;

  ls_delay #(
      .Cycles(3)
  ) u_square_valid (
      .clk_i,
      .rst_ni,
      .d_i(valid_i),
      .q_o(square_valid_o)
  );
  ls_delay #(
      .Cycles(2)
  ) u_valid (
      .clk_i,
      .rst_ni,
      .d_i(square_valid_o),
      .q_o(valid_o)
  );

  always_ff @(posedge clk_i) begin
    {square2_q, square1_q}               <= {square1_q, square_i};
    {g3_q, g2_q, g1_q}                   <= {g2_q, g1_q, g_i};
    {b4_q, b3_q, b2_q, b1_q}             <= {b3_q, b2_q, b1_q, b_i};
    {eq_g3_q, eq_g2_q, eq_g1_q}          <= {eq_g2_q, eq_g1_q, g2_i};
    {eq_b4_q, eq_b3_q, eq_b2_q, eq_b1_q} <= {eq_b3_q, eq_b2_q, eq_b1_q, b2_i};
  end

  for (genvar lane = 0; lane < N; lane++) begin : gen_lane
    logic signed [21:0] d_q;
    logic [4:0] e1_q;
    logic signed [36:0] shifted;
    logic signed [17:0] rounded;
    logic signed [15:0] t_q, z, factor;
    logic [14:0] rho1_q, rho2_q;
    logic signed [31:0] z_q, product_q, eq_product_q;

    // round_shift(d, e - 15) is round_shift(d << 14, e - 1). |d| < 2^e, so its 17 lowest bits say it all.
    assign shifted        = $signed({d_q, 15'b0}) >>> (e1_q - 5'd1);
    assign rounded        = $signed(shifted[18:1]) + 18'(shifted[0]);
    assign z              = round_q15(z_q);
    assign factor         = square2_q ? t_q : {1'b0, rho2_q};
    assign square_o[lane] = z_q;

    always_ff @(posedge clk_i) begin
      d_q  <= 22'($signed(s_i[lane])) - 22'($signed(mean_i[lane]));
      e1_q <= e_i[lane];
      if (rounded > 18'sd32767) t_q <= 16'sd32767;
      else if (rounded < -18'sd32767) t_q <= -16'sd32767;
      else t_q <= rounded[15:0];
      rho1_q       <= rho_i[lane];
      rho2_q       <= rho1_q;
      z_q          <= 32'(t_q) * 32'(factor);
      product_q    <= 32'(z) * 32'(g3_q);
      eq_product_q <= 32'(z) * 32'(eq_g3_q);
      x_o[lane]    <= sat16(34'(round_q15(product_q)) + 34'(b4_q));
      x2_o[lane]   <= sat16(34'(round_q15(eq_product_q)) + 34'(eq_b4_q));
    end
  end
endmodule
