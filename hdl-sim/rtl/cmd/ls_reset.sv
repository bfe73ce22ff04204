// Soft reset. While the bus masters finish what is on the bus, everything else is held cleared.
// Then the masters are cleared too.
module ls_reset (
    input  logic clk_i,
    input  logic rst_ni,
    input  logic request_i,  // for one cycle
    input  logic idle,       // nothing is on the bus
    output logic drain,      // from the request to the end
    output logic clear       // the last cycle
);
  logic settle_q;

  // Idle counts from the second cycle on. In the first cycle a request that was taken just before
  // is not yet visible.
  assign clear = drain && settle_q && idle;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      drain <= 1'b0;
      settle_q <= 1'b0;
    end else begin
      settle_q <= drain && !clear;
      if (request_i) drain <= 1'b1;
      else if (clear) drain <= 1'b0;
    end
  end
endmodule
