// AXI4 write master: requests of any length at multiples of four bytes, data packed from the request's first byte.
//
// A burst is offered to the bus only when all its data is here, so a burst never waits for its source and never has to be abandoned.
// While drain_i is set nothing new is taken, whole bursts are finished; clear_i, given when idle, drops the rest.
module ls_axi_write #(
    parameter int unsigned DataWidth   = 128,
    parameter int unsigned IdWidth     = 2,    // of the caller's names for requests
    parameter int unsigned MaxBeats    = 16,
    parameter int unsigned Outstanding = 8
) (
    input logic clk_i,
    input logic rst_ni,
    input logic drain_i,
    input logic clear_i,  // only while idle_o
    output logic idle_o,  // no whole burst waits for the bus or for its response
    input logic req_valid_i,
    output logic req_ready_o,
    input logic [63:0] req_addr_i,  // bytes, a multiple of 4
    input logic [31:0] req_bytes_i,  // a multiple of 4, at least 4
    input logic [IdWidth-1:0] req_id_i,
    output logic [IdWidth-1:0] data_id_o,  // whose data is taken next
    input logic data_valid_i,
    output logic data_ready_o,
    input logic [DataWidth-1:0] data_i,
    output logic done_valid_o,  // for one cycle: a request has been answered
    output logic done_error_o,
    output logic [IdWidth-1:0] done_id_o,
    output logic error_valid_o,  // for one cycle, with or before the answer
    output logic [63:0] error_addr_o,
    output logic [1:0] error_resp_o,
    output logic [IdWidth-1:0] error_id_o,
    output logic axi_awvalid_o,
    input logic axi_awready_i,
    output logic [63:0] axi_awaddr_o,
    output logic [7:0] axi_awlen_o,
    output logic axi_wvalid_o,
    input logic axi_wready_i,
    output logic [DataWidth-1:0] axi_wdata_o,
    output logic [DataWidth/8-1:0] axi_wstrb_o,
    output logic axi_wlast_o,
    input logic axi_bvalid_i,
    output logic axi_bready_o,
    input logic [1:0] axi_bresp_i
);
  localparam int unsigned Bytes = DataWidth / 8;
  localparam int unsigned Words = DataWidth / 32;
  localparam int unsigned Shift = $clog2(Bytes);
  localparam int unsigned OffsetWidth = (Words > 1) ? $clog2(Words) : 1;
  localparam int unsigned CountWidth = $clog2(Outstanding + 1);

  // The request whose data is packed, and its bursts.
  logic split_ready, burst_valid, burst_ready, burst_last, active_q;
  logic [63:0] burst_addr;
  logic [7:0] burst_len, beat_q;
  logic [IdWidth-1:0] id_q;
  logic accept, push, push_ready, burst_end;

  assign req_ready_o = split_ready && !active_q && !drain_i;
  assign accept      = req_valid_i && req_ready_o;

  ls_burst_split #(
      .DataWidth(DataWidth),
      .MaxBeats (MaxBeats)
  ) u_split (
      .clk_i,
      .rst_ni,
      .clear_i      (clear_i),
      .req_valid_i  (accept),
      .req_ready_o  (split_ready),
      .req_addr_i,
      .req_bytes_i,
      .burst_valid_o(burst_valid),
      .burst_ready_i(burst_ready),
      .burst_addr_o (burst_addr),
      .burst_len_o  (burst_len),
      .burst_last_o (burst_last)
  );

  // Packing: a beat's words from the offset on are the source's first ones, those before it the held upper ones.
  logic [OffsetWidth-1:0] req_offset, offset_q, tail_q;
  logic [32:0] req_end;
  logic extra_q, first_q, last_beat, need_data, data_ok;
  logic [DataWidth-1:0] rotated, held_q, packed_data;
  logic [Bytes-1:0] strobes;

  assign req_offset = (Words > 1) ? OffsetWidth'(req_addr_i[Shift-1:0] >> 2) : '0;
  assign req_end    = 33'(req_addr_i[Shift-1:0]) + 33'(req_bytes_i);  // bytes from the first beat's start

  ls_rotate #(
      .DataWidth(DataWidth)
  ) u_rotate (
      .data_i(data_i),
      .by_i  (OffsetWidth'(Words - 32'(offset_q))),
      .data_o(rotated)
  );

  // The last beat of a request needs no source beat where only held words are left.
  assign last_beat    = burst_last && beat_q == burst_len;
  assign need_data    = !(last_beat && extra_q);
  assign data_ok      = !need_data || data_valid_i;
  assign push         = active_q && burst_valid && data_ok && push_ready && !drain_i;
  assign data_ready_o = active_q && burst_valid && need_data && push_ready && !drain_i;
  assign data_id_o    = id_q;
  assign burst_end    = push && beat_q == burst_len;
  assign burst_ready  = burst_end;

  always_comb begin
    for (int unsigned i = 0; i < Words; i++) begin
      packed_data[32*i+:32] = (i < 32'(offset_q)) ? held_q[32*i+:32] : rotated[32*i+:32];
      strobes[4*i+:4] = ((first_q && i < 32'(offset_q)) || (last_beat && i > 32'(tail_q))) ? 4'h0 : 4'hf;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      first_q  <= 1'b1;
      extra_q  <= 1'b0;
      offset_q <= '0;
      tail_q   <= '0;
      beat_q   <= '0;
      id_q     <= '0;
    end else if (clear_i) begin
      active_q <= 1'b0;
      beat_q   <= '0;
    end else if (accept) begin
      active_q <= 1'b1;
      first_q <= 1'b1;
      offset_q <= req_offset;
      tail_q <= (Words > 1) ? OffsetWidth'((req_end - 33'd4) >> 2) : '0;
      extra_q  <= ((req_end + 33'(Bytes - 1)) >> Shift) != ((33'(req_bytes_i) + 33'(Bytes - 1)) >> Shift);
      beat_q <= '0;
      id_q <= req_id_i;
    end else if (push) begin
      first_q <= 1'b0;
      beat_q  <= burst_end ? '0 : beat_q + 1'b1;
      if (last_beat) active_q <= 1'b0;
    end
  end
  always_ff @(posedge clk_i) if (push) held_q <= rotated;

  // Whole bursts: addresses, data, and what is known of them when the response comes.
  logic aw_ready, waiting_ready, data_in_ready, w_valid, w_last;
  logic waiting_valid, waiting_last, aw_take, w_take, b_take;
  logic [63:0] waiting_addr;
  logic [IdWidth-1:0] waiting_id;
  logic [CountWidth-1:0] granted_q;  // bursts whose address is out and whose data is not

  assign push_ready = data_in_ready && aw_ready && waiting_ready;

  ls_fifo #(
      .Width(DataWidth + Bytes + 1),
      .Depth(2 * MaxBeats)
  ) u_data (
      .clk_i,
      .rst_ni,
      .clear_i,
      .in_valid_i (push),
      .in_ready_o (data_in_ready),
      .in_data_i  ({burst_end, strobes, packed_data}),
      .out_valid_o(w_valid),
      .out_ready_i(w_take),
      .out_data_o ({w_last, axi_wstrb_o, axi_wdata_o}),
      .count_o    ()
  );
  ls_fifo #(
      .Width(72),
      .Depth(2)
  ) u_addresses (
      .clk_i,
      .rst_ni,
      .clear_i,
      .in_valid_i (burst_end),
      .in_ready_o (aw_ready),
      .in_data_i  ({burst_len, burst_addr}),
      .out_valid_o(axi_awvalid_o),
      .out_ready_i(axi_awready_i),
      .out_data_o ({axi_awlen_o, axi_awaddr_o}),
      .count_o    ()
  );
  ls_fifo #(
      .Width(65 + IdWidth),
      .Depth(Outstanding)
  ) u_waiting (
      .clk_i,
      .rst_ni,
      .clear_i,
      .in_valid_i (burst_end),
      .in_ready_o (waiting_ready),
      .in_data_i  ({id_q, burst_last, burst_addr}),
      .out_valid_o(waiting_valid),
      .out_ready_i(b_take),
      .out_data_o ({waiting_id, waiting_last, waiting_addr}),
      .count_o    ()
  );

  assign axi_wlast_o  = w_last;
  assign axi_wvalid_o = w_valid && granted_q != '0;
  assign aw_take      = axi_awvalid_o && axi_awready_i;
  assign w_take       = axi_wvalid_o && axi_wready_i;
  assign idle_o       = !waiting_valid;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) granted_q <= '0;
    else granted_q <= granted_q + CountWidth'(aw_take) - CountWidth'(w_take && w_last);
  end

  // Responses: one for a request, after that of its last burst.
  logic bad, error_q;
  assign bad           = axi_bresp_i[1];
  assign axi_bready_o  = 1'b1;
  assign b_take        = axi_bvalid_i;
  assign done_valid_o  = b_take && waiting_last && !drain_i;
  assign done_error_o  = error_q || bad;
  assign done_id_o     = waiting_id;
  assign error_valid_o = b_take && bad && !drain_i;
  assign error_addr_o  = waiting_addr;
  assign error_resp_o  = axi_bresp_i;
  assign error_id_o    = waiting_id;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) error_q <= 1'b0;
    else if (clear_i) error_q <= 1'b0;
    else if (b_take) error_q <= !waiting_last && (error_q || bad);
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      // Addresses and lengths are whole words.
      a_words :
      assert (!req_valid_i || (req_addr_i[1:0] == '0 && req_bytes_i[1:0] == '0))
      else $error("words");
      // A response comes only for a burst that was sent.
      a_sent :
      assert (!axi_bvalid_i || waiting_valid)
      else $error("sent");
      // Nothing on its way is dropped.
      a_clear :
      assert (!clear_i || (idle_o && granted_q == '0))
      else $error("clear");
    end
  end
`endif
  ls_handshake_check #(
      .Width(72)
  ) u_check_aw (
      .clk_i,
      .rst_ni,
      .clear_i(1'b0),
      .valid_i(axi_awvalid_o),
      .ready_i(axi_awready_i),
      .data_i ({axi_awlen_o, axi_awaddr_o})
  );
  ls_handshake_check #(
      .Width(DataWidth + Bytes + 1)
  ) u_check_w (
      .clk_i,
      .rst_ni,
      .clear_i(1'b0),
      .valid_i(axi_wvalid_o),
      .ready_i(axi_wready_i),
      .data_i ({axi_wlast_o, axi_wstrb_o, axi_wdata_o})
  );
endmodule
