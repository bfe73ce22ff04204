// Interrupts: no cause is lost, a masked vector is silent, and after an acknowledgement the vector
// falls for a cycle.
module fv_irq (
    input logic       clk_i,
    input logic       rst_ni,
    input logic [1:0] set_i,
    input logic [1:0] acknowledge_i,
    input logic [1:0] enable_i
);
  logic [1:0] status, irq, set_q, acknowledge_q, status_q;
  logic started_q, past_q = 1'b0;

  ls_irq #(
      .Count(2)
  ) u_irq (
      .clk_i,
      .rst_ni,
      .clear_i (1'b0),
      .set_i,
      .acknowledge_i,
      .enable_i,
      .status_o(status),
      .irq_o   (irq)
  );

  always_ff @(posedge clk_i) begin
    past_q <= 1'b1;
    m_reset : assume (rst_ni == past_q);
    started_q <= rst_ni;
    set_q <= set_i;
    acknowledge_q <= acknowledge_i;
    status_q <= status;
    if (rst_ni && started_q) begin
      a_kept : assert (status == (set_q | (status_q & ~acknowledge_q)));
      a_masked : assert ((irq & ~enable_i) == '0);
      a_fall : assert ((irq & acknowledge_q) == '0);
      a_raised : assert (irq == (status & enable_i & ~acknowledge_q));
    end
  end
endmodule
