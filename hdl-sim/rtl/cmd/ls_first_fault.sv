// For each user of a port, the address of its first failed transfer since it was cleared.
module ls_first_fault #(
    parameter  int unsigned Count   = 3,
    localparam int unsigned IdWidth = (Count > 1) ? $clog2(Count) : 1
) (
    input  logic                     clk_i,
    input  logic                     rst_ni,
    input  logic [  Count-1:0]       clear_i,
    input  logic                     error_valid_i,
    input  logic [IdWidth-1:0]       error_id_i,
    input  logic [       63:0]       error_addr_i,
    output logic [  Count-1:0]       valid_o,
    output logic [  Count-1:0][63:0] addr_o
);
  logic [Count-1:0] valid_q;
  logic [Count-1:0][63:0] addr_q;

  // Known in the cycle of the error already, in which the answer may come too.
  always_comb begin
    for (int unsigned i = 0; i < Count; i++) begin
      valid_o[i] = valid_q[i] || (error_valid_i && error_id_i == IdWidth'(i));
      addr_o[i]  = valid_q[i] ? addr_q[i] : (valid_o[i] ? error_addr_i : '0);
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= '0;
      addr_q  <= '0;
    end else begin
      valid_q <= valid_o & ~clear_i;
      addr_q  <= addr_o;
    end
  end
endmodule
