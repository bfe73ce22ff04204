// The vector pipeline: memories V, Y and G, the arithmetic of drain and pass, running statistics and row scalars.
//
// A slot is issued in stage 0, reads its memories in stage 1 and writes V and Y in the last stage. Results enter two lines of
// registers (`v`, `y`) at the stage at which they are ready.
module ls_vector
  import ls_isa_pkg::*;
  import ls_engine_pkg::*;
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
  localparam int unsigned SBits = $clog2(Stats);
  localparam int unsigned RBits = $clog2(RowScales);

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

  function automatic logic is_drain(input slot_kind_e k);
    return k <= SlotContext;
  endfunction

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

  // ---- panel headers ------------------------------------------------------------------------------------------
  logic [1:0][N-1:0][15:0] head_c, head_eq;
  logic [1:0][N-1:0][31:0] head_b, head_z;
  always_ff @(posedge clk_i) begin
    if (header_i) begin
      unique case (header_index_i)
        4'd0, 4'd1: head_c[header_bank_i][header_index_i[0]*(N/2)+:N/2] <= ring_i;
        4'd2, 4'd3, 4'd4, 4'd5: head_b[header_bank_i][2'(header_index_i-4'd2)*(N/4)+:N/4] <= ring_i;
        4'd6, 4'd7: head_eq[header_bank_i][header_index_i[0]*(N/2)+:N/2] <= ring_i;
        default: head_z[header_bank_i][header_index_i[1:0]*(N/4)+:N/4] <= ring_i;
      endcase
    end
  end

  // ---- row parameters -----------------------------------------------------------------------------------------
  logic [N-1:0][14:0] scale_m[RowScales];
  logic [N-1:0][3:0] scale_h[RowScales];
  logic [N-1:0][4:0] soft_e[4];
  logic [N-1:0][14:0] soft_r[4];

  logic [N-1:0][31:0] plane_q, in_b, in_z;
  logic [N-1:0][15:0] in_c;
  logic [N-1:0][14:0] row_m, in_m;
  logic [N-1:0][3:0] row_h, in_h;
  logic [Bits-1:0] column;

  assign plane_by_row_o = issue.by_row;
  assign plane_index_o  = Bits'(issue.column);
  always_ff @(posedge clk_i) if (drain_i.valid) plane_q <= plane_i;

  assign column = Bits'(slot[1].column);
  assign row_m  = scale_m[RBits'(slot[1].row_scale)];
  assign row_h  = scale_h[RBits'(slot[1].row_scale)];
  always_comb begin
    if (slot[1].by_row) begin
      in_c = head_c[slot[1].bank];
      in_b = head_b[slot[1].bank];
      in_z = head_z[slot[1].bank];
      in_m = {N{row_m[column]}};
      in_h = {N{row_h[column]}};
    end else begin
      in_c = {N{head_c[slot[1].bank][column]}};
      in_b = {N{head_b[slot[1].bank][column]}};
      in_z = {N{head_z[slot[1].bank][column]}};
      in_m = row_m;
      in_h = row_h;
    end
  end
  logic [N-1:0][14:0] in_c15;
  logic [14:0] eq_q[Linear+1];  // of the column in stage s: the header's bank may be written before it is there
  for (genvar i = 0; i < N; i++) begin : gen_narrow
    assign in_c15[i] = in_c[i][14:0];
  end
  assign eq_q[0] = '0;
  assign eq_q[1] = head_eq[slot[1].bank][column][14:0];
  for (genvar s = 2; s <= Linear; s++) begin : gen_eq
    always_ff @(posedge clk_i) eq_q[s] <= eq_q[s-1];
  end

  // ---- arithmetic ---------------------------------------------------------------------------------------------
  logic [N-1:0][31:0] lin_y;  // stage Linear
  logic [N-1:0][15:0] lin_16;
  logic [N-1:0][15:0] residual               [Linear+1];  // stage s
  logic [  2:0]       residual_shift_q       [Linear+1];
  logic [  3:0]       acc_shift_q;
  logic [  4:0]       out_shift_q;
  logic [N-1:0][20:0] sum_s;  // stage Sum
  logic [N-1:0][15:0] act_x;  // stage Last
  logic [N-1:0][15:0] ctx_x;  // stage 4
  logic [N-1:0][20:0] embed_s;  // stage 3
  logic [N-1:0][15:0] norm_t;  // stage 3
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
      .c_i        (in_c15),
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
  ls_context #(
      .N(N)
  ) u_context (
      .clk_i,
      .rst_ni,
      .valid_i(slot[1].valid && slot[1].kind == SlotContext),
      .acc_i  (plane_q),
      .e_i    (soft_e[slot[1].slot]),
      .r_v_i  (soft_r[slot[1].slot]),
      .valid_o(),
      .x_o    (ctx_x)
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
  ls_embed #(
      .N(N)
  ) u_embed (
      .clk_i,
      .rst_ni,
      .valid_i   (slot[1].valid && slot[1].kind == SlotEmbed),
      .w_i       (gather_word_i),
      .scale_i   (gather_scale_i),
      .position_i(v_read),
      .type_i    (type_word),
      .shift_i   (pass_fields_i.shift),
      .valid_o   (),
      .s_o       (embed_s)
  );

  // Row scalars of the pass at work.
  logic [N-1:0][20:0] mean_q, mean;
  logic [N-1:0][4:0] e_q, e;
  logic [N-1:0][14:0] rho_q, rho, r_q, r, m, m_n, r_v;
  logic [N-1:0][3:0] h_q, h;
  logic [14:0] factor_q, factor;
  logic [5:0] factor_shift_q, factor_shift;
  logic [N-1:0][21:0] hi_q, lo_q;  // the drain's statistics, as latched
  logic [N-1:0][31:0] total_q;

  ls_norm #(
      .N(N)
  ) u_norm (
      .clk_i,
      .rst_ni,
      .valid_i  (slot[1].valid && slot[1].kind inside {SlotSquare, SlotNorm}),
      .s_i      (y_sum),
      .mean_i   (mean_q),
      .e_i      (e_q),
      .rho_i    (rho_q),
      .g_i      (g[0]),
      .b_i      (g[1]),
      .g2_i     (g[2]),
      .b2_i     (g[3]),
      .t_valid_o(),
      .t_o      (norm_t),
      .valid_o  (),
      .x_o      (norm_x),
      .x2_o     (norm_x2)
  );
  ls_quantize #(
      .N(N)
  ) u_quantize (
      .clk_i,
      .rst_ni,
      .valid_i   (slot[1].valid && slot[1].kind == SlotQuant),
      .x_i       (quant_x),
      .h_i       (h_q),
      .r_i       (r_q),
      .unsigned_i(pass_fields_i.unsigned_),
      .valid_o   (),
      .q_o
  );
  ls_exp #(
      .N(N)
  ) u_exp (
      .clk_i,
      .rst_ni,
      .valid_i (slot[1].valid && slot[1].kind == SlotExp),
      .a_i     (y_score),
      .best_i  (hi_q),
      .factor_i(factor_q),
      .shift_i (factor_shift_q),
      .valid_o (),
      .p_o     (exp_p)
  );
  assign a_we_o = slot[4].valid && slot[4].kind == SlotQuant && !slot[4].to_b;
  assign b_we_o = slot[4].valid && slot[4].kind == SlotQuant && slot[4].to_b;
  assign q_address_o = slot[4].write;
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
    if (slot[4].kind == SlotContext) v_in[4] = ctx_x;
    if (slot[Linear].kind == SlotLinear) v_in[Linear] = lin_16;
    if (slot[6].kind == SlotNorm) v_in[6] = norm_x;
    if (slot[Last].kind == SlotAct) v_in[Last] = act_x;
    for (int unsigned i = 0; i < N; i++) begin
      if (slot[1].kind == SlotScore) y_in[1][i] = plane_q[i][23:0];
      if (slot[3].kind == SlotEmbed) y_in[3][i] = {{3{embed_s[i][20]}}, embed_s[i]};
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

  // ---- the drain's statistics ---------------------------------------------------------------------------------
  logic [N-1:0][21:0] stat_hi[Stats], stat_lo[Stats];
  logic [N-1:0][31:0] stat_sum[Stats];
  logic [N-1:0][21:0] old_hi, old_lo, new_hi, new_lo;
  logic [N-1:0][31:0] old_sum, new_sum;
  logic stat_we, stat_v;
  assign stat_we = slot[Last].valid && (is_drain(slot[Last].kind) || slot[Last].kind == SlotEmbed);
  assign stat_v  = slot[Last].kind inside {SlotLinear, SlotAct, SlotContext};
  assign old_hi  = stat_hi[SBits'(slot[Last].stat)];
  assign old_lo  = stat_lo[SBits'(slot[Last].stat)];
  assign old_sum = stat_sum[SBits'(slot[Last].stat)];
  logic signed [21:0] stat_x;
  always_comb begin
    new_hi  = old_hi;
    new_lo  = old_lo;
    new_sum = old_sum;
    stat_x  = '0;
    for (int unsigned i = 0; i < N; i++) begin
      stat_x = stat_v ? (v_last[i][15] ? 22'd65536 - 22'(v_last[i]) : 22'(v_last[i])) : y_last[i][21:0];
      if (slot[Last].masked && 7'(i) >= slot[Last].lanes && is_drain(slot[Last].kind)) begin
        if (slot[Last].clear) begin
          new_hi[i]  = '0;
          new_lo[i]  = '0;
          new_sum[i] = '0;
        end
      end else begin
        if (slot[Last].clear || stat_x > $signed(old_hi[i])) new_hi[i] = stat_x;
        if (slot[Last].clear || stat_x < $signed(old_lo[i])) new_lo[i] = stat_x;
        new_sum[i] = (slot[Last].clear ? 32'd0 : old_sum[i]) + 32'(stat_x);
      end
    end
  end
  always_ff @(posedge clk_i) begin
    if (stat_we) begin
      stat_hi[SBits'(slot[Last].stat)]  <= new_hi;
      stat_lo[SBits'(slot[Last].stat)]  <= new_lo;
      stat_sum[SBits'(slot[Last].stat)] <= new_sum;
    end
    if (latch_i) begin
      hi_q    <= stat_hi[SBits'(pass_fields_i.stat)];
      lo_q    <= stat_lo[SBits'(pass_fields_i.stat)];
      total_q <= stat_sum[SBits'(pass_fields_i.stat)];
    end
  end

  // ---- a pass's own sums and maxima ---------------------------------------------------------------------------
  logic [N-1:0][31:0] own_sum_q, square_q, own_sum_d, square_d;
  logic [N-1:0][15:0] own_max_q, own_max_d;
  logic [15:0] magnitude;
  always_comb begin
    own_sum_d = own_sum_q;
    own_max_d = own_max_q;
    square_d  = square_q;
    magnitude = '0;
    for (int unsigned i = 0; i < N; i++) begin
      if (slot[3].valid && slot[3].kind == SlotSquare) begin
        square_d[i] = 32'($signed(norm_t[i]) * $signed(norm_t[i]));
        if (slot[3].odd) own_sum_d[i] = own_sum_q[i] + ((square_q[i] + square_d[i] + 32'd128) >> 8);
        else if (slot[3].first) own_sum_d[i] = '0;
      end
      if (slot[7].valid && slot[7].kind == SlotExp)
        own_sum_d[i] = (slot[7].first ? 32'd0 : own_sum_q[i]) + 32'(exp_p[i]);
      magnitude = norm_x2[i][15] ? -norm_x2[i] : norm_x2[i];
      if (slot[6].valid && slot[6].kind == SlotNorm && (slot[6].first || magnitude > own_max_q[i]))
        own_max_d[i] = magnitude;
    end
  end
  always_ff @(posedge clk_i) begin
    own_sum_q <= own_sum_d;
    own_max_q <= own_max_d;
    square_q  <= square_d;
  end

  // ---- row scalars --------------------------------------------------------------------------------------------
  logic [15:0] block0, block1;
  logic [N-1:0][15:0] max_in;
  logic [N-1:0][31:0] sum_in;
  logic [14:0] head_m[64];
  always_comb begin
    block0 = '0;
    block1 = '0;
    for (int unsigned i = 0; i < N; i++) begin
      if (pass_fields_i.halves && i >= N / 2) begin
        if (hi_q[i][15:0] > block1) block1 = hi_q[i][15:0];
      end else if (hi_q[i][15:0] > block0) block0 = hi_q[i][15:0];
    end
    for (int unsigned i = 0; i < N; i++) begin
      max_in[i] = pass_fields_i.block ? (pass_fields_i.halves && i >= N / 2 ? block1 : block0) :
          pass_fields_i.own ? own_max_q[i] : hi_q[i][15:0];
      sum_in[i] = pass_fields_i.own ? own_sum_q[i] : total_q[i];
    end
  end
  ls_scalar #(
      .N(N)
  ) u_scalar (
      .clk_i,
      .rst_ni,
      .start_i   (scalar_start_i),
      .op_i      (pass_fields_i.scalar),
      .max_i     (max_in),
      .sum_i     (sum_in),
      .hi_i      (hi_q),
      .lo_i      (lo_q),
      .recip_i   (pass_fields_i.constant),
      .unsigned_i(pass_fields_i.unsigned_),
      .m_v_i     (head_m[pass_fields_i.head+6'd2]),
      .m_q_i     (head_m[pass_fields_i.head]),
      .m_k_i     (head_m[pass_fields_i.head+6'd1]),
      .mult_i    (pass_fields_i.constant[14:0]),
      .sshift_i  (pass_fields_i.constant[21:15]),
      .done_o    (scalar_done_o),
      .mean_o    (mean),
      .e_o       (e),
      .rho_o     (rho),
      .m_o       (m),
      .h_o       (h),
      .m_n_o     (m_n),
      .r_o       (r),
      .r_v_o     (r_v),
      .factor_o  (factor),
      .shift_o   (factor_shift)
  );
  always_ff @(posedge clk_i) begin
    if (scalar_done_o) begin
      unique case (pass_fields_i.scalar)
        3'd0: begin
          mean_q <= mean;
          e_q    <= e;
        end
        3'd1: rho_q <= rho;
        3'd2: begin
          h_q <= h;
          r_q <= r;
          if (pass_fields_i.write_scale) begin
            scale_m[RBits'(pass_fields_i.row_scale)] <= m_n;
            scale_h[RBits'(pass_fields_i.row_scale)] <= h;
          end
          if (pass_fields_i.block) begin
            head_m[pass_fields_i.head] <= m[0];
            if (pass_fields_i.halves) head_m[pass_fields_i.head+6'd3] <= m[N-1];
          end
        end
        3'd3: begin
          soft_e[pass_fields_i.slot] <= e;
          soft_r[pass_fields_i.slot] <= r_v;
        end
        default: begin
          factor_q       <= factor;
          factor_shift_q <= factor_shift;
        end
      endcase
    end
  end

  // ---- pooling ------------------------------------------------------------------------------------------------
  logic [31:0] pool_q, pool_sum;
  always_comb begin
    pool_sum = slot[1].first ? 32'd0 : pool_q;
    for (int unsigned i = 0; i < N; i++) begin
      if (!slot[1].masked || 7'(i) < slot[1].lanes)
        pool_sum = pool_sum + {{16{v_read[i][15]}}, v_read[i]};
    end
  end
  always_ff @(posedge clk_i) begin
    if (slot[1].valid && slot[1].kind == SlotPool) pool_q <= pool_sum;
    pool_valid_o <= rst_ni && slot[1].valid && slot[1].kind == SlotPool && slot[1].last;
  end
  assign pool_o = pool_q;

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
