//! Section 8 of `SPEC.md`: the embedding sum and pooling, over a ragged batch.

use super::body::{Body, Value};
use crate::onnx::proto::Function;

/// All functions of this section.
pub(super) fn functions() -> Vec<Function> {
    vec![embed(), pool_mean(), pool_first(), first_row()]
}

/// The operator `Embed`.
fn embed() -> Function {
    let inputs = [
        "input_ids",
        "token_type_ids",
        "starts",
        "words",
        "word_scales",
        "positions",
        "types",
        "gain",
        "offset",
        "gain_e",
        "offset_e",
    ];
    let mut b = Body::new("Embed", &inputs, &["table_shift"], "(32) and section 5");
    let shift = b.attribute("table_shift");
    let tokens = b.extent("input_ids", 0);
    let sequence = b.call("SequenceOfToken", &["starts", &tokens]);
    let begin = b.gather("starts", &sequence, 0);
    let (zero, one) = (b.int64(0), b.int64(1));
    let index = b.op("Range", &[&zero, &tokens, &one], Vec::new());
    let position = b.sub(&index, &begin);

    let word = b.gather("words", "input_ids", 0);
    let word = b.cast_int32(&word);
    let scale = b.gather("word_scales", "input_ids", 0);
    let scale = b.unsqueeze(&scale, 1);
    let scale = b.cast_int32(&scale);
    let word = b.mul(&word, &scale);
    let place = b.gather("positions", &position, 0);
    let place = b.cast_int32(&place);
    let kind = b.gather("types", "token_type_ids", 0);
    let kind = b.cast_int32(&kind);
    let tables = b.add(&place, &kind);
    let power = b.call("PowerOfTwo", &[&shift]);
    let power = b.cast_int32(&power);
    let tables = b.mul(&tables, &power);
    let sums = b.add(&word, &tables);
    let z = b.call("Normalise", &[&sums]);
    let stream = b.call("Affine", &[&z, "gain", "offset"]);
    let equalised = b.call("Affine", &[&z, "gain_e", "offset_e"]);
    b.finish(&[("stream", stream), ("equalised", equalised)])
}

/// The sequence of each token, int64 `[N]`, and whether it is a sequence's: bool `[B,N]`.
pub(super) fn belongs(b: &mut Body) -> [Value; 2] {
    let tokens = b.extent("stream", 0);
    let sequence = b.call("SequenceOfToken", &["starts", &tokens]);
    let (zero, one) = (b.int64(0), b.int64(1));
    let batch = b.extent("starts", 0);
    let batch = b.op("Range", &[&zero, &batch, &one], Vec::new());
    let batch = b.unsqueeze(&batch, 1);
    let belongs = b.op("Equal", &[&batch, &sequence], Vec::new());
    [sequence, belongs]
}

/// The operator `PoolMean`: a product with the table of which token belongs to which sequence.
fn pool_mean() -> Function {
    let mut b = Body::new("PoolMean", &["stream", "starts"], &[], "(33), mean");
    let [_, belongs] = belongs(&mut b);
    let belongs = b.cast_int32(&belongs);
    let stream = b.cast_int32("stream");
    let pooled = b.op("MatMul", &[&belongs, &stream], Vec::new());
    b.finish(&[("pooled", pooled)])
}

/// The operator `PoolFirst`.
fn pool_first() -> Function {
    let mut b = Body::new("PoolFirst", &["stream", "starts"], &[], "(33), CLS");
    let row = b.gather("stream", "starts", 0);
    let pooled = b.cast_int32(&row);
    b.finish(&[("pooled", pooled)])
}

/// The operator `FirstRow`.
fn first_row() -> Function {
    let mut b = Body::new("FirstRow", &["stream", "starts"], &[], "the input of (34)");
    let row = b.gather("stream", "starts", 0);
    b.finish(&[("row", row)])
}
