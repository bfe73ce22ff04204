//! The interrupts: each vector alone, and that of a job.

use std::time::Duration;

use lockstep_accel_abi::codes::{InterruptBits, VECTORS};

use crate::problem::Problem;

use super::subject::Subject;

/// How long an interrupt may take.
const TIME: Duration = Duration::from_secs(2);

pub(super) fn run(subject: &mut Subject<'_>) -> Result<String, Problem> {
    let card = subject.card()?;
    for (vector, bit) in (0..VECTORS).zip(InterruptBits::FIELDS) {
        let heard = card.force_interrupt(vector, TIME)?;
        if heard == 1 << vector {
            continue;
        }
        let name = bit.name;
        let (error, next) = if heard >> vector & 1 == 0 {
            let error = format!("vector {vector} ({name}) did not come within {TIME:?}");
            (
                error,
                "MSI-X of the bridge: `lspci -vv` shows whether it is enabled; /proc/interrupts counts vfio-msix",
            )
        } else {
            let error = format!("with vector {vector} ({name}) came others: the vectors {heard:#b} in all");
            (error, "the order of the card's interrupt lines at the bridge")
        };
        return Err(Problem::new(error, next));
    }
    if !card.interrupt_of_job(TIME)? {
        let error = format!("a job ended, and its interrupt did not come within {TIME:?}");
        return Err(Problem::new(
            error,
            "`lockstep-lab regs INT_STATUS INT_ENABLE`: which bits the card sets",
        ));
    }
    Ok(format!("{VECTORS} vectors, and that of a job"))
}
