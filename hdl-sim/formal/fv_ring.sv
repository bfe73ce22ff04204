// Both kinds of ring, with any size and any doorbells, the card moving whenever it may: the
// indices are always possible.
module fv_ring (
    input logic        clk_i,
    input logic        rst_ni,
    input logic [ 3:0] log2_i,
    input logic        doorbell_valid_i,
    input logic [15:0] doorbell_index_i,
    input logic        wish_i
);
  logic [3:0] log2_q;
  logic past_q = 1'b0;
  logic [15:0] size;
  assign size = 16'd1 << log2_i;

  for (genvar p = 0; p < 2; p++) begin : gen_kind
    logic [15:0] host, card, used, host_q, card_q, entered_q, left_q;
    logic bad, advance, started_q, belled_q, bad_q;
    logic [15:0] index_q;
    assign advance = wish_i && (p == 0 ? used < size : used != '0);

    ls_ring #(
        .HostProduces(p == 1)
    ) u_ring (
        .clk_i,
        .rst_ni,
        .clear_i       (1'b0),
        .log2_i,
        .doorbell_valid_i,
        .doorbell_index_i,
        .doorbell_bad_o(bad),
        .advance_i     (advance),
        .host_index_o  (host),
        .card_index_o  (card),
        .used_o        (used)
    );

    always_ff @(posedge clk_i) begin
      started_q <= rst_ni;
      belled_q  <= doorbell_valid_i;
      bad_q     <= bad;
      index_q   <= doorbell_index_i;
      host_q    <= host;
      card_q    <= card;
      if (rst_ni) begin
        // The ring is never fuller than it is large, and used_o is the distance of the indices.
        a_used : assert (used <= size);
        a_distance : assert (used == (p == 1 ? host - card : card - host));
        // The card's next slot is inside.
        a_slot : assert ((card & (size - 16'd1)) < size);
        if (started_q) begin
          // An accepted doorbell sets the index. A refused doorbell, or none, leaves it.
          a_host : assert (host == ((belled_q && !bad_q) ? index_q : host_q));
          // The card's index moves by one or not at all.
          a_card : assert (card == card_q || card == card_q + 16'd1);
          // An accepted doorbell never takes back what was given.
          a_forward : assert (16'(host - host_q) <= size);
        end
      end
    end
  end

  // The size does not change, and reset is given first.
  always_ff @(posedge clk_i) begin
    log2_q <= log2_i;
    m_size : assume (log2_i >= 4'd1);
    if (past_q) begin
      m_const : assume (log2_i == log2_q);
      m_reset : assume (rst_ni);
    end else begin
      m_first : assume (!rst_ni);
    end
    past_q <= 1'b1;
  end
endmodule
