// (28) to (30) of SPEC.md for N lanes: the activation between the two feed-forward layers. One word a cycle, latency 5.
module ls_activation
  import ls_arith_pkg::*;
#(
    parameter int unsigned N = 8
) (
    input  logic                     clk_i,
    input  logic                     rst_ni,
    input  logic                     valid_i,
    input  logic [N-1:0][15:0]       v_i,              // signed, units of 2^-fraction_bits
    input  logic [N-1:0][14:0]       eq_i,             // the equaliser, [0, 32767]
    input  logic [  2:0][ 7:0][15:0] table_i,          // c0, c1, c2 of eight segments, signed
    input  logic [  3:0]             fraction_bits_i,  // [1, 12]
    input  logic [ 15:0]             offset_i,         // signed
    output logic                     valid_o,
    output logic [N-1:0][15:0]       x_o               // [0, 32767] for the offsets of (30)
);
  logic [2:0][7:0][15:0] table_q;
  logic [3:0] fraction1_q, fraction2_q, fraction3_q;
  logic [4:0] bump_shift;
  logic signed [15:0] offset1_q;

  assign bump_shift = 5'd17 - {1'b0, fraction3_q};

  ls_delay #(
      .Cycles(5)
  ) u_valid (
      .clk_i,
      .rst_ni,
      .d_i(valid_i),
      .q_o(valid_o)
  );

  always_ff @(posedge clk_i) begin
    table_q     <= table_i;
    fraction1_q <= fraction_bits_i;
    fraction2_q <= fraction1_q;
    fraction3_q <= fraction2_q;
    offset1_q   <= offset_i;
  end

  for (genvar lane = 0; lane < N; lane++) begin : gen_lane
    logic signed [15:0] v;
    logic [15:0] magnitude;
    logic [27:0] scaled;
    logic [14:0] ceiling, t_q;
    logic [3:0] left;

    logic [2:0] segment;
    logic [14:0] l, l2_q;
    logic signed [31:0] inner_q, outer_q;
    logic signed [15:0] c0_2_q, c0_3_q, c1_2_q, inner;
    logic signed [15:0] positive1_q;
    logic signed [16:0] base2_q, base3_q, base4_q;
    logic signed [15:0] bump;
    logic signed [16:0] rounding_q;  // the shifted bump, one bit below its unit
    logic signed [15:0] active;
    logic signed [31:0] product;
    logic [14:0] eq1_q, eq2_q, eq3_q, eq4_q;

    assign v         = v_i[lane];
    assign magnitude = v[15] ? -v : v;
    assign left      = 4'd13 - fraction_bits_i;
    assign scaled    = 28'(magnitude) << left;
    // ((4 << F) - 1) << (13 - F): what everything from 4 units on becomes.
    assign ceiling   = 15'h7fff << left;

    assign segment   = t_q[14:12];
    assign l         = {t_q[11:0], 3'b0};
    assign inner     = c1_2_q + round_q15(inner_q);
    assign bump      = c0_3_q + round_q15(outer_q);
    assign active    = sat16(34'(base4_q) - 34'($signed(rounding_q[16:1])) - 34'(rounding_q[0]));
    assign product   = 32'(active) * $signed({17'b0, eq4_q});

    always_ff @(posedge clk_i) begin
      t_q         <= (scaled[27:15] != '0) ? ceiling : scaled[14:0];
      positive1_q <= v[15] ? '0 : v;

      inner_q     <= $signed({17'b0, l}) * 32'($signed(table_q[2][segment]));
      c1_2_q      <= table_q[1][segment];
      c0_2_q      <= table_q[0][segment];
      l2_q        <= l;
      base2_q     <= 17'(positive1_q) + 17'(offset1_q);

      outer_q     <= $signed({17'b0, l2_q}) * 32'(inner);
      c0_3_q      <= c0_2_q;
      base3_q     <= base2_q;

      rounding_q  <= $signed({bump, 1'b0}) >>> bump_shift;
      base4_q     <= base3_q;

      x_o[lane]   <= round_q15(product);

      eq1_q       <= eq_i[lane];
      eq2_q       <= eq1_q;
      eq3_q       <= eq2_q;
      eq4_q       <= eq3_q;
    end
  end

`ifndef SYNTHESIS
  // The fraction bits of a word lie in the range of section 2.
  fraction_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) valid_i |->
      fraction_bits_i >= 4'd1 && fraction_bits_i <= 4'd12)
  else $error("fraction bits out of range");
`endif
endmodule
