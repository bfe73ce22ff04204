// (11) of SPEC.md for N lanes: an accumulator becomes an output of a linear layer. One word a cycle, latency 4.
//
//   y = round_shift(mul_q15(sat16(round_shift(acc + z, acc_shift)), m_n) * c, out_shift + h) + b
//
// A rounding shift by s is here `{x, 0} >>> s`, whose lowest bit is then added: the same integer as (1).
module ls_requant
  import ls_arith_pkg::*;
#(
    parameter int unsigned N = 8
) (
    input logic clk_i,
    input logic rst_ni,
    input logic valid_i,
    input logic [N-1:0][31:0] acc_i,  // signed, 27 bits in use
    input logic [N-1:0][31:0] z_i,  // signed: 128 * sum of the weights for unsigned rows, else 0
    input logic [N-1:0][14:0] m_n_i,  // [16384, 32767]
    input logic [N-1:0][3:0] h_i,  // [0, 14]
    input logic [N-1:0][14:0] c_i,  // [0, 32767]
    input logic [N-1:0][31:0] b_i,  // signed
    input logic [3:0] acc_shift_i,  // [0, 12]
    input logic [4:0] out_shift_i,  // [1, 17]
    output logic valid_o,
    output logic [N-1:0][31:0] y_o  // signed
);
  ls_delay #(
      .Cycles(4)
  ) u_valid (
      .clk_i,
      .rst_ni,
      .d_i(valid_i),
      .q_o(valid_o)
  );

  for (genvar lane = 0; lane < N; lane++) begin : gen_lane
    logic signed [31:0] sum;
    logic signed [32:0] scaled_q;
    logic signed [15:0] narrow;
    logic signed [31:0] unit_d, unit_q, product_d, product_q;
    logic signed [32:0] shifted;
    logic signed [31:0] b1_q, b2_q, b3_q;
    logic [14:0] m_n1_q, c1_q, c2_q;
    logic [4:0] shift1_q, shift2_q, shift3_q;

    assign sum = $signed(acc_i[lane]) + $signed(z_i[lane]);
    // 34 bits hold the sum of 32 bits and the rounding.
    assign narrow = sat16(34'($signed(scaled_q[32:1])) + 34'(scaled_q[0]));
    assign unit_d = 32'(narrow) * $signed({17'b0, m_n1_q});
    assign product_d = 32'(round_q15(unit_q)) * $signed({17'b0, c2_q});
    assign shifted = $signed({product_q, 1'b0}) >>> shift3_q;

    always_ff @(posedge clk_i) begin
      scaled_q  <= $signed({sum, 1'b0}) >>> acc_shift_i;
      unit_q    <= unit_d;
      product_q <= product_d;
      y_o[lane] <= shifted[32:1] + b3_q + 32'(shifted[0]);

      m_n1_q    <= m_n_i[lane];
      c1_q      <= c_i[lane];
      c2_q      <= c1_q;
      b1_q      <= b_i[lane];
      b2_q      <= b1_q;
      b3_q      <= b2_q;
      shift1_q  <= out_shift_i + 5'(h_i[lane]);
      shift2_q  <= shift1_q;
      shift3_q  <= shift2_q;
    end
  end

`ifndef SYNTHESIS
  // The shifts of a word lie in the ranges of section 2.
  shifts_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) valid_i |->
      acc_shift_i <= 4'd12 && out_shift_i >= 5'd1 && out_shift_i <= 5'd17)
  else $error("a shift is out of range");
`endif
endmodule
