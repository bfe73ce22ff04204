//! The matrix of faults that the card itself plays: each fault in each job of a batch.
//!
//! A device process plays a fault in the job that `--fault NAME@JOB` names. First, a card without
//! faults tells which jobs a batch has. Then a fresh card plays one fault in the first of these
//! jobs, another one in the second, and so on.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use lockstep_arith::encoder::Encoder;

use crate::bench::{Bench, Error, Result};
use crate::cell::{Cell, DURING};
use crate::kept::{compare, kept};
use crate::texts::model;

/// Columns of the kept table: the job in which the fault strikes.
const JOBS: [&str; 3] = ["first", "middle", "last"];

/// Plays these faults in the first job of a batch, in the one in the middle, and in the last one.
/// Prints how the batches end, and compares it with the kept table. `start` gives a fresh card that
/// plays a list of faults, or none.
///
/// # Errors
/// A cell failed, or a batch does not end as the table says.
pub fn play<B: Bench>(faults: &[&str], start: impl Fn(Option<&str>) -> Result<B>) -> Result<()>
where
    B::Transport: Sync,
{
    let model = model(5);
    let (before, whole) = jobs(&start(None)?, &model)?;
    let places = [before + 1, (before + 1 + whole) / 2, whole];
    for fault in faults {
        let kept: [_; JOBS.len()] = kept(fault)?;
        print!("| {fault} |");
        for ((job, place), kept) in places.into_iter().zip(JOBS).zip(kept) {
            let ended = start(Some(&format!("{fault}@{job}"))).and_then(|bench| cell(&bench, &model));
            ended
                .and_then(|ended| compare(ended, kept))
                .map_err(|error: Error| format!("{fault} in the {place} job, {job}: {error}"))?;
        }
        println!();
    }
    Ok(())
}

/// The number of jobs before the batch of a cell, and after it.
fn jobs<B: Bench>(bench: &B, model: &Encoder) -> Result<(u64, u64)>
where
    B::Transport: Sync,
{
    let last = Arc::new(AtomicU64::new(0));
    let told = last.clone();
    let mut cell = Cell::open(bench, model, |card| {
        card.observe_jobs(move |job| told.store(job.number, Ordering::Relaxed));
    })?;
    cell.check(&DURING)?;
    let before = last.load(Ordering::Relaxed);
    if cell.strike()? != "right" {
        return Err("a card without faults is wrong".into());
    }
    let whole = last.load(Ordering::Relaxed);
    if whole < before + JOBS.len() as u64 {
        return Err(format!("the batch has {} jobs", whole - before).into());
    }
    cell.end()?;
    Ok((before, whole))
}

/// How the batch of a cell ended.
fn cell<B: Bench>(bench: &B, model: &Encoder) -> Result<&'static str>
where
    B::Transport: Sync,
{
    let mut cell = Cell::open(bench, model, |_| ())?;
    cell.check(&DURING)?;
    let ended = cell.strike()?;
    cell.end()?;
    Ok(ended)
}
