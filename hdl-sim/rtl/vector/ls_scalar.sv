// Computes the scalars of a row or a head: (5)-(7), (12), (14)-(16), (20), (25), (26) of SPEC.md.
// N lanes work in step, one bit a cycle.
//
// start_i with op_i begins an operation. All other inputs stay unchanged until done_o, which is
// high for one cycle. Results stay until the next start. Cycles from start to done: mean 33, rho
// 63, scale 19, soft 36, head 7.
module ls_scalar
  import ls_isa_pkg::*;
  import ls_scalar_pkg::*;
#(
    parameter int unsigned N = 8
) (
    input  logic                  clk_i,
    input  logic                  rst_ni,
    input  logic                  start_i,
    input  scalar_e               op_i,
    input  logic    [N-1:0][15:0] max_i,       // greatest magnitude, u16
    input  logic    [N-1:0][31:0] sum_i,       // of (12), signed; ss of (14), u32; S of (23)
    input  logic    [N-1:0][21:0] hi_i,        // greatest sum of (12), signed
    input  logic    [N-1:0][21:0] lo_i,        // least
    input  logic    [ 27:0]       recip_i,     // R of (12)
    input  logic                  unsigned_i,  // the row is quantised by (9)
    input  logic    [ 14:0]       m_v_i,       // greatest magnitude of the values
    input  logic    [ 14:0]       m_q_i,       // of the queries
    input  logic    [ 14:0]       m_k_i,       // of the keys
    input  logic    [ 14:0]       mult_i,      // score_multiplier
    input  logic    [  6:0]       sshift_i,    // score_shift
    output logic                  done_o,
    output logic    [N-1:0][20:0] mean_o,      // (12), signed
    output logic    [N-1:0][ 4:0] e_o,         // (13), or E - 8 of (25)
    output logic    [N-1:0][14:0] rho_o,       // (16)
    output logic    [N-1:0][14:0] m_o,         // (5)
    output logic    [N-1:0][ 3:0] h_o,         // (6)
    output logic    [N-1:0][14:0] m_n_o,       // (6)
    output logic    [N-1:0][14:0] r_o,         // (7)
    output logic    [N-1:0][14:0] r_v_o,       // (26)
    output logic    [ 14:0]       factor_o,    // F of (20)
    output logic    [  5:0]       shift_o      // h of (20), signed
);
  step_e step_q, step_d;
  scalar_e op_q;
  logic [4:0] count_q, count_d;
  logic [27:0] multiplier_q;

  assign done_o = step_q == StepDone;

  // The next step, and how often it is repeated after its first time.
  always_comb begin
    step_d  = step_q;
    count_d = count_q - 5'd1;
    unique case (step_q)
      StepLoad: begin
        unique case (op_q)
          ScalarScale, ScalarSoft: step_d = StepLength;
          ScalarHead: begin
            step_d  = StepHead;
            count_d = 5'd4;
          end
          default: begin
            step_d  = StepMultiply;
            count_d = 5'd27;
          end
        endcase
      end
      StepLength: step_d = StepNormalise;
      StepNormalise, StepDivisor: begin
        step_d  = StepDivide;
        count_d = 5'd14;
      end
      StepMultiply: begin
        if (count_q == '0) begin
          unique case (op_q)
            ScalarMean: step_d = StepMean;
            ScalarRho: step_d = StepRadicand;
            default: step_d = StepRound;
          endcase
        end
      end
      StepMean: step_d = StepSpread;
      StepSpread: step_d = StepExponent;
      StepRadicand: begin
        step_d  = StepSqrt;
        count_d = 5'd15;
      end
      StepSqrt: if (count_q == '0) step_d = StepDivisor;
      StepDivide: if (count_q == '0) step_d = (op_q == ScalarSoft) ? StepFactor : StepDone;
      StepFactor: begin
        step_d  = StepMultiply;
        count_d = 5'd14;
      end
      StepHead: if (count_q == '0) step_d = StepDone;
      StepExponent, StepRound: step_d = StepDone;
      StepDone: step_d = StepIdle;
      default: if (start_i) step_d = StepLoad;  // StepIdle
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) step_q <= StepIdle;
    else step_q <= step_d;
  end

  always_ff @(posedge clk_i) begin
    count_q <= count_d;
    if (start_i) op_q <= op_i;
    if (step_q == StepLoad) multiplier_q <= recip_i;
    else if (step_q == StepFactor) multiplier_q <= {13'b0, m_v_i};
    else if (step_q == StepMultiply) multiplier_q <= multiplier_q >> 1;
  end

  for (genvar lane = 0; lane < N; lane++) begin : gen_lane
    ls_scalar_lane u_lane (
        .*,
        .step_i(step_q),
        .op_i(op_q),
        .bit_i(multiplier_q[0]),
        .max_i(max_i[lane]),
        .sum_i(sum_i[lane]),
        .hi_i(hi_i[lane]),
        .lo_i(lo_i[lane]),
        .mean_o(mean_o[lane]),
        .e_o(e_o[lane]),
        .quotient_o(rho_o[lane]),
        .m_o(m_o[lane]),
        .h_o(h_o[lane]),
        .m_n_o(m_n_o[lane]),
        .r_v_o(r_v_o[lane])
    );
  end
  assign r_o = rho_o;

  ls_head_scale u_head (.*);

`ifndef SYNTHESIS
  // An operation is started only when none runs, and it is one that there is.
  start_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) start_i |-> step_q == StepIdle && op_i inside {
      ScalarMean, ScalarRho, ScalarScale, ScalarSoft, ScalarHead
  })
  else $error("start while busy, or no such operation");
`endif
endmodule
