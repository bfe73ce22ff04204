// The splitter on 8-byte beats. Bursts follow each other without gap or overlap from the first
// byte of the request to the last one. No burst crosses 4 KiB or has more than 16 beats. An
// offered burst stays, and the next one comes within two cycles.
module fv_burst_split
  import ls_bus_pkg::*;
(
    input logic     clk_i,
    input logic     rst_ni,
    input request_t req_i,
    input logic     burst_ready_i
);
  axi_address_t burst;
  logic req_ready, burst_last, busy_q, waits_q, stalled_q, past_q = 1'b0;
  logic [63:0] next_q, end_q, addr_q, after;
  logic [7:0] len_q;

  ls_burst_split #(
      .DataWidth(64),
      .MaxBeats (16)
  ) u_split (
      .*,
      .clear_i     (1'b0),
      .req_ready_o (req_ready),
      .burst_o     (burst),
      .burst_last_o(burst_last)
  );
  assign after = burst.addr + ((64'(burst.len) + 64'd1) << 3);

  always_ff @(posedge clk_i) begin
    past_q <= 1'b1;
    m_reset : assume (rst_ni == past_q);
    m_bytes : assume (req_i.bytes != '0 && req_i.addr[63:40] == '0);
    if (!rst_ni) begin
      busy_q <= 1'b0;
    end else if (req_i.valid && req_ready) begin
      busy_q <= 1'b1;
      next_q <= {req_i.addr[63:3], 3'd0};
      end_q  <= req_i.addr + 64'(req_i.bytes);
    end else if (burst.valid && burst_ready_i) begin
      busy_q <= !burst_last;
      next_q <= after;
    end
    waits_q <= rst_ni && busy_q && !burst.valid;
    stalled_q <= rst_ni && burst.valid && !burst_ready_i;
    addr_q <= burst.addr;
    len_q <= burst.len;
    if (rst_ni) begin
      a_busy : assert (burst.valid ? busy_q : !waits_q);
      a_one : assert (!req_ready || !busy_q);
      if (burst.valid) begin
        a_next : assert (burst.addr == next_q && burst.addr[2:0] == '0);
        a_length : assert (burst.len < 8'd16);
        a_page : assert (13'(burst.addr[11:0]) + 13'((13'(burst.len) + 13'd1) << 3) <= 13'd4096);
        a_last : assert (burst_last == (after >= end_q));
        a_reach : assert (!burst_last || after - end_q < 64'd8);
      end
      if (stalled_q) a_stay : assert (burst.valid && burst.addr == addr_q && burst.len == len_q);
    end
  end
endmodule
