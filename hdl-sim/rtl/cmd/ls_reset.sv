// Soft reset: everything but the bus masters is held cleared while they finish what is on the bus; then they are cleared too.
module ls_reset (
    input  logic clk_i,
    input  logic rst_ni,
    input  logic request_i,  // for one cycle
    input  logic idle_i,     // nothing is on the bus
    output logic drain_o,    // from the request to the end
    output logic clear_o     // the last cycle
);
  logic drain_q, settle_q;

  assign drain_o = drain_q;
  // Idle is looked at from the second cycle on: the first still sees what was taken before.
  assign clear_o = drain_q && settle_q && idle_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      drain_q  <= 1'b0;
      settle_q <= 1'b0;
    end else begin
      settle_q <= drain_q && !clear_o;
      if (request_i) drain_q <= 1'b1;
      else if (clear_o) drain_q <= 1'b0;
    end
  end
endmodule
