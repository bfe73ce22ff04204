// Chooses among requesters in turn. A choice holds until it is taken or its request is withdrawn.
// After that the next requester has priority.
module ls_arbiter #(
    parameter int unsigned Count = 3,  // at least 2
    localparam int unsigned IndexWidth = $clog2(Count)
) (
    input  logic                  clk_i,
    input  logic                  rst_ni,
    input  logic                  clear_i,
    input  logic [     Count-1:0] request_i,
    output logic                  valid_o,
    input  logic                  ready_i,
    output logic [IndexWidth-1:0] index_o
);
  logic [IndexWidth-1:0] last_q;  // taken last
  logic [IndexWidth-1:0] choice, held_q;
  logic hold_q;

  // The first requester after the last one: low indices are found again after the high ones.
  always_comb begin
    choice = '0;
    for (int unsigned i = 0; i < Count; i++) begin
      if (request_i[Count-1-i]) choice = IndexWidth'(Count - 1 - i);
    end
    for (int unsigned i = 0; i < Count; i++) begin
      if (request_i[Count-1-i] && IndexWidth'(Count - 1 - i) > last_q)
        choice = IndexWidth'(Count - 1 - i);
    end
  end

  assign index_o = hold_q && request_i[held_q] ? held_q : choice;
  assign valid_o = |request_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      last_q <= '0;
      held_q <= '0;
      hold_q <= 1'b0;
    end else if (clear_i) begin
      last_q <= '0;
      held_q <= '0;
      hold_q <= 1'b0;
    end else begin
      hold_q <= valid_o && !ready_i;
      held_q <= index_o;
      if (valid_o && ready_i) last_q <= index_o;
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !clear_i && valid_o) begin
      // The choice is one of the requesters.
      a_choice :
      assert (request_i[index_o])
      else $error("choice");
    end
  end
`endif
endmodule
