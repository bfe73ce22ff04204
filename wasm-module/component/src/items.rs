//! Vectors of items in the key-value store, under the keys that
//! [`CachedEncoder::key`](lockstep_rank::CachedEncoder::key) gives; see [`Slots`].

use std::collections::BTreeMap;

use lockstep_rank::Job;

use crate::{keyvalue, model::Model, slots::Slots};

/// Looks up the items of a request, all in one call of the store. The model computes the vectors
/// that the store does not have.
pub(crate) fn look_up(job: &Job, model: &mut Model, slots: Slots) {
    let cached = model.encoder_mut();
    let texts: BTreeMap<String, &str> =
        job.items().into_iter().map(|text| (cached.key(text), text)).collect();
    if texts.is_empty() {
        return;
    }
    let records =
        keyvalue::default().and_then(|bucket| slots.look_up(&bucket, texts.keys())).unwrap_or_default();
    for (key, text) in &texts {
        cached.look_up(text, records.get(key.as_str()).map(Vec::as_slice));
    }
}

/// Stores the vectors that the model computed since. The answer does not depend on the store, so an
/// error of the store is ignored.
pub(crate) fn keep(model: &mut Model, slots: Slots) {
    let learned = model.encoder_mut().learned();
    if !learned.is_empty() {
        let _ = keyvalue::default().and_then(|bucket| slots.keep(&bucket, learned));
    }
}
