// Packs pooled sums into words and writes them to the host: one request for each sequence. The
// sums of a sequence fill whole words.
module ls_pool_writer
  import ls_bus_pkg::*;
#(
    parameter int unsigned N = 16
) (
    input  logic               clk_i,
    input  logic               srst_n,
    input  logic     [   63:0] output_address,
    input  logic     [   12:0] length_i,              // sums of the pass at work
    input  logic               pool_valid,
    input  logic     [   31:0] pool,
    output logic               pool_room,
    output logic               pool_idle,
    output request_t           req_o,
    input  logic               host_write_req_ready,
    output logic               valid_o,
    input  logic               host_write_ready,
    output logic     [N*8-1:0] host_write_data,
    input  answer_t            host_write_done
);
  localparam int unsigned Per = N / 4;
  localparam int unsigned Depth = 16;
  // Words that still come when there is no more room: those of log2(N) + 7 sums under way, and one
  // word that waits.
  localparam int unsigned Ahead = ($clog2(N) + 7 + Per - 1) / Per + 1;
  localparam int unsigned WBits = $clog2(Per);

  logic [  Per-1:0][31:0] word_q;
  logic [      4:0]       fill_q;
  logic [     12:0]       length_q;
  logic [      4:0]       level_q;  // words queued
  logic [WBits-1:0]       place;
  logic asked_q, waiting_q, push, busy_q, queue_valid, place_free;

  assign place = WBits'(fill_q);  // after a full word: the first place of the next one
  assign push = fill_q == 5'(Per);
  assign req_o = '{
          valid: busy_q && !asked_q,
          addr: output_address,
          bytes: {17'd0, length_q, 2'b00}
      };
  assign pool_room = level_q < 5'(Depth - Ahead);
  assign pool_idle = !busy_q && !pool_valid;

  ls_fifo #(
      .Width(N * 8),
      .Depth(Depth)
  ) u_queue (
      .*,
      .rst_ni(1'b1),
      .clear_i(!srst_n),
      .in_valid_i(push),
      .in_ready_o(place_free),
      .in_data_i(word_q),
      .out_valid_o(queue_valid),
      .out_ready_i(host_write_ready && waiting_q),
      .out_data_o(host_write_data)
  );
  assign valid_o = queue_valid && waiting_q;

`ifndef SYNTHESIS
  // A word that is full has its place, and sums come only while there is room.
  push_a :
  assert property (@(posedge clk_i) disable iff (!srst_n) push |-> place_free)
  else $error("the queue of pooled words overflows");
  // A response belongs to a request.
  done_a :
  assert property (@(posedge clk_i) disable iff (!srst_n) host_write_done.valid |-> waiting_q)
  else $error("a response without a request");
`endif

  always_ff @(posedge clk_i) begin
    if (!srst_n) begin
      fill_q <= '0;
      level_q <= '0;
      asked_q <= 1'b0;
      waiting_q <= 1'b0;
      busy_q <= 1'b0;
    end else begin
      level_q <= level_q + 5'(push) - 5'(valid_o && host_write_ready);
      if (pool_valid) begin
        busy_q <= 1'b1;
        if (!busy_q) length_q <= length_i;
      end
      fill_q <= (push ? '0 : fill_q) + 5'(pool_valid);
      if (req_o.valid && host_write_req_ready) begin
        asked_q   <= 1'b1;
        waiting_q <= 1'b1;
      end
      if (host_write_done.valid) begin
        busy_q <= 1'b0;
        asked_q <= 1'b0;
        waiting_q <= 1'b0;
      end
    end
    for (int unsigned i = 0; i < Per; i++) if (pool_valid && place == WBits'(i)) word_q[i] <= pool;
  end
endmodule
