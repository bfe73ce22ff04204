//! The registers: the identity of the card, every bit of a register, a counter that counts.

use lockstep_accel_abi::events::Event;

use crate::problem::Problem;

use super::subject::Subject;

/// Opening the card checks the PCI id, ID, VERSION and the limits, and resets the card.
pub(super) fn identity(subject: &mut Subject<'_>) -> Result<String, Problem> {
    let capabilities = subject.card()?.capabilities();
    let (n, mib) = (capabilities.engine.lanes, capabilities.card_bytes >> 20);
    Ok(format!("build {:#010x}, {n}x{n} array, {mib} MiB", capabilities.build))
}

/// Writes and reads every bit of `SCRATCH`, alone and among others.
pub(super) fn scratch(subject: &mut Subject<'_>) -> Result<String, Problem> {
    let card = subject.card()?;
    let mut patterns: Vec<u32> = vec![0, u32::MAX, 0x5555_5555, 0xaaaa_aaaa, 0x0123_4567];
    patterns.extend((0..32).map(|bit| 1 << bit));
    patterns.extend((0..32).map(|bit| !(1 << bit)));
    for &pattern in &patterns {
        let found = card.scratch(pattern)?;
        if found != pattern {
            let error = format!("SCRATCH is {found:#010x} after a write of {pattern:#010x}");
            let bits = format!("{:#010x}", found ^ pattern);
            return Err(Problem::new(
                error,
                format_args!("bits {bits} of the bridge's register path: width, strobes"),
            ));
        }
    }
    Ok(format!("{} patterns", patterns.len()))
}

/// The counter of clock cycles grows.
pub(super) fn clock(subject: &mut Subject<'_>) -> Result<String, Problem> {
    let card = subject.card()?;
    let before = card.counter(Event::Cycles)?;
    let after = card.counter(Event::Cycles)?;
    if after <= before {
        let error = format!("the counter of cycles went from {before} to {after}");
        return Err(Problem::new(error, "the clock of the card, and its reset line"));
    }
    Ok(format!("{} cycles between two readings", after - before))
}
