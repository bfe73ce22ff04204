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

/// Reads a counter through its two registers. It reads the high half before and after the low half,
/// and again if the two differ: then the low half has carried in between.
///
/// # Errors
/// Those of `read`, which reads a register.
pub fn read_counter<E>(event: Event, mut read: impl FnMut(u32) -> Result<u32, E>) -> Result<u64, E> {
    let low = crate::registers::COUNTERS + 8 * event as u32;
    loop {
        let (high, value) = (read(low + 4)?, read(low)?);
        if read(low + 4)? == high {
            return Ok((high as u64) << 32 | value as u64);
        }
    }
}
