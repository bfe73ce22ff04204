// (19), (21) and (22) of SPEC.md for N lanes: a score becomes a weight of the softmax. One word a cycle, latency 6.
module ls_exp
  import ls_arith_pkg::*;
#(
    parameter int unsigned N = 8
) (
    input  logic               clk_i,
    input  logic               rst_ni,
    input  logic               valid_i,
    input  logic [N-1:0][21:0] a_i,       // signed score
    input  logic [N-1:0][21:0] best_i,    // signed, the greatest score of the row
    input  logic [ 14:0]       factor_i,  // F of (20), [16384, 32767]
    input  logic [  5:0]       shift_i,   // h of (20), signed, [-8, 30]
    output logic               valid_o,
    output logic [N-1:0][13:0] p_o        // [0, 16383]
);
  logic [5:0] right1_q;
  logic [14:0] factor1_q, factor2_q;

  ls_delay #(
      .Cycles(6)
  ) u_valid (
      .clk_i,
      .rst_ni,
      .d_i(valid_i),
      .q_o(valid_o)
  );

  always_ff @(posedge clk_i) begin
    // The distance is taken 8 bits higher, so that the shift is never to the left.
    right1_q  <= shift_i + 6'd8;
    factor1_q <= factor_i;
    factor2_q <= factor1_q;
  end

  for (genvar lane = 0; lane < N; lane++) begin : gen_lane
    logic [22:0] distance_q;
    logic [31:0] shifted, rounded;
    logic [14:0] near_q;
    logic [31:0] octaves_q;
    logic signed [15:0] octaves;
    logic [9:0] fraction;  // of an octave
    logic [14:0] fraction4_q;
    logic [11:0] three;
    logic [18:0] curve;
    logic [4:0] whole4_q, whole5_q;
    logic signed [31:0] linear;
    logic signed [15:0] slope4_q, mantissa5_q;
    logic [14:0] half;

    assign shifted  = {distance_q, 9'b0} >> right1_q;
    assign rounded  = 32'(shifted[31:1]) + 32'(shifted[0]);
    assign octaves  = round_q15(octaves_q);
    assign fraction = octaves[9:0];
    // mul_q15(fraction * 2^5, 5680) is round_shift(fraction * 355, 6), and 355 is (8 + 3) * 2^5 + 3.
    assign three    = 12'({fraction, 1'b0}) + 12'(fraction);
    assign curve    = {14'({fraction, 3'b0}) + 14'(three), 5'b0} + 19'(three) + 19'd32;
    assign linear   = $signed({17'b0, fraction4_q}) * 32'(slope4_q);
    // mul_q15(e, 2^(14 - o)) is round_shift(e, o + 1), which is 0 of itself for o > 14.
    assign half     = mantissa5_q[14:0] >> whole5_q;

    always_ff @(posedge clk_i) begin
      distance_q  <= 23'($signed(best_i[lane])) - 23'($signed(a_i[lane]));

      near_q      <= (rounded > 32'd32767) ? 15'h7fff : rounded[14:0];

      octaves_q   <= {17'b0, near_q} * {17'b0, factor2_q};

      slope4_q    <= 16'sd22026 - $signed({3'b0, curve[18:6]});
      fraction4_q <= {fraction, 5'b0};
      whole4_q    <= octaves[14:10];

      mantissa5_q <= 16'sd32766 - round_q15(linear);
      whole5_q    <= whole4_q;

      p_o[lane]   <= half[14:1] + 14'(half[0]);
    end
  end

`ifndef SYNTHESIS
  // The shift of a word lies in the range of (20).
  shift_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) valid_i |-> $signed(
      shift_i
  ) >= -6'sd8 && $signed(
      shift_i
  ) <= 6'sd30)
  else $error("shift out of range");
`endif
endmodule
