// The sums that a pass makes itself, by lane: (14), (23), and the greatest magnitude of the
// equalised row. This takes two cycles: a term, then the sum.
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
  logic square, exp, norm;
  assign square = square_i.valid && square_i.kind == SlotSquare;
  assign exp = exp_i.valid && exp_i.kind == SlotExp;
  assign norm = norm_i.valid && norm_i.kind == SlotNorm;

  logic [N-1:0][31:0] square_q, term_q;
  logic [N-1:0][15:0] magnitude_q;
  logic add_q, clear_q, norm_q, first_q;
  always_ff @(posedge clk_i) begin
    add_q   <= exp || (square && square_i.odd);
    clear_q <= (exp && exp_i.first) || (square && !square_i.odd && square_i.first);
    norm_q  <= norm;
    first_q <= norm_i.first;
    if (square) square_q <= t2_i;
    for (int unsigned i = 0; i < N; i++) begin
      // The sum of two squares, rounded.
      term_q[i] <= exp ? 32'(p_i[i]) : (square_q[i] + t2_i[i] + 32'd128) >> 8;
      magnitude_q[i] <= x2_i[i][15] ? -x2_i[i] : x2_i[i];
      if (add_q || clear_q) sum_o[i] <= (clear_q ? '0 : sum_o[i]) + (add_q ? term_q[i] : '0);
      if (norm_q && (first_q || magnitude_q[i] > max_o[i])) max_o[i] <= magnitude_q[i];
    end
  end
endmodule
