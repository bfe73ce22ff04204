//! The component's model. An instance starts with the model open.

use std::cell::RefCell;

use lockstep_module::{Buffer, OpenError, TextModel};
use lockstep_rank::{CachedEncoder, Limits, Problem, Service, monotonic_ms};

/// The service around the model.
pub(crate) type Model = Service<CachedEncoder<TextModel>>;

thread_local! {
    static MODEL: RefCell<Option<Model>> = const { RefCell::new(None) };
}

/// Calls `work` with the model. `work` must not call this function again, and cannot wait.
///
/// # Errors
///
/// The component has no model.
pub(crate) fn with<T>(work: impl FnOnce(&mut Model) -> T) -> Result<T, Problem> {
    MODEL.with_borrow_mut(|model| match model {
        Some(model) => Ok(work(model)),
        None => Err(Problem::Unhealthy("the component has no model: `edge-host open` puts one in".into())),
    })
}

/// Whether a model is open.
pub(crate) fn is_open() -> bool {
    MODEL.with_borrow(Option::is_some)
}

/// Opens the files of a model folder.
///
/// # Errors
///
/// Names the file and what is wrong with it.
pub(crate) fn open(model: Buffer, tokenizer: &[u8], manifest: &[u8]) -> Result<(), OpenError> {
    let model = TextModel::open(model, tokenizer, manifest)?;
    MODEL.set(Some(Service::new(CachedEncoder::new(model), Limits::default(), monotonic_ms)));
    Ok(())
}
