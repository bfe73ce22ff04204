// A register between two ready/valid streams that cuts every path between them, at full
// throughput. Latency 1.
module ls_skid #(
    parameter int unsigned Width = 8
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             clear_i,      // drops what is inside at the next edge
    input  logic             in_valid_i,
    output logic             in_ready_o,
    input  logic [Width-1:0] in_data_i,
    output logic             out_valid_o,
    input  logic             out_ready_i,
    output logic [Width-1:0] out_data_o
);
  // The second word is there only while the first one is stalled.
  logic first_valid_q, second_valid_q;
  logic [Width-1:0] first_q, second_q;
  logic take, move;

  assign in_ready_o  = !second_valid_q;
  assign out_valid_o = first_valid_q;
  assign out_data_o  = first_q;
  assign take        = in_valid_i && in_ready_o;
  assign move        = out_ready_i || !first_valid_q;

  always_ff @(posedge clk_i) begin
    if (move) first_q <= second_valid_q ? second_q : in_data_i;
    if (take) second_q <= in_data_i;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      first_valid_q  <= 1'b0;
      second_valid_q <= 1'b0;
    end else if (clear_i) begin
      first_valid_q  <= 1'b0;
      second_valid_q <= 1'b0;
    end else begin
      if (move) first_valid_q <= second_valid_q || take;
      second_valid_q <= !move && (second_valid_q || take);
    end
  end

`ifndef SYNTHESIS
  // Words leave in order: there is no second one without a first.
  order_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) second_valid_q |-> first_valid_q)
  else $error("second word without a first");
  // An offer stays until it is taken.
  stable_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
      out_valid_o && !out_ready_i && !clear_i |=> out_valid_o && $stable(
      out_data_o
  ))
  else $error("offer changed while stalled");
`endif
endmodule
