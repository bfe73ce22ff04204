//! The export that puts a model into the component. `edge-host open` calls it and saves the memory
//! of the component. In the saved component a model is open, so the export refuses.
#![allow(unsafe_code, reason = "the generated code of the export")]

use std::cell::RefCell;

use lockstep_module::{Buffer, Line};

use crate::model;

spin_sdk::wit_bindgen::generate!({
    inline: "
        package lockstep:component;
        world opening {
            /// Takes the next piece of three files, one after another: model.lockstep,
            /// tokenizer.json, lockstep.json. `lengths` gives their lengths. No piece belongs to
            /// two files. True once the files are complete and the model is open.
            export open-model: func(lengths: tuple<u32, u32, u32>, piece: list<u8>) -> result<bool, string>;
        }
    ",
    runtime_path: "spin_sdk::wit_bindgen::rt",
});

struct Opening;
export!(Opening);

/// The parts of the files that have arrived.
#[derive(Default)]
struct Files {
    /// The model, in lines of 64 bytes. The open model is read in place here.
    model: Vec<Line>,
    /// Bytes of the model that have arrived.
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
