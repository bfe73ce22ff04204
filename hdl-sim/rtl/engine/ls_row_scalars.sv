// Scalars of rows: the serial unit, what it is given, and the tables that its results are kept in.
module ls_row_scalars
  import ls_isa_pkg::*;
  import ls_engine_pkg::*;
#(
    parameter int unsigned N = 16,
    parameter int unsigned RowScales = 128,
    localparam int unsigned RBits = $clog2(RowScales)
) (
    input  logic                clk_i,
    input  logic                rst_ni,
    input  pass_t               fields_i,
    input  logic                start_i,
    output logic                done_o,
    input  logic  [N-1:0][21:0] hi_i,
    input  logic  [N-1:0][21:0] lo_i,
    input  logic  [N-1:0][31:0] total_i,
    input  logic  [N-1:0][31:0] own_sum_i,
    input  logic  [N-1:0][15:0] own_max_i,
    // for the pass at work
    output logic  [N-1:0][20:0] mean_o,
    output logic  [N-1:0][ 4:0] e_o,
    output logic  [N-1:0][14:0] rho_o,
    output logic  [N-1:0][ 3:0] h_o,
    output logic  [N-1:0][14:0] r_o,
    output logic  [ 14:0]       factor_o,
    output logic  [  5:0]       factor_shift_o,
    // for the drain: scales of a row, a cycle after they are asked for; (25) and (26) of a slot
    input  logic                row_read_i,
    input  logic  [  7:0]       row_i,
    output logic  [N-1:0][14:0] row_m_o,
    output logic  [N-1:0][ 3:0] row_h_o,
    input  logic  [  1:0]       slot_i,
    output logic  [N-1:0][ 4:0] soft_e_o,
    output logic  [N-1:0][14:0] soft_r_o
);
  logic [N-1:0][ 4:0] soft_e[lockstep_pkg::SoftmaxSlots];
  logic [N-1:0][14:0] soft_r[lockstep_pkg::SoftmaxSlots];
  assign soft_e_o = soft_e[slot_i];
  assign soft_r_o = soft_r[slot_i];

  logic [N-1:0][20:0] mean;
  logic [N-1:0][ 4:0] e;
  logic [N-1:0][14:0] rho, r, m, m_n, r_v;
  logic [N-1:0][3:0] h;
  logic [14:0] factor;
  logic [5:0] factor_shift;
  logic [1:0][15:0] block;
  logic [N-1:0][15:0] max_in, greatest;
  logic [N-1:0][31:0] sum_in;
  // Queries', keys' and values' scales of a head, one after the other. Those of the second of two heads are written a cycle later.
  logic [14:0] head_m[64];
  logic [5:0] head_address;
  logic [14:0] head_word, second_q;
  logic [5:0] second_address_q;
  logic head_we, head_done, second_we_q;
  assign head_done = done_o && fields_i.scalar == ScalarScale && fields_i.block;
  assign head_we = head_done || second_we_q;
  assign head_address = second_we_q ? second_address_q : fields_i.head;
  assign head_word = second_we_q ? second_q : m[0];
  always_ff @(posedge clk_i) begin
    second_we_q <= rst_ni && head_done && fields_i.halves;
    second_address_q <= fields_i.head + 6'd3;
    second_q <= m[N-1];
    if (head_we) head_m[head_address] <= head_word;
  end
  ls_block_max #(
      .N(N)
  ) u_block_max (
      .clk_i,
      .halves_i(fields_i.halves),
      .x_i     (greatest),
      .max_o   (block)
  );
  always_comb begin
    for (int unsigned i = 0; i < N; i++) begin
      greatest[i] = hi_i[i][15:0];
      max_in[i]   = fields_i.block ? block[i>=N/2] : fields_i.own ? own_max_i[i] : greatest[i];
      sum_in[i]   = fields_i.own ? own_sum_i[i] : total_i[i];
    end
  end
  ls_scalar #(
      .N(N)
  ) u_scalar (
      .clk_i,
      .rst_ni,
      .start_i   (start_i),
      .op_i      (fields_i.scalar),
      .max_i     (max_in),
      .sum_i     (sum_in),
      .hi_i      (hi_i),
      .lo_i      (lo_i),
      .recip_i   (fields_i.constant),
      .unsigned_i(fields_i.unsigned_),
      .m_v_i     (head_m[fields_i.head+6'd2]),
      .m_q_i     (head_m[fields_i.head]),
      .m_k_i     (head_m[fields_i.head+6'd1]),
      .mult_i    (fields_i.constant[14:0]),
      .sshift_i  (fields_i.constant[21:15]),
      .done_o    (done_o),
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
  ls_ram #(
      .Width(N * 19),
      .Depth(RowScales)
  ) u_scales (
      .clk_i,
      .write_i(done_o && fields_i.scalar == ScalarScale && fields_i.write_scale),
      .write_address_i(RBits'(fields_i.row_scale)),
      .write_data_i({m_n, h}),
      .read_i(row_read_i),
      .read_address_i(RBits'(row_i)),
      .read_data_o({row_m_o, row_h_o})
  );
  always_ff @(posedge clk_i) begin
    if (done_o) begin
      unique case (fields_i.scalar)
        ScalarMean: begin
          mean_o <= mean;
          e_o    <= e;
        end
        ScalarRho: rho_o <= rho;
        ScalarScale: begin
          h_o <= h;
          r_o <= r;
        end
        ScalarSoft: begin
          soft_e[fields_i.slot] <= e;
          soft_r[fields_i.slot] <= r_v;
        end
        default: begin
          factor_o       <= factor;
          factor_shift_o <= factor_shift;
        end
      endcase
    end
  end
endmodule
