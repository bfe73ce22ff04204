// What a pass sums itself, by lane: (14), (23), and the greatest magnitude of the equalised row.
module ls_pass_sums
  import ls_engine_pkg::*;
#(
    parameter int unsigned N = 16
) (
    input  logic                clk_i,
    input  slot_t               square_i,  // with the squares of the centred row
    input  logic  [N-1:0][31:0] t2_i,
    input  slot_t               norm_i,    // with the equalised one
    input  logic  [N-1:0][15:0] x2_i,
    input  slot_t               exp_i,     // with the softmax's weights
    input  logic  [N-1:0][13:0] p_i,
    output logic  [N-1:0][31:0] sum_o,
    output logic  [N-1:0][15:0] max_o
);
  logic [N-1:0][31:0] own_sum_q, square_q, own_sum_d;
  logic [N-1:0][15:0] own_max_q, own_max_d;
  logic [15:0] magnitude;
  always_comb begin
    own_sum_d = own_sum_q;
    own_max_d = own_max_q;
    magnitude = '0;
    for (int unsigned i = 0; i < N; i++) begin
      if (square_i.valid && square_i.kind == SlotSquare) begin
        if (square_i.odd) own_sum_d[i] = own_sum_q[i] + ((square_q[i] + t2_i[i] + 32'd128) >> 8);
        else if (square_i.first) own_sum_d[i] = '0;
      end
      if (exp_i.valid && exp_i.kind == SlotExp)
        own_sum_d[i] = (exp_i.first ? 32'd0 : own_sum_q[i]) + 32'(p_i[i]);
      magnitude = x2_i[i][15] ? -x2_i[i] : x2_i[i];
      if (norm_i.valid && norm_i.kind == SlotNorm && (norm_i.first || magnitude > own_max_q[i]))
        own_max_d[i] = magnitude;
    end
  end
  always_ff @(posedge clk_i) begin
    own_sum_q <= own_sum_d;
    own_max_q <= own_max_d;
    if (square_i.valid && square_i.kind == SlotSquare) square_q <= t2_i;
  end
  assign sum_o = own_sum_q;
  assign max_o = own_max_q;
endmodule
