// Counting semaphores. Each unit may signal and take several of them in a cycle. Only one unit
// waits for each semaphore. A signal counts one cycle later, because it comes at the end of long
// comparisons.
module ls_semaphores
  import ls_isa_pkg::*;
  import ls_engine_pkg::*;
(
    input  logic           clk_i,
    input  logic           srst_n,
    input  sem_vec_t [3:0] signals,
    input  sem_vec_t       take,
    output sem_vec_t       sem
);
  logic [Semaphores-1:0][9:0] count_q, count_d;
  sem_vec_t [3:0] signal_q;
  sem_vec_t changes;

  always_comb begin
    for (int unsigned i = 0; i < Semaphores; i++) begin
      count_d[i] = count_q[i] + 10'(signal_q[0][i]) + 10'(signal_q[1][i]) + 10'(signal_q[2][i]) +
          10'(signal_q[3][i]) - 10'(take[i]);
      sem[i] = count_q[i] != '0;
    end
    changes = signal_q[0] | signal_q[1] | signal_q[2] | signal_q[3] | take;
  end

  always_ff @(posedge clk_i) begin
    if (!srst_n) begin
      count_q  <= '0;
      signal_q <= '0;
    end else begin
      signal_q <= signals;
      for (int unsigned i = 0; i < Semaphores; i++) if (changes[i]) count_q[i] <= count_d[i];
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (srst_n) begin
      // Nothing is taken from an empty semaphore.
      taken_a :
      assert ((take & ~sem) == '0)
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
