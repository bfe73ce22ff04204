//! Stories of a card without faults.

use lockstep_accel_abi::events::Event;
use lockstep_accel_abi::{Descriptor, Status};
use lockstep_accel_driver::{CardEncoder, ModelId, Sequence, Transport};
use lockstep_arith::encoder::Encoder;

use crate::bench::{Bench, Result};
use crate::texts::{Texts, classifier, model, with_dense};

/// Encodes on the card with a model, also after a reset, with another model, and with two models
/// that lie beside each other.
///
/// # Errors
/// A vector is wrong, or the card failed.
pub fn vectors(bench: &impl Bench) -> Result<()> {
    let (first, second) = (model(5), model(6));
    let mut encoder = CardEncoder::new(bench.open()?, &first)?;
    if !encoder.encode(&[])?.is_empty() {
        return Err("an empty batch has vectors".into());
    }
    check(bench, &mut encoder, &first, None, &[&[3, 9, 1, 3, 9][..], &[3; 12]].concat())?;

    // A reset may clear card memory, so the encoder copies the model again.
    encoder.reset()?;
    check(bench, &mut encoder, &first, None, &[3, 9])?;

    // The card takes another model afterwards.
    let mut encoder = CardEncoder::new(encoder.into_card(), &second)?;
    check(bench, &mut encoder, &second, None, &[3, 9])?;

    // Two models lie beside each other.
    let beside = encoder.add(&first)?;
    check(bench, &mut encoder, &first, Some(beside), &[3, 9])?;
    check(bench, &mut encoder, &second, None, &[3, 9])?;
    match (encoder.card().interrupts(), encoder.card().counter(Event::JobsFailed)?) {
        (0, _) => Err("no interrupt came".into()),
        (_, 0) => Ok(()),
        (_, failed) => Err(format!("{failed} jobs failed").into()),
    }
}

/// Gives the logits of a classifier, whose head the driver computes, beside the vectors of a model
/// without a head and of one with dense layers, which the driver computes too. The card must
/// compute as the reference does.
///
/// # Errors
/// A logit or a vector is wrong, or the card failed.
pub fn logits(bench: &impl Bench) -> Result<()> {
    let (classifier, model) = (classifier(7), model(5));
    let mut encoder = CardEncoder::new(bench.open()?, &classifier)?;
    check(bench, &mut encoder, &classifier, None, &[3, 9, 1, 12])?;
    let beside = encoder.add(&model)?;
    check(bench, &mut encoder, &model, Some(beside), &[3, 9])?;
    let dense = with_dense(8);
    let beside = encoder.add(&dense)?;
    check(bench, &mut encoder, &dense, Some(beside), &[3, 9, 1, 12])?;
    if encoder.encode(&[])?.is_empty() { Ok(()) } else { Err("an empty batch has logits".into()) }
}

/// A job that accesses host memory outside of the map ends with an error, and the next batch is
/// right.
///
/// # Errors
/// The access was not refused, or the card failed.
pub fn outside_of_the_map(bench: &impl Bench) -> Result<()> {
    let (model, options) = (model(5), bench.options());
    let mut card = bench.open()?;
    let behind = options.iova + (options.memory as u64).next_multiple_of(4096);
    for at in [behind, options.iova - 4096] {
        let found = card.execute(&[Descriptor::copy_to_card(0, at, 0, 64)])?[0].status;
        if found != Status::HostRead {
            return Err(format!("DMA at {at:#x} ends with {found:?}").into());
        }
    }
    check(bench, &mut CardEncoder::new(card, &model)?, &model, None, &[5])
}

/// A sequence that the model does not take is refused with its index.
///
/// # Errors
/// A sequence is not refused, or with another message.
pub fn bad_sequences(bench: &impl Bench) -> Result<()> {
    let mut encoder = CardEncoder::new(bench.open()?, &model(5))?;
    let bad: [(&[u32], &[u8], &str); 4] = [
        (&[], &[], "sequence 1: a sequence of 0 tokens"),
        (&[1, 2], &[0], "sequence 1: 1 type ids for 2 tokens"),
        (&[1 << 24], &[0], "sequence 1: token id 16777216"),
        (&[1], &[9], "sequence 1: token type 9"),
    ];
    for (ids, type_ids, named) in bad {
        let batch = [Sequence { ids: &[1], type_ids: &[0] }, Sequence { ids, type_ids }];
        match encoder.encode(&batch) {
            Err(error) if error.to_string().starts_with(named) => {}
            other => return Err(format!("{other:?} instead of {named}").into()),
        }
    }
    Ok(())
}

/// Encodes random sequences of these lengths with a model of the card, and compares.
pub(crate) fn check<T: Transport>(
    bench: &impl Bench,
    encoder: &mut CardEncoder<T>,
    model: &Encoder,
    id: Option<ModelId>,
    lengths: &[usize],
) -> Result<()> {
    let texts = Texts::new(model, lengths, 9);
    let found = match id {
        Some(id) => encoder.encode_by(id, &texts.batch())?,
        None => encoder.encode(&texts.batch())?,
    };
    if found == texts.expected(bench, model)? { Ok(()) } else { Err("wrong vectors".into()) }
}
