//! The vector pack of the application: a file among the `files` of the component. An instance loads
//! it before its first request.

use std::{cell::RefCell, fs};

use crate::{model, settings::text};

/// A path, and what came of loading it.
type Tried = (String, Result<(), String>);

thread_local! {
    static TRIED: RefCell<Option<Tried>> = const { RefCell::new(None) };
}

/// Loads the pack that the variable names, unless this instance has tried that already.
///
/// # Errors
///
/// A file that cannot be read, or a pack that is damaged or of another model; names the path.
pub(crate) async fn load() -> Result<(), String> {
    let Some(path) = text("pack").await? else { return Ok(()) };
    TRIED.with_borrow_mut(|tried| match tried {
        Some((known, outcome)) if *known == path => outcome.clone(),
        _ => {
            let outcome = read(&path).map_err(|why| format!("pack: {path}: {why}"));
            *tried = Some((path, outcome.clone()));
            outcome
        }
    })
}

fn read(path: &str) -> Result<(), String> {
    let file = fs::read(path).map_err(|error| error.to_string())?;
    let loaded = model::with(|model| model.load_pack(file)).map_err(|problem| problem.to_string())?;
    loaded.map(drop).map_err(|error| error.to_string())
}
