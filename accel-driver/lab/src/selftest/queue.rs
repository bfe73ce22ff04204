//! The rings: jobs several times around them, counters, and commands that the card must refuse.

use lockstep_accel_abi::events::Event;
use lockstep_accel_abi::{Descriptor, Status};

use crate::counters::Counters;
use crate::opening::LabCard;
use crate::problem::Problem;

use super::subject::Subject;

/// Jobs that do nothing. The rings of the driver have 64 entries.
const JOBS: usize = 300;

pub(super) fn run(subject: &mut Subject<'_>) -> Result<String, Problem> {
    let card = subject.card()?;
    let before = Counters::read(card)?;
    for outcome in card.execute(&[Descriptor::nop(0); JOBS])? {
        outcome.success()?;
    }
    let refused = refusals(card)?;
    let counted = Counters::read(card)?.since(&before);
    for (event, expected) in [(Event::JobsOk, JOBS as u64), (Event::JobsFailed, refused)] {
        let found = counted.get(event);
        if found != expected {
            let error = format!("counter {event:?} grew by {found}; {expected} jobs ended so");
            return Err(Problem::new(error, "whether another program uses the card: `lockstep-lab list`"));
        }
    }
    Ok(format!("{JOBS} jobs; {refused} wrong commands refused"))
}

/// Gives wrong commands, which reach no memory, and returns how many.
fn refusals(card: &mut LabCard) -> Result<u64, Problem> {
    let (host, end) = (card.data_iova(0), card.capabilities().card_bytes);
    let cases = [
        (Descriptor { opcode: 200, ..Descriptor::default() }, Status::BadOpcode),
        (Descriptor { reserved_1: 1, ..Descriptor::nop(0) }, Status::BadReserved),
        (Descriptor::copy_to_card(0, host + 2, 0, 4), Status::Misaligned),
        (Descriptor::copy_to_card(0, host, 0, 0), Status::BadLength),
        (Descriptor::copy_to_card(0, host, end, 4), Status::CardRange),
    ];
    let outcomes = card.execute(&cases.map(|(job, _)| job))?;
    for ((job, expected), outcome) in cases.iter().zip(&outcomes) {
        if outcome.status != *expected {
            let error = format!("a wrong command ended with {:?}, not {expected:?}: {job:?}", outcome.status);
            return Err(Problem::new(error, "the version of the firmware: `lockstep-lab info`"));
        }
    }
    Ok(cases.len() as u64)
}
