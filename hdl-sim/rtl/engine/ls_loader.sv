// Streams words of card memory into the weight ring in bursts, as long as the ring has room. It
// asks ahead for only as many words as hide the latency of the memory, because the other readers
// of the port wait behind them.
module ls_loader
  import ls_isa_pkg::*;
  import ls_engine_pkg::*;
#(
    parameter int unsigned N = 16,
    parameter int unsigned RingDepth = 8192,
    parameter int unsigned Burst = 32,
    parameter int unsigned Ahead = 256,
    localparam int unsigned RingBits = $clog2(RingDepth)
) (
    input  logic                     clk_i,
    input  logic                     srst_n,
    input  logic                     valid_i,
    output logic                     ready_o,
    input  instr_t                   instr_i,
    output card_ask_t                ask_o,
    input  logic                     ask_ready_i,
    input  logic                     word_valid_i,
    input  logic      [     N*8-1:0] card_data,
    output logic      [  RingBits:0] level,         // words in the ring
    input  logic      [  RingBits:0] free,          // words that leave the ring
    input  logic                     ring_read,
    input  logic      [RingBits-1:0] ring_address,
    output logic      [     N*8-1:0] ring_word
);
  load_t f;
  logic [27:0] asked_q, left;
  logic [RingBits:0] reserved_q;
  logic [RingBits-1:0] tail_q;
  logic [$clog2(Ahead):0] ahead_q;
  logic fire;

  assign f = load_t'(instr_i.payload);
  assign left = f.words - asked_q;
  assign ask_o.words = left > 28'(Burst) ? 16'(Burst) : 16'(left);
  assign ask_o.address = f.address + 40'(asked_q) * 40'(N);
  assign ask_o.valid = valid_i && reserved_q <= (RingBits + 1)'(RingDepth - Burst) &&
      ahead_q <= ($clog2(
      Ahead
  ) + 1)'(Ahead - Burst);
  assign fire = ask_o.valid && ask_ready_i;
  assign ready_o = fire && left <= 28'(Burst);

  always_ff @(posedge clk_i) begin
    if (!srst_n) begin
      asked_q    <= '0;
      reserved_q <= '0;
      tail_q     <= '0;
      ahead_q    <= '0;
      level      <= '0;
    end else begin
      if (fire) asked_q <= ready_o ? '0 : asked_q + 28'(ask_o.words);
      reserved_q <= reserved_q + (fire ? (RingBits + 1)'(ask_o.words) : '0) - free;
      ahead_q <= ahead_q + (fire ? ($clog2(
          Ahead
      ) + 1)'(ask_o.words) : '0) - ($clog2(
          Ahead
      ) + 1)'(word_valid_i);
      level <= level + (RingBits + 1)'(word_valid_i) - free;
      if (word_valid_i) tail_q <= tail_q + 1'b1;
    end
  end

`ifndef SYNTHESIS
  // The ring never holds more words than it has room for, and never frees a word that it does not
  // hold.
  full_a :
  assert property (@(posedge clk_i) disable iff (!srst_n) level <= (RingBits + 1)'(RingDepth))
  else $error("the ring overflows");
  free_a :
  assert property (@(posedge clk_i) disable iff (!srst_n) free <= level)
  else $error("the ring is freed beyond its level");
  // No word comes that was not asked for.
  asked_a :
  assert property (@(posedge clk_i) disable iff (!srst_n) word_valid_i |-> ahead_q != '0)
  else $error("a word that was not asked for");
`endif

  ls_ram #(
      .Width(N * 8),
      .Depth(RingDepth)
  ) u_ring (
      .clk_i,
      .write_i(word_valid_i),
      .write_address_i(tail_q),
      .write_data_i(card_data),
      .read_i(ring_read),
      .read_address_i(ring_address),
      .read_data_o(ring_word)
  );
endmodule
