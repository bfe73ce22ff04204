// (32) of SPEC.md for N lanes, clamped as (12) has it: the embedding sum. One word a cycle, latency 2.
module ls_embed
  import ls_arith_pkg::*;
#(
    parameter int unsigned N = 8
) (
    input  logic               clk_i,
    input  logic               rst_ni,
    input  logic               valid_i,
    input  logic [N-1:0][ 7:0] w_i,         // signed: the word's row
    input  logic [N-1:0][11:0] scale_i,     // its scale, [0, 4095]
    input  logic [N-1:0][15:0] position_i,  // signed
    input  logic [N-1:0][15:0] type_i,      // signed
    input  logic [  2:0]       shift_i,     // table_shift, [0, 7]
    output logic               valid_o,
    output logic [N-1:0][20:0] s_o          // signed
);
  logic [2:0] shift1_q;

  ls_delay #(
      .Cycles(2)
  ) u_valid (
      .clk_i,
      .rst_ni,
      .d_i(valid_i),
      .q_o(valid_o)
  );

  always_ff @(posedge clk_i) shift1_q <= shift_i;

  for (genvar lane = 0; lane < N; lane++) begin : gen_lane
    logic signed [20:0] word_q;
    logic signed [16:0] tables_q;

    always_ff @(posedge clk_i) begin
      word_q    <= 21'($signed(w_i[lane])) * $signed({9'b0, scale_i[lane]});
      tables_q  <= 17'($signed(position_i[lane])) + 17'($signed(type_i[lane]));
      s_o[lane] <= clamp_sum(34'(word_q) + (34'(tables_q) << shift1_q));
    end
  end
endmodule
