// The splitter on 8-byte beats: bursts follow each other without gap or overlap, from the first to the last byte of the request, none
// crosses 4 KiB, none is longer than 16 beats, an offered burst stays, and the next one comes within two cycles.
module fv_burst_split (
    input logic        clk_i,
    input logic        rst_ni,
    input logic        req_valid_i,
    input logic [63:0] req_addr_i,
    input logic [31:0] req_bytes_i,
    input logic        burst_ready_i
);
  logic req_ready, burst_valid, burst_last, busy_q, waits_q, stalled_q, past_q = 1'b0;
  logic [63:0] burst_addr, next_q, end_q, addr_q, after;
  logic [7:0] burst_len, len_q;

  ls_burst_split #(
      .DataWidth(64),
      .MaxBeats (16)
  ) u_split (
      .clk_i,
      .rst_ni,
      .clear_i      (1'b0),
      .req_valid_i,
      .req_ready_o  (req_ready),
      .req_addr_i,
      .req_bytes_i,
      .burst_valid_o(burst_valid),
      .burst_ready_i,
      .burst_addr_o (burst_addr),
      .burst_len_o  (burst_len),
      .burst_last_o (burst_last)
  );
  assign after = burst_addr + ((64'(burst_len) + 64'd1) << 3);

  always_ff @(posedge clk_i) begin
    past_q <= 1'b1;
    m_reset : assume (rst_ni == past_q);
    m_bytes : assume (req_bytes_i != '0 && req_addr_i[63:40] == '0);
    if (!rst_ni) begin
      busy_q <= 1'b0;
    end else if (req_valid_i && req_ready) begin
      busy_q <= 1'b1;
      next_q <= {req_addr_i[63:3], 3'd0};
      end_q  <= req_addr_i + 64'(req_bytes_i);
    end else if (burst_valid && burst_ready_i) begin
      busy_q <= !burst_last;
      next_q <= after;
    end
    waits_q <= rst_ni && busy_q && !burst_valid;
    stalled_q <= rst_ni && burst_valid && !burst_ready_i;
    addr_q <= burst_addr;
    len_q <= burst_len;
    if (rst_ni) begin
      a_busy : assert (burst_valid ? busy_q : !waits_q);
      a_one : assert (!req_ready || !busy_q);
      if (burst_valid) begin
        a_next : assert (burst_addr == next_q && burst_addr[2:0] == '0);
        a_length : assert (burst_len < 8'd16);
        a_page : assert (13'(burst_addr[11:0]) + 13'((13'(burst_len) + 13'd1) << 3) <= 13'd4096);
        a_last : assert (burst_last == (after >= end_q));
        a_reach : assert (!burst_last || after - end_q < 64'd8);
      end
      if (stalled_q) a_stay : assert (burst_valid && burst_addr == addr_q && burst_len == len_q);
    end
  end
endmodule
