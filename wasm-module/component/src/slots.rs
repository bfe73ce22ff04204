//! The room for vectors of items: a fixed number of slots, so that the store does not grow forever.
//!
//! An item's key decides its slot; a newer item takes the slot of an older one. A record says whose
//! it is and when it was written. After its time to live it counts as missing. Each request that
//! writes also looks at a few other slots and deletes those whose time is over.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    keyvalue::{Bucket, Error, delete_many, get_many, set_many},
    settings::number,
};

/// Bytes before a vector: the hour of writing, and the first half of the item's key.
const HOUR: usize = 4;
const OWNER: usize = 32;
/// Other slots that a request which writes looks at.
const LOOKED_AT: usize = 8;
const PREFIX: &str = "item.";

/// The slots.
#[derive(Clone, Copy)]
pub(crate) struct Slots {
    count: usize,
    hours: u32,
}

impl Slots {
    /// Reads the variables.
    ///
    /// # Errors
    ///
    /// A variable with a bad value.
    pub(crate) async fn read() -> Result<Self, String> {
        let count = number("item_slots", 65_536, 0, 1 << 30).await?;
        let hours = number("item_hours", 720, 1, 1_000_000).await?;
        Ok(Self { count, hours: hours as u32 })
    }

    /// The key of an item's slot. `None` if there are no slots. `item` is 64 hexadecimal digits.
    fn slot(self, item: &str) -> Option<String> {
        let digits = u64::from_str_radix(item.get(..15)?, 16).ok()?;
        Some(format!("{PREFIX}{}", digits.checked_rem(self.count as u64)?))
    }

    /// Whether a record was written within the time to live.
    fn lives(self, record: &[u8]) -> bool {
        let written = record.first_chunk::<HOUR>().map(|hour| u32::from_le_bytes(*hour));
        written.is_some_and(|hour| now().saturating_sub(hour) < self.hours)
    }

    /// The records of items, by their keys. Those that the store does not have are missing.
    pub(crate) fn look_up<'a>(
        self,
        bucket: &Bucket,
        items: impl Iterator<Item = &'a String>,
    ) -> Result<HashMap<&'a str, Vec<u8>>, Error> {
        let places: Vec<(&str, String)> =
            items.filter_map(|item| Some((item.as_str(), self.slot(item)?))).collect();
        let mut keys: Vec<String> = places.iter().map(|(_, slot)| slot.clone()).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let records: HashMap<String, Option<Vec<u8>>> = get_many(bucket, &keys)?.into_iter().collect();
        let own = |(item, slot): (&'a str, String)| {
            let record = records.get(&slot)?.as_deref().filter(|record| self.lives(record))?;
            let vector = record.get(HOUR..)?.strip_prefix(owner(item))?;
            Some((item, vector.to_vec()))
        };
        Ok(places.into_iter().filter_map(own).collect())
    }

    /// Writes records of items, and deletes some whose time is over.
    pub(crate) fn keep(self, bucket: &Bucket, records: Vec<(String, Vec<u8>)>) -> Result<(), Error> {
        let record = |(item, vector): (String, Vec<u8>)| {
            let record = [&now().to_le_bytes(), owner(&item), &vector].concat();
            Some((self.slot(&item)?, record))
        };
        let records: Vec<(String, Vec<u8>)> = records.into_iter().filter_map(record).collect();
        if records.is_empty() {
            return Ok(());
        }
        set_many(bucket, &records)?;
        let random = RandomState::new();
        let some: Vec<String> =
            (0..LOOKED_AT).map(|at| format!("{PREFIX}{}", random.hash_one(at) % self.count as u64)).collect();
        let over = get_many(bucket, &some)?
            .into_iter()
            .filter_map(|(key, record)| record.is_some_and(|record| !self.lives(&record)).then_some(key));
        let over: Vec<String> = over.collect();
        if over.is_empty() { Ok(()) } else { delete_many(bucket, &over) }
    }
}

/// The part of an item's key that its record repeats.
fn owner(item: &str) -> &[u8] {
    item.as_bytes().get(..OWNER).unwrap_or_default()
}

/// Hours since 1970.
fn now() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_secs() / 3600) as u32
}
