// (13), (17) and (18) of SPEC.md for N lanes: the two outputs of a LayerNorm. One word a cycle.
//
// The pass for (14) needs only the squares of the centred row. They come after 4 cycles from the
// multiplier that rho uses otherwise; rho_i and the parameters of the channel may have any value
// then. x_o and x2_o come after 7 cycles.
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
  // Element s is there s cycles after the word.
  logic square_q[4];
  logic signed [15:0] g_q[6], g2_q[6], b_q[7], b2_q[7];
  assign square_q[0] = square_i;
  assign g_q[0]      = g_i;
  assign b_q[0]      = b_i;
  assign g2_q[0]     = g2_i;
  assign b2_q[0]     = b2_i;
  for (genvar s = 1; s < 7; s++) begin : gen_stage
    always_ff @(posedge clk_i) begin
      b_q[s]  <= b_q[s-1];
      b2_q[s] <= b2_q[s-1];
    end
    if (s < 6) begin : gen_g
      always_ff @(posedge clk_i) begin
        g_q[s]  <= g_q[s-1];
        g2_q[s] <= g2_q[s-1];
      end
    end
    if (s < 4) begin : gen_square
      always_ff @(posedge clk_i) square_q[s] <= square_q[s-1];
    end
  end

  ls_delay #(
      .Cycles(4)
  ) u_square_valid (
      .*,
      .d_i(valid_i),
      .q_o(square_valid_o)
  );
  ls_delay #(
      .Cycles(3)
  ) u_valid (
      .*,
      .d_i(square_valid_o),
      .q_o(valid_o)
  );

  for (genvar lane = 0; lane < N; lane++) begin : gen_lane
    // A number in a name is the stage that a register is filled in.
    logic signed [21:0] d1_q;
    logic [4:0] e1_q;
    logic signed [36:0] shifted;
    logic [18:0] shifted2_q;
    logic [14:0] rho1_q, rho2_q, rho3_q;
    logic signed [15:0] t3_q, z5_q, factor;
    logic signed [31:0] z4_q, product6_q, eq_product6_q;

    // round_shift(d, e - 15) is round_shift(d << 14, e - 1). |d| < 2^e, so its 17 lowest bits say
    // it all.
    assign shifted        = $signed({d1_q, 15'b0}) >>> (e1_q - 5'd1);
    assign factor         = square_q[3] ? t3_q : {1'b0, rho3_q};
    assign square_o[lane] = z4_q;

    always_ff @(posedge clk_i) begin
      d1_q          <= 22'($signed(s_i[lane])) - 22'($signed(mean_i[lane]));
      e1_q          <= e_i[lane];
      rho1_q        <= rho_i[lane];

      shifted2_q    <= shifted[18:0];
      rho2_q        <= rho1_q;

      t3_q          <= clamp15($signed(shifted2_q[18:1]) + 18'(shifted2_q[0]));
      rho3_q        <= rho2_q;

      z4_q          <= 32'(t3_q) * 32'(factor);

      z5_q          <= round_q15(z4_q);

      product6_q    <= 32'(z5_q) * 32'(g_q[5]);
      eq_product6_q <= 32'(z5_q) * 32'(g2_q[5]);

      x_o[lane]     <= sat16(34'(plus_q15(b_q[6], product6_q)));
      x2_o[lane]    <= sat16(34'(plus_q15(b2_q[6], eq_product6_q)));
    end
  end
endmodule
