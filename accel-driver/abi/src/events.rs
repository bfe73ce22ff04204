//! What the counters count. They run from power-on, over soft resets, and are never cleared: a driver takes differences.

codes! {
    /// Number of a counter.
    pub enum Event {
        /// Clock cycles.
        Cycles = 0,
        /// Cycles in which a job was under way.
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
        /// Cycles in which data from host memory waited to be taken.
        HostReadHeld = 8,
        /// Cycles in which data to host memory waited for the bus.
        HostWriteHeld = 9,
        /// Cycles in which data from card memory waited to be taken.
        CardReadHeld = 10,
        /// Cycles in which data to card memory waited for the bus.
        CardWriteHeld = 11,
        /// Steps of the array.
        ArrayBusy = 12,
        /// Cycles in which the array waited for weights.
        StallWeights = 13,
        /// Cycles in which the array waited for a semaphore.
        StallOperand = 14,
        /// Cycles in which the array waited for its shadow plane to be drained.
        StallPlane = 15,
        /// Cycles in which the array had no step to do: no instruction, headers, moves.
        StallIdle = 16,
        /// Words drained from the array.
        WordsDrained = 17,
        /// Words of passes of the vector unit.
        WordsPassed = 18,
    }
}

/// How many counters there are.
pub const COUNT: usize = Event::ALL.len();
/// How many of them, the first ones, are counted outside the engine.
pub const OUTER: usize = Event::ArrayBusy as usize;

/// Reads a counter by its two registers: the high half before and after the low one, until nothing was carried between them.
///
/// # Errors
/// Of `read`, which reads a register.
pub fn read_counter<E>(event: Event, mut read: impl FnMut(u32) -> Result<u32, E>) -> Result<u64, E> {
    let low = crate::registers::COUNTERS + 8 * event as u32;
    loop {
        let (high, value) = (read(low + 4)?, read(low)?);
        if read(low + 4)? == high {
            return Ok((high as u64) << 32 | value as u64);
        }
    }
}
