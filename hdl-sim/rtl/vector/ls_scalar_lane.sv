// One lane of ls_scalar: a bit-serial multiplier, square root and divider that share their
// registers.
//
// A quotient here has 15 bits, and its numerator ends in 15 zeros. So a division begins with the
// head of the numerator as the remainder. A head that is not below the divisor means a quotient of
// more than 15 bits, which (16) and (26) limit to 32767.
module ls_scalar_lane
  import ls_arith_pkg::*;
  import ls_isa_pkg::*;
  import ls_scalar_pkg::*;
(
    input  logic           clk_i,
    input  step_e          step_i,
    input  scalar_e        op_i,
    input  logic           bit_i,       // of the multiplier, lowest first
    input  logic           unsigned_i,
    input  logic    [15:0] max_i,
    input  logic    [31:0] sum_i,
    input  logic    [21:0] hi_i,
    input  logic    [21:0] lo_i,
    output logic    [20:0] mean_o,
    output logic    [ 4:0] e_o,
    output logic    [14:0] quotient_o,
    output logic    [14:0] m_o,
    output logic    [ 3:0] h_o,
    output logic    [14:0] m_n_o,
    output logic    [14:0] r_v_o
);
  // Heads of the numerators: 127 * 2^22, 255 * 2^21, 2^29, 2^25, without their 15 zeros.
  localparam logic [18:0] HeadSigned = 19'd16256;
  localparam logic [18:0] HeadUnsigned = 19'd16320;
  localparam logic [18:0] HeadSoft = 19'd16384;
  localparam logic [18:0] HeadRho = 19'd1024;

  logic signed [32:0] multiplicand_q;  // or the radicand, from the top
  logic signed [32:0] product_q;
  logic signed [33:0] partial;
  logic        [ 6:0] low_q;  // the last bits that left the product
  logic        [15:0] divisor_q;  // or the root so far
  logic        [18:0] remainder_q;
  logic        [14:0] quotient_q;
  logic               over_q;
  logic signed [20:0] mean_q;
  logic [21:0] spread_q, above, below;
  logic [ 4:0] e_q;
  logic [14:0] m_q;
  logic [ 3:0] h_q;

  logic [14:0] m, m_n;
  logic [22:0] sum_n;
  logic [31:0] radicand;
  logic [18:0] widened, trial, doubled;
  logic root_bit, quotient_bit;

  assign partial = 34'(product_q) + (bit_i ? 34'(multiplicand_q) : 34'sd0);
  // (5), (6)
  assign m = (m_q == '0) ? 15'd1 : m_q;
  assign m_n = m_q << h_q;
  // S_n of (26), from bit 22 down; e_q is 8 less than its bits.
  assign sum_n = multiplicand_q[22:0] << (5'd15 - e_q);
  // (13)
  assign above = hi_i - {mean_q[20], mean_q};
  assign below = {mean_q[20], mean_q} - lo_i;
  // (14): 6 bits of the product below its floor are part of v, the seventh rounds.
  assign radicand = {product_q[25:0], low_q[6:1]} + 32'(low_q[0]);
  // (15)
  assign widened = {remainder_q[16:0], multiplicand_q[31:30]};
  assign trial = {1'b0, divisor_q, 2'b01};
  assign root_bit = widened >= trial;
  assign doubled = {remainder_q[17:0], 1'b0};
  assign quotient_bit = doubled >= {3'b0, divisor_q};

  always_ff @(posedge clk_i) begin
    unique case (step_i)
      StepLoad: begin
        // A sum is signed but for ss of (14).
        multiplicand_q <= {(op_i == ScalarRho) ? 1'b0 : sum_i[31], sum_i};
        product_q      <= '0;
        m_q            <= max_i[15] ? 15'h7fff : max_i[14:0];
      end
      StepLength: begin
        if (op_i == ScalarScale) begin
          m_q <= m;
          h_q <= 4'(6'd15 - bit_length(32'(m)));
        end else begin
          e_q <= 5'(bit_length({9'b0, multiplicand_q[22:0]}) - 6'd8);
        end
      end
      StepNormalise: begin
        if (op_i == ScalarScale) begin
          divisor_q   <= {1'b0, m_n};
          remainder_q <= unsigned_i ? HeadUnsigned : HeadSigned;
          over_q      <= 1'b0;
        end else begin
          divisor_q   <= {1'b0, sum_n[22:8]};
          remainder_q <= HeadSoft;
          over_q      <= sum_n[22:8] == HeadSoft[14:0];
        end
      end
      StepMultiply: begin
        product_q <= partial[33:1];
        low_q     <= {partial[0], low_q[6:1]};
      end
      StepMean:     mean_q <= 21'((product_q + 33'sd8) >>> 4);
      StepSpread:   spread_q <= ($signed(above) > $signed(below)) ? above : below;
      StepExponent: e_q <= (spread_q == '0) ? 5'd1 : 5'(bit_length({10'b0, spread_q}));
      StepRadicand: begin
        multiplicand_q <= {1'b0, radicand};
        remainder_q    <= '0;
        divisor_q      <= '0;
      end
      StepSqrt: begin
        remainder_q    <= root_bit ? widened - trial : widened;
        divisor_q      <= {divisor_q[14:0], root_bit};
        multiplicand_q <= multiplicand_q <<< 2;
      end
      StepDivisor: begin
        remainder_q <= HeadRho;
        over_q      <= divisor_q <= HeadRho[15:0];
      end
      StepDivide: begin
        remainder_q <= quotient_bit ? doubled - {3'b0, divisor_q} : doubled;
        quotient_q  <= {quotient_q[13:0], quotient_bit};
      end
      StepFactor: begin
        multiplicand_q <= {18'b0, quotient_o};
        product_q      <= '0;
      end
      StepRound:    product_q <= product_q + 33'(low_q[6]);
      default:      ;
    endcase
  end

  assign mean_o     = mean_q;
  assign e_o        = e_q;
  assign quotient_o = over_q ? 15'h7fff : quotient_q;
  assign m_o        = m_q;
  assign h_o        = h_q;
  assign m_n_o      = divisor_q[14:0];
  assign r_v_o      = product_q[14:0];
endmodule
