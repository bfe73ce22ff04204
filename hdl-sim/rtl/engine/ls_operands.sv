// Memories A, B and P, and what of them a step of the array takes.
module ls_operands #(
    parameter int unsigned N = 16,
    parameter int unsigned ADepth = 4096,
    parameter int unsigned BDepth = 4096,
    parameter int unsigned PDepth = 2048
) (
    input  logic               clk_i,
    input  logic               a_we_i,
    input  logic               b_we_i,
    input  logic [ 19:0]       address_i,    // of A or B
    input  logic [N-1:0][ 7:0] word_i,
    input  logic               p_we_i,
    input  logic [ 19:0]       p_address_i,
    input  logic [N-1:0][13:0] p_i,
    input  logic               a_read_i,     // at most one of A and P
    input  logic               b_read_i,
    input  logic               p_read_i,
    input  logic [ 19:0]       a_address_i,  // of A and P
    input  logic [ 19:0]       b_address_i,
    input  logic               from_p_i,     // with the word read: a plane of P instead of A
    input  logic               low_plane_i,
    output logic [N-1:0][ 7:0] a_o,
    output logic [N-1:0][ 7:0] b_o
);
  logic [N-1:0][ 7:0] a_word;
  logic [N-1:0][13:0] p_word;

  ls_ram #(
      .Width(N * 8),
      .Depth(ADepth)
  ) u_a (
      .clk_i,
      .write_i(a_we_i),
      .write_address_i($clog2(ADepth)'(address_i)),
      .write_data_i(word_i),
      .read_i(a_read_i),
      .read_address_i($clog2(ADepth)'(a_address_i)),
      .read_data_o(a_word)
  );
  ls_ram #(
      .Width(N * 8),
      .Depth(BDepth)
  ) u_b (
      .clk_i,
      .write_i(b_we_i),
      .write_address_i($clog2(BDepth)'(address_i)),
      .write_data_i(word_i),
      .read_i(b_read_i),
      .read_address_i($clog2(BDepth)'(b_address_i)),
      .read_data_o(b_o)
  );
  ls_ram #(
      .Width(N * 14),
      .Depth(PDepth)
  ) u_p (
      .clk_i,
      .write_i(p_we_i),
      .write_address_i($clog2(PDepth)'(p_address_i)),
      .write_data_i(p_i),
      .read_i(p_read_i),
      .read_address_i($clog2(PDepth)'(a_address_i)),
      .read_data_o(p_word)
  );
  always_comb begin
    for (int unsigned i = 0; i < N; i++)
    a_o[i] = !from_p_i ? a_word[i] : low_plane_i ? {1'b0, p_word[i][6:0]} : {1'b0, p_word[i][13:7]};
  end
endmodule
