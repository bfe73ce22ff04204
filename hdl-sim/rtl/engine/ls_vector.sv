// The vector pipeline: memories V, Y and G, the arithmetic of drain and pass, running statistics and row scalars.
//
// A slot is issued in stage 0, reads its memories in stage 1 and writes V and Y in the last stage. Results enter two lines of
// registers (`v`, `y`) at the stage at which they are ready.
module ls_vector
  import ls_isa_pkg::*;
  import ls_engine_pkg::*;
  import ls_row_product_pkg::*;
#(
    parameter int unsigned N = 16,
    parameter int unsigned VDepth = 16384,
    parameter int unsigned YDepth = 8192,
    parameter int unsigned GWords = 1536,
    parameter int unsigned RowScales = 128,
    parameter int unsigned Stats = 256
) (
    input  logic                                 clk_i,
    input  logic                                 rst_ni,
    // slots
    input  slot_t                                drain_i,
    input  slot_t                                pass_i,
    output logic                                 grant_o,
    input  logic     [          3:0]             acc_shift_i,
    input  logic     [          4:0]             out_shift_i,
    input  logic     [          2:0]             residual_shift_i,
    input  logic     [          2:0][ 7:0][15:0] table_i,
    input  logic     [          3:0]             fraction_bits_i,
    input  logic     [         15:0]             offset_i,
    // plane
    output logic                                 plane_by_row_o,
    output logic     [$clog2(N)-1:0]             plane_index_o,
    input  logic     [        N-1:0][31:0]       plane_i,
    // the ring's word, for headers and moves
    input  logic     [        N-1:0][ 7:0]       ring_i,
    input  logic                                 header_i,
    input  logic     [          3:0]             header_index_i,
    input  logic                                 header_bank_i,
    input  logic                                 move_v_i,
    input  logic                                 move_g_i,
    input  logic     [         19:0]             move_address_i,
    input  logic                                 move_half_i,
    // word rows
    output logic     [          9:0]             gather_channel_o,  // stage 0
    input  logic     [        N-1:0][ 7:0]       gather_word_i,     // stage 1
    input  logic     [        N-1:0][11:0]       gather_scale_i,
    input  logic     [        N-1:0][ 1:0]       gather_type_i,
    // passes
    input  pass_t                                pass_fields_i,
    input  logic                                 latch_i,
    input  logic                                 scalar_start_i,
    output logic                                 scalar_done_o,
    // operands written
    output logic                                 a_we_o,
    output logic                                 b_we_o,
    output logic     [         19:0]             q_address_o,
    output logic     [        N-1:0][ 7:0]       q_o,
    output logic                                 p_we_o,
    output logic     [         19:0]             p_address_o,
    output logic     [        N-1:0][13:0]       p_o,
    // pooled sums
    output logic                                 pool_valid_o,
    output logic     [         31:0]             pool_o,
    output sem_vec_t                             signal_o
);
  // Stages in which the outputs of (11), of the residual sum and of the activation are there.
  localparam int unsigned Linear = 8;
  localparam int unsigned Sum = Linear + 1;
  localparam int unsigned Last = Linear + 5;
  localparam int unsigned Bits = $clog2(N);
  localparam int unsigned PerWord = N / 8;
  localparam int unsigned GBits = $clog2(GWords);
  localparam int unsigned VBits = $clog2(VDepth);
  localparam int unsigned YBits = $clog2(YDepth);

  // ---- slots --------------------------------------------------------------------------------------------------
  slot_t issue;
  slot_t slot  [Last+1];  // slot[s] is in stage s
  assign grant_o = !drain_i.valid;
  assign issue   = drain_i.valid ? drain_i : pass_i;
  assign slot[0] = issue;
  for (genvar s = 1; s <= Last; s++) begin : gen_slot
    always_ff @(posedge clk_i) begin
      if (!rst_ni) slot[s] <= '0;
      else if (slot[s-1].valid) slot[s] <= slot[s-1];
      else slot[s].valid <= 1'b0;
    end
  end

  // ---- memories -----------------------------------------------------------------------------------------------
  logic [N-1:0][15:0] v_read, v_last;
  logic [N-1:0][23:0] y_read, y_last;
  logic [N*8-1:0] g_word;
  logic v_we, y_we, reads_v, reads_y;
  logic [19:0] v_write_address;
  logic [N*8-1:0] half_q;

  assign v_we = slot[Last].valid && slot[Last].kind inside {SlotLinear, SlotAct, SlotContext, SlotNorm};
  assign y_we = slot[Last].valid && slot[Last].kind inside {SlotSum, SlotScore, SlotEmbed, SlotNorm};
  assign reads_v = issue.kind inside {SlotSum, SlotEmbed, SlotPool} || (issue.kind == SlotQuant && !issue.from_y);
  assign reads_y = issue.kind inside {SlotSquare, SlotNorm, SlotExp} || (issue.kind == SlotQuant && issue.from_y);
  assign v_write_address = slot[Last].kind == SlotNorm ? slot[Last].second : slot[Last].write;
  always_ff @(posedge clk_i) if (move_v_i && !move_half_i) half_q <= ring_i;

  ls_ram #(
      .Width(N * 16),
      .Depth(VDepth)
  ) u_v (
      .clk_i,
      .write_i(v_we || (move_v_i && move_half_i)),
      .write_address_i(v_we ? VBits'(v_write_address) : VBits'(move_address_i)),
      .write_data_i(v_we ? v_last : {ring_i, half_q}),
      .read_i(issue.valid && reads_v),
      .read_address_i(VBits'(issue.read)),
      .read_data_o(v_read)
  );
  ls_ram #(
      .Width(N * 24),
      .Depth(YDepth)
  ) u_y (
      .clk_i,
      .write_i(y_we),
      .write_address_i(YBits'(slot[Last].write)),
      .write_data_i(y_last),
      .read_i(issue.valid && reads_y),
      .read_address_i(YBits'(issue.read_y)),
      .read_data_o(y_read)
  );
  ls_ram #(
      .Width(N * 8),
      .Depth(GWords)
  ) u_g (
      .clk_i,
      .write_i(move_g_i),
      .write_address_i(GBits'(move_address_i)),
      .write_data_i(ring_i),
      .read_i(issue.valid && issue.kind inside {SlotEmbed, SlotNorm}),
      .read_address_i(GBits'(issue.g / 12'(PerWord))),
      .read_data_o(g_word)
  );
  assign gather_channel_o = issue.channel;

  logic [3:0][15:0] g;  // of the channel in stage 1
  always_comb begin
    g = '0;
    for (int unsigned i = 0; i < PerWord; i++) begin
      if (slot[1].g % 12'(PerWord) == 12'(i)) g = g_word[64*i+:64];
    end
  end

  // ---- parameters of columns and rows ---------------------------------------------------------------------------
  logic [N-1:0][31:0] plane_q, in_b, in_z;
  logic [N-1:0][14:0] in_c, row_m, in_m, soft_r;
  logic [N-1:0][3:0] row_h, in_h;
  logic [N-1:0][4:0] soft_e;
  logic [Bits-1:0] column;
  logic [14:0] eq_q[Linear+1];  // of the column in stage s: the header's bank may be written before it is there

  // What belongs to a column is chosen from the drain's slot whether it is valid or not, which is known late.
  assign plane_by_row_o = drain_i.by_row;
  assign plane_index_o  = Bits'(drain_i.column);
  always_ff @(posedge clk_i) if (drain_i.valid) plane_q <= plane_i;

  assign column = Bits'(slot[1].column);
  ls_panel_header #(
      .N(N)
  ) u_header (
      .clk_i,
      .write_i(header_i),
      .index_i(header_index_i),
      .bank_i(header_bank_i),
      .ring_i,
      .read_bank_i(drain_i.bank),
      .by_row_i(drain_i.by_row),
      .column_i(Bits'(drain_i.column)),
      .c_o(in_c),
      .b_o(in_b),
      .z_o(in_z),
      .eq_o(eq_q[1])
  );
  assign in_m = slot[1].by_row ? {N{row_m[column]}} : row_m;
  assign in_h = slot[1].by_row ? {N{row_h[column]}} : row_h;
  assign eq_q[0] = '0;
  for (genvar s = 2; s <= Linear; s++) begin : gen_eq
    always_ff @(posedge clk_i) eq_q[s] <= eq_q[s-1];
  end

  // ---- arithmetic ---------------------------------------------------------------------------------------------
  logic [N-1:0][31:0] lin_y;  // stage Linear
  logic [N-1:0][15:0] lin_16;
  logic [N-1:0][15:0] residual                [Linear+1];  // stage s
  logic [  2:0]       residual_shift_q        [Linear+1];
  logic [  3:0]       acc_shift_q;
  logic [  4:0]       out_shift_q;
  logic [N-1:0][20:0] sum_s;  // stage Sum
  logic [N-1:0][15:0] act_x;  // stage Last
  logic [N-1:0][15:0] ctx_x;  // stage 5
  logic [N-1:0][20:0] embed_s;  // stage 5
  logic [N-1:0][31:0] norm_square;  // stage 4
  logic [N-1:0][15:0] norm_x, norm_x2;  // stage 6
  logic [N-1:0][13:0] exp_p;  // stage 7

  always_ff @(posedge clk_i) begin
    acc_shift_q <= acc_shift_i;
    out_shift_q <= out_shift_i;
    residual_shift_q[1] <= residual_shift_i;
    for (int unsigned s = 2; s <= Linear; s++) residual_shift_q[s] <= residual_shift_q[s-1];
    for (int unsigned s = 2; s <= Linear; s++)
    if (slot[s-1].valid && slot[s-1].kind == SlotSum) residual[s] <= residual[s-1];
  end
  assign residual[1] = v_read;
  assign residual[0] = '0;
  assign residual_shift_q[0] = '0;

  ls_requant #(
      .N(N)
  ) u_requant (
      .clk_i,
      .rst_ni,
      .valid_i    (slot[1].valid && slot[1].kind inside {SlotLinear, SlotSum, SlotAct}),
      .acc_i      (plane_q),
      .z_i        (in_z),
      .m_n_i      (in_m),
      .h_i        (in_h),
      .c_i        (in_c),
      .b_i        (in_b),
      .acc_shift_i(acc_shift_q),
      .out_shift_i(out_shift_q),
      .valid_o    (),
      .y_o        (lin_y)
  );
  always_comb begin
    for (int unsigned i = 0; i < N; i++) begin
      lin_16[i] = lin_y[i][31] ? (&lin_y[i][30:15] ? lin_y[i][15:0] : 16'h8000) :
          (|lin_y[i][30:15] ? 16'h7fff : lin_y[i][15:0]);
    end
  end
  ls_residual #(
      .N(N)
  ) u_residual (
      .clk_i,
      .rst_ni,
      .valid_i(slot[Linear].valid && slot[Linear].kind == SlotSum),
      .x_i    (residual[Linear]),
      .y_i    (lin_y),
      .shift_i(residual_shift_q[Linear]),
      .valid_o(),
      .s_o    (sum_s)
  );
  ls_activation #(
      .N(N)
  ) u_activation (
      .clk_i,
      .rst_ni,
      .valid_i(slot[Linear].valid && slot[Linear].kind == SlotAct),
      .v_i    (lin_16),
      .eq_i   ({N{eq_q[Linear]}}),
      .table_i,
      .fraction_bits_i,
      .offset_i,
      .valid_o(),
      .x_o    (act_x)
  );

  logic [N-1:0][15:0] type_word;
  logic [N-1:0][20:0] y_sum;
  logic [N-1:0][21:0] y_score;
  logic [N-1:0][15:0] quant_x;
  always_comb begin
    for (int unsigned i = 0; i < N; i++) begin
      type_word[i] = g[gather_type_i[i]];
      y_sum[i] = y_read[i][20:0];
      y_score[i] = y_read[i][21:0];
      quant_x[i] = slot[1].from_y ? y_read[i][15:0] : v_read[i];
    end
  end

  // Row scalars of the pass at work, and the drain's statistics as they were when it began.
  logic [N-1:0][20:0] mean;
  logic [N-1:0][ 4:0] e;
  logic [N-1:0][14:0] rho, r;
  logic [N-1:0][3:0] h;
  logic [14:0] factor;
  logic [5:0] factor_shift;
  logic [N-1:0][21:0] hi, lo;
  logic [N-1:0][31:0] total, own_sum;
  logic [N-1:0][15:0] own_max;

  ls_norm #(
      .N(N)
  ) u_norm (
      .clk_i,
      .rst_ni,
      .valid_i       (slot[1].valid && slot[1].kind inside {SlotSquare, SlotNorm}),
      .square_i      (slot[1].kind == SlotSquare),
      .s_i           (y_sum),
      .mean_i        (mean),
      .e_i           (e),
      .rho_i         (rho),
      .g_i           (g[0]),
      .b_i           (g[1]),
      .g2_i          (g[2]),
      .b2_i          (g[3]),
      .square_valid_o(),
      .square_o      (norm_square),
      .valid_o       (),
      .x_o           (norm_x),
      .x2_o          (norm_x2)
  );
  product_e product_kind;
  always_comb begin
    unique case (slot[1].kind)
      SlotContext: product_kind = ProductContext;
      SlotEmbed:   product_kind = ProductEmbed;
      default:     product_kind = pass_fields_i.unsigned_ ? ProductUnsigned : ProductSigned;
    endcase
  end
  ls_row_product #(
      .N(N)
  ) u_row_product (
      .clk_i,
      .rst_ni,
      .valid_i   (slot[1].valid && slot[1].kind inside {SlotQuant, SlotContext, SlotEmbed}),
      .kind_i    (product_kind),
      .x_i       (quant_x),
      .h_i       (h),
      .r_i       (r),
      .acc_i     (plane_q),
      .e_i       (soft_e),
      .r_v_i     (soft_r),
      .w_i       (gather_word_i),
      .scale_i   (gather_scale_i),
      .position_i(v_read),
      .type_i    (type_word),
      .shift_i   (pass_fields_i.shift),
      .valid_o   (),
      .q_o,
      .context_o (ctx_x),
      .s_o       (embed_s)
  );
  ls_exp #(
      .N(N)
  ) u_exp (
      .clk_i,
      .rst_ni,
      .valid_i (slot[1].valid && slot[1].kind == SlotExp),
      .a_i     (y_score),
      .best_i  (hi),
      .factor_i(factor),
      .shift_i (factor_shift),
      .valid_o (),
      .p_o     (exp_p)
  );
  assign a_we_o = slot[5].valid && slot[5].kind == SlotQuant && !slot[5].to_b;
  assign b_we_o = slot[5].valid && slot[5].kind == SlotQuant && slot[5].to_b;
  assign q_address_o = slot[5].write;
  assign p_we_o = slot[7].valid && slot[7].kind == SlotExp;
  assign p_address_o = slot[7].write;
  assign p_o = exp_p;

  // ---- the lines of results -----------------------------------------------------------------------------------
  logic [N-1:0][15:0] v_in[Last+1], v_line[Last+1];
  logic [N-1:0][23:0] y_in[Last+1], y_line[Last+1];
  always_comb begin
    for (int unsigned s = 0; s <= Last; s++) begin
      v_in[s] = v_line[s];
      y_in[s] = y_line[s];
    end
    if (slot[5].kind == SlotContext) v_in[5] = ctx_x;
    if (slot[Linear].kind == SlotLinear) v_in[Linear] = lin_16;
    if (slot[6].kind == SlotNorm) v_in[6] = norm_x;
    if (slot[Last].kind == SlotAct) v_in[Last] = act_x;
    for (int unsigned i = 0; i < N; i++) begin
      if (slot[1].kind == SlotScore) y_in[1][i] = plane_q[i][23:0];
      if (slot[5].kind == SlotEmbed) y_in[5][i] = {{3{embed_s[i][20]}}, embed_s[i]};
      if (slot[Sum].kind == SlotSum) y_in[Sum][i] = {{3{sum_s[i][20]}}, sum_s[i]};
      if (slot[6].kind == SlotNorm) y_in[6][i] = {{8{norm_x2[i][15]}}, norm_x2[i]};
    end
  end
  assign v_line[0] = '0;
  assign y_line[0] = '0;
  for (genvar s = 1; s <= Last; s++) begin : gen_line
    always_ff @(posedge clk_i) begin
      if (slot[s-1].valid) begin
        v_line[s] <= v_in[s-1];
        y_line[s] <= y_in[s-1];
      end
    end
  end
  assign v_last   = v_in[Last];
  assign y_last   = y_in[Last];
  assign signal_o = slot[Last].valid ? slot[Last].signal : '0;

  // ---- statistics and row scalars -------------------------------------------------------------------------------
  ls_statistics #(
      .N(N),
      .Stats(Stats)
  ) u_statistics (
      .clk_i,
      .next_i(slot[Last-1]),
      .slot_i(slot[Last]),
      .v_i(v_last),
      .y_i(y_last),
      .latch_i,
      .stat_i(pass_fields_i.stat),
      .hi_o(hi),
      .lo_o(lo),
      .total_o(total)
  );
  ls_pass_sums #(
      .N(N)
  ) u_pass_sums (
      .clk_i,
      .square_i(slot[4]),
      .t2_i(norm_square),
      .norm_i(slot[6]),
      .x2_i(norm_x2),
      .exp_i(slot[7]),
      .p_i(exp_p),
      .sum_o(own_sum),
      .max_o(own_max)
  );
  ls_row_scalars #(
      .N(N),
      .RowScales(RowScales)
  ) u_row_scalars (
      .clk_i,
      .rst_ni,
      .fields_i(pass_fields_i),
      .start_i(scalar_start_i),
      .done_o(scalar_done_o),
      .hi_i(hi),
      .lo_i(lo),
      .total_i(total),
      .own_sum_i(own_sum),
      .own_max_i(own_max),
      .mean_o(mean),
      .e_o(e),
      .rho_o(rho),
      .h_o(h),
      .r_o(r),
      .factor_o(factor),
      .factor_shift_o(factor_shift),
      .row_read_i(issue.valid && issue.kind inside {SlotLinear, SlotSum, SlotAct}),
      .row_i(issue.row_scale),
      .row_m_o(row_m),
      .row_h_o(row_h),
      .slot_i(slot[1].slot),
      .soft_e_o(soft_e),
      .soft_r_o(soft_r)
  );

  ls_pool_sum #(
      .N(N)
  ) u_pool_sum (
      .clk_i,
      .rst_ni,
      .slot_i (slot[1]),
      .x_i    (v_read),
      .valid_o(pool_valid_o),
      .sum_o  (pool_o)
  );

`ifndef SYNTHESIS
  // Memory V has one write port: parameters move while nothing else is written there.
  write_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) move_v_i && move_half_i |-> !v_we)
  else $error("a move and the pipeline write memory V at once");
  // A pass whose word is not granted keeps it.
  grant_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) pass_i.valid && !grant_o |=> pass_i.valid && $stable(
      pass_i
  ))
  else $error("a word of a pass is lost");
`endif
endmodule
