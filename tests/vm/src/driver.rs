//! The driver alone over the kernel's VFIO.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lockstep_accel_driver::{AsyncEncoder, Card, CardState, KernelVfio, Options};
use lockstep_accel_stories::{Bench, Moment, OPTIONS, encoding, matrix, model};
use lockstep_accel_vm::Result;

use crate::function::Function;
use crate::wait::until;

/// The line of a program that holds the card.
pub(crate) const HELD: &str = "the card is held";
/// The folder with the PCI functions.
const FUNCTIONS: &str = "/sys/bus/pci/devices";
/// A time that no job of the simulated card takes, even on a busy machine.
const JOB: Duration = Duration::from_secs(10);

/// Opens the card and asks nothing of it, until root takes it away.
pub(crate) fn hold(function: &str) -> Result<()> {
    let card = Slot(Path::new(FUNCTIONS).join(function));
    let encoder = AsyncEncoder::open(card.connect()?, card.options(), &model(5))?;
    println!("{HELD}");
    until("the encoder hears of the recall", || encoder.state() == CardState::Gone)?;
    // If the encoder kept the card, the function would stay.
    until("the function is gone", || Function::find().is_none())
}

/// Tells the stories of a card without faults, and plays each fault at these moments.
pub(crate) fn drive(function: &str, moments: &[Moment]) -> Result<()> {
    let card = Slot(Path::new(FUNCTIONS).join(function));
    too_much_memory(&card)?;
    let begin = Instant::now();
    encoding::vectors(&card)?;
    encoding::logits(&card)?;
    encoding::outside_of_the_map(&card)?;
    println!("a card without faults: {:?}", begin.elapsed());
    matrix::play(&card, moments)?;
    println!("with faults: {:?}", begin.elapsed());
    Ok(())
}

/// The PCI function of a card, by its path in sysfs.
struct Slot(PathBuf);

impl Bench for Slot {
    type Transport = KernelVfio;

    fn connect(&self) -> Result<KernelVfio> {
        Ok(KernelVfio::open(&self.0)?)
    }

    fn job_time(&self) -> Duration {
        JOB
    }

    /// Copies in few pieces: each interrupt takes this machine a while.
    fn options(&self) -> Options {
        Options { job_time: JOB, memory: 1 << 16, ..OPTIONS }
    }
}

/// A user may lock so much memory and not more. The error names the limit and the need.
fn too_much_memory(card: &Slot) -> Result<()> {
    let options = Options { memory: 16 << 20, ..card.options() };
    let Err(error) = Card::open(card.connect()?, options) else { return Err("16 MiB were mapped".into()) };
    let (error, needed) = (
        error.to_string(),
        "16777216 bytes for the card go beyond the memory that this process may lock, 8388608 bytes, of which 0 are locked",
    );
    println!("{error}");
    if error.contains(needed) { Ok(()) } else { Err("the error does not name limit and need".into()) }
}
