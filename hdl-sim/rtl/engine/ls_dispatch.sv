// Reads a program from card memory and hands its instructions to the queues in order, once for
// each sequence.
module ls_dispatch
  import ls_isa_pkg::*;
  import ls_engine_pkg::*;
#(
    parameter int unsigned N = 16
) (
    input  logic                  clk_i,
    input  logic                  srst_n,
    input  logic                  start,            // begins a job; its fields hold until the next
    input  logic      [     39:0] program_address,
    input  logic      [     15:0] length,           // instructions
    input  logic      [     15:0] repeats,
    output logic                  illegal,          // an illegal instruction
    output card_ask_t             ask_o,
    input  logic                  ask_ready_i,
    input  logic                  word_valid_i,
    input  logic      [  N*8-1:0] card_data,
    output logic      [Units-1:0] put_valid,
    input  logic      [Units-1:0] put_ready,
    output instr_t                put_instr
);
  // An instruction takes 32 bytes, or one word where that is longer.
  localparam int unsigned Beats = N < 32 ? 32 / N : 1;
  localparam int unsigned Depth = 64;
  localparam int unsigned Burst = 16;

  logic [31:0] asked_q, total;
  logic [15:0] turn_q;
  logic active_q;
  logic [6:0] reserved_q;
  logic [N*8-1:0] word;
  logic word_valid, word_ready, fire, turn_end;
  logic [ 31:0] left;
  logic [  2:0] beat_q;
  logic [255:0] instr_q;
  logic full_q, sent, room;

  assign total = 32'(length) * 32'(Beats);
  assign left = total - asked_q;
  assign ask_o.words = left > 32'(Burst) ? 16'(Burst) : 16'(left);
  assign ask_o.address = program_address + 40'(asked_q) * 40'(N);
  assign ask_o.valid = active_q && reserved_q <= 7'(Depth - Burst);
  assign fire = ask_o.valid && ask_ready_i;
  assign turn_end = fire && left <= 32'(Burst);

  ls_fifo #(
      .Width(N * 8),
      .Depth(Depth)
  ) u_words (
      .*,
      .rst_ni(1'b1),
      .clear_i(!srst_n),
      .in_valid_i(word_valid_i),
      .in_ready_o(room),
      .in_data_i(card_data),
      .out_valid_o(word_valid),
      .out_ready_i(word_ready),
      .out_data_o(word)
  );

`ifndef SYNTHESIS
  // The queue has room for every word that was asked for.
  room_a :
  assert property (@(posedge clk_i) disable iff (!srst_n) word_valid_i |-> room)
  else $error("the queue of instruction words overflows");
`endif

  assign word_ready = !full_q || sent;
  assign put_instr = instr_t'(instr_q);
  assign illegal = full_q && !legal(put_instr);
  assign put_valid = full_q && legal(put_instr) ? unit_of(put_instr.opcode) : '0;
  assign sent = |(put_valid & put_ready);

  always_ff @(posedge clk_i) begin
    if (!srst_n) begin
      asked_q <= '0;
      turn_q <= '0;
      active_q <= 1'b0;
      reserved_q <= '0;
      beat_q <= '0;
      full_q <= 1'b0;
    end else begin
      if (start) active_q <= 1'b1;
      if (fire) asked_q <= turn_end ? '0 : asked_q + 32'(ask_o.words);
      if (turn_end) begin
        turn_q <= turn_q + 1'b1;
        if (turn_q == repeats - 1'b1) begin
          active_q <= 1'b0;
          turn_q   <= '0;
        end
      end
      reserved_q <= reserved_q + (fire ? 7'(ask_o.words) : 7'd0) - 7'(word_valid && word_ready);
      if (sent) full_q <= 1'b0;
      if (word_valid && word_ready) begin
        beat_q <= beat_q == 3'(Beats - 1) ? '0 : beat_q + 1'b1;
        if (beat_q == 3'(Beats - 1)) full_q <= 1'b1;
      end
    end
    if (word_valid && word_ready) begin
      if (N >= 32) instr_q <= 256'(word);
      else instr_q <= 256'({word, instr_q} >> (N * 8 < 256 ? N * 8 : 0));
    end
  end
endmodule
