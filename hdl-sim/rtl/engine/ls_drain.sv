// Drains planes: one slot of the vector pipeline a cycle for each column (or row) of a plane.
module ls_drain
  import ls_isa_pkg::*;
  import ls_engine_pkg::*;
#(
    parameter int unsigned N = 16
) (
    input  logic        clk_i,
    input  logic        srst_n,
    input  logic        valid_i,
    output logic        ready_o,
    input  instr_t      instr_i,
    input  sem_vec_t    sem,
    output sem_vec_t    take_o,
    input  logic        plane,       // for one cycle: a plane can be read
    output logic        plane_done,
    output logic        panel_done,
    output slot_t       drain_slot,
    output activation_t activation
);
  drain_t f;
  table_t t;
  assign f = drain_t'(instr_i.payload);
  assign t = table_t'(instr_i.payload);

  logic       have_q;  // a plane waits
  logic [6:0] column_q;
  logic [7:0] inner_q;
  logic [9:0] outer_q;
  logic       bank_q;
  logic [19:0] base_outer_q, base_inner_q;

  logic is_table, is_linear, go, inner_last, outer_last, column_last, waits, sems, group_first;
  logic [ 6:0] columns;
  logic [19:0] at;
  logic [16:0] channel;

  localparam int unsigned Log = $clog2(N);

  assign is_table = valid_i && instr_i.opcode == InstrTable;
  assign is_linear = f.mode inside {DrainPlain, DrainResidual, DrainActivation};
  assign inner_last = inner_q == f.inner - 1'b1;
  assign outer_last = outer_q == f.outer - 1'b1;
  assign columns = (f.by_panel ? outer_last : inner_last) ? f.last_columns : f.columns;
  assign column_last = column_q == columns - 1'b1;
  assign waits = instr_i.wait0.enable && outer_q == '0 && inner_q == '0 && column_q == '0;
  assign sems = !waits || sem[instr_i.wait0.index];
  assign go = valid_i && !is_table && have_q && sems;
  assign ready_o = is_table || (go && column_last && inner_last && outer_last);
  assign take_o = sem_bit(instr_i.wait0, go && waits);
  assign plane_done = go && column_last;
  assign panel_done = go && column_last && inner_last && is_linear;
  assign at = base_outer_q + base_inner_q + 20'(column_q);
  assign channel = (17'(outer_q) << Log) + (f.by_row ? '0 : 17'(column_q));
  assign group_first = (channel & ((17'd1 << f.stat_group) - 17'd1)) == '0;

  function automatic logic reached(input sem_ref_t r);
    unique case (r.when_)
      WhenOnce:  reached = r.enable && outer_last && inner_last && column_last;
      WhenInner: reached = r.enable && outer_last && column_last;
      default:   reached = r.enable && inner_last && column_last;
    endcase
  endfunction

  slot_t slot_d;
  always_comb begin
    slot_d = '0;
    slot_d.valid = go;
    unique case (f.mode)
      DrainPlain: slot_d.kind = SlotLinear;
      DrainResidual: slot_d.kind = SlotSum;
      DrainActivation: slot_d.kind = SlotAct;
      DrainScores: slot_d.kind = SlotScore;
      default: slot_d.kind = SlotContext;
    endcase
    slot_d.by_row = f.by_row;
    slot_d.column = column_q + f.start;
    slot_d.bank = bank_q;
    slot_d.row_scale = f.row_scale + inner_q;
    slot_d.slot = f.slot;
    slot_d.stat = f.stat + (f.stat_inner ? 9'(inner_q) : 9'd0) + 9'(channel >> f.stat_group);
    slot_d.clear = f.clear && group_first && (f.stat_inner || inner_q == '0) && (!f.by_row || column_q == '0);
    slot_d.masked = !f.by_row && inner_last && is_linear;
    slot_d.lanes = f.last_lanes;
    slot_d.write = f.destination + at;
    slot_d.read = f.residual + at;
    slot_d.acc_shift = f.acc_shift;
    slot_d.out_shift = f.out_shift;
    slot_d.residual_shift = f.residual_shift;
    if (go)
      slot_d.signal = sem_bit(
        instr_i.signal0, reached(instr_i.signal0)
      ) | sem_bit(
        instr_i.signal1, reached(instr_i.signal1)
      );
  end
  assign drain_slot = slot_d;

  always_ff @(posedge clk_i) begin
    if (!srst_n) begin
      have_q <= 1'b0;
      column_q <= '0;
      inner_q <= '0;
      outer_q <= '0;
      bank_q <= 1'b0;
      base_outer_q <= '0;
      base_inner_q <= '0;
    end else begin
      have_q <= plane || (have_q && !plane_done);
      if (panel_done) bank_q <= !bank_q;
      if (go) begin
        column_q <= column_last ? '0 : column_q + 1'b1;
        if (column_last) begin
          inner_q <= inner_last ? '0 : inner_q + 1'b1;
          base_inner_q <= inner_last ? '0 : base_inner_q + 20'(f.d_inner);
          if (inner_last) begin
            outer_q <= outer_last ? '0 : outer_q + 1'b1;
            base_outer_q <= outer_last ? '0 : base_outer_q + 20'(f.d_outer);
          end
        end
      end
    end
    if (is_table) begin
      activation.fraction_bits <= t.fraction_bits;
      activation.offset <= t.offset;
      if (t.half)
        activation.coefficients[2:1] <= {t.high, t.middle, t.low, activation.coefficients[1][3:0]};
      else
        {activation.coefficients[1][3:0], activation.coefficients[0]} <= {t.high, t.middle, t.low};
    end
  end

`ifndef SYNTHESIS
  // A plane comes only when the one before it is drained.
  plane_a :
  assert property (@(posedge clk_i) disable iff (!srst_n) plane |-> !have_q || plane_done)
  else $error("a plane overruns the one before it");
  // A column of an instruction is one of the plane's.
  column_a :
  assert property (@(posedge clk_i) disable iff (!srst_n) go |-> slot_d.column < 7'(N))
  else $error("a column behind the plane");
`endif
endmodule
