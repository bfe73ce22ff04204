// Packs pooled sums into words and writes them to the host: one request a sequence, whose sums fill whole words.
module ls_pool_writer #(
    parameter int unsigned N = 16
) (
    input  logic           clk_i,
    input  logic           rst_ni,
    input  logic [   63:0] address_i,
    input  logic [   12:0] length_i,     // sums of the pass at work
    input  logic           valid_i,
    input  logic [   31:0] data_i,
    output logic           room_o,
    output logic           idle_o,
    output logic           req_valid_o,
    input  logic           req_ready_i,
    output logic [   63:0] req_addr_o,
    output logic [   31:0] req_bytes_o,
    output logic           valid_o,
    input  logic           ready_i,
    output logic [N*8-1:0] data_o,
    input  logic           done_i
);
  localparam int unsigned Per = N / 4;
  localparam int unsigned Depth = 16;
  // Words of the sums that are on their way when there is no more room: log2(N) + 7 sums, and one word's that waits.
  localparam int unsigned Ahead = ($clog2(N) + 7 + Per - 1) / Per + 1;
  localparam int unsigned WBits = $clog2(Per);

  logic [  Per-1:0][31:0] word_q;
  logic [      4:0]       fill_q;
  logic [     12:0]       length_q;
  logic [      4:0]       level_q;  // words queued
  logic [WBits-1:0]       place;
  logic asked_q, waiting_q, push, busy_q, queue_valid, place_free;

  assign place = WBits'(fill_q);  // of a full word: the first of the next
  assign push = fill_q == 5'(Per);
  assign req_valid_o = busy_q && !asked_q;
  assign req_addr_o = address_i;
  assign req_bytes_o = {17'd0, length_q, 2'b00};
  assign room_o = level_q < 5'(Depth - Ahead);
  assign idle_o = !busy_q && !valid_i;

  ls_fifo #(
      .Width(N * 8),
      .Depth(Depth)
  ) u_queue (
      .clk_i,
      .rst_ni(1'b1),
      .clear_i(!rst_ni),
      .in_valid_i(push),
      .in_ready_o(place_free),
      .in_data_i(word_q),
      .out_valid_o(queue_valid),
      .out_ready_i(ready_i && waiting_q),
      .out_data_o(data_o),
      .count_o()
  );
  assign valid_o = queue_valid && waiting_q;

`ifndef SYNTHESIS
  // A word that is full has its place, and sums come only while there is room.
  push_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) push |-> place_free)
  else $error("the queue of pooled words overflows");
  // A response belongs to a request.
  done_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) done_i |-> waiting_q)
  else $error("a response without a request");
`endif

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fill_q <= '0;
      level_q <= '0;
      asked_q <= 1'b0;
      waiting_q <= 1'b0;
      busy_q <= 1'b0;
    end else begin
      level_q <= level_q + 5'(push) - 5'(valid_o && ready_i);
      if (valid_i) begin
        busy_q <= 1'b1;
        if (!busy_q) length_q <= length_i;
      end
      fill_q <= (push ? '0 : fill_q) + 5'(valid_i);
      if (req_valid_o && req_ready_i) begin
        asked_q   <= 1'b1;
        waiting_q <= 1'b1;
      end
      if (done_i) begin
        busy_q <= 1'b0;
        asked_q <= 1'b0;
        waiting_q <= 1'b0;
      end
    end
    for (int unsigned i = 0; i < Per; i++) if (valid_i && place == WBits'(i)) word_q[i] <= data_i;
  end
endmodule
