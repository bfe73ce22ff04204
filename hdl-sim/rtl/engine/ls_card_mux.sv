// Three readers of card memory share one port. The lowest index goes first. Answers come in the
// order of the requests. A request that is offered to the port stays until the port takes it.
module ls_card_mux
  import ls_bus_pkg::*;
  import ls_engine_pkg::*;
#(
    parameter int unsigned N = 16,
    parameter int unsigned Outstanding = 64
) (
    input  logic            clk_i,
    input  logic            engine_srst_n,
    input  card_ask_t [2:0] ask_i,
    output logic      [2:0] ask_ready,
    output logic      [2:0] word_valid,           // whose word the port gives
    output logic            card_idle,
    output request_t        card_read_req,
    input  logic            card_read_req_ready,
    input  beat_t           card_read_beat
);
  logic [1:0] choice, choice_q, owner;
  logic room, owned, waiting_q;

  assign choice = waiting_q ? choice_q : ask_i[0].valid ? 2'd0 : ask_i[1].valid ? 2'd1 : 2'd2;
  assign card_read_req = '{
          valid: (ask_i[0].valid || ask_i[1].valid || ask_i[2].valid) && room,
          addr: 64'(ask_i[choice].address),
          bytes: 32'(ask_i[choice].words) * 32'(N)
      };
  always_comb begin
    ask_ready = '0;
    ask_ready[choice] = card_read_req_ready && room;
  end

  ls_fifo #(
      .Width(2),
      .Depth(Outstanding)
  ) u_owner (
      .*,
      .rst_ni(1'b1),
      .clear_i(!engine_srst_n),
      .in_valid_i(card_read_req.valid && card_read_req_ready),
      .in_ready_o(room),
      .in_data_i(choice),
      .out_valid_o(owned),
      .out_ready_i(card_read_beat.valid && card_read_beat.last),
      .out_data_o(owner)
  );

  always_comb begin
    word_valid = '0;
    word_valid[owner] = card_read_beat.valid && owned;
  end
  assign card_idle = !owned;

  always_ff @(posedge clk_i) begin
    choice_q <= choice;
    waiting_q <= engine_srst_n && card_read_req.valid && !card_read_req_ready && ask_i[choice].valid;
  end

`ifndef SYNTHESIS
  // An answer belongs to a request.
  owned_a :
  assert property (@(posedge clk_i) disable iff (!engine_srst_n) card_read_beat.valid |-> owned)
  else $error("data that nobody asked for");
`endif
endmodule
