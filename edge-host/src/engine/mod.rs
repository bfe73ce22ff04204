//! The engines that encode token ids, behind the traits of `interface.rs`.
//!
//! To add an engine: write its file here, with `Engines` for the part that its workers share and
//! `Engine` for one worker; add its seats in [`prepare`]. The scheduler, the workers and HTTP do
//! not change.

mod card;
pub(crate) mod interface;
mod native;
pub(crate) mod texts;
pub(crate) mod wasm;

pub(crate) use native::unopened;

use std::sync::{Arc, atomic::AtomicBool};

use lockstep_folder::{
    RUNTIME,
    runtime::{Buffer, read, unpack},
};
use lockstep_module::TextModel;

use crate::{
    config::{Backend, Config},
    core::{route::Kind, scheduler::SeatPlan},
    engine::{interface::Engines, texts::Texts},
    error::HostError,
};

/// The engines of a daemon that is about to serve.
pub(crate) struct Prepared {
    pub(crate) texts: Arc<Texts>,
    /// One seat for each worker, the CPUs first.
    pub(crate) seats: Vec<(SeatPlan, Arc<dyn Engines>)>,
}

/// Opens the model, and reads the module.
///
/// # Errors
///
/// Files that cannot be read, or a model that does not open.
pub(crate) fn check(config: &Config) -> Result<(), HostError> {
    if config.backend == Backend::Wasm {
        crate::files::read(&config.module)?;
    }
    TextModel::open_folder(&config.model).map_err(native::unopened).map(drop)
}

/// Prepares the engines that the configuration asks for. Setting `stop` ends the preparation, and
/// later every call of every engine.
///
/// # Errors
///
/// Files that cannot be read, a module that does not compile, a model that does not open, or a
/// model that cards cannot hold.
pub(crate) fn prepare(config: &Config, stop: Arc<AtomicBool>) -> Result<Prepared, HostError> {
    let (texts, cpu, name): (_, Arc<dyn Engines>, _) = match config.backend {
        Backend::Native => {
            let (engines, model) = native::Native::open(&config.model, stop)?;
            (Texts::OfModel(model), Arc::new(engines), "native")
        }
        Backend::Wasm => {
            let (reader, engines) = wasm::Instances::stoppable(config, stop)?;
            (Texts::Alone(Box::new(reader)), Arc::new(engines), "wasm")
        }
    };
    let described = texts.reader().info("");
    let longest = described.max_input_length;
    let plan =
        |name, kind| SeatPlan { name, kind, longest, preferred: config.prefer_cards && kind == Kind::Card };
    let mut seats = Vec::new();
    for number in 0..config.instances.get() {
        seats.push((plan(format!("{name}-{number}"), Kind::Cpu), Arc::clone(&cpu)));
    }
    if !config.accels.is_empty() {
        let checked = match &texts {
            Texts::OfModel(model) => Arc::clone(model),
            Texts::Alone(_) => Arc::new(TextModel::open_folder(&config.model).map_err(native::unopened)?),
        };
        let path = config.model.join(RUNTIME);
        let file = Buffer::read(&path).map_err(|source| HostError::File { path: path.clone(), source })?;
        let packed = read(file).map_err(|error| HostError::Open(format!("{}: {error}", path.display())))?;
        let model = Arc::new(unpack(&packed));
        for address in &config.accels {
            let (name, model, checked) = (address.to_string(), Arc::clone(&model), Arc::clone(&checked));
            let card =
                card::CardEngines::new(address.clone(), model, checked, config.check_share, config.deadline);
            seats.push((plan(name, Kind::Card), Arc::new(card)));
        }
    }
    Ok(Prepared { texts: Arc::new(texts), seats })
}
