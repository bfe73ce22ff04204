//! The driver alone over the kernel's VFIO.

use std::path::Path;
use std::time::{Duration, Instant};

use lockstep_accel_abi::{Descriptor, Status};
use lockstep_accel_driver::{AsyncEncoder, Card, CardEncoder, CardState, KernelVfio, Options, Sequence};
use lockstep_accel_vm::Result;
use lockstep_arith::encoder::{Encoder, Pooling};
use lockstep_arith::sample::{self, Random, Shape};

use crate::function::Function;
use crate::wait::until;

/// The line of a program that holds the card.
pub(crate) const HELD: &str = "the card is held";
/// The job of a simulated card may be slow.
const OPTIONS: Options = Options { job_time: Duration::from_secs(30), ..Options::DEFAULT };

fn open(function: &str, options: Options) -> Result<Card<KernelVfio>> {
    Ok(Card::open(KernelVfio::open(&Path::new("/sys/bus/pci/devices").join(function))?, options)?)
}

/// The model that the card gets.
fn model() -> Encoder {
    sample::encoder(&Shape { layers: 1, pooling: Pooling::Mean, ..Shape::SMALL }, 5)
}

/// Opens the card and asks nothing of it, until root takes it away.
pub(crate) fn hold(function: &str) -> Result<()> {
    let transport = KernelVfio::open(&Path::new("/sys/bus/pci/devices").join(function))?;
    let encoder = AsyncEncoder::open(transport, OPTIONS, &model())?;
    println!("{HELD}");
    until("the encoder hears of the recall", || encoder.state() == CardState::Gone)?;
    // If the encoder kept the card, the function would stay.
    until("the function is gone", || Function::find().is_none())
}

/// Encodes on the card, lets it access what is not mapped, encodes again, resets it, encodes again.
pub(crate) fn drive(function: &str) -> Result<()> {
    let model = model();
    too_much_memory(function)?;
    // Two turns: the card must open again after the first turn closed it.
    for turn in 1..=2 {
        let begin = Instant::now();
        let card = open(function, OPTIONS)?;
        println!("{turn}: opened in {:?}: {:?}", begin.elapsed(), card.capabilities());
        let mut encoder = CardEncoder::new(card, &model)?;
        check(&mut encoder, &model, &[3, 9, 1, 3, 9], turn)?;

        // The IOMMU refuses an access behind the mapped memory.
        let mut card = encoder.into_card();
        let beyond = Descriptor::copy_to_card(0, OPTIONS.iova + OPTIONS.memory as u64, 0, 64);
        let found = card.execute(&[beyond])?[0].status;
        if found != Status::HostRead {
            return Err(format!("DMA outside the map: {found:?}").into());
        }
        println!("{turn}: DMA outside the map ends with {found:?}");

        // The card works after the fault, and the model is copied again after a reset.
        let mut encoder = CardEncoder::new(card, &model)?;
        check(&mut encoder, &model, &[5], turn + 10)?;
        encoder.reset()?;
        check(&mut encoder, &model, &[5], turn + 20)?;
        let interrupts = encoder.card().interrupts();
        if interrupts == 0 {
            return Err("no interrupt came".into());
        }
        println!("{turn}: {interrupts} interrupts, {:?} in all", begin.elapsed());
    }
    Ok(())
}

/// A user may lock so much memory and not more. The error names the limit and the need.
fn too_much_memory(function: &str) -> Result<()> {
    let options = Options { memory: 16 << 20, ..OPTIONS };
    let Err(error) = open(function, options) else { return Err("16 MiB were mapped".into()) };
    let (error, needed) = (
        error.to_string(),
        "16777216 bytes for the card go beyond the memory that this process may lock, 8388608 bytes, of which 0 are locked",
    );
    println!("{error}");
    if error.contains(needed) { Ok(()) } else { Err("the error does not name limit and need".into()) }
}

/// Encodes random sequences of these lengths on the card and compares with the reference.
fn check(encoder: &mut CardEncoder<KernelVfio>, model: &Encoder, lengths: &[usize], seed: u64) -> Result<()> {
    let mut random = Random::new(seed);
    let texts: Vec<_> = lengths.iter().map(|&n| sample::sequence(model, n, &mut random)).collect();
    let batch: Vec<_> = texts.iter().map(|(ids, type_ids)| Sequence { ids, type_ids }).collect();
    let begin = Instant::now();
    let found = encoder.encode(&batch)?;
    println!("{} sequences in {:?}", batch.len(), begin.elapsed());
    for (i, ((ids, types), found)) in texts.iter().zip(found).enumerate() {
        if model.forward(ids, types)? != found {
            return Err(format!("sequence {i} of {} tokens differs from the reference", ids.len()).into());
        }
    }
    Ok(())
}
