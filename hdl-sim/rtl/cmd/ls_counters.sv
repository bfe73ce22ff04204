// Event counters of 48 bits. Only a reset sets them to zero.
module ls_counters #(
    parameter int unsigned Count = 12,
    parameter int unsigned StepWidth = 8
) (
    input  logic                            clk_i,
    input  logic                            rst_ni,
    input  logic [Count-1:0][StepWidth-1:0] step_i,
    output logic [Count-1:0][         47:0] count_o
);
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) count_o <= '0;
    else begin
      for (int unsigned i = 0; i < Count; i++) count_o[i] <= count_o[i] + 48'(step_i[i]);
    end
  end
endmodule
