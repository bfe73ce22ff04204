//! The matrix of faults: each fault at each moment of a job.
//!
//! In each cell a card with a model encodes a batch, and the fault strikes on the way between
//! driver and card. The batch must end with right vectors or with an error that the table names.
//! When the card is closed, no file descriptor may be open.

use std::time::{Duration, Instant};

use lockstep_accel_driver::CardEncoder;
use lockstep_arith::encoder::Encoder;

use crate::bench::{Bench, Error, Result};
use crate::cell::{Cell, DURING, REST};
use crate::encoding::check;
use crate::fault::{Fault, Moment};
use crate::kept::{compare, kept};
use crate::texts::model;

/// Plays each fault at these moments on a card, prints how the batches end, and compares it with
/// the kept table.
///
/// # Errors
/// A cell failed, or a batch does not end as the table says.
pub fn play<B: Bench>(bench: &B, moments: &[Moment]) -> Result<()>
where
    B::Transport: Sync,
{
    let model = model(5);
    // What a first use makes once and keeps.
    check(bench, &mut CardEncoder::new(bench.open()?, &model)?, &model, None, &[1])?;
    for fault in Fault::ALL {
        let kept: [_; Moment::ALL.len()] = kept(&fault.to_string())?;
        print!("| {fault} |");
        for &moment in moments {
            let ended = cell(bench, &model, fault, moment);
            ended
                .and_then(|ended| compare(ended, kept[moment as usize]))
                .map_err(|error: Error| format!("{fault}, {moment:?}: {error}"))?;
        }
        println!();
    }
    Ok(())
}

/// How the batch of a cell ended.
fn cell<B: Bench>(bench: &B, model: &Encoder, fault: Fault, moment: Moment) -> Result<&'static str>
where
    B::Transport: Sync,
{
    let files = open_files();
    let mut cell = Cell::open(bench, model, |_| ())?;
    cell.check(&DURING)?;
    cell.hand.arm(fault, moment)?;
    let ended = cell.strike()?;
    if !cell.hand.struck() {
        return Err("the fault did not strike".into());
    }
    cell.end()?;
    // A device process on threads of this process closes its side a little later.
    let begin = Instant::now();
    while open_files() > files {
        if begin.elapsed() > REST {
            return Err(format!("{} files are open, {files} were", open_files()).into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(ended)
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
