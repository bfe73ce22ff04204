//! Section 4 of `SPEC.md`: the linear layer.

use super::body::Body;
use crate::onnx::proto::Function;

/// All functions of this section.
pub(super) fn functions() -> Vec<Function> {
    vec![linear_rows(), linear("Linear", false), linear("Linear16", true)]
}

/// `x` int16 `[N,K]`, `w` int8 `[K,O]`, `c` int16 `[O]`, `b` int32 `[O]`; the rest int64 scalars ->
/// int32 `[N,O]`.
///
/// A sum of two products of a byte and a 7-bit weight fits 16 bits, so `MatMulInteger` is exact on
/// every machine.
fn linear_rows() -> Function {
    let inputs = ["x", "w", "c", "b", "acc_shift", "out_shift", "unsigned"];
    let mut b = Body::new("LinearRows", &inputs, &[], "(5) to (11)");
    let [u, zero, normalised, h] = b.call_many("QuantizeRows", &["x", "unsigned"]);
    let acc = b.op("MatMulInteger", &[&u, "w", &zero], Vec::new());
    let a = b.call("RoundShift", &[&acc, "acc_shift"]);
    let a = b.call("Sat16", &[&a]);
    let a = b.call("MulQ15", &[&a, &normalised]);
    let c = b.cast_int32("c");
    let product = b.mul(&a, &c);
    let product = b.cast_int64(&product);
    let shift = b.add("out_shift", &h);
    let y = b.call("RoundShiftWide", &[&product, &shift]);
    let y = b.cast_int32(&y);
    let y = b.add(&y, "b");
    b.finish(&[("y", y)])
}

/// The operators `Linear` and `Linear16`.
fn linear(name: &str, narrow: bool) -> Function {
    let mut b = Body::new(name, &["x", "w", "c", "b"], &["acc_shift", "out_shift"], "section 4, signed rows");
    let acc_shift = b.attribute("acc_shift");
    let out_shift = b.attribute("out_shift");
    let signed = b.int64(0);
    let mut y = b.call("LinearRows", &["x", "w", "c", "b", &acc_shift, &out_shift, &signed]);
    if narrow {
        y = b.call("Sat16", &[&y]);
        y = b.cast_int16(&y);
    }
    b.finish(&[("y", y)])
}
