//! Faults of the RTL: what passes between the card and the client is spoilt on its way.
//!
//! The card reads descriptors ahead. A fault in the data of a job therefore hits what the card
//! reads or writes next, once it has read the job's descriptor.

use lockstep_accel_abi::Completion;

use crate::faults::{DEATH, Fault, Faults, LATE};

/// Offsets of the tag and of the status in a record.
const TAG: usize = std::mem::offset_of!(Completion, tag);
const STATUS: usize = std::mem::offset_of!(Completion, status);

/// Plays faults, but for [`Fault::Hang`]: the RTL ends a job that is aborted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disturber {
    faults: Faults,
    /// Descriptors that the card has read, and records that it has written or dropped.
    begun: u64,
    ended: u64,
    gone: bool,
    refuse: bool,
    spoil: bool,
    interrupt: Option<Fault>,
}

impl Disturber {
    pub(crate) fn new(faults: Faults) -> Self {
        Self { faults, ..Self::default() }
    }

    /// Descriptors that the card has read, and records that it has written or dropped.
    pub(crate) const fn counts(&self) -> (u64, u64) {
        (self.begun, self.ended)
    }

    /// Whether the card has fallen off the bus.
    pub(crate) const fn gone(&self) -> bool {
        self.gone
    }

    /// A reset of the function: the card is back, and jobs without a record are dropped.
    pub(crate) fn reset(&mut self) {
        let Self { ref faults, begun, .. } = *self;
        *self = Self { begun, ended: begun, ..Self::new(faults.clone()) };
    }

    /// A soft reset: jobs without a record are dropped.
    pub(crate) fn drop_jobs(&mut self) {
        self.ended = self.begun;
    }

    /// The card has read a descriptor.
    pub(crate) fn begin(&mut self) {
        self.begun += 1;
        for fault in self.faults.of(self.begun) {
            eprintln!("lockstep-card: {fault} at job {}", self.begun);
            match fault {
                Fault::Death => std::process::exit(DEATH.into()),
                Fault::AllOnes => self.gone = true,
                Fault::DmaError => self.refuse = true,
                Fault::WrongResult => self.spoil = true,
                _ => {}
            }
        }
    }

    /// Whether a read of host memory fails; `ring` says that it is one of a descriptor.
    pub(crate) fn refuses_read(&mut self, ring: bool) -> bool {
        self.gone || (!ring && std::mem::take(&mut self.refuse))
    }

    /// Results on their way to the client.
    pub(crate) fn result(&mut self, bytes: &mut [u8], strobe: &dyn Fn(usize) -> bool) {
        if let Some(first) = (0..bytes.len()).find(|&i| strobe(i)).filter(|_| self.spoil) {
            bytes[first] ^= 1;
            self.spoil = false;
        }
    }

    /// A record on its way to the client: its last byte is `bytes[last]`, and its last eight bytes
    /// come together.
    pub(crate) fn record(&mut self, bytes: &mut [u8], last: usize) {
        self.ended += 1;
        for fault in self.faults.of(self.ended) {
            match fault {
                Fault::LateRecord => std::thread::sleep(LATE),
                Fault::GarbledRecord => {
                    let place = |member: usize| (last + member).checked_sub(Completion::BYTES - 1);
                    for (member, bits) in [(TAG, 0xff), (TAG + 1, 0xff), (STATUS, 0x80)] {
                        if let Some(byte) = place(member).and_then(|at| bytes.get_mut(at)) {
                            *byte ^= bits;
                        }
                    }
                }
                Fault::LostInterrupt | Fault::LateInterrupt | Fault::DuplicateInterrupt => {
                    self.interrupt = Some(fault);
                }
                _ => {}
            }
        }
    }

    /// How often a vector that has risen is passed on. Vector 0 reports records.
    pub(crate) fn times(&mut self, vector: u16) -> usize {
        match self.interrupt.take_if(|_| vector == 0) {
            Some(Fault::LostInterrupt) => 0,
            Some(Fault::DuplicateInterrupt) => 2,
            Some(Fault::LateInterrupt) => {
                std::thread::sleep(LATE);
                1
            }
            _ => 1,
        }
    }
}
