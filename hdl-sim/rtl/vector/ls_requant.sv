// (11) of SPEC.md for N lanes: turns an accumulator into an output of a linear layer. It takes one
// word a cycle; its latency is 7. Each stage has one adder, shifter or multiplier.
//
//   y = round_shift(mul_q15(sat16(round_shift(acc + z, acc_shift)), m_n) * c, out_shift + h) + b
//
// A rounding shift by s is here `{x, 0} >>> s`, whose lowest bit is then added: the same integer
// as (1).
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
      .Cycles(7)
  ) u_valid (
      .*,
      .d_i(valid_i),
      .q_o(valid_o)
  );

  for (genvar lane = 0; lane < N; lane++) begin : gen_lane
    logic signed [31:0] sum;
    logic signed [32:0] scaled_q, shifted_q;
    logic signed [15:0] narrow_q, unit_q;
    logic signed [31:0] scaled_unit_q, product_q;

    assign sum = $signed(acc_i[lane]) + $signed(z_i[lane]);
    always_ff @(posedge clk_i) begin
      scaled_q      <= $signed({sum, 1'b0}) >>> acc_shift_i;
      // 34 bits hold the sum of 32 bits and the rounding.
      narrow_q      <= sat16(34'($signed(scaled_q[32:1])) + 34'(scaled_q[0]));
      scaled_unit_q <= 32'(narrow_q) * $signed({17'b0, m_n_q[2]});
      unit_q        <= round_q15(scaled_unit_q);
      product_q     <= 32'(unit_q) * $signed({17'b0, c_q[4]});
      shifted_q     <= $signed({product_q, 1'b0}) >>> shift_q[5];
      y_o[lane]     <= shifted_q[32:1] + b_q[6] + 32'(shifted_q[0]);
    end

    // What the later stages take: element s is there s cycles after the word.
    logic [14:0] m_n_q[3], c_q[5];
    logic [4:0] shift_q[6];
    logic [31:0] b_q[7];
    always_comb begin
      m_n_q[0]   = m_n_i[lane];
      c_q[0]     = c_i[lane];
      shift_q[0] = out_shift_i + 5'(h_i[lane]);
      b_q[0]     = b_i[lane];
    end
    for (genvar s = 1; s < 7; s++) begin : gen_stage
      always_ff @(posedge clk_i) b_q[s] <= b_q[s-1];
      if (s < 6) begin : gen_shift
        always_ff @(posedge clk_i) shift_q[s] <= shift_q[s-1];
      end
      if (s < 5) begin : gen_c
        always_ff @(posedge clk_i) c_q[s] <= c_q[s-1];
      end
      if (s < 3) begin : gen_m_n
        always_ff @(posedge clk_i) m_n_q[s] <= m_n_q[s-1];
      end
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
