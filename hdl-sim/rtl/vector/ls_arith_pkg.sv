// Section 1 of SPEC.md: the steps of a 16-bit signal processor that more than one module takes.
package ls_arith_pkg;

  // (2) after the multiplier: a product of two Q15 numbers, rounded half up. The products of (2)
  // never need 17 bits.
  function automatic logic signed [15:0] round_q15(input logic signed [31:0] product);
    return product[30:15] + {15'b0, product[14]};
  endfunction

  // a + round_q15(product) by one adder, whose carry is the rounding.
  function automatic logic signed [16:0] plus_q15(input logic signed [15:0] a,
                                                  input logic signed [31:0] product);
    logic [17:0] sum;
    sum = {a[15], a, 1'b1} + {product[30], product[30:14]};
    return sum[17:1];
  endfunction

  // (3) The nearest 16-bit integer.
  function automatic logic signed [15:0] sat16(input logic signed [33:0] x);
    return (x[33:15] == '0 || x[33:15] == '1) ? x[15:0] : {x[33], {15{!x[33]}}};
  endfunction

  // The nearest integer of at most 15 bits of magnitude.
  function automatic logic signed [15:0] clamp15(input logic signed [17:0] x);
    if (!x[17]) return x[16:15] != '0 ? 16'sd32767 : x[15:0];
    else return (x[16:15] != '1 || x[14:0] == '0) ? -16'sd32767 : x[15:0];
  endfunction

  // (12) The nearest integer of at most 20 bits of magnitude.
  function automatic logic signed [20:0] clamp_sum(input logic signed [33:0] x);
    if (!x[33]) return x[32:20] != '0 ? 21'sd1048575 : x[20:0];
    else return (x[32:20] != '1 || x[19:0] == '0) ? -21'sd1048575 : x[20:0];
  endfunction

  // (4) The number of significant bits, in [0, 32].
  function automatic logic [5:0] bit_length(input logic [31:0] x);
    logic [5:0] length;
    logic [7:0] some;  // of each nibble
    logic [3:0] top;
    length = '0;
    top = '0;
    for (int unsigned i = 0; i < 8; i++) some[i] = x[4*i+:4] != '0;
    for (int unsigned i = 0; i < 8; i++)
    if (some[i]) begin
      length = 6'(4 * i);
      top = x[4*i+:4];
    end
    return length + (top[3] ? 6'd4 : top[2] ? 6'd3 : top[1] ? 6'd2 : 6'(top[0]));
  endfunction
endpackage
