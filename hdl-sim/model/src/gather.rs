//! The unit that fetches token ids from the host, and the rows of these words from card memory.

use lockstep_accel_abi::engine::HIDDEN_MAX;
use lockstep_accel_abi::instructions::Gather;

use crate::job::{Failure, Outside};
use crate::queue::Queue;
use crate::semaphores::{Semaphores, once};
use crate::state::{State, Words};

/// The unit with its queue.
#[derive(Debug, Default)]
pub(crate) struct Gatherer {
    pub(crate) queue: Queue<Gather>,
}

impl Gatherer {
    /// Does an instruction. Returns whether it could.
    pub(crate) fn step(
        &mut self,
        state: &mut State,
        semaphores: &mut Semaphores,
        outside: &mut Outside<'_>,
    ) -> Result<bool, Failure> {
        let Some((gather, instruction)) = self.queue.front() else { return Ok(false) };
        if !semaphores.take(&instruction, once) {
            return Ok(false);
        }
        fetch(&gather, state.lanes, &mut state.words, outside)?;
        semaphores.signal(&instruction, once);
        self.queue.pop();
        Ok(true)
    }
}

fn fetch(gather: &Gather, lanes: usize, words: &mut Words, outside: &mut Outside<'_>) -> Result<(), Failure> {
    let mut ids = vec![0; 4 * gather.count];
    let at = outside.input.wrapping_add(4 * gather.first as u64);
    outside.memories.read_host(at, &mut ids).map_err(Failure::HostRead)?;
    let ids = ids.as_chunks::<4>().0;
    let id_of = |input: &[u8; 4]| u32::from_le_bytes(*input) & 0xff_ffff;
    if ids.iter().any(|i| id_of(i) as usize >= gather.vocabulary || usize::from(i[3]) >= gather.types) {
        return Err(Failure::BadInput);
    }
    let bytes = gather.row_words * lanes;
    for (lane, input) in ids.iter().take(lanes).enumerate() {
        let address = (gather.rows + u64::from(id_of(input)) * bytes as u64) % (1 << 40);
        let row = outside.memories.card(address, bytes).map_err(Failure::CardRead)?;
        let (numbers, last) = row.split_at(bytes - lanes);
        let to = &mut words.rows[lane * HIDDEN_MAX..][..HIDDEN_MAX];
        for (to, from) in to.iter_mut().zip(numbers) {
            *to = from.cast_signed();
        }
        words.scales[lane] = i32::from(u16::from_le_bytes([last[0], last[1]]) & 0xfff);
        words.types[lane] = usize::from(input[3] & 3);
    }
    Ok(())
}
