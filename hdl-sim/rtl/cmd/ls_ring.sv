// The two indices of a ring of 2^log2_i entries that the host and the card share. Indices count
// freely over 16 bits.
//
// The host moves its index by a doorbell. The card refuses an index that is not possible. The card
// moves its own index by one entry.
module ls_ring #(
    parameter bit HostProduces = 1'b1
) (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic        clear_i,           // both indices to zero
    input  logic [ 3:0] log2_i,            // 1 to 15
    input  logic        doorbell_valid_i,
    input  logic [15:0] doorbell_index_i,
    output logic        doorbell_bad_o,    // in the cycle of the doorbell
    input  logic        advance_i,         // only while there is an entry to consume or to fill
    output logic [15:0] host_index_o,
    output logic [15:0] card_index_o,
    output logic [15:0] used_o             // full entries
);
  logic [15:0] host_q, card_q, size, offered;
  logic good;

  assign size = 16'd1 << log2_i;
  assign host_index_o = host_q;
  assign card_index_o = card_q;
  assign used_o = HostProduces ? host_q - card_q : card_q - host_q;
  // Full entries after the doorbell.
  assign offered = HostProduces ? doorbell_index_i - card_q : card_q - doorbell_index_i;
  assign good = HostProduces ? (offered <= size && offered >= used_o) : (offered <= used_o);
  assign doorbell_bad_o = doorbell_valid_i && !good;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      host_q <= '0;
      card_q <= '0;
    end else if (clear_i) begin
      host_q <= '0;
      card_q <= '0;
    end else begin
      if (doorbell_valid_i && good) host_q <= doorbell_index_i;
      if (advance_i) card_q <= card_q + 16'd1;
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !clear_i) begin
      // A ring never holds more than its entries.
      a_used :
      assert (used_o <= size)
      else $error("used");
      // The card consumes only full entries and fills only free ones.
      a_advance :
      assert (!advance_i || (HostProduces ? used_o != '0 : used_o < size))
      else $error("advance");
    end
  end
`endif
endmodule
