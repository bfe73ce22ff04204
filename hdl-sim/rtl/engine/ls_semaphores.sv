// Counting semaphores: each unit signals and takes a set of them a cycle. One unit alone waits for a semaphore.
// A signal counts a cycle later: it comes at the end of long comparisons.
module ls_semaphores
  import ls_isa_pkg::*;
  import ls_engine_pkg::*;
(
    input  logic     clk_i,
    input  logic     rst_ni,
    input  sem_vec_t signal_i[4],
    input  sem_vec_t take_i,
    output sem_vec_t ready_o
);
  logic [Semaphores-1:0][9:0] count_q, count_d;
  sem_vec_t signal_q[4], changes;

  always_comb begin
    for (int unsigned i = 0; i < Semaphores; i++) begin
      count_d[i] = count_q[i] + 10'(signal_q[0][i]) + 10'(signal_q[1][i]) + 10'(signal_q[2][i]) +
          10'(signal_q[3][i]) - 10'(take_i[i]);
      ready_o[i] = count_q[i] != '0;
    end
    changes = signal_q[0] | signal_q[1] | signal_q[2] | signal_q[3] | take_i;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      count_q <= '0;
      for (int unsigned u = 0; u < 4; u++) signal_q[u] <= '0;
    end else begin
      signal_q <= signal_i;
      for (int unsigned i = 0; i < Semaphores; i++) if (changes[i]) count_q[i] <= count_d[i];
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      // Nothing is taken from an empty semaphore.
      taken_a :
      assert ((take_i & ~ready_o) == '0)
      else $error("an empty semaphore is taken");
      for (int unsigned i = 0; i < Semaphores; i++) begin
        // A count does not wrap.
        full_a :
        assert (count_q[i] < 10'h3f0 || count_d[i] >= 10'h010)
        else $error("a semaphore is full");
      end
    end
  end
`endif
endmodule
