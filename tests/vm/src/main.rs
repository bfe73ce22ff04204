//! The program of the virtual machine. Root tells the stories; the driver and the daemon belong to
//! a user without privileges. The program prints `PASS` or `FAIL` in the end.
//!
//! `program` tells all stories, `program faults` plays each fault at each moment, `program rank`
//! ranks a few texts with a real model, and `program STORY FUNCTION` is a part that the user runs.
#![forbid(unsafe_code)]

mod daemon;
mod driver;
mod function;
mod lab;
mod serving;
mod wait;

use std::io::{BufRead, BufReader};
use std::process::{ExitCode, Stdio};

use daemon::{Daemon, USER, as_user};
use function::Function;
use lockstep_accel_stories::Moment;
use lockstep_accel_vm::{Result, lines};

fn main() -> ExitCode {
    // The driver closes a recalled card on a thread of its own, whose panic must end the story too.
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        print(panic);
        std::process::exit(101);
    }));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let told = match arguments[..] {
        [] => all(),
        ["faults"] => Function::prepare(USER).and_then(|card| user_tells("drive-all", &card)),
        ["rank"] => serving::rank(4, true),
        ["drive", function] => driver::drive(function, &[Moment::Running]),
        ["drive-all", function] => driver::drive(function, &Moment::ALL),
        ["hold", function] => driver::hold(function),
        ["test", function] => lab::test(function),
        _ => Err(format!("{arguments:?} is no story").into()),
    };
    match (told, &arguments[..]) {
        (Ok(()), ["drive" | "drive-all" | "hold" | "test", _]) => ExitCode::SUCCESS,
        (Ok(()), _) => {
            println!("{}", lines::PASS);
            ExitCode::SUCCESS
        }
        (Err(error), _) => {
            println!("FAIL: {error}");
            println!("the daemon's log:\n{}", Daemon::log());
            ExitCode::FAILURE
        }
    }
}

fn all() -> Result<()> {
    let card = Function::await_card()?;
    lab::bind(&card.name, USER)?;
    lab::unbind(&card.name)?;
    lab::bind(&card.name, USER)?;
    let card = Function::prepare(USER)?;
    user_tells("test", &card)?;
    user_tells("drive", &card)?;
    // The kernel and the program that lets go race, so once is not enough.
    for _ in 0..8 {
        recall(&Function::prepare(USER)?)?;
    }
    serving::rank(6, false)?;
    serving::trouble()
}

/// The user tells a story.
fn user_tells(story: &str, card: &Function) -> Result<()> {
    let told = as_user("/bin/program").args([story, &card.name]).status()?;
    if told.success() { Ok(()) } else { Err(format!("the user's story {story} failed").into()) }
}

/// Root removes a card that a user's program holds and does not use.
fn recall(card: &Function) -> Result<()> {
    let mut holder = as_user("/bin/program").args(["hold", &card.name]).stdout(Stdio::piped()).spawn()?;
    let mut lines = holder.stdout.take().into_iter().flat_map(|output| BufReader::new(output).lines());
    let held = lines.find(|line| line.as_ref().is_ok_and(|line| line == driver::HELD));
    held.ok_or("the user's program does not open the card")??;
    lab::held(&card.name)?;
    println!("an idle program let go of the card within {:?}", card.remove()?);
    if !holder.wait()?.success() {
        return Err("the user's program did not hear of the recall".into());
    }
    Function::rescan()
}
