// Output-stationary array: acc[i][j] += a[i] * b[j], one step a cycle, with a shadow plane that is read by column
// (lane i) or by row (lane j). A step enters with the operands; the plane is there four cycles after its last step.
module ls_array #(
    parameter int unsigned N = 16,
    localparam int unsigned Bits = $clog2(N)
) (
    input  logic                  clk_i,
    input  logic                  rst_ni,
    input  logic                  valid_i,
    input  logic                  first_i,
    input  logic                  shift_i,
    input  logic                  last_i,
    input  logic [   N-1:0][ 7:0] a_i,
    input  logic [   N-1:0][ 7:0] b_i,
    output logic                  plane_o,   // pulse: a plane can be read from the third cycle on
    input  logic                  by_row_i,
    input  logic [Bits-1:0]       index_i,
    output logic [   N-1:0][31:0] data_o
);
  // Of the step whose operands, and whose products, are in registers.
  logic valid_q, valid2_q, first_q, first2_q, shift_q, shift2_q, last_q, last2_q, copy_q;
  logic [N-1:0][7:0] a_q, b_q;
  logic [N-1:0][31:0] shadow[N];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q  <= 1'b0;
      valid2_q <= 1'b0;
      last_q   <= 1'b0;
      last2_q  <= 1'b0;
      copy_q   <= 1'b0;
    end else begin
      valid_q  <= valid_i;
      valid2_q <= valid_q;
      last_q   <= valid_i && last_i;
      last2_q  <= last_q;
      copy_q   <= last2_q;
    end
    first2_q <= first_q;
    shift2_q <= shift_q;
    if (valid_i) begin
      first_q <= first_i;
      shift_q <= shift_i;
      a_q     <= a_i;
      b_q     <= b_i;
    end
  end
  assign plane_o = last_q;

  for (genvar i = 0; i < N; i++) begin : gen_row
    ls_array_row #(
        .N(N)
    ) u_row (
        .clk_i,
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
    data_o = shadow[index_i];
    if (!by_row_i) begin
      for (int unsigned i = 0; i < N; i++) data_o[i] = shadow[i][index_i];
    end
  end
endmodule
