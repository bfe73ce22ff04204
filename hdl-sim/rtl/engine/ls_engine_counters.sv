// The engine's counters, from reset on.
module ls_engine_counters
  import ls_bus_pkg::*;
  import ls_engine_pkg::*;
(
    input  logic      clk_i,
    input  logic      engine_srst_n,
    input  logic      running,         // a job is at work
    input  logic      step,            // of the array
    input  stall_t    stall,
    input  logic      drained_i,       // a word
    input  logic      passed_i,
    input  beat_t     card_read_beat,
    input  beat_t     host_read_beat,
    input  logic      host_written_i,
    output counters_t counts
);
  always_ff @(posedge clk_i) begin
    if (!engine_srst_n) begin
      counts <= '0;
    end else begin
      if (running) begin
        counts.cycles <= counts.cycles + 1'b1;
        counts.busy <= counts.busy + 64'(step);
        counts.stall_weights <= counts.stall_weights + 64'(stall.weights);
        counts.stall_operand <= counts.stall_operand + 64'(stall.operand);
        counts.stall_plane <= counts.stall_plane + 64'(stall.plane);
        counts.idle <= counts.idle + 64'(!(step || stall.weights || stall.operand || stall.plane));
        counts.drained <= counts.drained + 64'(drained_i);
        counts.passed <= counts.passed + 64'(passed_i);
      end
      counts.card_words <= counts.card_words + 64'(card_read_beat.valid);
      counts.host_words <= counts.host_words + 64'(host_read_beat.valid) + 64'(host_written_i);
    end
  end
endmodule
