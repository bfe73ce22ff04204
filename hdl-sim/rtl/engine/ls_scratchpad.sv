// One read port, one write port; the word read is there a cycle later and stays until the next read.
module ls_scratchpad #(
    parameter  int unsigned Width = 8,
    parameter  int unsigned Depth = 16,
    localparam int unsigned Bits  = $clog2(Depth)
) (
    input  logic             clk_i,
    input  logic             we_i,
    input  logic [ Bits-1:0] waddr_i,
    input  logic [Width-1:0] wdata_i,
    input  logic             re_i,
    input  logic [ Bits-1:0] raddr_i,
    output logic [Width-1:0] rdata_o
);
  logic [Width-1:0] mem[Depth];

  always_ff @(posedge clk_i) begin
    if (we_i) mem[waddr_i] <= wdata_i;
    if (re_i) rdata_o <= mem[raddr_i];
  end
endmodule
