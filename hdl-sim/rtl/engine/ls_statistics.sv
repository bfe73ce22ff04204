// The drain's statistics: greatest, least and sum of what went to an entry, by lane. Of words for memory V it is the magnitude.
module ls_statistics
  import ls_engine_pkg::*;
#(
    parameter int unsigned N = 16,
    parameter int unsigned Stats = 256,
    localparam int unsigned SBits = $clog2(Stats)
) (
    input  logic                clk_i,
    input  slot_t               next_i,   // the slot of the next cycle
    input  slot_t               slot_i,   // with the word that it writes
    input  logic  [N-1:0][15:0] v_i,
    input  logic  [N-1:0][23:0] y_i,
    input  logic                latch_i,  // an entry to the outputs
    input  logic  [  8:0]       stat_i,
    output logic  [N-1:0][21:0] hi_o,
    output logic  [N-1:0][21:0] lo_o,
    output logic  [N-1:0][31:0] total_o
);
  typedef struct packed {
    logic [N-1:0][21:0] hi;
    logic [N-1:0][21:0] lo;
    logic [N-1:0][31:0] total;
  } entry_t;
  entry_t read, written_q, old, entry;
  logic stat_we, stat_v, next_counts, again, again_q;

  function automatic logic counts(input slot_t s);
    return s.valid && (is_drain(s.kind) || s.kind == SlotEmbed);
  endfunction

  // An entry is read a cycle before it is due; one that was written in that cycle is at hand.
  assign next_counts = counts(next_i);
  assign stat_we = counts(slot_i);
  assign again = stat_we && slot_i.stat == next_i.stat;
  assign old = again_q ? written_q : read;
  assign stat_v = slot_i.kind inside {SlotLinear, SlotAct, SlotContext};
  always_ff @(posedge clk_i) begin
    if (next_counts) again_q <= again;
    if (stat_we) written_q <= entry;
  end
  ls_ram #(
      .Width($bits(entry_t)),
      .Depth(Stats)
  ) u_running (
      .clk_i,
      .write_i(stat_we),
      .write_address_i(SBits'(slot_i.stat)),
      .write_data_i(entry),
      .read_i(next_counts && !again),
      .read_address_i(SBits'(next_i.stat)),
      .read_data_o(read)
  );
  ls_ram #(
      .Width($bits(entry_t)),
      .Depth(Stats)
  ) u_latched (
      .clk_i,
      .write_i(stat_we),
      .write_address_i(SBits'(slot_i.stat)),
      .write_data_i(entry),
      .read_i(latch_i),
      .read_address_i(SBits'(stat_i)),
      .read_data_o({hi_o, lo_o, total_o})
  );

  logic signed [21:0] stat_x;
  always_comb begin
    entry  = old;
    stat_x = '0;
    for (int unsigned i = 0; i < N; i++) begin
      stat_x = stat_v ? (v_i[i][15] ? 22'd65536 - 22'(v_i[i]) : 22'(v_i[i])) : y_i[i][21:0];
      if (slot_i.masked && 7'(i) >= slot_i.lanes && is_drain(slot_i.kind)) begin
        if (slot_i.clear) begin
          entry.hi[i] = '0;
          entry.lo[i] = '0;
          entry.total[i] = '0;
        end
      end else begin
        if (slot_i.clear || stat_x > $signed(old.hi[i])) entry.hi[i] = stat_x;
        if (slot_i.clear || stat_x < $signed(old.lo[i])) entry.lo[i] = stat_x;
        entry.total[i] = (slot_i.clear ? 32'd0 : old.total[i]) + 32'(stat_x);
      end
    end
  end
endmodule
