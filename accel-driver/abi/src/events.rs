//! What the counters count. They run from power-on or `CONTROL.CLEAR_COUNTERS`, over soft resets.

codes! {
    /// Number of a counter.
    pub enum Event {
        /// Clock cycles.
        Cycles = 0,
        /// Cycles in which a job was under way.
        Busy = 1,
        /// Cycles in which the array multiplied.
        ArrayBusy = 2,
        /// Jobs that ended well.
        JobsOk = 3,
        /// Jobs that ended with an error.
        JobsFailed = 4,
        /// Bytes read from host memory, in whole beats.
        HostReadBytes = 5,
        /// Bytes written to host memory, in whole beats.
        HostWriteBytes = 6,
        /// Bytes read from card memory, in whole beats.
        CardReadBytes = 7,
        /// Bytes written to card memory, in whole beats.
        CardWriteBytes = 8,
        /// Cycles in which data from host memory waited to be taken.
        HostReadHeld = 9,
        /// Cycles in which data to host memory waited for the bus.
        HostWriteHeld = 10,
        /// Cycles in which data from card memory waited to be taken.
        CardReadHeld = 11,
        /// Cycles in which data to card memory waited for the bus.
        CardWriteHeld = 12,
    }
}

/// How many counters there are.
pub const COUNT: usize = Event::ALL.len();
