//! The only program of the virtual machine. It finds the card, binds it to `vfio-pci`, encodes on
//! it through the kernel's VFIO, and prints `PASS` or `FAIL` in the end.
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

/// Finds the card in sysfs, binds it to `vfio-pci`, and returns its path.
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
    // Two turns: the card must open again after the first turn closed it.
    for turn in 1..=2 {
        let begin = Instant::now();
        let card = Card::open(KernelVfio::open(path)?, options)?;
        println!("{turn}: opened in {:?}: {:?}", begin.elapsed(), card.capabilities());
        let mut encoder = CardEncoder::new(card, &model)?;
        check(&mut encoder, &model, &[3, 9, 1, 3, 9], turn)?;

        // The IOMMU refuses an access behind the mapped memory.
        let mut card = encoder.into_card();
        let beyond = Descriptor::copy_to_card(0, options.iova + (16 << 20), 0, 64);
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
