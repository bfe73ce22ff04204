// The vector pipeline: memories V, Y and G, the arithmetic of drain and pass, running statistics
// and row scalars.
//
// A slot enters stage 0 one cycle after its offer; its reads begin there. In stage 2 all operands
// are in registers. Stage `VectorLast` writes V and Y. Each result enters one of two lines of
// registers (`v`, `y`) at the stage in which it is ready.
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
    input  logic                                 srst_n,
    // slots
    input  slot_t                                drain_slot,
    input  slot_t                                pass_slot,
    output logic                                 grant,
    input  activation_t                          activation,
    // plane
    output logic                                 plane_by_row,
    output logic           [$clog2(N)-1:0]       plane_index,
    input  logic           [        N-1:0][31:0] plane_data,
    // the ring's word, for headers and moves
    input  logic           [        N-1:0][ 7:0] ring_word,
    input  array_word_t                          word,
    // word rows
    output logic                                 gather_read,     // stage 0
    output logic           [          9:0]       gather_channel,
    input  logic           [        N-1:0][ 7:0] gather_word,     // stage 1
    input  logic           [        N-1:0][11:0] gather_scale,
    input  logic           [        N-1:0][ 1:0] gather_type,
    // passes
    input  pass_t                                fields,
    input  logic                                 latch,
    input  logic                                 scalar_start,
    output logic                                 scalar_done,
    // operands written
    output operand_write_t                       operand_write,
    output logic           [        N-1:0][ 7:0] q_word,
    output logic           [        N-1:0][13:0] p_word,
    // pooled sums
    output logic                                 pool_valid,
    output logic           [         31:0]       pool,
    output sem_vec_t                             signal_o
);
  // Stages in which things are there.
  localparam int unsigned Operands = 2;
  localparam int unsigned Product = Operands + 4;  // (8) and (9), (25) and (27), (32)
  localparam int unsigned Square = Operands + 4;  // (14)
  localparam int unsigned Norm = Operands + 7;  // (18)
  localparam int unsigned Linear = Operands + 7;  // (11)
  localparam int unsigned Sum = Linear + 1;  // (12)
  localparam int unsigned Exp = Operands + 10;  // (22)
  localparam int unsigned Last = VectorLast;
  localparam int unsigned Bits = $clog2(N);
  localparam int unsigned PerWord = N / 8;
  localparam int unsigned GBits = $clog2(GWords);
  localparam int unsigned VBits = $clog2(VDepth);
  localparam int unsigned YBits = $clog2(YDepth);

  // ---- slots
  slot_t slot[Last+1];  // slot[s] is in stage s
  assign grant = !drain_slot.valid;
  always_ff @(posedge clk_i) begin
    slot[0] <= drain_slot.valid ? drain_slot : pass_slot;
    if (!srst_n) slot[0].valid <= 1'b0;
  end
  for (genvar s = 1; s <= Last; s++) begin : gen_slot
    always_ff @(posedge clk_i) begin
      if (slot[s-1].valid) slot[s] <= slot[s-1];
      slot[s].valid <= srst_n && slot[s-1].valid;
    end
  end

  // ---- memories
  logic [N-1:0][15:0] v_read, v_last;
  logic [N-1:0][23:0] y_read, y_last;
  logic [N*8-1:0] g_word;
  logic v_we, y_we, reads_v, reads_y;
  logic [19:0] v_write_address;
  logic [N*8-1:0] half_q;

  assign v_we = slot[Last].valid && slot[Last].kind inside {SlotLinear, SlotAct, SlotContext, SlotNorm};
  assign y_we = slot[Last].valid && slot[Last].kind inside {SlotSum, SlotScore, SlotEmbed, SlotNorm};
  assign reads_v = slot[0].kind inside {SlotSum, SlotEmbed, SlotPool} || (slot[0].kind == SlotQuant && !slot[0].from_y);
  assign reads_y = slot[0].kind inside {SlotSquare, SlotNorm, SlotExp} || (slot[0].kind == SlotQuant && slot[0].from_y);
  assign v_write_address = slot[Last].kind == SlotNorm ? slot[Last].second : slot[Last].write;
  always_ff @(posedge clk_i) if (word.move_v && !word.move_half) half_q <= ring_word;

  ls_ram #(
      .Width(N * 16),
      .Depth(VDepth)
  ) u_v (
      .*,
      .write_i(v_we || (word.move_v && word.move_half)),
      .write_address_i(v_we ? VBits'(v_write_address) : VBits'(word.move_address)),
      .write_data_i(v_we ? v_last : {ring_word, half_q}),
      .read_i(slot[0].valid && reads_v),
      .read_address_i(VBits'(slot[0].read)),
      .read_data_o(v_read)
  );
  ls_ram #(
      .Width(N * 24),
      .Depth(YDepth)
  ) u_y (
      .*,
      .write_i(y_we),
      .write_address_i(YBits'(slot[Last].write)),
      .write_data_i(y_last),
      .read_i(slot[0].valid && reads_y),
      .read_address_i(YBits'(slot[0].read_y)),
      .read_data_o(y_read)
  );
  ls_ram #(
      .Width(N * 8),
      .Depth(GWords)
  ) u_g (
      .*,
      .write_i(word.move_g),
      .write_address_i(GBits'(word.move_address)),
      .write_data_i(ring_word),
      .read_i(slot[0].valid && slot[0].kind inside {SlotEmbed, SlotNorm}),
      .read_address_i(GBits'(slot[0].g / 12'(PerWord))),
      .read_data_o(g_word)
  );
  assign gather_read = slot[0].valid && slot[0].kind == SlotEmbed;
  assign gather_channel = slot[0].channel;

  logic [3:0][15:0] g;  // of the channel in stage 1
  always_comb begin
    g = '0;
    for (int unsigned i = 0; i < PerWord; i++) begin
      if (slot[1].g % 12'(PerWord) == 12'(i)) g = g_word[64*i+:64];
    end
  end

  // ---- operands: what is in stage 2
  logic [N-1:0][31:0] plane_q, header_b, header_z;
  logic [N-1:0][14:0] header_c, row_m, in_m_q, soft_r, in_soft_r_q;
  logic [N-1:0][3:0] row_h, in_h_q;
  logic [N-1:0][4:0] soft_e, in_soft_e_q;
  logic [N-1:0][15:0] v_q, type_word_q;
  logic [N-1:0][23:0] y_q;
  logic [N-1:0][7:0] word_q;
  logic [3:0][15:0] affine_q;
  logic [Bits-1:0] column;
  // The equaliser of the column in stage s. The header's bank may be overwritten before that stage.
  logic [14:0] eq_q[Linear+1];

  assign column = Bits'(slot[1].column);
  assign plane_by_row = slot[1].by_row;
  assign plane_index = column;
  always_ff @(posedge clk_i) begin
    if (slot[1].valid) begin
      plane_q <= plane_data;
      in_m_q <= slot[1].by_row ? {N{row_m[column]}} : row_m;
      in_h_q <= slot[1].by_row ? {N{row_h[column]}} : row_h;
      in_soft_r_q <= soft_r;
      in_soft_e_q <= soft_e;
      y_q <= y_read;
      word_q <= gather_word;
      affine_q <= g;
      for (int unsigned i = 0; i < N; i++) begin
        v_q[i] <= slot[1].from_y ? y_read[i][15:0] : v_read[i];
        type_word_q[i] <= g[gather_type[i]];
      end
    end
  end

  ls_panel_header #(
      .N(N)
  ) u_header (
      .*,
      .write_i(word.header),
      .index_i(word.header_index),
      .bank_i(word.header_bank),
      .ring_i(ring_word),
      .read_bank_i(slot[1].bank),
      .by_row_i(slot[1].by_row),
      .column_i(column),
      .c_o(header_c),
      .b_o(header_b),
      .z_o(header_z),
      .eq_o(eq_q[Operands])
  );
  for (genvar s = 0; s <= Linear; s++) begin : gen_eq
    if (s < Operands) begin : gen_none
      assign eq_q[s] = '0;
    end else if (s > Operands) begin : gen_later
      always_ff @(posedge clk_i) eq_q[s] <= eq_q[s-1];
    end
  end

  // ---- arithmetic
  logic [N-1:0][31:0] lin_y;  // stage Linear
  logic [N-1:0][15:0] lin_16;
  logic [N-1:0][15:0] residual[Linear+1];  // stage s
  logic [N-1:0][20:0] sum_s;  // stage Sum
  logic [N-1:0][15:0] act_x;  // stage Last
  logic [N-1:0][15:0] ctx_x;  // stage Product
  logic [N-1:0][20:0] embed_s;
  logic [N-1:0][31:0] norm_square;  // stage Square
  logic [N-1:0][15:0] norm_x, norm_x2;  // stage Norm

  for (genvar s = 0; s <= Linear; s++) begin : gen_residual
    if (s < Operands) begin : gen_none
      assign residual[s] = '0;
    end else if (s == Operands) begin : gen_first
      assign residual[s] = v_q;
    end else begin : gen_later
      always_ff @(posedge clk_i)
        if (slot[s-1].valid && slot[s-1].kind == SlotSum)
          residual[s] <= residual[s-1];
    end
  end

  ls_requant #(
      .N(N)
  ) u_requant (
      .*,
      .rst_ni(srst_n),
      .valid_i(slot[Operands].valid && slot[Operands].kind inside {SlotLinear, SlotSum, SlotAct}),
      .acc_i(plane_q),
      .z_i(header_z),
      .m_n_i(in_m_q),
      .h_i(in_h_q),
      .c_i(header_c),
      .b_i(header_b),
      .acc_shift_i(slot[Operands].acc_shift),
      .out_shift_i(slot[Operands].out_shift),
      .valid_o(),
      .y_o(lin_y)
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
      .*,
      .rst_ni (srst_n),
      .valid_i(slot[Linear].valid && slot[Linear].kind == SlotSum),
      .x_i    (residual[Linear]),
      .y_i    (lin_y),
      .shift_i(slot[Linear].residual_shift),
      .valid_o(),
      .s_o    (sum_s)
  );
  ls_activation #(
      .N(N)
  ) u_activation (
      .*,
      .rst_ni         (srst_n),
      .valid_i        (slot[Linear].valid && slot[Linear].kind == SlotAct),
      .v_i            (lin_16),
      .eq_i           (eq_q[Linear]),
      .table_i        (activation.coefficients),
      .fraction_bits_i(activation.fraction_bits),
      .offset_i       (activation.offset),
      .valid_o        (),
      .x_o            (act_x)
  );

  logic [N-1:0][20:0] y_sum;
  logic [N-1:0][21:0] y_score;
  always_comb begin
    for (int unsigned i = 0; i < N; i++) begin
      y_sum[i]   = y_q[i][20:0];
      y_score[i] = y_q[i][21:0];
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
      .*,
      .rst_ni        (srst_n),
      .valid_i       (slot[Operands].valid && slot[Operands].kind inside {SlotSquare, SlotNorm}),
      .square_i      (slot[Operands].kind == SlotSquare),
      .s_i           (y_sum),
      .mean_i        (mean),
      .e_i           (e),
      .rho_i         (rho),
      .g_i           (affine_q[0]),
      .b_i           (affine_q[1]),
      .g2_i          (affine_q[2]),
      .b2_i          (affine_q[3]),
      .square_valid_o(),
      .square_o      (norm_square),
      .valid_o       (),
      .x_o           (norm_x),
      .x2_o          (norm_x2)
  );
  product_e product_kind;
  always_comb begin
    unique case (slot[Operands].kind)
      SlotContext: product_kind = ProductContext;
      SlotEmbed:   product_kind = ProductEmbed;
      default:     product_kind = fields.unsigned_ ? ProductUnsigned : ProductSigned;
    endcase
  end
  ls_row_product #(
      .N(N)
  ) u_row_product (
      .*,
      .rst_ni(srst_n),
      .valid_i   (slot[Operands].valid && slot[Operands].kind inside {SlotQuant, SlotContext, SlotEmbed}),
      .kind_i(product_kind),
      .x_i(v_q),
      .h_i(h),
      .r_i(r),
      .acc_i(plane_q),
      .e_i(in_soft_e_q),
      .r_v_i(in_soft_r_q),
      .w_i(word_q),
      .scale_i(gather_scale),
      .position_i(v_q),
      .type_i(type_word_q),
      .shift_i(fields.shift),
      .valid_o(),
      .q_o(q_word),
      .context_o(ctx_x),
      .s_o(embed_s)
  );
  ls_exp #(
      .N(N)
  ) u_exp (
      .*,
      .rst_ni  (srst_n),
      .valid_i (slot[Operands].valid && slot[Operands].kind == SlotExp),
      .a_i     (y_score),
      .best_i  (hi),
      .factor_i(factor),
      .shift_i (factor_shift),
      .valid_o (),
      .p_o     (p_word)
  );
  assign operand_write = '{
          a: slot[Product].valid && slot[Product].kind == SlotQuant && !slot[Product].to_b,
          b: slot[Product].valid && slot[Product].kind == SlotQuant && slot[Product].to_b,
          q_address: slot[Product].write,
          p: slot[Exp].valid && slot[Exp].kind == SlotExp,
          p_address: slot[Exp].write
      };

  // ---- the lines of results
  logic [N-1:0][15:0] v_in[Last+1], v_line[Last+1];
  logic [N-1:0][23:0] y_in[Last+1], y_line[Last+1];
  always_comb begin
    for (int unsigned s = 0; s <= Last; s++) begin
      v_in[s] = v_line[s];
      y_in[s] = y_line[s];
    end
    if (slot[Product].kind == SlotContext) v_in[Product] = ctx_x;
    if (slot[Linear].kind == SlotLinear) v_in[Linear] = lin_16;
    if (slot[Norm].kind == SlotNorm) v_in[Norm] = norm_x;
    if (slot[Last].kind == SlotAct) v_in[Last] = act_x;
    for (int unsigned i = 0; i < N; i++) begin
      if (slot[Operands].kind == SlotScore) y_in[Operands][i] = plane_q[i][23:0];
      if (slot[Product].kind == SlotEmbed) y_in[Product][i] = {{3{embed_s[i][20]}}, embed_s[i]};
      if (slot[Norm].kind == SlotNorm) y_in[Norm][i] = {{8{norm_x2[i][15]}}, norm_x2[i]};
      if (slot[Sum].kind == SlotSum) y_in[Sum][i] = {{3{sum_s[i][20]}}, sum_s[i]};
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

  // ---- statistics and row scalars
  ls_statistics #(
      .N(N),
      .Stats(Stats)
  ) u_statistics (
      .*,
      .next_i(slot[Last-1]),
      .slot_i(slot[Last]),
      .v_i(v_last),
      .y_i(y_last),
      .stat_i(fields.stat)
  );
  ls_pass_sums #(
      .N(N)
  ) u_pass_sums (
      .*,
      .square_i(slot[Square]),
      .t2_i(norm_square),
      .norm_i(slot[Norm]),
      .x2_i(norm_x2),
      .exp_i(slot[Exp]),
      .p_i(p_word),
      .sum_o(own_sum),
      .max_o(own_max)
  );
  ls_row_scalars #(
      .N(N),
      .RowScales(RowScales)
  ) u_row_scalars (
      .*,
      .start_i(scalar_start),
      .done_o(scalar_done),
      .row_read_i(slot[0].valid && slot[0].kind inside {SlotLinear, SlotSum, SlotAct}),
      .row_i(slot[0].row_scale),
      .slot_i(slot[1].slot)
  );

  ls_pool_sum #(
      .N(N)
  ) u_pool_sum (
      .*,
      .slot_i(slot[Operands]),
      .x_i   (v_q)
  );

`ifndef SYNTHESIS
  // Memory V has one write port: parameters move while nothing else is written there.
  write_a :
  assert property (@(posedge clk_i) disable iff (!srst_n) word.move_v && word.move_half |-> !v_we)
  else $error("a move and the pipeline write memory V at once");
  // A pass whose word is not granted keeps it.
  grant_a :
  assert property (@(posedge clk_i) disable iff (!srst_n) pass_slot.valid && !grant |=> pass_slot.valid && $stable(
      pass_slot
  ))
  else $error("a word of a pass is lost");
`endif
endmodule
