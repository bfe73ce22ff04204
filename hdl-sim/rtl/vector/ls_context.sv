// (25) and (27) of SPEC.md for N lanes: a weighted sum of values becomes the context. One word a cycle, latency 3.
module ls_context
  import ls_arith_pkg::*;
#(
    parameter int unsigned N = 8
) (
    input  logic               clk_i,
    input  logic               rst_ni,
    input  logic               valid_i,
    input  logic [N-1:0][31:0] acc_i,    // signed: A of (24)
    input  logic [N-1:0][ 4:0] e_i,      // E - 8, [6, 15]
    input  logic [N-1:0][14:0] r_v_i,    // (26)
    output logic               valid_o,
    output logic [N-1:0][15:0] x_o       // signed
);
  ls_delay #(
      .Cycles(3)
  ) u_valid (
      .clk_i,
      .rst_ni,
      .d_i(valid_i),
      .q_o(valid_o)
  );

  for (genvar lane = 0; lane < N; lane++) begin : gen_lane
    logic signed [32:0] shifted_q;
    logic signed [15:0] narrow;
    logic signed [31:0] product_q;
    logic [14:0] r_v1_q;

    assign narrow = sat16(34'($signed(shifted_q[32:1])) + 34'(shifted_q[0]));

    always_ff @(posedge clk_i) begin
      shifted_q <= $signed({acc_i[lane], 1'b0}) >>> e_i[lane];
      r_v1_q    <= r_v_i[lane];
      product_q <= 32'(narrow) * $signed({17'b0, r_v1_q});
      x_o[lane] <= round_q15(product_q);
    end
  end
endmodule
