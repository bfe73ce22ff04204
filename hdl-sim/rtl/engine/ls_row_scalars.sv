// Scalars of rows: the serial unit, the choice of its operands, and the tables of its results.
module ls_row_scalars
  import ls_isa_pkg::*;
  import ls_engine_pkg::*;
#(
    parameter int unsigned N = 16,
    parameter int unsigned RowScales = 128,
    localparam int unsigned RBits = $clog2(RowScales)
) (
    input  logic                clk_i,
    input  logic                srst_n,
    input  pass_t               fields,
    input  logic                start_i,
    output logic                done_o,
    input  logic  [N-1:0][21:0] hi,
    input  logic  [N-1:0][21:0] lo,
    input  logic  [N-1:0][31:0] total,
    input  logic  [N-1:0][31:0] own_sum,
    input  logic  [N-1:0][15:0] own_max,
    // for the pass at work
    output logic  [N-1:0][20:0] mean,
    output logic  [N-1:0][ 4:0] e,
    output logic  [N-1:0][14:0] rho,
    output logic  [N-1:0][ 3:0] h,
    output logic  [N-1:0][14:0] r,
    output logic  [ 14:0]       factor,
    output logic  [  5:0]       factor_shift,
    // for the drain: scales of a row, a cycle after they are asked for; (25) and (26) of a slot
    input  logic                row_read_i,
    input  logic  [  7:0]       row_i,
    output logic  [N-1:0][14:0] row_m,
    output logic  [N-1:0][ 3:0] row_h,
    input  logic  [  1:0]       slot_i,
    output logic  [N-1:0][ 4:0] soft_e,
    output logic  [N-1:0][14:0] soft_r
);
  logic [N-1:0][ 4:0] soft_e_q[lockstep_pkg::SoftmaxSlots];
  logic [N-1:0][14:0] soft_r_q[lockstep_pkg::SoftmaxSlots];
  assign soft_e = soft_e_q[slot_i];
  assign soft_r = soft_r_q[slot_i];

  logic [N-1:0][20:0] new_mean;
  logic [N-1:0][ 4:0] new_e;
  logic [N-1:0][14:0] new_rho, new_r, new_m, new_m_n, new_r_v;
  logic [N-1:0][3:0] new_h;
  logic [14:0] new_factor;
  logic [5:0] new_factor_shift;
  logic [1:0][15:0] block;
  logic [N-1:0][15:0] max_in, greatest;
  logic [N-1:0][31:0] sum_in;
  // The scales of the queries, the keys and the values of a head, one after the other. The scale of
  // the second of two heads is written a cycle later.
  logic [14:0] head_m[64];
  logic [5:0] head_address;
  logic [14:0] head_word, second_q;
  logic [5:0] second_address_q;
  logic head_we, head_done, second_we_q;
  assign head_done = done_o && fields.scalar == ScalarScale && fields.block;
  assign head_we = head_done || second_we_q;
  assign head_address = second_we_q ? second_address_q : fields.head;
  assign head_word = second_we_q ? second_q : new_m[0];
  always_ff @(posedge clk_i) begin
    second_we_q <= srst_n && head_done && fields.halves;
    second_address_q <= fields.head + 6'd3;
    second_q <= new_m[N-1];
    if (head_we) head_m[head_address] <= head_word;
  end
  ls_block_max #(
      .N(N)
  ) u_block_max (
      .*,
      .halves_i(fields.halves),
      .x_i     (greatest),
      .max_o   (block)
  );
  always_comb begin
    for (int unsigned i = 0; i < N; i++) begin
      greatest[i] = hi[i][15:0];
      max_in[i]   = fields.block ? block[i>=N/2] : fields.own ? own_max[i] : greatest[i];
      sum_in[i]   = fields.own ? own_sum[i] : total[i];
    end
  end
  ls_scalar #(
      .N(N)
  ) u_scalar (
      .*,
      .rst_ni    (srst_n),
      .op_i      (fields.scalar),
      .max_i     (max_in),
      .sum_i     (sum_in),
      .hi_i      (hi),
      .lo_i      (lo),
      .recip_i   (fields.constant),
      .unsigned_i(fields.unsigned_),
      .m_v_i     (head_m[fields.head+6'd2]),
      .m_q_i     (head_m[fields.head]),
      .m_k_i     (head_m[fields.head+6'd1]),
      .mult_i    (fields.constant[14:0]),
      .sshift_i  (fields.constant[21:15]),
      .mean_o    (new_mean),
      .e_o       (new_e),
      .rho_o     (new_rho),
      .m_o       (new_m),
      .h_o       (new_h),
      .m_n_o     (new_m_n),
      .r_o       (new_r),
      .r_v_o     (new_r_v),
      .factor_o  (new_factor),
      .shift_o   (new_factor_shift)
  );
  ls_ram #(
      .Width(N * 19),
      .Depth(RowScales)
  ) u_scales (
      .*,
      .write_i(done_o && fields.scalar == ScalarScale && fields.write_scale),
      .write_address_i(RBits'(fields.row_scale)),
      .write_data_i({new_m_n, new_h}),
      .read_i(row_read_i),
      .read_address_i(RBits'(row_i)),
      .read_data_o({row_m, row_h})
  );
  always_ff @(posedge clk_i) begin
    if (done_o) begin
      unique case (fields.scalar)
        ScalarMean: begin
          mean <= new_mean;
          e    <= new_e;
        end
        ScalarRho: rho <= new_rho;
        ScalarScale: begin
          h <= new_h;
          r <= new_r;
        end
        ScalarSoft: begin
          soft_e_q[fields.slot] <= new_e;
          soft_r_q[fields.slot] <= new_r_v;
        end
        default: begin
          factor       <= new_factor;
          factor_shift <= new_factor_shift;
        end
      endcase
    end
  end
endmodule
