// Reads a program from card memory and hands its instructions to the queues, in order; once for each sequence.
module ls_dispatch
  import ls_isa_pkg::*;
#(
    parameter int unsigned N = 16
) (
    input  logic               clk_i,
    input  logic               rst_ni,
    input  logic               start_i,        // begin a job: the fields below hold until the next
    input  logic   [     39:0] program_i,
    input  logic   [     15:0] length_i,       // instructions
    input  logic   [     15:0] repeat_i,
    output logic               illegal_o,      // the next instruction is none: nothing is handed on
    output logic               req_valid_o,
    input  logic               req_ready_i,
    output logic   [     39:0] req_address_o,
    output logic   [     15:0] req_words_o,
    input  logic               data_valid_i,
    input  logic   [  N*8-1:0] data_i,
    output logic   [Units-1:0] queue_valid_o,
    input  logic   [Units-1:0] queue_ready_i,
    output instr_t             instr_o
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

  assign total = 32'(length_i) * 32'(Beats);
  assign left = total - asked_q;
  assign req_words_o = left > 32'(Burst) ? 16'(Burst) : 16'(left);
  assign req_address_o = program_i + 40'(asked_q) * 40'(N);
  assign req_valid_o = active_q && reserved_q <= 7'(Depth - Burst);
  assign fire = req_valid_o && req_ready_i;
  assign turn_end = fire && left <= 32'(Burst);

  ls_fifo #(
      .Width(N * 8),
      .Depth(Depth)
  ) u_words (
      .clk_i,
      .rst_ni(1'b1),
      .clear_i(!rst_ni),
      .in_valid_i(data_valid_i),
      .in_ready_o(room),
      .in_data_i(data_i),
      .out_valid_o(word_valid),
      .out_ready_i(word_ready),
      .out_data_o(word),
      .count_o()
  );

`ifndef SYNTHESIS
  // A word that was asked for has its place.
  room_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) data_valid_i |-> room)
  else $error("the queue of instruction words overflows");
`endif

  assign word_ready = !full_q || sent;
  assign instr_o = instr_t'(instr_q);
  assign illegal_o = full_q && !legal(instr_o);
  assign queue_valid_o = full_q && legal(instr_o) ? unit_of(instr_o.opcode) : '0;
  assign sent = |(queue_valid_o & queue_ready_i);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      asked_q <= '0;
      turn_q <= '0;
      active_q <= 1'b0;
      reserved_q <= '0;
      beat_q <= '0;
      full_q <= 1'b0;
    end else begin
      if (start_i) active_q <= 1'b1;
      if (fire) asked_q <= turn_end ? '0 : asked_q + 32'(req_words_o);
      if (turn_end) begin
        turn_q <= turn_q + 1'b1;
        if (turn_q == repeat_i - 1'b1) begin
          active_q <= 1'b0;
          turn_q   <= '0;
        end
      end
      reserved_q <= reserved_q + (fire ? 7'(req_words_o) : 7'd0) - 7'(word_valid && word_ready);
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
