// Counting semaphores: each unit signals and takes a set of them a cycle. One unit alone waits for a semaphore.
module ls_semaphores
  import ls_engine_pkg::*;
(
    input  logic     clk_i,
    input  logic     rst_ni,
    input  sem_vec_t signal_i[4],
    input  sem_vec_t take_i,
    output sem_vec_t ready_o
);
  logic [Semaphores-1:0][9:0] count_q, count_d;

  always_comb begin
    for (int unsigned i = 0; i < Semaphores; i++) begin
      count_d[i] = count_q[i] + 10'(signal_i[0][i]) + 10'(signal_i[1][i]) + 10'(signal_i[2][i]) +
          10'(signal_i[3][i]) - 10'(take_i[i]);
      ready_o[i] = count_q[i] != '0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) count_q <= '0;
    else if (count_d != count_q) count_q <= count_d;
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
