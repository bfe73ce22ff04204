// Section 1 of SPEC.md: the steps of a 16-bit signal processor that more than one module takes.
package ls_arith_pkg;

  // (2) after the multiplier: a product of two Q15 numbers, rounded half up. The products of (2) never need 17 bits.
  function automatic logic signed [15:0] round_q15(input logic signed [31:0] product);
    return product[30:15] + {15'b0, product[14]};
  endfunction

  // (3) The nearest 16-bit integer.
  function automatic logic signed [15:0] sat16(input logic signed [33:0] x);
    if (x > 34'sd32767) return 16'sh7fff;
    else if (x < -34'sd32768) return 16'sh8000;
    else return x[15:0];
  endfunction

  // (12) The nearest integer of at most 20 bits of magnitude.
  function automatic logic signed [20:0] clamp_sum(input logic signed [33:0] x);
    if (x > 34'sd1048575) return 21'sd1048575;
    else if (x < -34'sd1048575) return -21'sd1048575;
    else return x[20:0];
  endfunction

  // (4) The number of significant bits, in [0, 32].
  function automatic logic [5:0] bit_length(input logic [31:0] x);
    logic [5:0] length;
    length = '0;
    for (int unsigned i = 0; i < 32; i++) begin
      if (x[i]) length = 6'(i + 1);
    end
    return length;
  endfunction
endpackage
