// Output-stationary array: acc[i][j] += a[i] * b[j], one step a cycle. A shadow plane is read by
// column (lane i) or by row (lane j). A step enters with its operands. The plane is there four
// cycles after its last step.
module ls_array
  import ls_engine_pkg::*;
#(
    parameter int unsigned N = 16,
    localparam int unsigned Bits = $clog2(N)
) (
    input  logic                         clk_i,
    input  logic                         srst_n,
    input  array_word_t                  word,
    input  logic        [   N-1:0][ 7:0] a_operand,
    input  logic        [   N-1:0][ 7:0] b_operand,
    output logic                         plane,         // for one cycle: readable from the third on
    input  logic                         plane_by_row,
    input  logic        [Bits-1:0]       plane_index,
    output logic        [   N-1:0][31:0] plane_data
);
  // Marks of the step whose operands are in registers, and of the step whose products are.
  logic valid_q, valid2_q, first_q, first2_q, shift_q, shift2_q, last_q, last2_q, copy_q;
  logic [N-1:0][7:0] a_q, b_q;
  logic [N-1:0][31:0] shadow[N];

  always_ff @(posedge clk_i) begin
    if (!srst_n) begin
      valid_q  <= 1'b0;
      valid2_q <= 1'b0;
      last_q   <= 1'b0;
      last2_q  <= 1'b0;
      copy_q   <= 1'b0;
    end else begin
      valid_q  <= word.step;
      valid2_q <= valid_q;
      last_q   <= word.step && word.last;
      last2_q  <= last_q;
      copy_q   <= last2_q;
    end
    first2_q <= first_q;
    shift2_q <= shift_q;
    if (word.step) begin
      first_q <= word.first;
      shift_q <= word.shift;
      a_q     <= a_operand;
      b_q     <= b_operand;
    end
  end
  assign plane = last_q;

  for (genvar i = 0; i < N; i++) begin : gen_row
    ls_array_row #(
        .N(N)
    ) u_row (
        .*,
        .valid_i (valid_q),
        .a_i     (a_q[i]),
        .b_i     (b_q),
        .add_i   (valid2_q),
        .first_i (first2_q),
        .shift_i (shift2_q),
        .copy_i  (copy_q),
        .shadow_o(shadow[i])
    );
  end

  always_comb begin
    plane_data = shadow[plane_index];
    if (!plane_by_row) begin
      for (int unsigned i = 0; i < N; i++) plane_data[i] = shadow[i][plane_index];
    end
  end
endmodule
