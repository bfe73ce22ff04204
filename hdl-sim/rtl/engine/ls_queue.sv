// A first-in first-out queue whose head is there without asking.
module ls_queue #(
    parameter  int unsigned Width = 8,
    parameter  int unsigned Depth = 16,
    localparam int unsigned Bits  = $clog2(Depth)
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             valid_i,
    output logic             ready_o,
    input  logic [Width-1:0] data_i,
    output logic             valid_o,
    input  logic             ready_i,
    output logic [Width-1:0] data_o
);
  logic [Width-1:0] mem[Depth];
  logic [Bits-1:0] head_q, tail_q;
  logic [Bits:0] count_q;

  assign ready_o = count_q != (Bits + 1)'(Depth);
  assign valid_o = count_q != '0;
  assign data_o  = mem[head_q];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      head_q  <= '0;
      tail_q  <= '0;
      count_q <= '0;
    end else begin
      if (valid_i && ready_o) tail_q <= tail_q + 1'b1;
      if (valid_o && ready_i) head_q <= head_q + 1'b1;
      count_q <= count_q + (Bits + 1)'(valid_i && ready_o) - (Bits + 1)'(valid_o && ready_i);
    end
    if (valid_i && ready_o) mem[tail_q] <= data_i;
  end
endmodule
