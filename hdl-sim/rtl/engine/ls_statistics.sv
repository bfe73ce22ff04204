// The statistics of the drain: the greatest, the least and the sum of the words of an entry, by
// lane. Words for memory V count by their magnitude.
//
// The entry of a slot is read before its word is there and written one cycle after the word. An
// entry that is still on its way to the memory is taken from the registers.
module ls_statistics
  import ls_engine_pkg::*;
#(
    parameter int unsigned N = 16,
    parameter int unsigned Stats = 256,
    localparam int unsigned SBits = $clog2(Stats)
) (
    input  logic                clk_i,
    input  logic                srst_n,
    input  slot_t               next_i,  // the slot of the next cycle
    input  slot_t               slot_i,  // with the word that it writes
    input  logic  [N-1:0][15:0] v_i,
    input  logic  [N-1:0][23:0] y_i,
    input  logic                latch,   // an entry to the outputs
    input  logic  [  8:0]       stat_i,
    output logic  [N-1:0][21:0] hi,
    output logic  [N-1:0][21:0] lo,
    output logic  [N-1:0][31:0] total
);
  typedef struct packed {
    logic [N-1:0][21:0] hi;
    logic [N-1:0][21:0] lo;
    logic [N-1:0][31:0] total;
  } entry_t;
  // The slot before `slot_i`, whose word is taken in now, and the one before that.
  logic we_q, clear_q, written_we_q;
  logic [8:0] stat_q, written_stat_q;
  logic [N-1:0][21:0] x_q;
  logic [N-1:0] outside_q;  // lanes that do not count
  entry_t old_q, entry, written_q, read;
  logic read_next;

  function automatic logic is_counted(input slot_t s);
    return s.valid && (is_drain(s.kind) || s.kind == SlotEmbed);
  endfunction

  // An entry that is written in this cycle is not read.
  assign read_next = is_counted(next_i) && !(we_q && stat_q == next_i.stat);
  always_ff @(posedge clk_i) begin
    we_q <= srst_n && is_counted(slot_i);
    written_we_q <= we_q;
    stat_q <= slot_i.stat;
    written_stat_q <= stat_q;
    written_q <= entry;
    clear_q <= slot_i.clear;
    for (int unsigned i = 0; i < N; i++) begin
      outside_q[i] <= slot_i.masked && 7'(i) >= slot_i.lanes && is_drain(slot_i.kind);
      if (slot_i.kind inside {SlotLinear, SlotAct, SlotContext})
        x_q[i] <= v_i[i][15] ? 22'd65536 - 22'(v_i[i]) : 22'(v_i[i]);
      else x_q[i] <= y_i[i][21:0];
    end
    if (we_q && stat_q == slot_i.stat) old_q <= entry;
    else if (written_we_q && written_stat_q == slot_i.stat) old_q <= written_q;
    else old_q <= read;
  end
  ls_ram #(
      .Width($bits(entry_t)),
      .Depth(Stats)
  ) u_running (
      .*,
      .write_i(we_q),
      .write_address_i(SBits'(stat_q)),
      .write_data_i(entry),
      .read_i(read_next),
      .read_address_i(SBits'(next_i.stat)),
      .read_data_o(read)
  );
  ls_ram #(
      .Width($bits(entry_t)),
      .Depth(Stats)
  ) u_latched (
      .*,
      .write_i(we_q),
      .write_address_i(SBits'(stat_q)),
      .write_data_i(entry),
      .read_i(latch),
      .read_address_i(SBits'(stat_i)),
      .read_data_o({hi, lo, total})
  );

  always_comb begin
    entry = old_q;
    for (int unsigned i = 0; i < N; i++) begin
      if (outside_q[i]) begin
        if (clear_q) begin
          entry.hi[i] = '0;
          entry.lo[i] = '0;
          entry.total[i] = '0;
        end
      end else begin
        if (clear_q || $signed(x_q[i]) > $signed(old_q.hi[i])) entry.hi[i] = x_q[i];
        if (clear_q || $signed(x_q[i]) < $signed(old_q.lo[i])) entry.lo[i] = x_q[i];
        entry.total[i] = (clear_q ? 32'd0 : old_q.total[i]) + 32'($signed(x_q[i]));
      end
    end
  end
endmodule
