// The arbiter with three requesters: it chooses one that asks, keeps the choice, and passes over
// nobody twice.
module fv_arbiter (
    input logic       clk_i,
    input logic       rst_ni,
    input logic [2:0] request_i,
    input logic       ready_i
);
  logic valid, taken, valid_q, taken_q, past_q = 1'b0;
  logic [1:0] index, index_q;
  logic [2:0][1:0] passed_q;

  ls_arbiter #(
      .Count(3)
  ) u_arbiter (
      .clk_i,
      .rst_ni,
      .clear_i(1'b0),
      .request_i,
      .valid_o(valid),
      .ready_i,
      .index_o(index)
  );
  assign taken = valid && ready_i;

  always_ff @(posedge clk_i) begin
    past_q  <= 1'b1;
    valid_q <= valid && rst_ni;
    taken_q <= taken;
    index_q <= index;
    m_reset : assume (rst_ni == past_q);
    for (int unsigned i = 0; i < 3; i++) begin
      if (!rst_ni || !request_i[i] || (taken && index == 2'(i))) passed_q[i] <= '0;
      else if (taken) passed_q[i] <= passed_q[i] + 2'd1;
    end
    if (rst_ni) a_fair : assert (passed_q[0] <= 2'd2 && passed_q[1] <= 2'd2 && passed_q[2] <= 2'd2);
    if (rst_ni) begin
      a_valid : assert (valid == (request_i != '0));
      a_choice : assert (!valid || (index < 2'd3 && request_i[index]));
      // A request may be withdrawn.
      if (valid_q && !taken_q && request_i[index_q]) a_keep : assert (index == index_q);
    end
  end
endmodule
