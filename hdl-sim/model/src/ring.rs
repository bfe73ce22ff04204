//! The ring of weights: words of card memory in the order of the loads.

use std::collections::VecDeque;

use lockstep_accel_abi::engine::WEIGHT_RING;
use lockstep_accel_abi::instructions::Load;

use crate::job::{Failure, Memories};

/// Loads whose words have not all been taken. A word is read when it is taken: nothing changes
/// card memory while the engine works.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    /// Address and words of each.
    loads: VecDeque<(u64, usize)>,
}

impl Ring {
    /// Whether the ring has room. A load that begins is taken whole, so that there are never more
    /// loads than words.
    pub(crate) fn has_room(&self, lanes: usize) -> bool {
        !self.holds(WEIGHT_RING.words(lanes))
    }

    /// Adds the words of a load, `lanes` bytes each.
    pub(crate) fn load(&mut self, load: &Load, lanes: usize, memories: &dyn Memories) -> Result<(), Failure> {
        // The whole range is read sooner or later, so its fault comes now.
        memories.card(load.address, load.words * lanes).map_err(Failure::CardRead)?;
        self.loads.push_back((load.address, load.words));
        Ok(())
    }

    /// Whether so many words have been loaded and not been taken.
    pub(crate) fn holds(&self, words: usize) -> bool {
        let mut left = words;
        self.loads.iter().any(|&(_, there)| {
            left = left.saturating_sub(there);
            left == 0
        })
    }

    /// Takes `words` words, which the ring holds.
    pub(crate) fn take(
        &mut self,
        words: usize,
        lanes: usize,
        memories: &dyn Memories,
    ) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::with_capacity(words * lanes);
        let mut left = words;
        while left > 0
            && let Some((address, there)) = self.loads.front_mut()
        {
            let n = left.min(*there);
            bytes.extend_from_slice(memories.card(*address, n * lanes).map_err(Failure::CardRead)?);
            *address += (n * lanes) as u64;
            *there -= n;
            left -= n;
            if *there == 0 {
                self.loads.pop_front();
            }
        }
        Ok(bytes)
    }
}
