//! Fits the tables of section 7 of `SPEC.md`, equations (28) to (31), to the float functions.

use lockstep_arith::activation::{SEGMENTS, Table};

use crate::checkpoint::Activation;

/// Width of a segment, as an argument of the function.
const SEGMENT: f64 = 0.5;

/// The table of `relu(x) - act(x)`, in units of 2^-17.
pub(super) fn bump(activation: Activation, fraction_bits: i32) -> Table {
    let coefficients = fit(|u| u.max(0.0) - activation.apply(u), 17);
    Table { coefficients, fraction_bits }
}

/// The table of `tanh`, Q15.
pub(super) fn tanh(fraction_bits: i32) -> Table {
    Table { coefficients: fit(f64::tanh, 15), fraction_bits }
}

/// In each segment, the quadratic through the three Chebyshev nodes, in units of 2^-bits.
fn fit(f: impl Fn(f64) -> f64, bits: i32) -> [[i16; SEGMENTS]; 3] {
    let half_angle = (std::f64::consts::PI / 6.0).cos() / 2.0;
    let nodes = [0.5 - half_angle, 0.5, 0.5 + half_angle];
    let mut table = [[0; SEGMENTS]; 3];
    for segment in 0..SEGMENTS {
        let y = nodes.map(|l| f((segment as f64 + l) * SEGMENT));
        // Newton's divided differences, then powers of l.
        let d01 = (y[1] - y[0]) / (nodes[1] - nodes[0]);
        let d12 = (y[2] - y[1]) / (nodes[2] - nodes[1]);
        let c2 = (d12 - d01) / (nodes[2] - nodes[0]);
        let c1 = d01 - c2 * (nodes[0] + nodes[1]);
        let c0 = y[0] - nodes[0] * (c1 + c2 * nodes[0]);
        for (row, c) in table.iter_mut().zip([c0, c1, c2]) {
            let fixed = (c * f64::powi(2.0, bits)).round();
            row[segment] = fixed.clamp(-32767.0, 32767.0) as i16;
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_arith::activation::{Activation as Integers, least_offset};

    /// Greatest error over all 16-bit inputs, in the function's units.
    fn greatest_error(activation: Activation, fraction_bits: i32) -> f64 {
        let bump = bump(activation, fraction_bits);
        bump.validate("test").expect("in range");
        let offset = least_offset(&bump);
        let integers = Integers { bump, offset, equaliser: vec![] };
        let unit = f64::powi(2.0, -fraction_bits);
        (-32768..=32767_i16)
            .filter(|v| i32::from(*v) + i32::from(offset) < 32767)
            .map(|v| {
                let exact = activation.apply(f64::from(v) * unit);
                (f64::from(integers.activate(v)) * unit - f64::from(offset) * unit - exact).abs()
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn activations_are_close_for_every_input() {
        for activation in [Activation::Gelu, Activation::GeluTanh] {
            for bits in [8, 10, 12] {
                let error = greatest_error(activation, bits);
                assert!(error < 0.0008 + f64::powi(2.0, -bits), "{activation:?} {bits}: {error}");
            }
        }
        assert_eq!(greatest_error(Activation::Relu, 10), 0.0);
    }

    #[test]
    fn tanh_is_close_and_odd() {
        let table = tanh(12);
        table.validate("tanh").expect("in range");
        for v in -32767..=32767_i16 {
            let exact = (f64::from(v) / 4096.0).tanh();
            assert!((f64::from(table.odd(v)) / 32768.0 - exact).abs() < 0.0013, "{v}");
            // At 0 the table gives its first coefficient, for either sign.
            assert!(v == 0 || table.odd(v) == -table.odd(-v), "{v}");
        }
    }
}
