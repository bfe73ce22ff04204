// The vector pipeline: memories V, Y and G, the arithmetic of drain and pass, running statistics and row scalars.
//
// A slot is in stage 0 a cycle after its offer, where its reads begin; in stage 2 all operands are in registers; stage `VectorLast` writes
// V and Y. Results enter two lines of registers (`v`, `y`) at the stage at which they are ready.
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
    output logic                                 gather_read_o,     // stage 0
    output logic     [          9:0]             gather_channel_o,
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

  // ---- slots --------------------------------------------------------------------------------------------------
  slot_t slot[Last+1];  // slot[s] is in stage s
  assign grant_o = !drain_i.valid;
  always_ff @(posedge clk_i) begin
    slot[0] <= drain_i.valid ? drain_i : pass_i;
    if (!rst_ni) slot[0].valid <= 1'b0;
  end
  for (genvar s = 1; s <= Last; s++) begin : gen_slot
    always_ff @(posedge clk_i) begin
      if (slot[s-1].valid) slot[s] <= slot[s-1];
      slot[s].valid <= rst_ni && slot[s-1].valid;
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
  assign reads_v = slot[0].kind inside {SlotSum, SlotEmbed, SlotPool} || (slot[0].kind == SlotQuant && !slot[0].from_y);
  assign reads_y = slot[0].kind inside {SlotSquare, SlotNorm, SlotExp} || (slot[0].kind == SlotQuant && slot[0].from_y);
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
      .read_i(slot[0].valid && reads_v),
      .read_address_i(VBits'(slot[0].read)),
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
      .read_i(slot[0].valid && reads_y),
      .read_address_i(YBits'(slot[0].read_y)),
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
      .read_i(slot[0].valid && slot[0].kind inside {SlotEmbed, SlotNorm}),
      .read_address_i(GBits'(slot[0].g / 12'(PerWord))),
      .read_data_o(g_word)
  );
  assign gather_read_o = slot[0].valid && slot[0].kind == SlotEmbed;
  assign gather_channel_o = slot[0].channel;

  logic [3:0][15:0] g;  // of the channel in stage 1
  always_comb begin
    g = '0;
    for (int unsigned i = 0; i < PerWord; i++) begin
      if (slot[1].g % 12'(PerWord) == 12'(i)) g = g_word[64*i+:64];
    end
  end

  // ---- operands: what is in stage 2 --------------------------------------------------------------------------------
  logic [N-1:0][31:0] plane_q, header_b, header_z;
  logic [N-1:0][14:0] header_c, row_m, in_m_q, soft_r, in_soft_r_q;
  logic [N-1:0][3:0] row_h, in_h_q;
  logic [N-1:0][4:0] soft_e, in_soft_e_q;
  logic [N-1:0][15:0] v_q, type_word_q;
  logic [N-1:0][23:0] y_q;
  logic [N-1:0][7:0] word_q;
  logic [3:0][15:0] affine_q;
  logic [Bits-1:0] column;
  logic [14:0] eq_q[Linear+1];  // of the column in stage s: the header's bank may be written before it is there

  assign column = Bits'(slot[1].column);
  assign plane_by_row_o = slot[1].by_row;
  assign plane_index_o = column;
  always_ff @(posedge clk_i) begin
    if (slot[1].valid) begin
      plane_q <= plane_i;
      in_m_q <= slot[1].by_row ? {N{row_m[column]}} : row_m;
      in_h_q <= slot[1].by_row ? {N{row_h[column]}} : row_h;
      in_soft_r_q <= soft_r;
      in_soft_e_q <= soft_e;
      y_q <= y_read;
      word_q <= gather_word_i;
      affine_q <= g;
      for (int unsigned i = 0; i < N; i++) begin
        v_q[i] <= slot[1].from_y ? y_read[i][15:0] : v_read[i];
        type_word_q[i] <= g[gather_type_i[i]];
      end
    end
  end

  ls_panel_header #(
      .N(N)
  ) u_header (
      .clk_i,
      .write_i(header_i),
      .index_i(header_index_i),
      .bank_i(header_bank_i),
      .ring_i,
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

  // ---- arithmetic ---------------------------------------------------------------------------------------------
  logic [N-1:0][31:0] lin_y;  // stage Linear
  logic [N-1:0][15:0] lin_16;
  logic [N-1:0][15:0] residual[Linear+1];  // stage s
  logic [N-1:0][20:0] sum_s;  // stage Sum
  logic [N-1:0][15:0] act_x;  // stage Last
  logic [N-1:0][15:0] ctx_x;  // stage Product
  logic [N-1:0][20:0] embed_s;
  logic [N-1:0][31:0] norm_square;  // stage Square
  logic [N-1:0][15:0] norm_x, norm_x2;  // stage Norm
  logic [N-1:0][13:0] exp_p;  // stage Exp

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
      .clk_i,
      .rst_ni,
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
      .clk_i,
      .rst_ni,
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
      .clk_i,
      .rst_ni,
      .valid_i(slot[Linear].valid && slot[Linear].kind == SlotAct),
      .v_i    (lin_16),
      .eq_i   (eq_q[Linear]),
      .table_i,
      .fraction_bits_i,
      .offset_i,
      .valid_o(),
      .x_o    (act_x)
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
      .clk_i,
      .rst_ni,
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
      default:     product_kind = pass_fields_i.unsigned_ ? ProductUnsigned : ProductSigned;
    endcase
  end
  ls_row_product #(
      .N(N)
  ) u_row_product (
      .clk_i,
      .rst_ni,
      .valid_i   (slot[Operands].valid && slot[Operands].kind inside {SlotQuant, SlotContext, SlotEmbed}),
      .kind_i(product_kind),
      .x_i(v_q),
      .h_i(h),
      .r_i(r),
      .acc_i(plane_q),
      .e_i(in_soft_e_q),
      .r_v_i(in_soft_r_q),
      .w_i(word_q),
      .scale_i(gather_scale_i),
      .position_i(v_q),
      .type_i(type_word_q),
      .shift_i(pass_fields_i.shift),
      .valid_o(),
      .q_o,
      .context_o(ctx_x),
      .s_o(embed_s)
  );
  ls_exp #(
      .N(N)
  ) u_exp (
      .clk_i,
      .rst_ni,
      .valid_i (slot[Operands].valid && slot[Operands].kind == SlotExp),
      .a_i     (y_score),
      .best_i  (hi),
      .factor_i(factor),
      .shift_i (factor_shift),
      .valid_o (),
      .p_o     (exp_p)
  );
  assign a_we_o = slot[Product].valid && slot[Product].kind == SlotQuant && !slot[Product].to_b;
  assign b_we_o = slot[Product].valid && slot[Product].kind == SlotQuant && slot[Product].to_b;
  assign q_address_o = slot[Product].write;
  assign p_we_o = slot[Exp].valid && slot[Exp].kind == SlotExp;
  assign p_address_o = slot[Exp].write;
  assign p_o = exp_p;

  // ---- the lines of results -----------------------------------------------------------------------------------
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

  // ---- statistics and row scalars -------------------------------------------------------------------------------
  ls_statistics #(
      .N(N),
      .Stats(Stats)
  ) u_statistics (
      .clk_i,
      .rst_ni,
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
      .square_i(slot[Square]),
      .t2_i(norm_square),
      .norm_i(slot[Norm]),
      .x2_i(norm_x2),
      .exp_i(slot[Exp]),
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
      .row_read_i(slot[0].valid && slot[0].kind inside {SlotLinear, SlotSum, SlotAct}),
      .row_i(slot[0].row_scale),
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
      .slot_i (slot[Operands]),
      .x_i    (v_q),
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
