//! Section 6 of `SPEC.md`: attention over a ragged batch.
//!
//! All tokens of all sequences are rows of one product; `mask` keeps those of one sequence
//! together. What the spec has once a head is here once a head and token, the same for all tokens
//! of a sequence.

use super::body::Body;
use crate::onnx::proto::{Attribute, Function};

/// The least product of a query and a key: 128 channels of -127 * 127.
const LEAST_SCORE: i32 = -127 * 127 * 128;

/// All functions of this section.
pub(super) fn functions() -> Vec<Function> {
    vec![sequence_of_token(), sequence_max(), head_scale(), exp2(), weights(), context(), attention()]
}

/// `starts` int64 `[B]`, `tokens` int64 scalar `N` -> int64 `[N]`: the sequence of each token.
fn sequence_of_token() -> Function {
    let mut b =
        Body::new("SequenceOfToken", &["starts", "tokens"], &[], "the sequence of each token of a batch");
    let (zero, one) = (b.int64(0), b.int64(1));
    let index = b.op("Range", &[&zero, "tokens", &one], Vec::new());
    let index = b.unsqueeze(&index, 1);
    let begun = b.op("GreaterOrEqual", &[&index, "starts"], Vec::new()); // [N, B]
    let begun = b.cast_int64(&begun);
    let last = b.int64s(&[-1]);
    let begun = b.op("ReduceSum", &[&begun, &last], vec![Attribute::int("keepdims", 0)]);
    let sequence = b.sub(&begun, &one);
    b.finish(&[("sequence", sequence)])
}

/// `x` int32 `[3,H,N,d]`, `sequence` int64 `[N]`, `starts` `[B]` -> int32 `[3,H,N,1]`: the greatest
/// magnitude of the token's sequence.
fn sequence_max() -> Function {
    let mut b = Body::new("SequenceMax", &["x", "sequence", "starts"], &[], "(5) of blocks");
    let magnitude = b.op("Abs", &["x"], Vec::new());
    let last = b.int64s(&[-1]);
    let row = b.op("ReduceMax", &[&magnitude, &last], vec![Attribute::int("keepdims", 0)]);
    let row = b.unsqueeze(&row, 2); // [3, H, 1, N]
    let (zero, one) = (b.int64(0), b.int64(1));
    let batch = b.extent("starts", 0);
    let batch = b.op("Range", &[&zero, &batch, &one], Vec::new());
    let batch = b.unsqueeze(&batch, 1);
    let belongs = b.op("Equal", &[&batch, "sequence"], Vec::new()); // [B, N]
    let belongs = b.cast_int32(&belongs);
    let row = b.mul(&row, &belongs);
    // [3, H, B]
    let greatest = b.op("ReduceMax", &[&row, &last], vec![Attribute::int("keepdims", 0)]);
    let greatest = b.gather(&greatest, "sequence", 2);
    let greatest = b.unsqueeze(&greatest, -1);
    b.finish(&[("greatest", greatest)])
}

/// `m_q`, `m_k` int32 `[H,N,1]`, the attributes int64 scalars -> `factor` int32, `shift` int64,
/// both `[H,N,1]`.
fn head_scale() -> Function {
    let inputs = ["m_q", "m_k", "score_multiplier", "score_shift"];
    let mut b = Body::new("HeadScale", &inputs, &[], "(20)");
    let query = b.cast_int64("m_q");
    let key = b.cast_int64("m_k");
    let g = b.mul(&query, &key);
    let bits = b.call("BitLength", &[&g]);
    let unit = b.int64(1 << 15);
    let g = b.mul(&g, &unit);
    let power = b.call("PowerOfTwo", &[&bits]);
    let normalised = b.div(&g, &power);
    let product = b.mul(&normalised, "score_multiplier");

    let limit = b.int64(1 << 29);
    let large = b.op("GreaterOrEqual", &[&product, &limit], Vec::new());
    let large = b.cast_int64(&large);
    let fourteen = b.int64(14);
    let drop = b.add(&fourteen, &large);
    let power = b.call("PowerOfTwo", &[&drop]);
    let factor = b.div(&product, &power);
    let factor = b.cast_int32(&factor);
    let shift = b.sub("score_shift", &bits);
    let shift = b.sub(&shift, &drop);
    let most = b.int64(30);
    let shift = b.min(&shift, &most);
    b.finish(&[("factor", factor), ("shift", shift)])
}

/// `octaves` int32 in [0, 32767] -> `p` int32.
fn exp2() -> Function {
    let mut b = Body::new("Exp2", &["octaves"], &[], "(22)");
    let unit = b.int32(1024);
    let whole = b.div("octaves", &unit);
    let base = b.mul(&whole, &unit);
    let fraction = b.sub("octaves", &base);
    let up = b.int32(32);
    let fraction = b.mul(&fraction, &up);
    let c2 = b.int32(5680);
    let inner = b.call("MulQ15", &[&fraction, &c2]);
    let c1 = b.int32(22026);
    let inner = b.sub(&c1, &inner);
    let fall = b.call("MulQ15", &[&fraction, &inner]);
    let c0 = b.int32(32766);
    let mantissa = b.sub(&c0, &fall);

    let factors: Vec<i32> = (0..32).map(|o| if o <= 14 { 1 << (14 - o) } else { 0 }).collect();
    let factors = b.int32s(&factors);
    let factor = b.gather(&factors, &whole, 0);
    let p = b.call("MulQ15", &[&mantissa, &factor]);
    b.finish(&[("p", p)])
}

/// `query`, `key` uint8 `[H,N,d]` with 128 for zero, `mask` bool `[N,N]`, scales `[H,N,1]` ->
/// `p` int32 `[H,N,N]`.
///
/// Both operands of the product are unsigned bytes: signed ones are 8 bits wide here, and the
/// kernels for a signed second operand may saturate.
fn weights() -> Function {
    let mut b = Body::new("Weights", &["query", "key", "mask", "factor", "shift"], &[], "(19), (21), (22)");
    let key = b.op("Transpose", &["key"], vec![Attribute::ints("perm", &[0, 2, 1])]);
    let zero = b.int64(128);
    let zero = b.cast_uint8(&zero);
    let score = b.op("MatMulInteger", &["query", &key, &zero, &zero], Vec::new());
    let least = b.int32(LEAST_SCORE);
    let score = b.op("Where", &["mask", &score, &least], Vec::new());
    let best = b.reduce_last("ReduceMax", &score);
    let distance = b.sub(&best, &score);
    let distance = b.call("RoundShiftEither", &[&distance, "shift"]);
    let most = b.int32(32767);
    let distance = b.min(&distance, &most);
    let octaves = b.call("MulQ15", &[&distance, "factor"]);
    let p = b.call("Exp2", &[&octaves]);
    let none = b.int32(0);
    let p = b.op("Where", &["mask", &p, &none], Vec::new());
    b.finish(&[("p", p)])
}

/// `p` int32 `[H,N,N]`, `value` uint8 `[H,N,d]` with 128 for zero, `m_v` int32 `[H,N,1]` ->
/// int32 `[H,N,d]`.
fn context() -> Function {
    let mut b = Body::new("Context", &["p", "value", "m_v"], &[], "(23) to (27)");
    let sum = b.reduce_last("ReduceSum", "p");
    let sum = b.cast_int64(&sum);
    let bits = b.call("BitLength", &[&sum]);

    // Two planes of 7 bits.
    let unit = b.int32(128);
    let high = b.div("p", &unit);
    let base = b.mul(&high, &unit);
    let low = b.sub("p", &base);
    let high = b.cast_uint8(&high);
    let low = b.cast_uint8(&low);
    let (none, zero) = (b.int64(0), b.int64(128));
    let none = b.cast_uint8(&none);
    let zero = b.cast_uint8(&zero);
    let high = b.op("MatMulInteger", &[&high, "value", &none, &zero], Vec::new());
    let low = b.op("MatMulInteger", &[&low, "value", &none, &zero], Vec::new());
    let high = b.mul(&high, &unit);
    let weighted = b.add(&high, &low);

    let eight = b.int64(8);
    let shift = b.sub(&bits, &eight);
    let a = b.call("RoundShift", &[&weighted, &shift]);
    let a = b.call("Sat16", &[&a]);

    let one = b.int64(1 << 15);
    let normalised = b.mul(&sum, &one);
    let power = b.call("PowerOfTwo", &[&bits]);
    let normalised = b.div(&normalised, &power);
    let numerator = b.int64(1 << 29);
    let r = b.div(&numerator, &normalised);
    let most = b.int64(32767);
    let r = b.min(&r, &most);
    let r = b.cast_int32(&r);
    let factor = b.call("MulQ15", &[&r, "m_v"]);
    let context = b.call("MulQ15", &[&a, &factor]);
    b.finish(&[("context", context)])
}

/// The operator `Attention`.
fn attention() -> Function {
    let attributes = ["heads", "score_multiplier", "score_shift"];
    let mut b = Body::new("Attention", &["projected", "starts"], &attributes, "section 6");
    let [heads, multiplier, shift] = attributes.map(|name| b.attribute(name));
    let tokens = b.extent("projected", 0);
    let sequence = b.call("SequenceOfToken", &["starts", &tokens]);
    let column = b.unsqueeze(&sequence, 1);
    let mask = b.op("Equal", &[&column, &sequence], Vec::new());

    let x = b.cast_int32("projected");
    let (copy, three, rest) = (b.int64s(&[0]), b.int64s(&[3]), b.int64s(&[-1]));
    let heads = b.unsqueeze(&heads, 0);
    let shape = b.op("Concat", &[&copy, &three, &heads, &rest], vec![Attribute::int("axis", 0)]);
    let x = b.op("Reshape", &[&x, &shape], Vec::new());
    let x = b.op("Transpose", &[&x], vec![Attribute::ints("perm", &[1, 2, 0, 3])]); // [3, H, N, d]
    let greatest = b.call("SequenceMax", &[&x, &sequence, "starts"]);
    let [m, normalised, h] = b.call_many("Scale", &[&greatest]);
    let signed = b.int64(0);
    let [u, _] = b.call_many("Quantize", &[&x, &normalised, &h, &signed]);
    let indices: Vec<_> = (0..3).map(|i| b.int64(i)).collect();
    let blocks: Vec<_> = indices.iter().map(|i| b.gather(&u, i, 0)).collect();
    let maxima: Vec<_> = indices.iter().map(|i| b.gather(&m, i, 0)).collect();

    let [factor, shift] = b.call_many("HeadScale", &[&maxima[0], &maxima[1], &multiplier, &shift]);
    let p = b.call("Weights", &[&blocks[0], &blocks[1], &mask, &factor, &shift]);
    let context = b.call("Context", &[&p, &blocks[2], &maxima[2]]);
    let context = b.cast_int16(&context);
    let context = b.op("Transpose", &[&context], vec![Attribute::ints("perm", &[1, 0, 2])]);
    let rows = b.int64s(&[0, -1]);
    let context = b.op("Reshape", &[&context, &rows], Vec::new());
    b.finish(&[("context", context)])
}
