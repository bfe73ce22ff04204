//! The export that puts a model into the component. `edge-host open` calls it and keeps the memory that it leaves; in
//! the component that is served it refuses.
#![allow(unsafe_code, reason = "the generated face of the export")]

use std::cell::RefCell;

use lockstep_module::{Buffer, Line};

use crate::model;

spin_sdk::wit_bindgen::generate!({
    inline: "
        package lockstep:component;
        world opening {
            /// Takes the next piece of the files: of model.lockstep, tokenizer.json and lockstep.json, whose lengths are
            /// given, one after another; no piece belongs to two. True when they are whole and the model is open.
            export open-model: func(lengths: tuple<u32, u32, u32>, piece: list<u8>) -> result<bool, string>;
        }
    ",
    runtime_path: "spin_sdk::wit_bindgen::rt",
});

struct Opening;
export!(Opening);

/// What there is of the files so far.
#[derive(Default)]
struct Files {
    /// Where the model stays: lines of 64 bytes, as it is read.
    model: Vec<Line>,
    /// Bytes of the model that are there.
    filled: usize,
    tokenizer: Vec<u8>,
    manifest: Vec<u8>,
}

impl Files {
    fn add_to_model(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let (line, at) = (self.filled / size_of::<Line>(), self.filled % size_of::<Line>());
            let (now, later) = piece.split_at(piece.len().min(size_of::<Line>() - at));
            self.model[line].0[at..at + now.len()].copy_from_slice(now);
            self.filled += now.len();
            piece = later;
        }
    }
}

thread_local! {
    static FILES: RefCell<Files> = RefCell::default();
}

impl Guest for Opening {
    fn open_model(lengths: (u32, u32, u32), piece: Vec<u8>) -> Result<bool, String> {
        if model::is_open() {
            return Err("a model is open already".into());
        }
        let [model, tokenizer, manifest] = [lengths.0, lengths.1, lengths.2].map(|length| length as usize);
        FILES.with_borrow_mut(|files| {
            if files.model.is_empty() {
                files.model = vec![Line([0; size_of::<Line>()]); model.div_ceil(size_of::<Line>())];
            }
            if piece.len() <= model - files.filled {
                files.add_to_model(&piece);
            } else if files.tokenizer.len() < tokenizer {
                files.tokenizer.extend(piece);
            } else {
                files.manifest.extend(piece);
            }
            if files.manifest.len() < manifest {
                return Ok(false);
            }
            let Files { model: lines, tokenizer, manifest, .. } = std::mem::take(files);
            let model = Buffer::of_lines(lines.into_boxed_slice(), model);
            model::open(model, &tokenizer, &manifest).map(|()| true).map_err(|error| error.to_string())
        })
    }
}
