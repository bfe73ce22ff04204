// Copies between host memory and card memory. It works on one command at a time, in chunks, of
// which several are under way at once.
//
// Data passes straight from the read port to the write port. After an error or an abort no new
// chunk begins, and the chunks that have begun end.
module ls_copy
  import ls_bus_pkg::*;
  import ls_cmd_pkg::*;
  import lockstep_pkg::*;
#(
    parameter int unsigned DataWidth  = 128,
    parameter int unsigned ChunkBytes = 1024,  // a power of two
    parameter int unsigned Chunks     = 8      // under way at once
) (
    input logic clk_i,
    input logic rst_ni,
    input logic drain,
    input logic copy_valid,
    output logic copy_ready,
    input command_t command,
    input logic copy_abort,  // stop the command under way
    output unit_end_t copy_end,
    // Index 0 is host memory, index 1 is card memory.
    output request_t [1:0] copy_read,
    input logic [1:0] copy_read_ready,
    input beat_t [1:0] copy_beat,
    output logic [1:0] copy_beat_ready,
    input logic [1:0][DataWidth-1:0] copy_rdata,
    output request_t [1:0] copy_write,
    input logic [1:0] copy_write_ready,
    output logic [1:0] copy_wvalid,
    output logic [DataWidth-1:0] copy_wdata,
    input logic [1:0] copy_wready,
    input answer_t [1:0] copy_done,
    input fault_t [1:0] copy_read_fault,
    input fault_t [1:0] copy_write_fault
);
  localparam int unsigned CountWidth = $clog2(Chunks + 1);

  logic busy_q, source_q, sink_q, stop_q;  // source and sink: 0 is the host, 1 the card
  addr_t from_q, to_q;
  logic [31:0] left_q, chunk;
  logic [CountWidth-1:0] open_q;  // chunks whose read is asked for and whose write has not ended
  logic take_read, take_write, chunk_ready, chunk_valid, finish, offer, to_card;
  logic read_error, write_error;
  logic [31:0] write_bytes;
  addr_t write_addr, address_q;
  status_e status_q;

  // A chunk ends where the source's address is a multiple of the chunk size. So no chunk crosses a
  // page.
  always_comb begin
    chunk = ChunkBytes - (32'(from_q[11:0]) & (ChunkBytes - 1));
    if (chunk > left_q) chunk = left_q;
  end

  assign copy_ready = !busy_q;
  assign to_card = command.start.opcode == OpCopyToCard;
  assign offer = busy_q && left_q != '0 && chunk_ready && open_q != CountWidth'(Chunks);
  always_comb begin
    for (int unsigned i = 0; i < 2; i++) begin
      copy_read[i] = '{valid: offer && source_q == 1'(i), addr: from_q, bytes: chunk};
      copy_beat_ready[i] = source_q == 1'(i) && copy_wready[sink_q];
      copy_write[i] = '{
          valid: chunk_valid && sink_q == 1'(i),
          addr: write_addr,
          bytes: write_bytes
      };
      copy_wvalid[i] = sink_q == 1'(i) && copy_beat[source_q].valid;
    end
  end
  assign take_read  = offer && copy_read_ready[source_q];
  assign take_write = chunk_valid && copy_write_ready[sink_q];
  assign copy_wdata = copy_rdata[source_q];

  ls_fifo #(
      .Width(96),
      .Depth(2)
  ) u_chunks (
      .*,
      .clear_i    (drain),
      .in_valid_i (take_read),
      .in_ready_o (chunk_ready),
      .in_data_i  ({chunk, to_q}),
      .out_valid_o(chunk_valid),
      .out_ready_i(take_write),
      .out_data_o ({write_bytes, write_addr})
  );

  assign read_error = copy_beat[source_q].valid && copy_wready[sink_q] && copy_beat[source_q].error;
  assign write_error = copy_done[sink_q].valid && copy_done[sink_q].error;
  assign finish = busy_q && left_q == '0 && open_q == '0;
  assign copy_end = '{
          done: finish,
          status: status_q,
          address: address_q,
          detail: '0,
          busy: '0
      };

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q    <= 1'b0;
      source_q  <= 1'b0;
      sink_q    <= 1'b0;
      stop_q    <= 1'b0;
      from_q    <= '0;
      to_q      <= '0;
      left_q    <= '0;
      open_q    <= '0;
      status_q  <= StatusOk;
      address_q <= '0;
    end else if (drain) begin
      busy_q <= 1'b0;
      left_q <= '0;
      open_q <= '0;
      stop_q <= 1'b0;
    end else begin
      open_q <= open_q + CountWidth'(take_read) - CountWidth'(busy_q && copy_done[sink_q].valid);
      if (take_read) begin
        from_q <= from_q + 64'(chunk);
        to_q   <= to_q + 64'(chunk);
        left_q <= left_q - chunk;
      end
      // A request that is offered and not yet taken stays. The copier gives up the rest.
      if (stop_q && !(offer && !take_read)) left_q <= '0;
      if (finish) busy_q <= 1'b0;
      if (busy_q && !finish) begin
        if (status_q == StatusOk && read_error) begin
          status_q  <= source_q ? StatusCardRead : StatusHostRead;
          address_q <= copy_read_fault[source_q].addr;
        end else if (status_q == StatusOk && write_error) begin
          status_q  <= sink_q ? StatusCardWrite : StatusHostWrite;
          address_q <= copy_write_fault[sink_q].addr;
        end else if (status_q == StatusOk && copy_abort && left_q != '0) begin
          status_q <= StatusAborted;
        end
        if (read_error || write_error || copy_abort) stop_q <= 1'b1;
      end
      if (copy_valid && copy_ready) begin
        busy_q    <= 1'b1;
        stop_q    <= 1'b0;
        source_q  <= !to_card;
        sink_q    <= to_card;
        from_q    <= to_card ? command.host_address : command.card_address;
        to_q      <= to_card ? command.card_address : command.host_address;
        left_q    <= command.bytes;
        status_q  <= StatusOk;
        address_q <= '0;
      end
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !drain) begin
      // Every answer belongs to a chunk.
      a_open :
      assert (!(busy_q && copy_done[sink_q].valid) || open_q != '0)
      else $error("answer without a chunk");
    end
  end
`endif
endmodule
