// Asserts the ready/valid rules on one channel: what is offered stays, unchanged, until it is taken.
module ls_handshake_check #(
    parameter int unsigned Width = 1
) (
    input logic             clk_i,
    input logic             rst_ni,
    input logic             clear_i,  // offers may be withdrawn
    input logic             valid_i,
    input logic             ready_i,
    input logic [Width-1:0] data_i
);
`ifndef SYNTHESIS
  logic             waiting_q;
  logic [Width-1:0] data_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) waiting_q <= 1'b0;
    else waiting_q <= valid_i && !ready_i && !clear_i;
  end
  always_ff @(posedge clk_i) data_q <= data_i;

  always_ff @(posedge clk_i) begin
    if (rst_ni && waiting_q && !clear_i) begin
      // An offer is not withdrawn.
      a_valid :
      assert (valid_i)
      else $error("valid");
      // Its payload does not change.
      a_data :
      assert (data_i == data_q)
      else $error("data");
    end
  end
`else
  logic unused;
  assign unused = ^{clk_i, rst_ni, clear_i, valid_i, ready_i, data_i};
`endif
endmodule
