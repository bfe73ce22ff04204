// Three readers of card memory on one port: the lowest index first; answers come in the order of the requests. A request
// that is on offer stays until it is taken.
module ls_card_mux #(
    parameter int unsigned N = 16,
    parameter int unsigned Outstanding = 64
) (
    input  logic                 clk_i,
    input  logic                 rst_ni,
    input  logic [    2:0]       valid_i,
    output logic [    2:0]       ready_o,
    input  logic [    2:0][39:0] address_i,
    input  logic [    2:0][15:0] words_i,
    output logic [    2:0]       data_valid_o,
    output logic                 data_last_o,
    output logic [N*8-1:0]       data_o,
    output logic                 idle_o,
    // port
    output logic                 req_valid_o,
    input  logic                 req_ready_i,
    output logic [   63:0]       req_addr_o,
    output logic [   31:0]       req_bytes_o,
    input  logic                 rsp_valid_i,
    output logic                 rsp_ready_o,
    input  logic [N*8-1:0]       rsp_data_i,
    input  logic                 rsp_last_i
);
  logic [1:0] choice, choice_q, owner;
  logic room, owned, waiting_q;

  assign choice = waiting_q ? choice_q : valid_i[0] ? 2'd0 : valid_i[1] ? 2'd1 : 2'd2;
  assign req_valid_o = |valid_i && room;
  assign req_addr_o = 64'(address_i[choice]);
  assign req_bytes_o = 32'(words_i[choice]) * 32'(N);
  always_comb begin
    ready_o = '0;
    ready_o[choice] = req_ready_i && room;
  end

  ls_fifo #(
      .Width(2),
      .Depth(Outstanding)
  ) u_owner (
      .clk_i,
      .rst_ni(1'b1),
      .clear_i(!rst_ni),
      .in_valid_i(req_valid_o && req_ready_i),
      .in_ready_o(room),
      .in_data_i(choice),
      .out_valid_o(owned),
      .out_ready_i(rsp_valid_i && rsp_last_i),
      .out_data_o(owner),
      .count_o()
  );

  assign rsp_ready_o = 1'b1;
  assign data_o = rsp_data_i;
  assign data_last_o = rsp_last_i;
  always_comb begin
    data_valid_o = '0;
    data_valid_o[owner] = rsp_valid_i && owned;
  end
  assign idle_o = !owned;

  always_ff @(posedge clk_i) begin
    choice_q  <= choice;
    waiting_q <= rst_ni && req_valid_o && !req_ready_i && valid_i[choice];
  end

`ifndef SYNTHESIS
  // An answer belongs to a request.
  owned_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) rsp_valid_i |-> owned)
  else $error("data that nobody asked for");
`endif
endmodule
