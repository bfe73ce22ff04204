// Reads descriptors from the submission ring, up to Depth in one request, and queues them checked.
//
// A descriptor is read only if a record for it will find room: records that wait for the driver and descriptors without one together
// never exceed the ring. Both rings have the same size and each descriptor has one record, so that is a difference of two indices.
module ls_fetch #(
    parameter int unsigned DataWidth = 128,
    parameter int unsigned Depth = 4,  // descriptors read ahead
    parameter int unsigned ArraySize = 8,
    parameter longint unsigned CardBytes = 64'h1_0000_0000,
    parameter int unsigned MaxTokens = lockstep_pkg::TokensMax,
    parameter int unsigned MaxHidden = lockstep_pkg::HiddenMax
) (
    input logic clk_i,
    input logic rst_ni,
    input logic clear_i,
    input logic run_i,  // new requests may be made
    input logic [63:0] base_i,  // of the submission ring
    input logic [3:0] log2_i,
    input logic [15:0] used_i,  // descriptors in the ring
    input logic [15:0] index_i,  // consumer index
    input logic [15:0] records_i,  // the driver's index of the completion ring
    output logic advance_o,  // a descriptor has been read
    output logic error_o,  // for one cycle: it could not be
    output logic req_valid_o,
    input logic req_ready_i,
    output logic [63:0] req_addr_o,
    output logic [31:0] req_bytes_o,
    input logic data_valid_i,
    output logic data_ready_o,
    input logic [DataWidth-1:0] data_i,
    input logic data_error_i,
    output logic command_valid_o,
    input logic command_ready_i,
    output ls_cmd_pkg::command_t command_o
);
  import lockstep_pkg::*;

  localparam int unsigned Beats = DescriptorBytes * 8 / DataWidth;
  localparam int unsigned BeatWidth = (Beats > 1) ? $clog2(Beats) : 1;
  localparam int unsigned CountWidth = $clog2(Depth + 1);

  logic [15:0] size, slot, room, count;
  logic request_q, wait_q, queued_ready, pop;
  logic [CountWidth-1:0] count_q, held_q;  // descriptors of the request to come; in the queue
  logic [BeatWidth-1:0] beat_q;
  logic error_q, take, whole;
  logic [63:0] address;

  assign size = 16'd1 << log2_i;
  assign slot = index_i & (size - 16'd1);
  assign room = size - (index_i - records_i);
  // As many as there are, as fit the queue, as have room for a record, up to the ring's end.
  always_comb begin
    count = used_i;
    if (count > 16'(Depth) - 16'(held_q)) count = 16'(Depth) - 16'(held_q);
    if (count > room) count = room;
    if (count > size - slot) count = size - slot;
  end

  assign address      = base_i + (64'(slot) << $clog2(DescriptorBytes));
  assign req_valid_o  = request_q;
  assign req_addr_o   = address;
  assign req_bytes_o  = 32'(count_q) << $clog2(DescriptorBytes);

  assign data_ready_o = 1'b1;
  assign take         = data_valid_i && wait_q;
  assign whole        = take && 32'(beat_q) == Beats - 1;
  assign advance_o    = whole;
  assign error_o      = whole && (error_q || data_error_i);
  assign pop          = command_valid_o && command_ready_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      request_q <= 1'b0;
      wait_q    <= 1'b0;
      count_q   <= '0;
      held_q    <= '0;
      beat_q    <= '0;
      error_q   <= 1'b0;
    end else if (clear_i) begin
      request_q <= 1'b0;
      wait_q    <= 1'b0;
      held_q    <= '0;
      beat_q    <= '0;
      error_q   <= 1'b0;
    end else begin
      held_q <= held_q + CountWidth'(whole) - CountWidth'(pop);
      if (!request_q && !wait_q) begin
        request_q <= run_i && count != '0;
        count_q   <= CountWidth'(count);
      end
      if (request_q && req_ready_i) begin
        request_q <= 1'b0;
        wait_q    <= 1'b1;
      end
      if (take) begin
        beat_q  <= whole ? '0 : beat_q + 1'b1;
        error_q <= !whole && (error_q || data_error_i);
      end
      if (whole) begin
        count_q <= count_q - 1'b1;
        wait_q  <= count_q != CountWidth'(1);
      end
    end
  end

  // The descriptor is put together from the low bytes up.
  descriptor_t descriptor;
  if (Beats > 1) begin : gen_beats
    logic [DescriptorBytes*8-DataWidth-1:0] early_q;
    assign descriptor = {data_i, early_q};
    always_ff @(posedge clk_i) begin
      if (take) early_q <= descriptor[DescriptorBytes*8-1:DataWidth];
    end
  end else begin : gen_beat
    assign descriptor = data_i;
  end

  ls_cmd_pkg::command_t command, next;
  logic next_valid, next_ready;
  ls_decode #(
      .ArraySize(ArraySize),
      .CardBytes(CardBytes),
      .MaxTokens(MaxTokens),
      .MaxHidden(MaxHidden)
  ) u_decode (
      .descriptor_i(descriptor),
      .error_i     (error_q || data_error_i),
      .address_i   (address),
      .command_o   (command)
  );

  ls_fifo #(
      .Width($bits(command)),
      .Depth(Depth)
  ) u_queue (
      .clk_i,
      .rst_ni,
      .clear_i,
      .in_valid_i (whole),
      .in_ready_o (queued_ready),
      .in_data_i  (command),
      .out_valid_o(next_valid),
      .out_ready_i(next_ready),
      .out_data_o (next),
      .count_o    ()
  );
  // A command comes from flip-flops: whether it may start is a long way.
  ls_stage #(
      .Width($bits(command))
  ) u_command (
      .clk_i,
      .rst_ni,
      .clear_i,
      .in_valid_i (next_valid),
      .in_ready_o (next_ready),
      .in_data_i  (next),
      .out_valid_o(command_valid_o),
      .out_ready_i(command_ready_i),
      .out_data_o (command_o)
  );

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !clear_i) begin
      // There is a place for every descriptor that was asked for.
      a_room :
      assert (!whole || queued_ready)
      else $error("room");
      // Data comes only for what was asked for.
      a_asked :
      assert (!data_valid_i || wait_q)
      else $error("asked");
    end
  end
`else
  logic unused;
  assign unused = queued_ready;
`endif
endmodule
