// Streams words of card memory into the weight ring, as long as there is room, in bursts. No more words are asked for
// ahead than hide the memory's latency: the other readers of the port wait behind them.
module ls_loader
  import ls_isa_pkg::*;
#(
    parameter int unsigned N = 16,
    parameter int unsigned RingDepth = 8192,
    parameter int unsigned Burst = 32,
    parameter int unsigned Ahead = 256,
    localparam int unsigned RingBits = $clog2(RingDepth)
) (
    input  logic                  clk_i,
    input  logic                  rst_ni,
    input  logic                  valid_i,
    output logic                  ready_o,
    input  instr_t                instr_i,
    output logic                  req_valid_o,
    input  logic                  req_ready_i,
    output logic   [        39:0] req_address_o,
    output logic   [        15:0] req_words_o,
    input  logic                  data_valid_i,
    input  logic   [     N*8-1:0] data_i,
    output logic   [  RingBits:0] level_o,
    input  logic   [  RingBits:0] free_i,
    input  logic                  read_i,
    input  logic   [RingBits-1:0] address_i,
    output logic   [     N*8-1:0] word_o
);
  load_t f;
  logic [27:0] asked_q, left;
  logic [RingBits:0] reserved_q;
  logic [RingBits-1:0] tail_q;
  logic [$clog2(Ahead):0] ahead_q;
  logic fire;

  assign f = load_t'(instr_i.payload);
  assign left = f.words - asked_q;
  assign req_words_o = left > 28'(Burst) ? 16'(Burst) : 16'(left);
  assign req_address_o = f.address + 40'(asked_q) * 40'(N);
  assign req_valid_o = valid_i && reserved_q <= (RingBits + 1)'(RingDepth - Burst) &&
      ahead_q <= ($clog2(
      Ahead
  ) + 1)'(Ahead - Burst);
  assign fire = req_valid_o && req_ready_i;
  assign ready_o = fire && left <= 28'(Burst);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      asked_q    <= '0;
      reserved_q <= '0;
      tail_q     <= '0;
      ahead_q    <= '0;
      level_o    <= '0;
    end else begin
      if (fire) asked_q <= ready_o ? '0 : asked_q + 28'(req_words_o);
      reserved_q <= reserved_q + (fire ? (RingBits + 1)'(req_words_o) : '0) - free_i;
      ahead_q <= ahead_q + (fire ? ($clog2(
          Ahead
      ) + 1)'(req_words_o) : '0) - ($clog2(
          Ahead
      ) + 1)'(data_valid_i);
      level_o <= level_o + (RingBits + 1)'(data_valid_i) - free_i;
      if (data_valid_i) tail_q <= tail_q + 1'b1;
    end
  end

`ifndef SYNTHESIS
  // The ring takes no word that it has no place for, and frees none that it has not got.
  full_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) level_o <= (RingBits + 1)'(RingDepth))
  else $error("the ring overflows");
  free_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) free_i <= level_o)
  else $error("the ring is freed beyond its level");
  // No word comes that was not asked for.
  asked_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) data_valid_i |-> ahead_q != '0)
  else $error("a word that was not asked for");
`endif

  ls_ram #(
      .Width(N * 8),
      .Depth(RingDepth)
  ) u_ring (
      .clk_i,
      .write_i(data_valid_i),
      .write_address_i(tail_q),
      .write_data_i(data_i),
      .read_i(read_i),
      .read_address_i(address_i),
      .read_data_o(word_o)
  );
endmodule
