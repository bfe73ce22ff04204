//! The size and the limits that a card reports.

use lockstep_accel_abi::registers::{self, fields};
use lockstep_accel_abi::{ALL_ONES, codes};
use lockstep_accel_program::ArrayShape;

use crate::registers::Registers;
use crate::{Error, Transport};

/// The card's capability registers, read and decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Number of the hardware build.
    pub build: u32,
    /// Rows of the engine's array and depths of the engine's memories.
    pub engine: ArrayShape,
    /// Largest number of tokens of one sequence.
    pub tokens: usize,
    /// Largest hidden size of a model.
    pub hidden: usize,
    /// Bytes of card memory.
    pub card_bytes: u64,
    /// Largest base-2 logarithm of the number of entries of a ring.
    pub ring_log2: u32,
    /// How many jobs the card runs at once.
    pub jobs: u32,
    /// Largest number of sequences of one job.
    pub runs: usize,
    /// Clock frequency in kHz; `None` if the card does not report it.
    pub clock_khz: Option<u32>,
}

impl Capabilities {
    /// The registers give the depth of a memory in units of this many words.
    const UNIT: usize = 64;

    /// Checks the registers `ID` and `VERSION`, then reads the capability registers.
    pub(crate) fn read<T: Transport>(registers: &Registers<'_, T>) -> Result<Self, Error> {
        match registers.read(registers::ID)? {
            ALL_ONES => return Err(Error::Gone),
            codes::ID_VALUE => {}
            value => {
                let help = "the device behaves like no Lockstep card: check what is programmed into it";
                let (device, needed) = (registers.0.device(), codes::ID_VALUE);
                return Err(Error::Foreign { device, what: "ID", value, needed, help });
            }
        }
        let version = registers.read(registers::VERSION)?;
        let (major, minor) = (fields::VERSION::MAJOR, fields::VERSION::MINOR);
        let needed = codes::INTERFACE_VERSION;
        if major.get(version) != major.get(needed) || minor.get(version) < minor.get(needed) {
            let help = "install the firmware and the driver of one release";
            let device = registers.0.device();
            return Err(Error::Foreign { device, what: "VERSION", value: version, needed, help });
        }
        let array = registers.read(registers::CAP_ARRAY)?;
        let limits = registers.read(registers::CAP_LIMITS)?;
        let vectors = registers.read(registers::CAP_VECTORS)?;
        let buffers = registers.read(registers::CAP_BUFFERS)?;
        let operands = registers.read(registers::CAP_OPERANDS)?;
        let queue = registers.read(registers::CAP_QUEUE)?;
        let program = registers.read(registers::CAP_PROGRAM)?;
        let low = registers.read(registers::CAP_CARD_BYTES_LO)?;
        let high = registers.read(registers::CAP_CARD_BYTES_HI)?;
        let words = |field: lockstep_accel_abi::Field, register| Self::UNIT * field.get(register) as usize;
        Ok(Self {
            build: registers.read(registers::BUILD_ID)?,
            engine: ArrayShape {
                lanes: fields::CAP_ARRAY::ROWS.get(array) as usize,
                a: words(fields::CAP_OPERANDS::A, operands),
                b: words(fields::CAP_OPERANDS::B, operands),
                p: words(fields::CAP_BUFFERS::P, buffers),
                v: words(fields::CAP_VECTORS::V, vectors),
                y: words(fields::CAP_VECTORS::Y, vectors),
            },
            tokens: fields::CAP_LIMITS::TOKENS.get(limits) as usize,
            hidden: fields::CAP_LIMITS::HIDDEN.get(limits) as usize,
            card_bytes: u64::from(high) << 32 | u64::from(low),
            ring_log2: fields::CAP_QUEUE::RING_LOG2_MAX.get(queue),
            jobs: fields::CAP_QUEUE::JOBS.get(queue),
            runs: fields::CAP_PROGRAM::RUNS.get(program) as usize,
            clock_khz: Some(registers.read(registers::CAP_CLOCK_KHZ)?).filter(|&khz| khz != 0),
        })
    }
}
