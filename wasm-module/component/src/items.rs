//! Vectors of items in the key-value store, under [`CachedEncoder::key`](lockstep_rank::CachedEncoder::key).

use std::collections::{BTreeMap, HashMap};

use lockstep_rank::Job;

use crate::{keyvalue, model::Model};

const PREFIX: &str = "item/";

/// Looks the items of a request up, all in one call. What the store does not give is computed.
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

/// Stores what was computed since. The answer does not depend on it, so that a store that fails is not told of.
pub(crate) fn keep(model: &mut Model) {
    let learned = model.encoder_mut().learned();
    if learned.is_empty() {
        return;
    }
    let records: Vec<(String, Vec<u8>)> =
        learned.into_iter().map(|(key, record)| (format!("{PREFIX}{key}"), record)).collect();
    let _ = keyvalue::default().and_then(|bucket| keyvalue::set_many(&bucket, &records));
}
