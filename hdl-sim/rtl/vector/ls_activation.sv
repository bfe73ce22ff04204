// (28) to (30) of SPEC.md for N lanes: the activation between the two feed-forward layers. It
// takes one word a cycle; its latency is 9.
//
// The table, its fraction bits and the offset belong to a layer. They do not change while words
// are in the pipeline.
module ls_activation
  import ls_arith_pkg::*;
#(
    parameter int unsigned N = 8
) (
    input  logic                     clk_i,
    input  logic                     rst_ni,
    input  logic                     valid_i,
    input  logic [N-1:0][15:0]       v_i,              // signed, units of 2^-fraction_bits
    input  logic [ 14:0]             eq_i,             // the channel's equaliser, [0, 32767]
    input  logic [  2:0][ 7:0][15:0] table_i,          // c0, c1, c2 of eight segments, signed
    input  logic [  3:0]             fraction_bits_i,  // [1, 12]
    input  logic [ 15:0]             offset_i,         // signed
    output logic                     valid_o,
    output logic [N-1:0][15:0]       x_o               // [0, 32767] for the offsets of (30)
);
  localparam int unsigned Latency = 9;

  logic [3:0] left;
  logic [14:0] ceiling;
  logic [4:0] bump_shift;
  logic [14:0] eq_q[Latency-1];  // element s is there s cycles after the word

  assign left       = 4'd13 - fraction_bits_i;
  // ((4 << F) - 1) << (13 - F): what everything from 4 units on becomes.
  assign ceiling    = 15'h7fff << left;
  assign bump_shift = 5'd17 - {1'b0, fraction_bits_i};
  assign eq_q[0]    = eq_i;
  for (genvar s = 1; s < Latency - 1; s++) begin : gen_eq
    always_ff @(posedge clk_i) eq_q[s] <= eq_q[s-1];
  end

  ls_delay #(
      .Cycles(Latency)
  ) u_valid (
      .*,
      .d_i(valid_i),
      .q_o(valid_o)
  );

  for (genvar lane = 0; lane < N; lane++) begin : gen_lane
    // A number in a name is the stage that a register is filled in.
    logic signed [15:0] v, positive1_q;
    logic [15:0] magnitude1_q;
    logic [27:0] scaled;
    logic [14:0] t2_q;

    logic [ 2:0] segment;
    logic [14:0] l, l3_q, l4_q;
    logic signed [31:0] inner3_q, outer5_q, product8_q;
    logic signed [15:0] c1_3_q, c0_3_q, c0_4_q, c0_5_q, inner4_q, bump, active7_q;
    logic signed [16:0] base2_q, base3_q, base4_q, base5_q, base6_q;
    logic signed [16:0] rounding6_q;  // the shifted bump, one bit below its unit
    logic [18:0] active;  // one bit below its unit

    assign v       = v_i[lane];
    assign scaled  = 28'(magnitude1_q) << left;
    assign segment = t2_q[14:12];
    assign l       = {t2_q[11:0], 3'b0};
    assign bump    = 16'(plus_q15(c0_5_q, outer5_q));
    // base - bump - rounding by one adder.
    assign active  = {base6_q[16], base6_q, 1'b1} + ~{{2{rounding6_q[16]}}, rounding6_q[16:0]};

    always_ff @(posedge clk_i) begin
      magnitude1_q <= v[15] ? -v : v;
      positive1_q  <= v[15] ? '0 : v;

      t2_q         <= (scaled[27:15] != '0) ? ceiling : scaled[14:0];
      base2_q      <= 17'(positive1_q) + 17'($signed(offset_i));

      inner3_q     <= $signed({17'b0, l}) * 32'($signed(table_i[2][segment]));
      c1_3_q       <= table_i[1][segment];
      c0_3_q       <= table_i[0][segment];
      l3_q         <= l;
      base3_q      <= base2_q;

      inner4_q     <= 16'(plus_q15(c1_3_q, inner3_q));
      c0_4_q       <= c0_3_q;
      l4_q         <= l3_q;
      base4_q      <= base3_q;

      outer5_q     <= $signed({17'b0, l4_q}) * 32'(inner4_q);
      c0_5_q       <= c0_4_q;
      base5_q      <= base4_q;

      rounding6_q  <= $signed({bump, 1'b0}) >>> bump_shift;
      base6_q      <= base5_q;

      active7_q    <= sat16(34'($signed(active[18:1])));

      product8_q   <= 32'(active7_q) * $signed({17'b0, eq_q[7]});

      x_o[lane]    <= round_q15(product8_q);
    end
  end

`ifndef SYNTHESIS
  // The fraction bits of a word lie in the range of section 2.
  fraction_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) valid_i |->
      fraction_bits_i >= 4'd1 && fraction_bits_i <= 4'd12)
  else $error("fraction bits out of range");
  // A table comes when no word is under way.
  logic [Latency-1:0] under_way_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) under_way_q <= '0;
    else under_way_q <= {under_way_q[Latency-2:0], valid_i};
  end
  table_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) under_way_q != '0 |-> $stable(
      {table_i, fraction_bits_i, offset_i}
  ))
  else $error("a table changes under a word");
`endif
endmodule
