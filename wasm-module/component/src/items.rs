//! Vectors of items in the key-value store, under the keys that
//! [`CachedEncoder::key`](lockstep_rank::CachedEncoder::key) gives.

use std::collections::{BTreeMap, HashMap};

use lockstep_rank::Job;

use crate::{keyvalue, model::Model};

const PREFIX: &str = "item.";

/// Looks up the items of a request, all in one call of the store. The model computes the vectors
/// that the store does not have.
pub(crate) fn look_up(job: &Job, model: &mut Model) {
    let cached = model.encoder_mut();
    let texts: BTreeMap<String, &str> =
        job.items().into_iter().map(|text| (format!("{PREFIX}{}", cached.key(text)), text)).collect();
    if texts.is_empty() {
        return;
    }
    let keys: Vec<String> = texts.keys().cloned().collect();
    let records =
        keyvalue::default().and_then(|bucket| keyvalue::get_many(&bucket, &keys)).unwrap_or_default();
    let records: HashMap<String, Option<Vec<u8>>> = records.into_iter().collect();
    for (key, text) in texts {
        cached.look_up(text, records.get(&key).and_then(|record| record.as_deref()));
    }
}

/// Stores the vectors that the model computed since. The answer does not depend on the store, so an
/// error of the store is ignored.
pub(crate) fn keep(model: &mut Model) {
    let learned = model.encoder_mut().learned();
    if learned.is_empty() {
        return;
    }
    let records: Vec<(String, Vec<u8>)> =
        learned.into_iter().map(|(key, record)| (format!("{PREFIX}{key}"), record)).collect();
    let _ = keyvalue::default().and_then(|bucket| keyvalue::set_many(&bucket, &records));
}
