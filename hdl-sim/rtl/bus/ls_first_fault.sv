// Keeps, for each user of a port, the address of the first failed transfer since the last clear.
module ls_first_fault
  import ls_bus_pkg::*;
#(
    parameter  int unsigned Count   = 3,
    localparam int unsigned IdWidth = (Count > 1) ? $clog2(Count) : 1
) (
    input  logic                     clk_i,
    input  logic                     rst_ni,
    input  logic       [  Count-1:0] clear_i,
    input  bus_error_t               error_i,
    input  logic       [IdWidth-1:0] error_id_i,
    output fault_t     [  Count-1:0] fault_o
);
  fault_t [Count-1:0] fault_q;

  // A fault is visible in the cycle of its error, because the answer may come in that cycle too.
  always_comb begin
    for (int unsigned i = 0; i < Count; i++) begin
      fault_o[i] = fault_q[i];
      if (!fault_q[i].valid) begin
        fault_o[i].valid = error_i.valid && error_id_i == IdWidth'(i);
        fault_o[i].addr  = fault_o[i].valid ? error_i.addr : '0;
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      fault_q <= '0;
    end else begin
      for (int unsigned i = 0; i < Count; i++) begin
        fault_q[i].valid <= fault_o[i].valid && !clear_i[i];
        fault_q[i].addr  <= fault_o[i].addr;
      end
    end
  end
endmodule
