// Copies between host and card memory, one command at a time, in chunks that several of which are on their way at once.
//
// Data passes straight from the reading port to the writing one. After an error or an abort no chunk begins, those that have begun end.
module ls_copy #(
    parameter int unsigned DataWidth  = 128,
    parameter int unsigned ChunkBytes = 1024,  // a power of two
    parameter int unsigned Chunks     = 8      // on their way at once
) (
    input logic clk_i,
    input logic rst_ni,
    input logic clear_i,
    input logic command_valid_i,
    output logic command_ready_o,
    input logic to_card_i,
    input logic [63:0] card_address_i,
    input logic [63:0] host_address_i,
    input logic [31:0] bytes_i,
    input logic abort_i,  // stop the command under way
    output logic done_o,  // for one cycle
    output lockstep_pkg::status_e status_o,
    output logic [63:0] address_o,  // of an error on the bus
    // Index 0 is host memory, 1 card memory.
    output logic [1:0] read_valid_o,
    input logic [1:0] read_ready_i,
    output logic [63:0] read_addr_o,
    output logic [31:0] read_bytes_o,
    input logic [1:0] data_valid_i,
    output logic [1:0] data_ready_o,
    input logic [1:0] data_error_i,
    input logic [1:0][DataWidth-1:0] data_i,
    output logic [1:0] write_valid_o,
    input logic [1:0] write_ready_i,
    output logic [63:0] write_addr_o,
    output logic [31:0] write_bytes_o,
    output logic [1:0] data_valid_o,
    input logic [1:0] data_ready_i,
    output logic [DataWidth-1:0] data_o,
    input logic [1:0] done_i,
    input logic [1:0] done_error_i,
    input logic [1:0][63:0] read_fault_i,  // address of the last failed read of this unit
    input logic [1:0][63:0] write_fault_i  // of the last failed write
);
  import lockstep_pkg::*;

  localparam int unsigned CountWidth = $clog2(Chunks + 1);

  logic busy_q, source_q, sink_q, stop_q;  // source and sink: 0 host, 1 card
  logic [63:0] from_q, to_q;
  logic [31:0] left_q, chunk;
  logic [CountWidth-1:0] open_q;  // chunks that are read and not written
  logic take_read, take_write, chunk_ready, chunk_valid, finish;
  logic [95:0] chunk_data;
  logic read_error, write_error;

  // A chunk ends where the source's address is a multiple of its size, so that chunks do not straddle pages.
  always_comb begin
    chunk = ChunkBytes - (32'(from_q[11:0]) & (ChunkBytes - 1));
    if (chunk > left_q) chunk = left_q;
  end

  assign command_ready_o = !busy_q;
  assign read_addr_o     = from_q;
  assign read_bytes_o    = chunk;
  logic offer;
  assign offer = busy_q && left_q != '0 && chunk_ready && open_q != CountWidth'(Chunks);
  always_comb begin
    read_valid_o           = '0;
    read_valid_o[source_q] = offer;
    write_valid_o          = '0;
    write_valid_o[sink_q]  = chunk_valid;
    data_ready_o           = '0;
    data_ready_o[source_q] = data_ready_i[sink_q];
    data_valid_o           = '0;
    data_valid_o[sink_q]   = data_valid_i[source_q];
  end
  assign take_read  = offer && read_ready_i[source_q];
  assign take_write = chunk_valid && write_ready_i[sink_q];
  assign data_o     = data_i[source_q];

  ls_fifo #(
      .Width(96),
      .Depth(2)
  ) u_chunks (
      .clk_i,
      .rst_ni,
      .clear_i,
      .in_valid_i (take_read),
      .in_ready_o (chunk_ready),
      .in_data_i  ({chunk, to_q}),
      .out_valid_o(chunk_valid),
      .out_ready_i(take_write),
      .out_data_o (chunk_data),
      .count_o    ()
  );
  assign {write_bytes_o, write_addr_o} = chunk_data;

  assign read_error = data_valid_i[source_q] && data_ready_o[source_q] && data_error_i[source_q];
  assign write_error = done_i[sink_q] && done_error_i[sink_q];
  assign finish = busy_q && left_q == '0 && open_q == '0;
  assign done_o = finish;

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
      status_o  <= StatusOk;
      address_o <= '0;
    end else if (clear_i) begin
      busy_q <= 1'b0;
      left_q <= '0;
      open_q <= '0;
      stop_q <= 1'b0;
    end else begin
      open_q <= open_q + CountWidth'(take_read) - CountWidth'(busy_q && done_i[sink_q]);
      if (take_read) begin
        from_q <= from_q + 64'(chunk);
        to_q   <= to_q + 64'(chunk);
        left_q <= left_q - chunk;
      end
      // An offer that is not yet taken stays; the rest is given up.
      if (stop_q && !(offer && !take_read)) left_q <= '0;
      if (finish) busy_q <= 1'b0;
      if (busy_q && !finish) begin
        if (status_o == StatusOk && read_error) begin
          status_o  <= source_q ? StatusCardRead : StatusHostRead;
          address_o <= read_fault_i[source_q];
        end else if (status_o == StatusOk && write_error) begin
          status_o  <= sink_q ? StatusCardWrite : StatusHostWrite;
          address_o <= write_fault_i[sink_q];
        end else if (status_o == StatusOk && abort_i && left_q != '0) begin
          status_o <= StatusAborted;
        end
        if (read_error || write_error || abort_i) stop_q <= 1'b1;
      end
      if (command_valid_i && command_ready_o) begin
        busy_q    <= 1'b1;
        stop_q    <= 1'b0;
        source_q  <= !to_card_i;
        sink_q    <= to_card_i;
        from_q    <= to_card_i ? host_address_i : card_address_i;
        to_q      <= to_card_i ? card_address_i : host_address_i;
        left_q    <= bytes_i;
        status_o  <= StatusOk;
        address_o <= '0;
      end
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !clear_i) begin
      // Every answer belongs to a chunk.
      a_open :
      assert (!(busy_q && done_i[sink_q]) || open_q != '0)
      else $error("answer without a chunk");
    end
  end
`endif
endmodule
