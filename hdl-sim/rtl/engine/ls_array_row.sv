// One row of the array: N sums of products for one lane, and their copies in the shadow plane.
module ls_array_row #(
    parameter int unsigned N = 16
) (
    input  logic               clk_i,
    input  logic               valid_i,  // a step: its operands are multiplied
    input  logic [  7:0]       a_i,
    input  logic [N-1:0][ 7:0] b_i,
    input  logic               add_i,    // the products of the cycle before are added
    input  logic               first_i,  // they are the first
    input  logic               shift_i,  // the sums so far count 128 times
    input  logic               copy_i,   // the sums go to the shadow
    output logic [N-1:0][31:0] shadow_o
);
  // verilator no_inline_module
  logic [N-1:0][15:0] product_q;
  logic [N-1:0][31:0] acc_q, acc_d;

  always_comb begin
    for (int unsigned j = 0; j < N; j++) begin
      acc_d[j] = (first_i ? 32'd0 : shift_i ? acc_q[j] << 7 : acc_q[j]) +
          32'($signed(product_q[j]));
    end
  end

  always_ff @(posedge clk_i) begin
    if (valid_i)
      for (int unsigned j = 0; j < N; j++)
      product_q[j] <= $signed({{8{a_i[7]}}, a_i}) * $signed({{8{b_i[j][7]}}, b_i[j]});
    if (add_i) acc_q <= acc_d;
    if (copy_i) shadow_o <= acc_q;
  end
endmodule
