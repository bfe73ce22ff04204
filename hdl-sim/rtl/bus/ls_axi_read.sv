// AXI4 read master. It takes requests of any length at multiples of four bytes. Its data words are
// packed: the first word of a request is in the lowest bits of the first beat.
//
// The bus answers in the order of the requests, so one AXI id serves all users. The master takes a
// request while fewer than Outstanding bursts wait for data. While drain is set it asks for
// nothing new, waits for the data of all bursts on the bus, and drops that data.
module ls_axi_read
  import ls_bus_pkg::*;
#(
    parameter int unsigned DataWidth   = 128,
    parameter int unsigned IdWidth     = 2,    // of the name that a user gives to its request
    parameter int unsigned MaxBeats    = 64,
    parameter int unsigned Outstanding = 8
) (
    input  logic                          clk_i,
    input  logic                          rst_ni,
    input  logic                          drain,
    output logic                          idle_o,        // no burst waits for data
    input  request_t                      req_i,
    output logic                          req_ready_o,
    input  logic          [  IdWidth-1:0] req_id_i,
    output beat_t                         beat_o,
    input  logic                          beat_ready_i,
    output logic          [DataWidth-1:0] data_o,        // undefined beyond the end of the request
    output logic          [  IdWidth-1:0] beat_id_o,
    output bus_error_t                    error_o,       // before its beat comes out
    output logic          [  IdWidth-1:0] error_id_o,
    output axi_read_out_t                 axi_o,
    input  axi_read_in_t                  axi_i,
    input  logic          [DataWidth-1:0] axi_rdata_i
);
  localparam int unsigned Words = DataWidth / 32;
  localparam int unsigned Bytes = DataWidth / 8;
  localparam int unsigned Shift = $clog2(Bytes);
  localparam int unsigned OffsetWidth = (Words > 1) ? $clog2(Words) : 1;
  localparam int unsigned InfoWidth = IdWidth + OffsetWidth + 1;

  // Requests in the order of their data: the name, the offset of the first word in its bus beat,
  // and whether words remain after the last bus beat.
  logic [OffsetWidth-1:0] req_offset, offset;
  logic req_extra, extra;
  logic [31:0] bus_beats, out_beats;
  logic info_in_valid, info_in_ready, info_valid, info_pop;
  logic [InfoWidth-1:0] info_data;
  logic [  IdWidth-1:0] id;

  assign req_offset = (Words > 1) ? OffsetWidth'(req_i.addr[Shift-1:0] >> 2) : '0;
  assign bus_beats = 32'((33'(req_i.addr[Shift-1:0]) + 33'(req_i.bytes) + 33'(Bytes - 1)) >> Shift);
  assign out_beats = 32'((33'(req_i.bytes) + 33'(Bytes - 1)) >> Shift);
  assign req_extra = (req_offset != '0) && (bus_beats == out_beats);
  assign {id, offset, extra} = info_data;

  logic split_ready;
  assign req_ready_o   = split_ready && info_in_ready && !drain;
  assign info_in_valid = req_i.valid && split_ready && !drain;

  ls_fifo #(
      .Width(InfoWidth),
      .Depth(Outstanding)
  ) u_info (
      .*,
      .clear_i    (drain),
      .in_valid_i (info_in_valid),
      .in_ready_o (info_in_ready),
      .in_data_i  ({req_id_i, req_offset, req_extra}),
      .out_valid_o(info_valid),
      .out_ready_i(info_pop),
      .out_data_o (info_data)
  );

  request_t split_req;
  axi_address_t burst;
  logic burst_ready, burst_last;
  always_comb begin
    split_req = req_i;
    split_req.valid = req_i.valid && info_in_ready && !drain;
  end

  ls_burst_split #(
      .DataWidth(DataWidth),
      .MaxBeats (MaxBeats)
  ) u_split (
      .*,
      .clear_i      (drain),
      .req_i        (split_req),
      .req_ready_o  (split_ready),
      .burst_o      (burst),
      .burst_ready_i(burst_ready),
      .burst_last_o (burst_last)
  );

  // The address channel is registered: an offer stays through a drain.
  axi_address_t ar_q;
  logic bursts_in_ready, bursts_valid, bursts_pop, bursts_last;
  addr_t bursts_addr;

  assign burst_ready = bursts_in_ready && (!ar_q.valid || axi_i.arready) && !drain;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) ar_q <= '0;
    else if (burst.valid && burst_ready) ar_q <= burst;
    else if (axi_i.arready) ar_q.valid <= 1'b0;
  end

  ls_fifo #(
      .Width(65),
      .Depth(Outstanding)
  ) u_bursts (
      .*,
      .clear_i    (1'b0),
      .in_valid_i (burst.valid && burst_ready),
      .in_ready_o (bursts_in_ready),
      .in_data_i  ({burst_last, burst.addr}),
      .out_valid_o(bursts_valid),
      .out_ready_i(bursts_pop),
      .out_data_o ({bursts_last, bursts_addr})
  );

  assign idle_o = !bursts_valid && !ar_q.valid;

  // Data: each bus beat is rotated so that the first word of the request comes first. Its upper
  // words are joined with the lower words of the next bus beat.
  logic out_in_valid, out_in_ready, out_last, out_error;
  logic [DataWidth-1:0] rotated, held_q, joined;
  logic rready, take, bad, final_beat, first_q, flush_q, held_error_q;
  addr_t beat_addr_q, beat_addr;

  ls_rotate #(
      .DataWidth(DataWidth)
  ) u_rotate (
      .data_i(axi_rdata_i),
      .by_i  (offset),
      .data_o(rotated)
  );

  always_comb begin
    for (int unsigned i = 0; i < Words; i++) begin
      joined[32*i+:32] = (32'(offset) + i < Words && offset != '0) ? held_q[32*i+:32] :
          rotated[32*i+:32];
    end
  end

  assign axi_o        = '{ar: ar_q, rready: rready};
  assign rready       = drain || (!flush_q && out_in_ready);
  assign take         = axi_i.r.valid && rready;
  assign bad          = axi_i.r.resp[1];
  assign final_beat   = axi_i.r.last && bursts_last;
  assign bursts_pop   = take && axi_i.r.last;
  assign info_pop     = (take && final_beat && !extra) || (flush_q && out_in_ready);
  assign out_in_valid = flush_q || (axi_i.r.valid && (offset == '0 || !first_q));
  assign out_last     = flush_q || (final_beat && !extra);
  assign out_error    = flush_q ? held_error_q : bad || (offset != '0 && held_error_q);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      first_q      <= 1'b1;
      flush_q      <= 1'b0;
      held_error_q <= 1'b0;
    end else if (drain) begin
      first_q <= 1'b1;
      flush_q <= 1'b0;
    end else if (flush_q) begin
      flush_q <= !out_in_ready;
    end else if (take) begin
      first_q      <= final_beat;
      flush_q      <= final_beat && extra;
      held_error_q <= bad;
    end
  end
  always_ff @(posedge clk_i) if (take) held_q <= rotated;

  ls_fifo #(
      .Width(DataWidth + 2 + IdWidth),
      .Depth(2)
  ) u_out (
      .*,
      .clear_i    (drain),
      .in_valid_i (out_in_valid && !drain),
      .in_ready_o (out_in_ready),
      .in_data_i  ({id, out_last, out_error, joined}),
      .out_valid_o(beat_o.valid),
      .out_ready_i(beat_ready_i),
      .out_data_o ({beat_id_o, beat_o.last, beat_o.error, data_o})
  );

  // The address of each beat, for errors.
  logic burst_first_q;
  assign beat_addr = burst_first_q ? bursts_addr : beat_addr_q;
  assign error_o = '{valid: take && bad && !drain, addr: beat_addr, resp: axi_i.r.resp};
  assign error_id_o = id;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      burst_first_q <= 1'b1;
      beat_addr_q   <= '0;
    end else if (take) begin
      burst_first_q <= axi_i.r.last;
      beat_addr_q   <= beat_addr + 64'(Bytes);
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      // Addresses and lengths are whole words.
      a_words :
      assert (!req_i.valid || (req_i.addr[1:0] == '0 && req_i.bytes[1:0] == '0))
      else $error("words");
      // Data comes only for what was asked for.
      a_asked :
      assert (!axi_i.r.valid || bursts_valid)
      else $error("asked");
      a_named :
      assert (!take || drain || info_valid)
      else $error("named");
    end
  end
`endif
  ls_handshake_check #(
      .Width($bits(ar_q))
  ) u_check_ar (
      .*,
      .clear_i(1'b0),
      .valid_i(ar_q.valid),
      .ready_i(axi_i.arready),
      .data_i (ar_q)
  );
  ls_handshake_check #(
      .Width(DataWidth + $bits(beat_o))
  ) u_check_data (
      .*,
      .clear_i(drain),
      .valid_i(beat_o.valid),
      .ready_i(beat_ready_i),
      .data_i ({beat_o, data_o})
  );
endmodule
