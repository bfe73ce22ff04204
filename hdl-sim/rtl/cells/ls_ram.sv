// A memory of Depth words with one write and one read port, the shape of an FPGA's block RAM. A
// read takes one cycle. No word may be read in the cycle in which it is written: families of FPGAs
// differ in the word that block RAM gives then, and all but one kind would need logic around it.
// The memory has no reset.
module ls_ram #(
    parameter int unsigned Width = 8,
    parameter int unsigned Depth = 16,  // at least 2
    localparam int unsigned AddressWidth = $clog2(Depth)
) (
    input logic clk_i,
    input logic write_i,
    input logic [AddressWidth-1:0] write_address_i,
    input logic [Width-1:0] write_data_i,
    input logic read_i,  // read_data_o keeps its value where this is low
    input logic [AddressWidth-1:0] read_address_i,
    output logic [Width-1:0] read_data_o  // in the cycle after read_i
);
  // Synthesis adds nothing for a read that meets a write.
  (* no_rw_check *)
  logic [Width-1:0] words_q[Depth];

  always_ff @(posedge clk_i) begin
    if (write_i) words_q[write_address_i] <= write_data_i;
    if (read_i) read_data_o <= words_q[read_address_i];
  end

`ifndef SYNTHESIS
  // A write stays inside the memory.
  write_a :
  assert property (@(posedge clk_i) write_i |-> 32'(write_address_i) < Depth)
  else $error("write behind the end");
  // A read stays inside the memory.
  read_a :
  assert property (@(posedge clk_i) read_i |-> 32'(read_address_i) < Depth)
  else $error("read behind the end");
  // A read does not meet a write of its word.
  meet_a :
  assert property (@(posedge clk_i) !(write_i && read_i && write_address_i == read_address_i))
  else $error("a word is read while it is written");
`endif
endmodule
