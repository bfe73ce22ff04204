// Counts events. It stops at its greatest value and never wraps.
module ls_counter #(
    parameter int unsigned Width = 64,
    parameter int unsigned StepWidth = 1  // events a cycle fit this
) (
    input  logic                 clk_i,
    input  logic                 rst_ni,
    input  logic                 clear_i,  // to zero, whatever is counted in that cycle
    input  logic [StepWidth-1:0] step_i,   // events in this cycle
    output logic [    Width-1:0] count_o
);
  logic [Width:0] next;
  assign next = {1'b0, count_o} + (Width + 1)'(step_i);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) count_o <= '0;
    else if (clear_i) count_o <= '0;
    else count_o <= next[Width] ? '1 : next[Width-1:0];
  end
endmodule
