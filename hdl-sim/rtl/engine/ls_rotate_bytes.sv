// Rotates N bytes: byte i of the input is byte (i + by_i) mod N of the output. N is a power of two.
module ls_rotate_bytes #(
    parameter int unsigned N = 16,
    localparam int unsigned Bits = $clog2(N)
) (
    input logic [N-1:0][7:0] bytes_i,
    input logic [Bits-1:0] by_i,
    output logic [N-1:0][7:0] bytes_o
);
  // A bit of the distance at a time, so that each costs a choice of two.
  always_comb begin
    bytes_o = bytes_i;
    for (int unsigned s = 0; s < Bits; s++) begin
      if (by_i[s]) bytes_o = (bytes_o << (8 << s)) | (bytes_o >> (8 * N - (8 << s)));
    end
  end
endmodule
