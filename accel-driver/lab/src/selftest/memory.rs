//! Card memory: a block behind each address line, so that a line that is stuck shows.

use lockstep_accel_abi::{Descriptor, Status};
use lockstep_arith::sample::Random;

use crate::opening::LabCard;
use crate::problem::Problem;

use super::subject::Subject;

/// Bytes of a block.
const BLOCK: u64 = 64;

pub(super) fn run(subject: &mut Subject<'_>) -> Result<String, Problem> {
    let card = subject.card()?;
    let size = card.capabilities().card_bytes;
    let lines = (0..64).map(|line| BLOCK << line).take_while(|address| *address < size);
    let mut addresses: Vec<u64> = [0].into_iter().chain(lines).collect();
    addresses.push(size - BLOCK);
    addresses.dedup();
    let mut random = Random::new(2);
    let mut block = || -> Vec<u8> { (0..BLOCK).map(|_| random.next() as u8).collect() };
    let blocks: Vec<Vec<u8>> = addresses.iter().map(|_| block()).collect();
    let outside = |error| Problem::new(error, "report this mistake");
    let places: Vec<u64> = (0..addresses.len() as u64).map(|i| i * BLOCK).collect();

    let mut jobs = Vec::new();
    for ((block, place), address) in blocks.iter().zip(&places).zip(&addresses) {
        card.write_data(*place, block).map_err(outside)?;
        jobs.push(Descriptor::copy_to_card(0, card.data_iova(*place), *address, BLOCK as u32));
    }
    execute(card, &jobs)?;
    let mut jobs = Vec::new();
    for (place, address) in places.iter().zip(&addresses) {
        card.write_data(*place, &[0; BLOCK as usize]).map_err(outside)?;
        jobs.push(Descriptor::copy_from_card(0, *address, card.data_iova(*place), BLOCK as u32));
    }
    execute(card, &jobs)?;
    for ((block, place), address) in blocks.iter().zip(&places).zip(&addresses) {
        let mut found = vec![0; BLOCK as usize];
        card.read_data(*place, &mut found).map_err(outside)?;
        if found == *block {
            continue;
        }
        let other = blocks.iter().position(|other| *other == found).map(|i| addresses[i]);
        return Err(match other {
            Some(other) => Problem::new(
                format_args!("card memory at {address:#x} holds what was written to {other:#x}"),
                format_args!(
                    "the address lines {:#x} of card memory, and its size in CAP_CARD_BYTES",
                    address ^ other
                ),
            ),
            None => Problem::new(
                format_args!("card memory at {address:#x} does not hold what was written"),
                "the controller of card memory: calibration, data lines, clock",
            ),
        });
    }
    Ok(format!("{} blocks of {} MiB", addresses.len(), size >> 20))
}

fn execute(card: &mut LabCard, jobs: &[Descriptor]) -> Result<(), Problem> {
    for outcome in card.execute(jobs)? {
        outcome.success().map_err(|error| match outcome.status {
            Status::CardRead | Status::CardWrite => {
                let bytes = card.capabilities().card_bytes;
                let next =
                    format!("is card memory as large as CAP_CARD_BYTES says ({bytes} bytes); its controller");
                Problem::new(error, next)
            }
            _ => Problem::from(error),
        })?;
    }
    Ok(())
}
