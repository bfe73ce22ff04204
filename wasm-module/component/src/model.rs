//! The model of the component, opened once an instance.

use std::{cell::RefCell, sync::OnceLock, time::Instant};

use lockstep_module::TextModel;
use lockstep_rank::{Limits, Recall, Reply, Service};

use crate::serve::refusal;

/// The model, behind its requests.
pub(crate) type Model = Service<Recall<TextModel>>;

thread_local! {
    static MODEL: RefCell<Option<Model>> = const { RefCell::new(None) };
}

/// Works with the model. Not to be nested; nothing inside waits.
///
/// # Errors
///
/// The refusal of a component whose model does not open.
pub(crate) fn with<T>(work: impl FnOnce(&mut Model) -> T) -> Result<T, Reply> {
    MODEL.with_borrow_mut(|model| {
        if model.is_none() {
            *model = Some(open()?);
        }
        match model {
            Some(model) => Ok(work(model)),
            None => Err(refusal(503, "Unhealthy", "no model is open")),
        }
    })
}

fn open() -> Result<Model, Reply> {
    macro_rules! file {
        ($name:literal) => {
            include_bytes!(concat!(env!("LOCKSTEP_MODEL"), "/", $name))
        };
    }
    let model =
        TextModel::open(&file!("model.lockstep")[..], file!("tokenizer.json"), file!("lockstep.json"));
    let model = model.map_err(|error| refusal(503, "Unhealthy", &error.to_string()))?;
    Ok(Service::new(Recall::new(model), Limits::default(), now))
}

/// Monotonic milliseconds.
fn now() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64() * 1e3
}
