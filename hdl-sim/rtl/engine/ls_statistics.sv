// The drain's statistics: greatest, least and sum of what went to an entry, by lane. Of words for memory V it is the magnitude.
module ls_statistics
  import ls_engine_pkg::*;
#(
    parameter int unsigned N = 16,
    parameter int unsigned Stats = 256,
    localparam int unsigned SBits = $clog2(Stats)
) (
    input  logic                clk_i,
    input  slot_t               slot_i,   // with the word that it writes
    input  logic  [N-1:0][15:0] v_i,
    input  logic  [N-1:0][23:0] y_i,
    input  logic                latch_i,  // an entry to the outputs
    input  logic  [  8:0]       stat_i,
    output logic  [N-1:0][21:0] hi_o,
    output logic  [N-1:0][21:0] lo_o,
    output logic  [N-1:0][31:0] total_o
);
  logic [N-1:0][21:0] stat_hi[Stats], stat_lo[Stats];
  logic [N-1:0][31:0] stat_sum[Stats];
  logic [N-1:0][21:0] old_hi, old_lo, new_hi, new_lo;
  logic [N-1:0][31:0] old_sum, new_sum;
  logic stat_we, stat_v;
  assign stat_we = slot_i.valid && (is_drain(slot_i.kind) || slot_i.kind == SlotEmbed);
  assign stat_v  = slot_i.kind inside {SlotLinear, SlotAct, SlotContext};
  assign old_hi  = stat_hi[SBits'(slot_i.stat)];
  assign old_lo  = stat_lo[SBits'(slot_i.stat)];
  assign old_sum = stat_sum[SBits'(slot_i.stat)];
  logic signed [21:0] stat_x;
  always_comb begin
    new_hi  = old_hi;
    new_lo  = old_lo;
    new_sum = old_sum;
    stat_x  = '0;
    for (int unsigned i = 0; i < N; i++) begin
      stat_x = stat_v ? (v_i[i][15] ? 22'd65536 - 22'(v_i[i]) : 22'(v_i[i])) : y_i[i][21:0];
      if (slot_i.masked && 7'(i) >= slot_i.lanes && is_drain(slot_i.kind)) begin
        if (slot_i.clear) begin
          new_hi[i]  = '0;
          new_lo[i]  = '0;
          new_sum[i] = '0;
        end
      end else begin
        if (slot_i.clear || stat_x > $signed(old_hi[i])) new_hi[i] = stat_x;
        if (slot_i.clear || stat_x < $signed(old_lo[i])) new_lo[i] = stat_x;
        new_sum[i] = (slot_i.clear ? 32'd0 : old_sum[i]) + 32'(stat_x);
      end
    end
  end
  always_ff @(posedge clk_i) begin
    if (stat_we) begin
      stat_hi[SBits'(slot_i.stat)]  <= new_hi;
      stat_lo[SBits'(slot_i.stat)]  <= new_lo;
      stat_sum[SBits'(slot_i.stat)] <= new_sum;
    end
    if (latch_i) begin
      hi_o    <= stat_hi[SBits'(stat_i)];
      lo_o    <= stat_lo[SBits'(stat_i)];
      total_o <= stat_sum[SBits'(stat_i)];
    end
  end
endmodule
