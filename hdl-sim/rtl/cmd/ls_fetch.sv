// Reads descriptors from the submission ring, up to Depth of them in one request, and queues them
// as checked commands.
//
// It reads a descriptor only if the descriptor's record will find room. Records that wait for the
// driver and descriptors without a record together never exceed the ring. Both rings have the same
// size and each descriptor gets one record, so their number is a difference of two indices.
module ls_fetch
  import ls_bus_pkg::*;
  import ls_cmd_pkg::*;
  import lockstep_pkg::*;
#(
    parameter int unsigned DataWidth = 128,
    parameter int unsigned Depth = 4,  // descriptors read ahead
    parameter card_t Card = DefaultCard
) (
    input  logic                     clk_i,
    input  logic                     rst_ni,
    input  logic                     drain,
    input  logic                     enable,           // new requests may be made
    input  logic     [          3:0] ring_log2,
    input  ring_t                    submit,
    input  ring_t                    complete,
    output logic                     fetched_o,        // for one cycle: a descriptor has been read
    output logic                     fetch_error_o,    // for one cycle: it could not be read
    output request_t                 fetch_req,
    input  logic                     fetch_req_ready,
    input  beat_t                    fetch_beat,       // taken at once
    input  logic     [DataWidth-1:0] host_data,
    output logic                     command_valid,
    input  logic                     command_ready,
    output command_t                 command
);
  localparam int unsigned Beats = DescriptorBytes * 8 / DataWidth;
  localparam int unsigned BeatWidth = (Beats > 1) ? $clog2(Beats) : 1;
  localparam int unsigned CountWidth = $clog2(Depth + 1);

  logic [15:0] size, slot, room, count;
  logic request_q, wait_q, queued_ready, pop;
  // Descriptors of the request that have not come yet, and descriptors in the queue.
  logic [CountWidth-1:0] count_q, held_q;
  logic [BeatWidth-1:0] beat_q;
  logic error_q, take, whole;
  addr_t address;

  assign size = 16'd1 << ring_log2;
  assign slot = submit.consumer & (size - 16'd1);
  assign room = size - (submit.consumer - complete.consumer);
  // As many descriptors as the ring holds, as fit the queue, as have room for a record, and not
  // beyond the end of the ring's memory.
  always_comb begin
    count = submit.used;
    if (count > 16'(Depth) - 16'(held_q)) count = 16'(Depth) - 16'(held_q);
    if (count > room) count = room;
    if (count > size - slot) count = size - slot;
  end

  assign address = submit.base + (64'(slot) << $clog2(DescriptorBytes));
  assign fetch_req = '{
          valid: request_q,
          addr: address,
          bytes: 32'(count_q) << $clog2(DescriptorBytes)
      };

  assign take = fetch_beat.valid && wait_q;
  assign whole = take && 32'(beat_q) == Beats - 1;
  assign fetched_o = whole;
  assign fetch_error_o = whole && (error_q || fetch_beat.error);
  assign pop = command_valid && command_ready;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      request_q <= 1'b0;
      wait_q    <= 1'b0;
      count_q   <= '0;
      held_q    <= '0;
      beat_q    <= '0;
      error_q   <= 1'b0;
    end else if (drain) begin
      request_q <= 1'b0;
      wait_q    <= 1'b0;
      held_q    <= '0;
      beat_q    <= '0;
      error_q   <= 1'b0;
    end else begin
      held_q <= held_q + CountWidth'(whole) - CountWidth'(pop);
      if (!request_q && !wait_q) begin
        request_q <= enable && count != '0;
        count_q   <= CountWidth'(count);
      end
      if (request_q && fetch_req_ready) begin
        request_q <= 1'b0;
        wait_q    <= 1'b1;
      end
      if (take) begin
        beat_q  <= whole ? '0 : beat_q + 1'b1;
        error_q <= !whole && (error_q || fetch_beat.error);
      end
      if (whole) begin
        count_q <= count_q - 1'b1;
        wait_q  <= count_q != CountWidth'(1);
      end
    end
  end

  // The descriptor is assembled from its low bytes up.
  descriptor_t descriptor;
  if (Beats > 1) begin : gen_beats
    logic [DescriptorBytes*8-DataWidth-1:0] early_q;
    assign descriptor = {host_data, early_q};
    always_ff @(posedge clk_i) begin
      if (take) early_q <= descriptor[DescriptorBytes*8-1:DataWidth];
    end
  end else begin : gen_beat
    assign descriptor = host_data;
  end

  command_t checked, next;
  logic next_valid, next_ready;
  ls_decode #(
      .Card(Card)
  ) u_decode (
      .descriptor_i(descriptor),
      .error_i     (error_q || fetch_beat.error),
      .address_i   (address),
      .command_o   (checked)
  );

  ls_fifo #(
      .Width($bits(command)),
      .Depth(Depth)
  ) u_queue (
      .*,
      .clear_i    (drain),
      .in_valid_i (whole),
      .in_ready_o (queued_ready),
      .in_data_i  (checked),
      .out_valid_o(next_valid),
      .out_ready_i(next_ready),
      .out_data_o (next)
  );
  // A command comes from flip-flops, because the logic that starts it is deep.
  ls_stage #(
      .Width($bits(command))
  ) u_command (
      .*,
      .clear_i    (drain),
      .in_valid_i (next_valid),
      .in_ready_o (next_ready),
      .in_data_i  (next),
      .out_valid_o(command_valid),
      .out_ready_i(command_ready),
      .out_data_o (command)
  );

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !drain) begin
      // The queue has room for every descriptor that was asked for.
      a_room :
      assert (!whole || queued_ready)
      else $error("room");
      // Data comes only for what was asked for.
      a_asked :
      assert (!fetch_beat.valid || wait_q)
      else $error("asked");
    end
  end
`else
  logic unused;
  assign unused = queued_ready;
`endif
endmodule
