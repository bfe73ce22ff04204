// (19), (21) and (22) of SPEC.md for N lanes: turns a score into a weight of the softmax. It takes
// one word a cycle; its latency is 10.
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
  logic [ 5:0] right_q;
  logic [14:0] factor_q[4];  // element s is there s cycles after the word

  ls_delay #(
      .Cycles(10)
  ) u_valid (
      .*,
      .d_i(valid_i),
      .q_o(valid_o)
  );

  // The distance is taken 8 bits higher, so that the shift is never to the left.
  always_ff @(posedge clk_i) right_q <= shift_i + 6'd8;
  assign factor_q[0] = factor_i;
  for (genvar s = 1; s < 4; s++) begin : gen_factor
    always_ff @(posedge clk_i) factor_q[s] <= factor_q[s-1];
  end

  for (genvar lane = 0; lane < N; lane++) begin : gen_lane
    // A number in a name is the stage that a register is filled in.
    logic [22:0] distance1_q;
    logic [31:0] shifted2_q;
    logic [15:0] rounded;
    logic [14:0] near3_q;
    logic [31:0] octaves4_q;
    logic signed [15:0] octaves;
    logic [9:0] fraction5_q;  // of an octave
    logic [11:0] three;
    logic [11:0] three6_q;
    logic [13:0] eleven6_q;
    logic [18:0] curve;
    logic [14:0] fraction6_q, fraction7_q;
    logic [4:0] whole5_q, whole6_q, whole7_q, whole8_q, whole9_q;
    logic signed [31:0] linear8_q;
    logic signed [15:0] slope7_q, mantissa9_q;
    logic [17:0] mantissa;  // one bit below its unit
    logic [14:0] half;

    assign rounded  = 16'(shifted2_q[15:1]) + 16'(shifted2_q[0]);
    assign octaves  = round_q15(octaves4_q);
    // mul_q15(fraction * 2^5, 5680) is round_shift(fraction * 355, 6), and 355 is (8 + 3) * 2^5 +
    // 3.
    assign three    = 12'({fraction5_q, 1'b0}) + 12'(fraction5_q);
    assign curve    = {eleven6_q, 5'b0} + 19'(three6_q) + 19'd32;
    // 32766 - round_q15(linear) by one adder.
    assign mantissa = {17'd32766, 1'b1} + ~{linear8_q[30], linear8_q[30:14]};
    // mul_q15(e, 2^(14 - o)) is round_shift(e, o + 1), which is 0 of itself for o > 14.
    assign half     = mantissa9_q[14:0] >> whole9_q;

    always_ff @(posedge clk_i) begin
      distance1_q <= 23'($signed(best_i[lane])) - 23'($signed(a_i[lane]));

      shifted2_q  <= {distance1_q, 9'b0} >> right_q;

      near3_q     <= (shifted2_q[31:16] != '0 || rounded[15]) ? 15'h7fff : rounded[14:0];

      octaves4_q  <= {17'b0, near3_q} * {17'b0, factor_q[3]};

      fraction5_q <= octaves[9:0];
      whole5_q    <= octaves[14:10];

      three6_q    <= three;
      eleven6_q   <= 14'({fraction5_q, 3'b0}) + 14'(three);
      fraction6_q <= {fraction5_q, 5'b0};
      whole6_q    <= whole5_q;

      slope7_q    <= 16'sd22026 - $signed({3'b0, curve[18:6]});
      fraction7_q <= fraction6_q;
      whole7_q    <= whole6_q;

      linear8_q   <= $signed({17'b0, fraction7_q}) * 32'(slope7_q);
      whole8_q    <= whole7_q;

      mantissa9_q <= mantissa[16:1];
      whole9_q    <= whole8_q;

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
