// Delays a bit by Cycles. It marks the words of a pipeline that never stalls.
module ls_delay #(
    parameter int unsigned Cycles = 1  // at least 1
) (
    input  logic clk_i,
    input  logic rst_ni,
    input  logic d_i,
    output logic q_o
);
  logic [Cycles-1:0] bits_q;

  assign q_o = bits_q[Cycles-1];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) bits_q <= '0;
    else bits_q <= Cycles'({bits_q, d_i});
  end
endmodule
