//! The daemon with the card: what happens to the card costs no answer and changes none.

use std::time::{Duration, Instant};

use lockstep_accel_vm::http::Answer;
use lockstep_accel_vm::requests::{self, Request};
use lockstep_accel_vm::{Result, lines};

use crate::daemon::{Daemon, USER};
use crate::function::Function;
use crate::wait::until;

/// How long an answer may take. A job on the card may take a quarter of it.
const ANSWER: Duration = Duration::from_secs(60);
/// The same for a real model, whose every layer is simulated.
const SLOW_ANSWER: Duration = Duration::from_secs(3600);
/// Texts of the request during which something happens: some seconds of work for the card.
const MANY: usize = 8;
/// Texts of the request that shows that the card works.
const FEW: usize = 2;

/// A daemon, and requests with their right answers.
struct Serving {
    daemon: Daemon,
    many: (Request, Answer),
    few: (Request, Answer),
}

/// Ranks on the card as on the CPU, and prints the card's answer for the test outside.
pub(crate) fn rank(candidates: usize, real: bool) -> Result<()> {
    let limit = if real { SLOW_ANSWER } else { ANSWER };
    let request = requests::rank(candidates);
    let card = Function::prepare(USER)?;
    let daemon = Daemon::start(Some(&card.address()), limit)?;
    let begin = Instant::now();
    let answer = daemon.ask_card(&request)?;
    println!("{} ranked {candidates} texts, ready and ranked in {:?}", answer.engines, begin.elapsed());
    println!("{}{} {}", lines::ANSWER, candidates, answer.body);
    daemon.stop()
}

/// Takes the card away in the middle of its jobs, in several ways, and gives it back.
pub(crate) fn trouble() -> Result<()> {
    let plain = Daemon::start(None, ANSWER)?;
    let asked = |request: Request| plain.ask(&request).map(|right| (request, right));
    let (many, few) = (asked(requests::encode(MANY))?, asked(requests::encode(FEW))?);
    plain.stop()?;
    let card = Function::prepare(USER)?;
    let serving = Serving { daemon: Daemon::start(Some(&card.address()), ANSWER)?, many, few };
    serving.card_answers()?;

    serving.during("a function level reset by root", || card.reset())?;
    serving.card_answers()?;

    serving.during("root removes the function", || {
        let took = card.remove()?;
        println!("the daemon let go of the card within {took:?}");
        Ok(())
    })?;
    serving.without_card()?;
    Function::rescan()?;
    let card = Function::prepare(USER)?;
    serving.card_answers()?;

    serving.during("the card falls off the bus", || card.fall_off_the_bus())?;
    serving.card_answers()?;
    serving.daemon.stop()
}

impl Serving {
    /// The card gives the right answer alone.
    fn card_answers(&self) -> Result<()> {
        let begin = Instant::now();
        let (request, right) = &self.few;
        let answer = self.daemon.ask_card(request)?;
        println!("{} encoded {FEW} texts after {:?}", answer.engines, begin.elapsed());
        compare(&answer, right)
    }

    /// The CPU gives the right answer alone.
    fn without_card(&self) -> Result<()> {
        let (request, right) = &self.many;
        let answer = self.daemon.ask(request)?;
        if answer.engines.contains("vfio") {
            return Err(format!("{} answered without a card", answer.engines).into());
        }
        compare(&answer, right)
    }

    /// Asks, and lets something happen as soon as the card has ended some jobs of the request.
    fn during(&self, what: &str, happens: impl FnOnce() -> Result<()>) -> Result<()> {
        println!("{what}");
        let (request, right) = &self.many;
        let (begin, before) = (Instant::now(), Function::interrupts());
        let answer = std::thread::scope(|scope| {
            let asked = scope.spawn(|| self.daemon.ask(request));
            until("the card works", || Function::interrupts() > before + 1)?;
            let (after, pending) = (begin.elapsed(), !asked.is_finished());
            happens()?;
            println!("after {after:?} of the request");
            if !pending {
                return Err("the request was over before it happened".into());
            }
            asked.join().map_err(|_| "a thread panicked")?
        })?;
        println!("{} answered in {:?}", answer.engines, begin.elapsed());
        compare(&answer, right)
    }
}

fn compare(found: &Answer, right: &Answer) -> Result<()> {
    if found.body == right.body {
        return Ok(());
    }
    Err(format!("{} gave another answer than {}", found.engines, right.engines).into())
}
