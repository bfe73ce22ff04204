//! Ids in a file: one behind the other, and where each ends.

use std::cmp::Ordering;

use crate::error::PackError;

/// How many characters of an id a message repeats.
const SHOWN: usize = 40;

/// Ids that ascend strictly by their bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ids<'a> {
    /// Where each id ends in `text`, u32.
    pub(crate) ends: &'a [u8],
    pub(crate) text: &'a [u8],
}

impl<'a> Ids<'a> {
    pub(crate) fn len(self) -> usize {
        self.ends.len() / 4
    }

    /// Refuses ids that break a rule. `name` says whose ids these are.
    pub(crate) fn check(self, name: &str) -> Result<(), PackError> {
        let refuse = |why: String| Err(PackError::Damaged(format!("{name}: {why}")));
        let Ok(text) = str::from_utf8(self.text) else { return refuse("no UTF-8".into()) };
        let (mut start, mut before) = (0, "");
        for at in 0..self.len() {
            let end = self.end(at);
            let Some(id) = text.get(start..end) else {
                return refuse(format!("the one at {at} has no place of its own"));
            };
            // An empty id is never behind another one.
            if id <= before {
                return refuse(format!("{} stands behind {}", shown(id), shown(before)));
            }
            (start, before) = (end, id);
        }
        if start != text.len() {
            return refuse(format!("{} bytes, and the last one ends at {start}", text.len()));
        }
        Ok(())
    }

    fn end(self, at: usize) -> usize {
        let bytes = self.ends.get(4 * at..).and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
    }

    /// The bytes of an id; of one that is not there, none.
    pub(crate) fn get(self, at: usize) -> &'a [u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.end(before));
        self.text.get(start..self.end(at)).unwrap_or_default()
    }

    /// The place of an id.
    pub(crate) fn find(self, id: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(middle).cmp(id.as_bytes()) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Some(middle),
                Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// An id that is also among `others`.
    pub(crate) fn common(self, others: Self) -> Option<&'a [u8]> {
        let (mut own, mut other) = (0, 0);
        while own < self.len() && other < others.len() {
            match self.get(own).cmp(others.get(other)) {
                Ordering::Less => own += 1,
                Ordering::Equal => return Some(self.get(own)),
                Ordering::Greater => other += 1,
            }
        }
        None
    }
}

/// The beginning of an id, for a message.
pub(crate) fn shown(id: &str) -> String {
    let start: String = id.chars().take(SHOWN).collect();
    if start.len() < id.len() { format!("{start:?}…") } else { format!("{start:?}") }
}
