//! A reading of all counters of a card.

use std::collections::BTreeMap;

use lockstep_accel_abi::events::{self, Event};
use lockstep_accel_driver::Error;
use serde::{Serialize, Serializer};

use crate::opening::LabCard;

/// The value of each counter, or how much each has grown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counters([u64; events::COUNT]);

impl Counters {
    pub(crate) fn read(card: &LabCard) -> Result<Self, Error> {
        Self::read_by(|event| card.counter(event))
    }

    pub(crate) fn read_by(mut counter: impl FnMut(Event) -> Result<u64, Error>) -> Result<Self, Error> {
        let mut values = [0; events::COUNT];
        for (value, event) in values.iter_mut().zip(Event::ALL) {
            *value = counter(*event)?;
        }
        Ok(Self(values))
    }

    pub(crate) const fn get(&self, event: Event) -> u64 {
        self.0[event as usize]
    }

    /// How much each counter has grown since an earlier reading. Counters wrap around.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i].wrapping_sub(earlier.0[i])))
    }

    /// The counters that tell why the array stood still.
    pub(crate) const STALLS: [Event; 4] =
        [Event::StallWeights, Event::StallOperand, Event::StallPlane, Event::StallIdle];

    /// Each counter with its value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Event, u64)> {
        Event::ALL.iter().copied().zip(self.0)
    }
}

impl Serialize for Counters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named: BTreeMap<String, u64> = self.iter().map(|(event, value)| (name(event), value)).collect();
        named.serialize(serializer)
    }
}

/// The name of a counter in small letters: `host_read_bytes`.
pub(crate) fn name(event: Event) -> String {
    let mut name = String::new();
    for letter in format!("{event:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// The share of `part` in `whole`; 0 if there is no whole.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
