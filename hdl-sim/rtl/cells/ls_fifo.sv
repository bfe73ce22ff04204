// A first-in first-out queue of Depth words between two ready/valid streams.
//
// A word that enters an empty queue can leave in the next cycle. Full throughput at any Depth of 2
// and more. clear_i empties the queue at the next edge, whatever else happens in that cycle.
module ls_fifo #(
    parameter int unsigned Width = 8,
    parameter int unsigned Depth = 4   // at least 1, any number
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             clear_i,
    input  logic             in_valid_i,
    output logic             in_ready_o,
    input  logic [Width-1:0] in_data_i,
    output logic             out_valid_o,
    input  logic             out_ready_i,
    output logic [Width-1:0] out_data_o
);
  localparam int unsigned CountWidth = $clog2(Depth + 1);
  localparam int unsigned PointerWidth = (Depth > 1) ? $clog2(Depth) : 1;
  localparam logic [PointerWidth-1:0] Last = PointerWidth'(Depth - 1);

  logic [Width-1:0] words_q[Depth];
  logic [PointerWidth-1:0] read_q, write_q;
  logic [CountWidth-1:0] count_q;  // words inside
  logic push, pop;

  assign in_ready_o  = count_q != CountWidth'(Depth);
  assign out_valid_o = count_q != '0;
  assign out_data_o  = words_q[read_q];
  assign push        = in_valid_i && in_ready_o;
  assign pop         = out_valid_o && out_ready_i;

  always_ff @(posedge clk_i) begin
    if (push) words_q[write_q] <= in_data_i;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      read_q  <= '0;
      write_q <= '0;
      count_q <= '0;
    end else if (clear_i) begin
      read_q  <= '0;
      write_q <= '0;
      count_q <= '0;
    end else begin
      if (push) write_q <= (write_q == Last) ? '0 : write_q + 1'b1;
      if (pop) read_q <= (read_q == Last) ? '0 : read_q + 1'b1;
      if (push && !pop) count_q <= count_q + 1'b1;
      else if (pop && !push) count_q <= count_q - 1'b1;
    end
  end

`ifndef SYNTHESIS
  // The count never exceeds the depth.
  count_in_range_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni || clear_i) count_q <= CountWidth'(Depth))
  else $error("count above depth");
  // The pointers are as far apart as the count says.
  pointers_match_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni || clear_i)
      (32'(count_q) + 32'(read_q)) % Depth == 32'(write_q))
  else $error("pointers and count disagree");
  // An offer stays until it is taken.
  stable_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
      out_valid_o && !out_ready_i && !clear_i |=> out_valid_o && $stable(
      out_data_o
  ))
  else $error("offer changed while stalled");
`endif
endmodule
