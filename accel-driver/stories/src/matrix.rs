//! The matrix of faults: each fault at each moment of a job.
//!
//! In each cell a card with a model encodes a batch, and the fault strikes. The batch must end
//! within its deadline, with right vectors or with an error that the table names. Then what a reset
//! cannot repair is repaired, and the next batch must be right. When the card is closed, no memory
//! may be mapped and no file descriptor may be open.

use std::time::{Duration, Instant};

use lockstep_accel_driver::{Card, CardEncoder, CardState, Error as CardError};
use lockstep_arith::encoder::Encoder;

use crate::bench::{Bench, Error, Result};
use crate::encoding::check;
use crate::fault::{Fault, Moment};
use crate::faulty::{Faulty, Hand};
use crate::texts::{Texts, model};

/// Lengths of the batch during which a fault strikes: several jobs.
const DURING: [usize; 3] = [3, 9, 1];
/// Lengths of the batch afterwards: it needs all of the memory for data at once.
const AFTERWARDS: [usize; 24] = [3; 24];
/// How many jobs one after the other may be late in a cell, with all tries of the driver.
const LATE: u32 = 4;
/// What else a cell may take, even on a busy machine.
const REST: Duration = Duration::from_secs(30);

/// The kept table.
const KEPT: &str = include_str!("../FAULTS.md");

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
        let kept = kept(fault)?;
        print!("| {fault} |");
        for &moment in moments {
            let told = |error: Error| format!("{fault}, {moment:?}: {error}");
            let ended = cell(bench, &model, fault, moment).map_err(told)?;
            print!(" {ended} |");
            let kept = kept[moment as usize];
            if ended != kept {
                return Err(told(format!("{ended}, and in FAULTS.md {kept}").into()).into());
            }
        }
        println!();
    }
    Ok(())
}

/// How the batches end, by moment, in the kept table.
fn kept(fault: Fault) -> Result<[&'static str; Moment::ALL.len()]> {
    let rows = KEPT.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let mut rows = rows.map(|row| row.split(" | ").collect::<Vec<_>>());
    let row = rows.find(|row| row[0] == fault.to_string()).ok_or("FAULTS.md has no row")?;
    Ok(row[1..].try_into()?)
}

/// An encoder behind a transport with faults, and the hand on the transport.
type Opened<B> = (CardEncoder<Faulty<<B as Bench>::Transport>>, Hand<<B as Bench>::Transport>);

fn open<B: Bench>(bench: &B, model: &Encoder) -> Result<Opened<B>>
where
    B::Transport: Sync,
{
    let (transport, hand) = Faulty::new(bench.connect()?);
    Ok((CardEncoder::new(Card::open(transport, bench.options())?, model)?, hand))
}

/// Closes a card, and checks that it left no memory mapped.
fn close<B: Bench>((encoder, hand): Opened<B>) -> Result<()>
where
    B::Transport: Sync,
{
    drop(encoder);
    hand.left().map_or(Ok(()), |left| Err(left.into()))
}

/// How the batch of a cell ended.
fn cell<B: Bench>(bench: &B, model: &Encoder, fault: Fault, moment: Moment) -> Result<&'static str>
where
    B::Transport: Sync,
{
    let files = open_files();
    let (mut encoder, mut hand) = open(bench, model)?;
    check(bench, &mut encoder, model, None, &DURING)?;

    hand.arm(fault, moment)?;
    let (begin, texts) = (Instant::now(), Texts::new(model, &DURING, 7));
    let ended = match encoder.encode(&texts.batch()) {
        Ok(found) if found == texts.expected(bench, model)? => "right",
        Ok(_) => return Err("wrong vectors".into()),
        Err(error) => kind(&error)?,
    };
    let (took, limit) = (begin.elapsed(), LATE * bench.job_time() + REST);
    if took > limit {
        return Err(format!("the batch took {took:?}, more than {limit:?}").into());
    }
    if !hand.struck() {
        return Err("the fault did not strike".into());
    }

    hand.repair()?;
    if encoder.card().recalled() {
        close::<B>((encoder, hand))?;
        (encoder, hand) = open(bench, model)?;
    } else if encoder.card().state() != CardState::Ready {
        encoder.reset()?;
    }
    check(bench, &mut encoder, model, None, &AFTERWARDS)?;
    close::<B>((encoder, hand))?;
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

/// The table's word for an error of a card.
fn kind(error: &CardError) -> Result<&'static str> {
    Ok(match error {
        CardError::Gone => "error: gone",
        CardError::Recalled { .. } => "error: recalled",
        CardError::Transport { .. } => "error: transport",
        CardError::Fenced { .. } => "error: fenced",
        CardError::Halted { .. } => "error: halted",
        CardError::Job { .. } => "error: job",
        other => return Err(format!("the table has no word for: {other}").into()),
    })
}
