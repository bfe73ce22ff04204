// Memories A, B and P, and the operands that a step of the array takes from them or from the ring.
module ls_operands
  import ls_engine_pkg::*;
#(
    parameter int unsigned N = 16,
    parameter int unsigned ADepth = 4096,
    parameter int unsigned BDepth = 4096,
    parameter int unsigned PDepth = 2048
) (
    input  logic                         clk_i,
    input  operand_write_t               operand_write,
    input  logic           [N-1:0][ 7:0] q_word,         // for A or B
    input  logic           [N-1:0][13:0] p_word,
    input  operand_read_t                read,           // at most one of A and P
    input  array_word_t                  word,
    input  logic           [N-1:0][ 7:0] ring_word,
    output logic           [N-1:0][ 7:0] a_operand,
    output logic           [N-1:0][ 7:0] b_operand
);
  logic [N-1:0][7:0] a_read, b_read;
  logic [N-1:0][13:0] p_read;

  ls_ram #(
      .Width(N * 8),
      .Depth(ADepth)
  ) u_a (
      .*,
      .write_i(operand_write.a),
      .write_address_i($clog2(ADepth)'(operand_write.q_address)),
      .write_data_i(q_word),
      .read_i(read.a),
      .read_address_i($clog2(ADepth)'(read.a_address)),
      .read_data_o(a_read)
  );
  ls_ram #(
      .Width(N * 8),
      .Depth(BDepth)
  ) u_b (
      .*,
      .write_i(operand_write.b),
      .write_address_i($clog2(BDepth)'(operand_write.q_address)),
      .write_data_i(q_word),
      .read_i(read.b),
      .read_address_i($clog2(BDepth)'(read.b_address)),
      .read_data_o(b_read)
  );
  ls_ram #(
      .Width(N * 14),
      .Depth(PDepth)
  ) u_p (
      .*,
      .write_i(operand_write.p),
      .write_address_i($clog2(PDepth)'(operand_write.p_address)),
      .write_data_i(p_word),
      .read_i(read.p),
      .read_address_i($clog2(PDepth)'(read.a_address)),
      .read_data_o(p_read)
  );
  always_comb begin
    for (int unsigned i = 0; i < N; i++) begin
      a_operand[i] = !word.from_p ? a_read[i] :
          word.low_plane ? {1'b0, p_read[i][6:0]} : {1'b0, p_read[i][13:7]};
    end
  end
  assign b_operand = word.from_ring ? ring_word : b_read;
endmodule
