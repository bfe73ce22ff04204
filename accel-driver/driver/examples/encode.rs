//! Encodes two sequences on a card and prints their vectors. `make card` starts a card and runs
//! this program.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use lockstep_accel_driver::{Card, CardAddress, CardEncoder, Error, Options, Sequence};
use lockstep_arith::sample::{self, Shape};

/// Encodes on a card.
#[derive(Parser)]
struct Arguments {
    /// The card: `vfio:0000:04:00.0`, or `vfio-user:PATH` for the socket of a device process such
    /// as `lockstep-card`.
    card: CardAddress,
}

fn main() -> ExitCode {
    match encode(&Arguments::parse().card) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn encode(address: &CardAddress) -> Result<(), Error> {
    // The device process answers when its design is built, which takes minutes for the first time.
    let transport = address.open(Duration::from_secs(600))?;
    let options = Options { job_time: Duration::from_secs(60), ..Options::DEFAULT };
    let card = Card::open(transport, options)?;
    // A random model; `lockstep_folder` reads a real one.
    let model = sample::encoder(&Shape { layers: 1, ..Shape::SMALL }, 1);
    let mut encoder = CardEncoder::new(card, &model)?;
    let batch =
        [Sequence { ids: &[1, 2, 3], type_ids: &[0; 3] }, Sequence { ids: &[4, 5], type_ids: &[0; 2] }];
    for (sequence, vector) in batch.iter().zip(encoder.encode(&batch)?) {
        println!("{:?}: {vector:?}", sequence.ids);
    }
    Ok(())
}
