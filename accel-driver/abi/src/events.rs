//! The counters. They start at power-on and are never cleared, not even by a reset: a driver takes
//! the difference of two readings.

codes! {
    /// The number of a counter.
    pub enum Event {
        /// Clock cycles.
        Cycles = 0,
        /// Cycles in which the card worked on a job.
        Busy = 1,
        /// Jobs that ended well.
        JobsOk = 2,
        /// Jobs that ended with an error.
        JobsFailed = 3,
        /// Bytes read from host memory, in whole beats.
        HostReadBytes = 4,
        /// Bytes written to host memory, in whole beats.
        HostWriteBytes = 5,
        /// Bytes read from card memory, in whole beats.
        CardReadBytes = 6,
        /// Bytes written to card memory, in whole beats.
        CardWriteBytes = 7,
        /// Cycles in which data from host memory was there and the card did not take it.
        HostReadHeld = 8,
        /// Cycles in which data to host memory was there and the bus did not take it.
        HostWriteHeld = 9,
        /// Cycles in which data from card memory was there and the card did not take it.
        CardReadHeld = 10,
        /// Cycles in which data to card memory was there and the bus did not take it.
        CardWriteHeld = 11,
        /// Steps of the array.
        ArrayBusy = 12,
        /// Cycles in which the array waited for weights.
        StallWeights = 13,
        /// Cycles in which the array waited for a semaphore.
        StallOperand = 14,
        /// Cycles in which the array waited until the drain had read the plane before.
        StallPlane = 15,
        /// Cycles in which the array had no step: no instruction, a panel header, or a `move`.
        StallIdle = 16,
        /// Words drained from the array.
        WordsDrained = 17,
        /// Words that passes of the vector unit read.
        WordsPassed = 18,
    }
}

/// The number of counters.
pub const COUNT: usize = Event::ALL.len();
/// The number of counters outside the engine: they come first.
pub const OUTER: usize = Event::ArrayBusy as usize;

/// How often [`read_counter`] reads a counter. The low half carries once in 2^32 cycles, so a card
/// that works differs at most once.
const TRIES: usize = 4;

/// The two halves of a counter never fitted together: the card or its bus is faulty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MovingCounter(pub Event);

impl core::fmt::Display for MovingCounter {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let event = self.0;
        write!(
            f,
            "the high half of counter {} ({event:?}) changed during each of {TRIES} reads; the card or its \
             bus is faulty",
            event as u8
        )
    }
}

impl core::error::Error for MovingCounter {}

/// Reads a counter through its two registers. It reads the high half before and after the low half,
/// and again if the two differ: then the low half has carried in between.
///
/// # Errors
/// Those of `read`, which reads a register; [`MovingCounter`] if the high half changes during each
/// of four reads.
pub fn read_counter<E: From<MovingCounter>>(
    event: Event,
    mut read: impl FnMut(u32) -> Result<u32, E>,
) -> Result<u64, E> {
    let low = crate::registers::COUNTERS + 8 * event as u32;
    for _ in 0..TRIES {
        let (high, value) = (read(low + 4)?, read(low)?);
        if read(low + 4)? == high {
            return Ok((high as u64) << 32 | value as u64);
        }
    }
    Err(MovingCounter(event).into())
}
