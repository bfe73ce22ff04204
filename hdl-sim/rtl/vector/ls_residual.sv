// (12) of SPEC.md for N lanes, the sum alone: s = clamp((x << shift) + y). One word a cycle,
// latency 1.
module ls_residual
  import ls_arith_pkg::*;
#(
    parameter int unsigned N = 8
) (
    input  logic               clk_i,
    input  logic               rst_ni,
    input  logic               valid_i,
    input  logic [N-1:0][15:0] x_i,      // signed: the stream before the layer
    input  logic [N-1:0][31:0] y_i,      // signed: what the layer adds
    input  logic [  2:0]       shift_i,  // [0, 4]
    output logic               valid_o,
    output logic [N-1:0][20:0] s_o       // signed
);
  ls_delay u_valid (
      .*,
      .d_i(valid_i),
      .q_o(valid_o)
  );

  for (genvar lane = 0; lane < N; lane++) begin : gen_lane
    logic signed [33:0] sum;
    assign sum = (34'($signed(x_i[lane])) << shift_i) + 34'($signed(y_i[lane]));
    always_ff @(posedge clk_i) s_o[lane] <= clamp_sum(sum);
  end

`ifndef SYNTHESIS
  // The shift of a word lies in the range of section 2.
  shift_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) valid_i |-> shift_i <= 3'd4)
  else $error("residual shift out of range");
`endif
endmodule
