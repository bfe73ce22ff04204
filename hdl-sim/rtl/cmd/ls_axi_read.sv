// AXI4 read master: requests of any length at multiples of four bytes, data packed from the request's first byte.
//
// Requests are answered in order, so one AXI id serves all. A request is taken while fewer than Outstanding bursts wait for data.
// While drain_i is set nothing new is asked for, what was asked for is awaited and dropped.
module ls_axi_read #(
    parameter int unsigned DataWidth   = 128,
    parameter int unsigned IdWidth     = 2,    // of the caller's names for requests
    parameter int unsigned MaxBeats    = 64,
    parameter int unsigned Outstanding = 8
) (
    input  logic                 clk_i,
    input  logic                 rst_ni,
    input  logic                 drain_i,
    output logic                 idle_o,         // no burst waits for data
    input  logic                 req_valid_i,
    output logic                 req_ready_o,
    input  logic [         63:0] req_addr_i,     // bytes, a multiple of 4
    input  logic [         31:0] req_bytes_i,    // a multiple of 4, at least 4
    input  logic [  IdWidth-1:0] req_id_i,
    output logic                 data_valid_o,
    input  logic                 data_ready_i,
    output logic [DataWidth-1:0] data_o,         // beyond the request's end: unspecified
    output logic                 data_last_o,    // the last beat of its request
    output logic                 data_error_o,   // part of the beat was answered with an error
    output logic [  IdWidth-1:0] data_id_o,
    output logic                 error_valid_o,  // for one cycle, before the beat comes out
    output logic [         63:0] error_addr_o,
    output logic [          1:0] error_resp_o,
    output logic [  IdWidth-1:0] error_id_o,
    output logic                 axi_arvalid_o,
    input  logic                 axi_arready_i,
    output logic [         63:0] axi_araddr_o,
    output logic [          7:0] axi_arlen_o,
    input  logic                 axi_rvalid_i,
    output logic                 axi_rready_o,
    input  logic [DataWidth-1:0] axi_rdata_i,
    input  logic [          1:0] axi_rresp_i,
    input  logic                 axi_rlast_i
);
  localparam int unsigned Words = DataWidth / 32;
  localparam int unsigned Bytes = DataWidth / 8;
  localparam int unsigned Shift = $clog2(Bytes);
  localparam int unsigned OffsetWidth = (Words > 1) ? $clog2(Words) : 1;
  localparam int unsigned InfoWidth = IdWidth + OffsetWidth + 1;

  // Requests in the order of their data: name, offset of the first word in its beat, whether a beat remains after the last.
  logic [OffsetWidth-1:0] req_offset, offset;
  logic req_extra, extra;
  logic [31:0] bus_beats, out_beats;
  logic info_in_valid, info_in_ready, info_valid, info_pop;
  logic [InfoWidth-1:0] info_data;
  logic [  IdWidth-1:0] id;

  assign req_offset = (Words > 1) ? OffsetWidth'(req_addr_i[Shift-1:0] >> 2) : '0;
  assign bus_beats = 32'((33'(req_addr_i[Shift-1:0]) + 33'(req_bytes_i) + 33'(Bytes - 1)) >> Shift);
  assign out_beats = 32'((33'(req_bytes_i) + 33'(Bytes - 1)) >> Shift);
  assign req_extra = (req_offset != '0) && (bus_beats == out_beats);
  assign {id, offset, extra} = info_data;

  logic split_ready;
  assign req_ready_o   = split_ready && info_in_ready && !drain_i;
  assign info_in_valid = req_valid_i && split_ready && !drain_i;

  ls_fifo #(
      .Width(InfoWidth),
      .Depth(Outstanding)
  ) u_info (
      .clk_i,
      .rst_ni,
      .clear_i    (drain_i),
      .in_valid_i (info_in_valid),
      .in_ready_o (info_in_ready),
      .in_data_i  ({req_id_i, req_offset, req_extra}),
      .out_valid_o(info_valid),
      .out_ready_i(info_pop),
      .out_data_o (info_data),
      .count_o    ()
  );

  logic burst_valid, burst_ready, burst_last;
  logic [63:0] burst_addr;
  logic [ 7:0] burst_len;

  ls_burst_split #(
      .DataWidth(DataWidth),
      .MaxBeats (MaxBeats)
  ) u_split (
      .clk_i,
      .rst_ni,
      .clear_i      (drain_i),
      .req_valid_i  (req_valid_i && info_in_ready && !drain_i),
      .req_ready_o  (split_ready),
      .req_addr_i,
      .req_bytes_i,
      .burst_valid_o(burst_valid),
      .burst_ready_i(burst_ready),
      .burst_addr_o (burst_addr),
      .burst_len_o  (burst_len),
      .burst_last_o (burst_last)
  );

  // The address channel is registered: an offer stays through a drain.
  logic ar_valid_q;
  logic [63:0] ar_addr_q;
  logic [7:0] ar_len_q;
  logic bursts_in_ready, bursts_valid, bursts_pop, bursts_last;
  logic [63:0] bursts_addr;

  assign burst_ready   = bursts_in_ready && (!ar_valid_q || axi_arready_i) && !drain_i;
  assign axi_arvalid_o = ar_valid_q;
  assign axi_araddr_o  = ar_addr_q;
  assign axi_arlen_o   = ar_len_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      ar_valid_q <= 1'b0;
      ar_addr_q  <= '0;
      ar_len_q   <= '0;
    end else if (burst_valid && burst_ready) begin
      ar_valid_q <= 1'b1;
      ar_addr_q  <= burst_addr;
      ar_len_q   <= burst_len;
    end else if (axi_arready_i) begin
      ar_valid_q <= 1'b0;
    end
  end

  ls_fifo #(
      .Width(65),
      .Depth(Outstanding)
  ) u_bursts (
      .clk_i,
      .rst_ni,
      .clear_i    (1'b0),
      .in_valid_i (burst_valid && burst_ready),
      .in_ready_o (bursts_in_ready),
      .in_data_i  ({burst_last, burst_addr}),
      .out_valid_o(bursts_valid),
      .out_ready_i(bursts_pop),
      .out_data_o ({bursts_last, bursts_addr}),
      .count_o    ()
  );

  assign idle_o = !bursts_valid && !ar_valid_q;

  // Data: each beat is rotated so that the request's first word comes first; its upper words join the next beat's lower ones.
  logic out_in_valid, out_in_ready, out_last, out_error;
  logic [DataWidth-1:0] rotated, held_q, joined;
  logic take, bad, final_beat, first_q, flush_q, held_error_q;
  logic [63:0] beat_addr_q, beat_addr;

  ls_rotate #(
      .DataWidth(DataWidth)
  ) u_rotate (
      .data_i(axi_rdata_i),
      .by_i  (offset),
      .data_o(rotated)
  );

  always_comb begin
    for (int unsigned i = 0; i < Words; i++) begin
      joined[32*i+:32] = (32'(offset) + i < Words && offset != '0) ? held_q[32*i+:32] : rotated[32*i+:32];
    end
  end

  assign axi_rready_o = drain_i || (!flush_q && out_in_ready);
  assign take         = axi_rvalid_i && axi_rready_o;
  assign bad          = axi_rresp_i[1];
  assign final_beat   = axi_rlast_i && bursts_last;
  assign bursts_pop   = take && axi_rlast_i;
  assign info_pop     = (take && final_beat && !extra) || (flush_q && out_in_ready);
  assign out_in_valid = flush_q || (axi_rvalid_i && (offset == '0 || !first_q));
  assign out_last     = flush_q || (final_beat && !extra);
  assign out_error    = flush_q ? held_error_q : bad || (offset != '0 && held_error_q);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      first_q      <= 1'b1;
      flush_q      <= 1'b0;
      held_error_q <= 1'b0;
    end else if (drain_i) begin
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
      .clk_i,
      .rst_ni,
      .clear_i    (drain_i),
      .in_valid_i (out_in_valid && !drain_i),
      .in_ready_o (out_in_ready),
      .in_data_i  ({id, out_last, out_error, joined}),
      .out_valid_o(data_valid_o),
      .out_ready_i(data_ready_i),
      .out_data_o ({data_id_o, data_last_o, data_error_o, data_o}),
      .count_o    ()
  );

  // The address of each beat, for errors.
  logic burst_first_q;
  assign beat_addr     = burst_first_q ? bursts_addr : beat_addr_q;
  assign error_valid_o = take && bad && !drain_i;
  assign error_addr_o  = beat_addr;
  assign error_resp_o  = axi_rresp_i;
  assign error_id_o    = id;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      burst_first_q <= 1'b1;
      beat_addr_q   <= '0;
    end else if (take) begin
      burst_first_q <= axi_rlast_i;
      beat_addr_q   <= beat_addr + 64'(Bytes);
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      // Addresses and lengths are whole words.
      a_words :
      assert (!req_valid_i || (req_addr_i[1:0] == '0 && req_bytes_i[1:0] == '0))
      else $error("words");
      // Data comes only for what was asked for.
      a_asked :
      assert (!axi_rvalid_i || bursts_valid)
      else $error("asked");
      a_named :
      assert (!take || drain_i || info_valid)
      else $error("named");
    end
  end
`endif
  ls_handshake_check #(
      .Width(72)
  ) u_check_ar (
      .clk_i,
      .rst_ni,
      .clear_i(1'b0),
      .valid_i(axi_arvalid_o),
      .ready_i(axi_arready_i),
      .data_i ({axi_arlen_o, axi_araddr_o})
  );
  ls_handshake_check #(
      .Width(DataWidth + 2)
  ) u_check_data (
      .clk_i,
      .rst_ni,
      .clear_i(drain_i),
      .valid_i(data_valid_o),
      .ready_i(data_ready_i),
      .data_i ({data_last_o, data_error_o, data_o})
  );
endmodule
