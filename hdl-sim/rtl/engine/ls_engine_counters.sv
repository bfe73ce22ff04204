// The engine's counters, from reset on.
module ls_engine_counters
  import ls_engine_pkg::*;
(
    input  logic      clk_i,
    input  logic      rst_ni,
    input  logic      running_i,        // a job is at work
    input  logic      step_i,           // of the array
    input  logic      stall_weights_i,
    input  logic      stall_operand_i,
    input  logic      stall_plane_i,
    input  logic      drained_i,        // a word
    input  logic      passed_i,
    input  logic      card_word_i,
    input  logic      host_read_i,
    input  logic      host_written_i,
    output counters_t counters_o
);
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      counters_o <= '0;
    end else begin
      if (running_i) begin
        counters_o.cycles <= counters_o.cycles + 1'b1;
        counters_o.busy <= counters_o.busy + 64'(step_i);
        counters_o.stall_weights <= counters_o.stall_weights + 64'(stall_weights_i);
        counters_o.stall_operand <= counters_o.stall_operand + 64'(stall_operand_i);
        counters_o.stall_plane <= counters_o.stall_plane + 64'(stall_plane_i);
        counters_o.idle <= counters_o.idle +
            64'(!(step_i || stall_weights_i || stall_operand_i || stall_plane_i));
        counters_o.drained <= counters_o.drained + 64'(drained_i);
        counters_o.passed <= counters_o.passed + 64'(passed_i);
      end
      counters_o.card_words <= counters_o.card_words + 64'(card_word_i);
      counters_o.host_words <= counters_o.host_words + 64'(host_read_i) + 64'(host_written_i);
    end
  end
endmodule
