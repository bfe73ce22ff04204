//! `list`: the cards of the machine, who holds them, and why one is not usable.

use std::fmt;

use clap::Args;
use lockstep_accel_driver::{OpenError, Places};
use serde::Serialize;

use crate::output::{Output, Stop};
use crate::problem::Problem;
use crate::system::function::{Function, card_id, cards};
use crate::system::holder::{self, Holder};
use crate::system::limits::{self, LockedMemory};
use crate::system::process::{self, DeviceSocket};
use crate::system::{Root, RootArguments};
use crate::table::{self, row};

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    root: RootArguments,
}

#[derive(Debug, Serialize)]
struct Listing {
    /// PCI functions with the ids of a card.
    cards: Vec<Listed>,
    /// Sockets of device processes.
    device_processes: Vec<DeviceSocket>,
    locked_memory: LockedMemory,
    /// What the machine lacks for all cards.
    problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
struct Listed {
    address: String,
    #[serde(flatten)]
    function: Function,
    /// The other functions of the group.
    neighbours: Vec<Function>,
    holders: Vec<Holder>,
    usable: bool,
    /// Why the card is not usable, and what to do next.
    problem: Option<Problem>,
}

pub(crate) fn run(arguments: &ListArguments, output: &mut Output<'_>) -> Result<(), Stop> {
    let root = arguments.root.root();
    let cards: Vec<Listed> = cards(&root).into_iter().map(|function| listed(&root, function)).collect();
    let device_processes = process::sockets(&root);
    let locked_memory = limits::locked_memory(&root);
    let mut problems = Vec::new();
    if cards.is_empty() && device_processes.is_empty() {
        problems.push(Problem::new(
            format_args!(
                "no PCI function has the ids {} of a card, and no device process listens",
                card_id()
            ),
            "`lspci -nn`: is the board programmed and powered before the machine starts; without a board: \
             lockstep-card SOCKET --mock",
        ));
    } else if !cards.is_empty() {
        problems.extend(locked_memory.check().err());
    }
    output.report(&Listing { cards, device_processes, locked_memory, problems })
}

fn listed(root: &Root, function: Function) -> Listed {
    let holders = function.iommu_group.map(|group| holder::of_group(root, group)).unwrap_or_default();
    let problem = if holders.is_empty() {
        let checked = Places::below(root.path()).check(&function.function);
        checked.err().map(|error| reason(&error))
    } else {
        let names: Vec<String> = holders.iter().map(ToString::to_string).collect();
        Some(Problem::new(
            format_args!("held by {}", names.join(", ")),
            "end that process, or use another card",
        ))
    };
    Listed {
        address: format!("vfio:{}", function.function),
        neighbours: function.neighbours(root),
        holders,
        usable: problem.is_none(),
        problem,
        function,
    }
}

/// Why a card is not usable, without the card's address.
fn reason(error: &OpenError) -> Problem {
    let Problem { error, next } = error.into();
    Problem::new(error.split_once(": ").map_or(error.as_str(), |(_, reason)| reason), next)
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![row([&"ADDRESS", &"DRIVER", &"GROUP", &"STATE"])];
        for card in &self.cards {
            let driver = card.function.driver.as_deref().unwrap_or("none");
            let group = card.function.iommu_group.map_or("none".into(), |group| group.to_string());
            let state = if card.usable { "usable" } else { "not usable" };
            rows.push(row([&card.address, &driver, &group, &state]));
        }
        for socket in &self.device_processes {
            let state = if socket.in_use { "in use" } else { "usable" };
            rows.push(row([&socket.address, &socket.process, &"-", &state]));
        }
        if rows.len() > 1 {
            table::write(f, &rows)?;
        }
        for card in &self.cards {
            for neighbour in &card.neighbours {
                let Function { function, id, driver, .. } = neighbour;
                let driver = driver.as_deref().unwrap_or("none");
                writeln!(f, "{} shares its group with {function} ({id}, driver {driver})", card.address)?;
            }
            if let Some(problem) = &card.problem {
                writeln!(f, "{}: {problem}", card.address)?;
            }
        }
        self.problems.iter().try_for_each(|problem| writeln!(f, "{problem}"))
    }
}
