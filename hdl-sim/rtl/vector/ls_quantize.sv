// (8) and (9) of SPEC.md for N lanes: 16 bits become 8. One word a cycle, latency 3.
//
// The sat16 of (8) has nothing to do: h comes from the row's greatest magnitude, so x << h has 16 bits.
module ls_quantize
  import ls_arith_pkg::*;
#(
    parameter int unsigned N = 8
) (
    input  logic               clk_i,
    input  logic               rst_ni,
    input  logic               valid_i,
    input  logic [N-1:0][15:0] x_i,         // signed
    input  logic [N-1:0][ 3:0] h_i,         // [0, 14]
    input  logic [N-1:0][14:0] r_i,         // (7)
    input  logic               unsigned_i,  // (9) instead of (8)
    output logic               valid_o,
    output logic [N-1:0][ 7:0] q_o          // signed
);
  logic unsigned1_q, unsigned2_q;

  ls_delay #(
      .Cycles(3)
  ) u_valid (
      .clk_i,
      .rst_ni,
      .d_i(valid_i),
      .q_o(valid_o)
  );

  always_ff @(posedge clk_i) begin
    unsigned1_q <= unsigned_i;
    unsigned2_q <= unsigned1_q;
  end

  for (genvar lane = 0; lane < N; lane++) begin : gen_lane
    logic signed [15:0] normal_q, level;
    logic signed [31:0] product_q;
    logic [14:0] r1_q;
    logic [7:0] signed_level, unsigned_level;

    assign level          = round_q15(product_q);
    assign signed_level   = level[14:7] + 8'(level[6]);
    // Less 128, which is the same bits with the highest one inverted.
    assign unsigned_level = (level[13:6] + 8'(level[5])) ^ 8'h80;

    always_ff @(posedge clk_i) begin
      normal_q  <= x_i[lane] << h_i[lane];
      r1_q      <= r_i[lane];
      product_q <= 32'(normal_q) * $signed({17'b0, r1_q});
      q_o[lane] <= unsigned2_q ? unsigned_level : signed_level;
    end
  end
endmodule
