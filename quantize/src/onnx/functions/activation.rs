//! Section 7 of `SPEC.md`: the activation and the pooler's tanh, from tables of eight segments.

use super::body::Body;
use crate::onnx::proto::Function;

/// All functions of this section.
pub(super) fn functions() -> Vec<Function> {
    vec![segments(), linear_activation(), linear_tanh()]
}

/// `magnitude` int32 in [0, 32768], `table` int16 `[3,8]`, `fraction_bits` int64 scalar -> int32.
fn segments() -> Function {
    let mut b = Body::new("Segments", &["magnitude", "table", "fraction_bits"], &[], "(28), (29)");
    let power = b.call("PowerOfTwo", &["fraction_bits"]);
    let (four, one) = (b.int64(4), b.int64(1));
    let most = b.mul(&power, &four);
    let most = b.sub(&most, &one);
    let most = b.cast_int32(&most);
    let thirteen = b.int64(13);
    let up = b.sub(&thirteen, "fraction_bits");
    let up = b.call("PowerOfTwo", &[&up]);
    let up = b.cast_int32(&up);
    let t = b.min("magnitude", &most);
    let t = b.mul(&t, &up);
    let unit = b.int32(4096);
    let segment = b.div(&t, &unit);
    let base = b.mul(&segment, &unit);
    let l = b.sub(&t, &base);
    let eight = b.int32(8);
    let l = b.mul(&l, &eight);

    let table = b.cast_int32("table");
    let [c0, c1, c2] = [0, 1, 2].map(|row| {
        let row = b.int64(row);
        let row = b.gather(&table, &row, 0);
        b.gather(&row, &segment, 0)
    });
    let y = b.call("MulQ15", &[&l, &c2]);
    let y = b.add(&c1, &y);
    let y = b.call("MulQ15", &[&l, &y]);
    let y = b.add(&c0, &y);
    b.finish(&[("y", y)])
}

/// The operator `LinearActivation`.
fn linear_activation() -> Function {
    let inputs = ["x", "w", "c", "b", "bump", "equaliser"];
    let attributes = ["acc_shift", "out_shift", "fraction_bits", "offset"];
    let mut b = Body::new("LinearActivation", &inputs, &attributes, "sections 4 and 7");
    let [acc_shift, out_shift, fraction_bits, offset] = attributes.map(|name| b.attribute(name));
    let signed = b.int64(0);
    let v = b.call("LinearRows", &["x", "w", "c", "b", &acc_shift, &out_shift, &signed]);
    let v = b.call("Sat16", &[&v]);
    let magnitude = b.op("Abs", &[&v], Vec::new());
    let bump = b.call("Segments", &[&magnitude, "bump", &fraction_bits]);
    let seventeen = b.int64(17);
    let shift = b.sub(&seventeen, &fraction_bits);
    let bump = b.call("RoundShift", &[&bump, &shift]);
    let offset = b.cast_int32(&offset);
    let rise = b.sub(&offset, &bump);
    let zero = b.int32(0);
    let relu = b.max(&v, &zero);
    let a = b.add(&relu, &rise);
    let a = b.call("Sat16", &[&a]);
    let equaliser = b.cast_int32("equaliser");
    let a = b.call("MulQ15", &[&a, &equaliser]);
    let a = b.cast_int16(&a);
    b.finish(&[("activated", a)])
}

/// The operator `LinearTanh`.
fn linear_tanh() -> Function {
    let attributes = ["acc_shift", "out_shift", "fraction_bits"];
    let mut b = Body::new("LinearTanh", &["x", "w", "c", "b", "table"], &attributes, "section 4 and (31)");
    let [acc_shift, out_shift, fraction_bits] = attributes.map(|name| b.attribute(name));
    let signed = b.int64(0);
    let v = b.call("LinearRows", &["x", "w", "c", "b", &acc_shift, &out_shift, &signed]);
    let v = b.call("Sat16", &[&v]);
    let magnitude = b.op("Abs", &[&v], Vec::new());
    let y = b.call("Segments", &[&magnitude, "table", &fraction_bits]);
    let zero = b.int32(0);
    let negative = b.op("Less", &[&v, &zero], Vec::new());
    let opposite = b.op("Neg", &[&y], Vec::new());
    let y = b.op("Where", &[&negative, &opposite, &y], Vec::new());
    let y = b.cast_int16(&y);
    b.finish(&[("y", y)])
}
