// What a word of ls_row_product is.
package ls_row_product_pkg;

  typedef enum logic [1:0] {
    ProductSigned   = 2'd0,  // (8)
    ProductUnsigned = 2'd1,  // (9)
    ProductContext  = 2'd2,  // (25), (27)
    ProductEmbed    = 2'd3   // (32)
  } product_e;
endpackage
