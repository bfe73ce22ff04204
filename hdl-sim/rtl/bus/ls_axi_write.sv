// AXI4 write master. It takes requests of any length at multiples of four bytes. The data of a
// request is packed: its first word is in the lowest bits of the first word of data.
//
// The master offers a burst to the bus only when it holds all data of the burst. So a burst never
// waits for its user, and the master never abandons a burst. While drain is set it takes nothing
// new and finishes the whole bursts that it holds. clear_i, given while idle_o is set, drops the
// rest.
module ls_axi_write
  import ls_bus_pkg::*;
#(
    parameter int unsigned DataWidth   = 128,
    parameter int unsigned IdWidth     = 2,    // of the name that a user gives to its request
    parameter int unsigned MaxBeats    = 16,
    parameter int unsigned Outstanding = 8
) (
    input  logic                             clk_i,
    input  logic                             rst_ni,
    input  logic                             drain,
    input  logic                             clear_i,       // only while idle_o
    output logic                             idle_o,        // no whole burst waits for the bus
    input  request_t                         req_i,
    output logic                             req_ready_o,
    input  logic           [    IdWidth-1:0] req_id_i,
    output logic           [    IdWidth-1:0] data_id_o,     // the request whose data comes next
    input  logic                             data_valid_i,
    output logic                             data_ready_o,
    input  logic           [  DataWidth-1:0] data_i,
    output answer_t                          done_o,
    output logic           [    IdWidth-1:0] done_id_o,
    output bus_error_t                       error_o,       // with the answer or before it
    output axi_write_out_t                   axi_o,
    input  axi_write_in_t                    axi_i,
    output logic           [  DataWidth-1:0] axi_wdata_o,
    output logic           [DataWidth/8-1:0] axi_wstrb_o
);
  localparam int unsigned Bytes = DataWidth / 8;
  localparam int unsigned Words = DataWidth / 32;
  localparam int unsigned Shift = $clog2(Bytes);
  localparam int unsigned OffsetWidth = (Words > 1) ? $clog2(Words) : 1;
  localparam int unsigned CountWidth = $clog2(Outstanding + 1);

  // The request whose data is packed, and its bursts.
  request_t split_req;
  axi_address_t burst;
  logic split_ready, burst_ready, burst_last, active_q;
  logic [7:0] beat_q;
  logic [IdWidth-1:0] id_q;
  logic accept, push, push_ready, burst_end;

  assign req_ready_o = split_ready && !active_q && !drain;
  assign accept      = req_i.valid && req_ready_o;
  always_comb begin
    split_req = req_i;
    split_req.valid = accept;
  end

  ls_burst_split #(
      .DataWidth(DataWidth),
      .MaxBeats (MaxBeats)
  ) u_split (
      .*,
      .req_i        (split_req),
      .req_ready_o  (split_ready),
      .burst_o      (burst),
      .burst_ready_i(burst_ready),
      .burst_last_o (burst_last)
  );

  // Packing: the words of a bus beat from the offset on are the first words of the user's word.
  // The words before the offset are the upper words of the user's word before, which are held.
  logic [OffsetWidth-1:0] req_offset, offset_q, tail_q;
  logic [32:0] req_end;
  logic extra_q, first_q, last_beat, need_data, data_ok;
  logic [DataWidth-1:0] rotated, held_q, packed_data;
  logic [Bytes-1:0] strobes;

  assign req_offset = (Words > 1) ? OffsetWidth'(req_i.addr[Shift-1:0] >> 2) : '0;
  // In bytes from the start of the first beat.
  assign req_end    = 33'(req_i.addr[Shift-1:0]) + 33'(req_i.bytes);

  ls_rotate #(
      .DataWidth(DataWidth)
  ) u_rotate (
      .data_i(data_i),
      .by_i  (OffsetWidth'(Words - 32'(offset_q))),
      .data_o(rotated)
  );

  // The last beat of a request takes no word of the user if only held words are left.
  assign last_beat    = burst_last && beat_q == burst.len;
  assign need_data    = !(last_beat && extra_q);
  assign data_ok      = !need_data || data_valid_i;
  assign push         = active_q && burst.valid && data_ok && push_ready && !drain;
  assign data_ready_o = active_q && burst.valid && need_data && push_ready && !drain;
  assign data_id_o    = id_q;
  assign burst_end    = push && beat_q == burst.len;
  assign burst_ready  = burst_end;

  always_comb begin
    for (int unsigned i = 0; i < Words; i++) begin
      packed_data[32*i+:32] = (i < 32'(offset_q)) ? held_q[32*i+:32] : rotated[32*i+:32];
      strobes[4*i+:4] = ((first_q && i < 32'(offset_q)) || (last_beat && i > 32'(tail_q))) ?
          4'h0 : 4'hf;
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
      extra_q <= ((req_end + 33'(Bytes - 1)) >> Shift) !=
          ((33'(req_i.bytes) + 33'(Bytes - 1)) >> Shift);
      beat_q <= '0;
      id_q <= req_id_i;
    end else if (push) begin
      first_q <= 1'b0;
      beat_q  <= burst_end ? '0 : beat_q + 1'b1;
      if (last_beat) active_q <= 1'b0;
    end
  end
  always_ff @(posedge clk_i) if (push) held_q <= rotated;

  // Whole bursts: their addresses, their data, and what the master must know when the response
  // comes.
  axi_address_t aw;
  axi_w_t w;
  logic aw_ready, waiting_ready, data_in_ready, w_valid;
  logic waiting_valid, waiting_last, aw_take, w_take, b_take;
  addr_t waiting_addr;
  logic [IdWidth-1:0] waiting_id;
  logic [CountWidth-1:0] granted_q;  // bursts whose address the bus has taken, but not their data

  assign push_ready = data_in_ready && aw_ready && waiting_ready;

  ls_fifo #(
      .Width(DataWidth + Bytes + 1),
      .Depth(2 * MaxBeats)
  ) u_data (
      .*,
      .in_valid_i (push),
      .in_ready_o (data_in_ready),
      .in_data_i  ({burst_end, strobes, packed_data}),
      .out_valid_o(w_valid),
      .out_ready_i(w_take),
      .out_data_o ({w.last, axi_wstrb_o, axi_wdata_o})
  );
  ls_fifo #(
      .Width($bits(burst.addr) + $bits(burst.len)),
      .Depth(2)
  ) u_addresses (
      .*,
      .in_valid_i (burst_end),
      .in_ready_o (aw_ready),
      .in_data_i  ({burst.addr, burst.len}),
      .out_valid_o(aw.valid),
      .out_ready_i(axi_i.awready),
      .out_data_o ({aw.addr, aw.len})
  );
  ls_fifo #(
      .Width(65 + IdWidth),
      .Depth(Outstanding)
  ) u_waiting (
      .*,
      .in_valid_i (burst_end),
      .in_ready_o (waiting_ready),
      .in_data_i  ({id_q, burst_last, burst.addr}),
      .out_valid_o(waiting_valid),
      .out_ready_i(b_take),
      .out_data_o ({waiting_id, waiting_last, waiting_addr})
  );

  assign w.valid = w_valid && granted_q != '0;
  assign aw_take = aw.valid && axi_i.awready;
  assign w_take  = w.valid && axi_i.wready;
  assign idle_o  = !waiting_valid;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) granted_q <= '0;
    else granted_q <= granted_q + CountWidth'(aw_take) - CountWidth'(w_take && w.last);
  end

  // Responses: the user gets one answer to a request, with the response to its last burst.
  logic bad, error_q;
  assign bad       = axi_i.b.resp[1];
  assign axi_o     = '{aw: aw, w: w, bready: 1'b1};
  assign b_take    = axi_i.b.valid;
  assign done_o    = '{valid: b_take && waiting_last && !drain, error: error_q || bad};
  assign done_id_o = waiting_id;
  assign error_o   = '{valid: b_take && bad && !drain, addr: waiting_addr, resp: axi_i.b.resp};

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
      assert (!req_i.valid || (req_i.addr[1:0] == '0 && req_i.bytes[1:0] == '0))
      else $error("words");
      // A response comes only for a burst that was sent.
      a_sent :
      assert (!axi_i.b.valid || waiting_valid)
      else $error("sent");
      // Nothing on its way is dropped.
      a_clear :
      assert (!clear_i || (idle_o && granted_q == '0))
      else $error("clear");
    end
  end
`endif
  ls_handshake_check #(
      .Width($bits(aw))
  ) u_check_aw (
      .*,
      .clear_i(1'b0),
      .valid_i(aw.valid),
      .ready_i(axi_i.awready),
      .data_i (aw)
  );
  ls_handshake_check #(
      .Width(DataWidth + Bytes + $bits(w))
  ) u_check_w (
      .*,
      .clear_i(1'b0),
      .valid_i(w.valid),
      .ready_i(axi_i.wready),
      .data_i ({w, axi_wstrb_o, axi_wdata_o})
  );
endmodule
