// Steps of ls_scalar.
package ls_scalar_pkg;

  typedef enum logic [3:0] {
    StepIdle,
    StepLoad,       // takes the operands
    StepLength,     // a divisor's bits are counted
    StepNormalise,  // it is shifted up to [16384, 32767]
    StepMultiply,   // product = (product + (bit ? multiplicand : 0)) >> 1, 28 or 15 times
    StepMean,       // the mean is rounded from the product
    StepSpread,     // the greatest distance from the mean
    StepExponent,   // its bits are counted
    StepRadicand,   // v of (14) is rounded from the product
    StepSqrt,       // two bits of the radicand, 16 times
    StepDivisor,    // the root is the divisor
    StepDivide,     // one bit of the quotient, 15 times
    StepFactor,     // the quotient is the multiplicand
    StepRound,      // the product is rounded
    StepHead,       // the multipliers of (20)
    StepDone
  } step_e;
endpackage
