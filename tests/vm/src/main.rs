//! Finds the card, gives it to `vfio-pci`, drives it through the kernel's VFIO and prints what it found, `PASS` in the end: the only program of the
//! virtual machine.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lockstep_accel_abi::{Descriptor, PCI_DEVICE, PCI_VENDOR, Status};
use lockstep_accel_driver::{Card, CardEncoder, KernelVfio, Options, Sequence, TransportError};
use lockstep_arith::encoder::{Encoder, Pooling};
use lockstep_arith::sample::{self, Random, Shape};

type Result<T> = std::result::Result<T, TransportError>;

fn main() -> std::process::ExitCode {
    match find().and_then(|card| drive(&card)) {
        Ok(()) => {
            println!("PASS");
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            println!("FAIL: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

/// The card's path in sysfs, bound to `vfio-pci`.
fn find() -> Result<PathBuf> {
    for function in fs::read_dir("/sys/bus/pci/devices")? {
        let path = function?.path();
        let id = |name| fs::read_to_string(path.join(name)).unwrap_or_default();
        if id("vendor").trim() == format!("{PCI_VENDOR:#06x}")
            && id("device").trim() == format!("{PCI_DEVICE:#06x}")
        {
            fs::write(path.join("driver_override"), "vfio-pci")?;
            fs::write("/sys/bus/pci/drivers_probe", path.file_name().unwrap_or_default().as_encoded_bytes())?;
            println!("{} is {}", path.display(), fs::read_link(path.join("driver"))?.display());
            return Ok(path);
        }
    }
    Err(format!("no card {PCI_VENDOR:04x}:{PCI_DEVICE:04x}").into())
}

fn drive(path: &Path) -> Result<()> {
    let options = Options { memory: 1 << 20, job_time: Duration::from_secs(30), ..Options::default() };
    let model = sample::encoder(&Shape { layers: 1, pooling: Pooling::Mean, ..Shape::SMALL }, 5);
    // Twice: what the first one leaves behind must not be in the second one's way.
    for turn in 1..=2 {
        let begin = Instant::now();
        let mut card = Card::open(KernelVfio::open(path)?, options)?;
        println!("{turn}: opened in {:?}: {:?}", begin.elapsed(), card.capabilities());
        let mut encoder = CardEncoder::new(&card, &model)?;
        check(&mut card, &mut encoder, &model, &[3, 9, 1, 3, 9], turn)?;

        // Behind the memory that is mapped there is nothing, and the IOMMU says so.
        let beyond = Descriptor::copy_to_card(0, options.iova + (16 << 20), 0, 64);
        let found = card.execute(&[beyond])?[0].outcome();
        if found != Ok(Status::HostRead) {
            return Err(format!("DMA outside the map: {found:?}").into());
        }
        println!("{turn}: DMA outside the map ends with {found:?}");

        card.reset()?;
        check(&mut card, &mut encoder, &model, &[5], turn + 10)?;
        if card.interrupts() == 0 {
            return Err("no interrupt came".into());
        }
        println!("{turn}: {} interrupts, {:?} in all", card.interrupts(), begin.elapsed());
    }
    Ok(())
}

/// A random batch, against the reference.
fn check(
    card: &mut Card<KernelVfio>,
    encoder: &mut CardEncoder,
    model: &Encoder,
    lengths: &[usize],
    seed: u64,
) -> Result<()> {
    let mut random = Random::new(seed);
    let texts: Vec<_> = lengths.iter().map(|&n| sample::sequence(model, n, &mut random)).collect();
    let batch: Vec<_> = texts.iter().map(|(ids, type_ids)| Sequence { ids, type_ids }).collect();
    let begin = Instant::now();
    let found = encoder.encode(card, &batch)?;
    println!("{} sequences in {:?}", batch.len(), begin.elapsed());
    for (i, ((ids, types), found)) in texts.iter().zip(found).enumerate() {
        if model.forward(ids, types)? != found {
            return Err(format!("sequence {i} of {} tokens differs from the reference", ids.len()).into());
        }
    }
    Ok(())
}
