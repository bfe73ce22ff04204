// Interrupt status, mask and vectors. A vector is a level that falls for one cycle whenever its
// bit is cleared. So a cause that comes at the same time makes a new edge. This suits bridges that
// send a message on the edge and bridges that sample the level.
module ls_irq #(
    parameter int unsigned Count = 2
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             clear_i,
    input  logic [Count-1:0] set_i,
    input  logic [Count-1:0] acknowledge_i,  // ones clear bits that are not set in the same cycle
    input  logic [Count-1:0] enable_i,
    output logic [Count-1:0] status_o,
    output logic [Count-1:0] irq_o
);
  logic [Count-1:0] status_q, rearm_q;

  assign status_o = status_q;
  assign irq_o    = status_q & enable_i & ~rearm_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      status_q <= '0;
      rearm_q  <= '0;
    end else if (clear_i) begin
      status_q <= '0;
      rearm_q  <= '0;
    end else begin
      status_q <= (status_q & ~acknowledge_i) | set_i;
      rearm_q  <= acknowledge_i;
    end
  end
endmodule
