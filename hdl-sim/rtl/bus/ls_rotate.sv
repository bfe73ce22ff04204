// Rotates the 32-bit words of a beat: output word i is input word (i + by_i) mod Words.
module ls_rotate #(
    parameter int unsigned DataWidth = 128,
    localparam int unsigned Words = DataWidth / 32,
    localparam int unsigned IndexWidth = (Words > 1) ? $clog2(Words) : 1
) (
    input  logic [ DataWidth-1:0] data_i,
    input  logic [IndexWidth-1:0] by_i,
    output logic [ DataWidth-1:0] data_o
);
  always_comb begin
    for (int unsigned i = 0; i < Words; i++) begin
      data_o[32*i+:32] = data_i[32*((i+32'(by_i))%Words)+:32];
    end
  end
endmodule
