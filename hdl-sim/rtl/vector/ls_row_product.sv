// Three computations that need one product a lane and never come together: (8) and (9), (25) and
// (27), (32) of SPEC.md for N lanes. The unit takes one word a cycle. Its latency is 4: a shifter,
// a rounding with the choice of the factors, the multiplier, an adder.
//
// The sat16 of (8) never saturates: h comes from the greatest magnitude of the row, so x << h has
// 16 bits.
module ls_row_product
  import ls_arith_pkg::*;
  import ls_row_product_pkg::*;
#(
    parameter int unsigned N = 8
) (
    input  logic                   clk_i,
    input  logic                   rst_ni,
    input  logic                   valid_i,
    input  product_e               kind_i,
    // quantise: (8), or (9)
    input  logic     [N-1:0][15:0] x_i,         // signed
    input  logic     [N-1:0][ 3:0] h_i,         // [0, 14]
    input  logic     [N-1:0][14:0] r_i,         // (7)
    // context: (25), (27)
    input  logic     [N-1:0][31:0] acc_i,       // signed: A of (24)
    input  logic     [N-1:0][ 4:0] e_i,         // E - 8, [6, 15]
    input  logic     [N-1:0][14:0] r_v_i,       // (26)
    // embed: (32), clamped as (12) has it
    input  logic     [N-1:0][ 7:0] w_i,         // signed: the word's row
    input  logic     [N-1:0][11:0] scale_i,     // its scale, [0, 4095]
    input  logic     [N-1:0][15:0] position_i,  // signed
    input  logic     [N-1:0][15:0] type_i,      // signed
    input  logic     [  2:0]       shift_i,     // table_shift, [0, 7]
    output logic                   valid_o,
    output logic     [N-1:0][ 7:0] q_o,         // signed
    output logic     [N-1:0][15:0] context_o,   // signed
    output logic     [N-1:0][20:0] s_o          // signed
);
  product_e kind1_q, kind2_q, kind3_q;
  logic [2:0] shift1_q, shift2_q;

  ls_delay #(
      .Cycles(4)
  ) u_valid (
      .*,
      .d_i(valid_i),
      .q_o(valid_o)
  );

  always_ff @(posedge clk_i) begin
    kind1_q  <= kind_i;
    kind2_q  <= kind1_q;
    kind3_q  <= kind2_q;
    shift1_q <= shift_i;
    shift2_q <= shift1_q;
  end

  for (genvar lane = 0; lane < N; lane++) begin : gen_lane
    logic signed [32:0] shifted_q;
    logic signed [15:0] normal1_q, narrow, factor_q, level;
    logic [14:0] r1_q, r2_q;
    logic [7:0] unsigned_level;
    logic signed [31:0] product_q;
    logic signed [16:0] tables1_q, tables2_q;
    logic signed [23:0] tables3_q;

    assign narrow = sat16(34'($signed(shifted_q[32:1])) + 34'(shifted_q[0]));
    assign level = round_q15(product_q);
    // Less 128, which is the same bits with the highest one inverted.
    assign unsigned_level = (level[13:6] + 8'(level[5])) ^ 8'h80;

    always_ff @(posedge clk_i) begin
      shifted_q <= $signed({acc_i[lane], 1'b0}) >>> e_i[lane];
      normal1_q <= (kind_i == ProductEmbed) ? 16'($signed(w_i[lane])) : x_i[lane] << h_i[lane];
      unique case (kind_i)
        ProductContext: r1_q <= r_v_i[lane];
        ProductEmbed:   r1_q <= {3'b0, scale_i[lane]};
        default:        r1_q <= r_i[lane];
      endcase
      tables1_q       <= 17'($signed(position_i[lane])) + 17'($signed(type_i[lane]));

      factor_q        <= (kind1_q == ProductContext) ? narrow : normal1_q;
      r2_q            <= r1_q;
      tables2_q       <= tables1_q;

      product_q       <= 32'(factor_q) * $signed({17'b0, r2_q});
      tables3_q       <= 24'(tables2_q) << shift2_q;

      q_o[lane]       <= (kind3_q == ProductUnsigned) ? unsigned_level : level[14:7] + 8'(level[6]);
      context_o[lane] <= level;
      s_o[lane]       <= clamp_sum(34'(product_q) + 34'(tables3_q));
    end
  end
endmodule
