// Joins Ports ready/valid streams into one, in turn: after a transfer the next port that asks is served. No latency.
//
// A choice stays until its word is taken, so that the output is stable while it is stalled. Each port is served after at
// most Ports - 1 transfers of others.
module ls_arbiter #(
    parameter int unsigned Ports = 2,  // at least 2
    parameter int unsigned Width = 8,
    localparam int unsigned IndexWidth = $clog2(Ports)
) (
    input  logic                             clk_i,
    input  logic                             rst_ni,
    input  logic [     Ports-1:0]            in_valid_i,
    output logic [     Ports-1:0]            in_ready_o,
    input  logic [     Ports-1:0][Width-1:0] in_data_i,
    output logic                             out_valid_o,
    input  logic                             out_ready_i,
    output logic [     Width-1:0]            out_data_o,
    output logic [IndexWidth-1:0]            out_port_o    // whose word it is
);
  logic [Ports-1:0] after_q;  // ports behind the one served last
  logic [Ports-1:0] behind;
  logic [IndexWidth-1:0] choice, held_q;
  logic hold_q;

  assign behind      = in_valid_i & after_q;
  assign out_valid_o = in_valid_i != '0;
  assign out_data_o  = in_data_i[choice];
  assign out_port_o  = choice;

  always_comb begin
    choice = '0;
    for (int signed i = Ports - 1; i >= 0; i--) if (in_valid_i[i]) choice = IndexWidth'(i);
    for (int signed i = Ports - 1; i >= 0; i--) if (behind[i]) choice = IndexWidth'(i);
    if (hold_q) choice = held_q;
    in_ready_o = '0;
    in_ready_o[choice] = out_ready_i && out_valid_o;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      after_q <= '0;
      hold_q  <= 1'b0;
      held_q  <= '0;
    end else begin
      hold_q <= out_valid_o && !out_ready_i;
      held_q <= choice;
      if (out_valid_o && out_ready_i) begin
        for (int unsigned i = 0; i < Ports; i++) after_q[i] <= i > 32'(choice);
      end
    end
  end

`ifndef SYNTHESIS
  // At most one port is served in a cycle, and only one that asks.
  one_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) $onehot0(
      in_ready_o
  ) && (in_ready_o & ~in_valid_i) == '0)
  else $error("ready without one valid port");
  // A choice stays until it is taken, as long as its port keeps asking.
  stable_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
      out_valid_o && !out_ready_i |=> out_port_o == $past(
      out_port_o
  ))
  else $error("choice changed while stalled");
`endif
endmodule
