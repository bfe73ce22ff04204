//! Opens a model folder and ranks three texts for a person who has read two others.
//!
//! `cargo run --release -p lockstep-module --example rank -- .cache/models/all-MiniLM-L6-v2`
//!
//! `make model` makes that folder. The request is the body of `POST /v1/rank`.

use std::error::Error;
use std::path::PathBuf;

use lockstep_module::TextModel;
use lockstep_rank::{Limits, Service, monotonic_ms};

const REQUEST: &str = r#"{
    "user": {"history": [{"text": "A bicycle lamp for dark roads"}, {"text": "Repair a flat tyre"}]},
    "candidates": [
        {"id": "bread", "text": "How to keep a sourdough alive"},
        {"id": "helmets", "text": "Bicycle helmets compared"},
        {"id": "trains", "text": "Night trains through the Alps"}
    ],
    "explain": true
}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = std::env::args_os().nth(1).ok_or("usage: rank MODEL_FOLDER")?.into();
    let model = TextModel::open_folder(&folder)?;
    let mut service = Service::new(model, Limits::default(), monotonic_ms);
    let reply = service.handle("POST", "/v1/rank", REQUEST.as_bytes());
    println!("{}", reply.body);
    Ok(())
}
