// The semaphores with ports that are packed.
module bench_semaphores
  import ls_engine_pkg::*;
(
    input  logic     clk_i,
    input  logic     rst_ni,
    input  sem_vec_t signal0_i,
    input  sem_vec_t signal1_i,
    input  sem_vec_t signal2_i,
    input  sem_vec_t signal3_i,
    input  sem_vec_t take_i,
    output sem_vec_t ready_o
);
  sem_vec_t signals[4];
  assign signals = '{signal0_i, signal1_i, signal2_i, signal3_i};
  ls_semaphores u_semaphores (
      .clk_i,
      .rst_ni,
      .signal_i(signals),
      .take_i,
      .ready_o
  );
endmodule
