// The queue, three words deep: any word that goes in comes out in its turn, unchanged, unless the
// queue is cleared. The proof counts the words itself.
module fv_fifo (
    input logic       clk_i,
    input logic       rst_ni,
    input logic       clear_i,
    input logic       in_valid_i,
    input logic [3:0] in_data_i,
    input logic       out_ready_i,
    input logic       watch_i
);
  localparam int unsigned Depth = 3;
  logic in_ready, out_valid, push, pop, watched_q, past_q = 1'b0;
  logic [3:0] out_data, word_q;
  logic [1:0] count_q, ahead_q;

  ls_fifo #(
      .Width(4),
      .Depth(Depth)
  ) u_fifo (
      .*,
      .in_ready_o (in_ready),
      .out_valid_o(out_valid),
      .out_data_o (out_data)
  );
  assign push = in_valid_i && in_ready;
  assign pop  = out_valid && out_ready_i;

  always_ff @(posedge clk_i) begin
    past_q <= 1'b1;
    m_reset : assume (rst_ni == past_q);
    if (!rst_ni || clear_i) count_q <= '0;
    else count_q <= count_q + 2'(push) - 2'(pop);
    if (!rst_ni || clear_i) begin
      watched_q <= 1'b0;
      ahead_q   <= '0;
    end else if (!watched_q && watch_i && push) begin
      // The proof follows this word and counts the words before it.
      watched_q <= 1'b1;
      word_q    <= in_data_i;
      ahead_q   <= count_q - 2'(pop);
    end else if (watched_q && pop) begin
      watched_q <= ahead_q != '0;
      ahead_q   <= ahead_q - 2'd1;
    end
    if (rst_ni) begin
      a_count : assert (count_q <= 2'(Depth));
      a_full : assert (in_ready == (count_q != 2'(Depth)));
      a_empty : assert (out_valid == (count_q != '0));
      a_there : assert (!watched_q || count_q > ahead_q);
      a_word : assert (!(watched_q && ahead_q == '0) || out_data == word_q);
    end
  end
endmodule
