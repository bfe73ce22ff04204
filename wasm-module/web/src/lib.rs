//! The engine in a browser's worker.
//!
//! A worker has one thread, and nothing can stop it while it computes. So the engine answers a
//! request in steps. [`Engine::read`] validates the request, and [`Engine::weigh`] counts the
//! tokens that the model must run. Each [`Engine::step`] runs the model on a few texts, and
//! [`Engine::finish`] makes the answer. Between two steps the worker reads its messages. The
//! vectors stay in a [`Memory`], so the model runs once on each text, however often the text is
//! ranked.

mod memory;

use lockstep_module::TextModel;
use lockstep_pack::{Head, PackError};
use lockstep_rank::{Job, Limits, Reply, Service, Text, TextEncoder};
use wasm_bindgen::prelude::*;

pub use memory::Memory;

/// An answer.
#[wasm_bindgen]
pub struct Answer {
    status: u16,
    tokens: usize,
    body: String,
}

#[wasm_bindgen]
impl Answer {
    /// The HTTP status, as the daemon would send it.
    #[wasm_bindgen(getter)]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Tokens of all texts of the request, also of those that the model did not have to run.
    #[wasm_bindgen(getter)]
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// JSON.
    #[wasm_bindgen(getter)]
    pub fn body(&self) -> String {
        self.body.clone()
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self { status: reply.status, tokens: reply.usage.tokens, body: reply.body }
    }
}

/// The outcome of loading a vector pack.
#[wasm_bindgen]
pub struct PackAnswer {
    loaded: Option<Head>,
    /// Why the pack was not loaded: a word for the page, and a sentence.
    refused: (&'static str, String),
}

#[wasm_bindgen]
impl PackAnswer {
    /// Why the pack was not loaded: `damaged`, `model` or `base`; empty if it was.
    #[wasm_bindgen(getter)]
    pub fn reason(&self) -> String {
        self.refused.0.to_owned()
    }

    /// The same as a sentence.
    #[wasm_bindgen(getter)]
    pub fn message(&self) -> String {
        self.refused.1.clone()
    }

    /// The number of items that the pack has.
    #[wasm_bindgen(getter)]
    pub fn items(&self) -> usize {
        self.loaded.map_or(0, |head| head.items)
    }

    /// The number of the last change that the pack has; a pack of a list has 0.
    #[wasm_bindgen(getter)]
    pub fn sequence(&self) -> f64 {
        self.loaded.map_or(0.0, |head| head.sequence as f64)
    }

    /// Whether the pack is a delta.
    #[wasm_bindgen(getter)]
    pub fn delta(&self) -> bool {
        self.loaded.is_some_and(|head| head.is_delta())
    }
}

/// A model, and the request that it is answering.
#[wasm_bindgen]
pub struct Engine {
    service: Service<Memory<TextModel>>,
    job: Option<Job>,
    /// Texts of the job that the model still has to run; the next one is the last.
    ahead: Vec<String>,
}

#[wasm_bindgen]
impl Engine {
    /// Opens the files of a model folder.
    ///
    /// # Errors
    /// A file that is wrong; names the file and the mistake.
    #[wasm_bindgen(constructor)]
    pub fn open(model: Vec<u8>, tokenizer: &[u8], manifest: &[u8]) -> Result<Engine, JsError> {
        let model =
            TextModel::open(model, tokenizer, manifest).map_err(|error| JsError::new(&error.to_string()))?;
        // The worker itself measures the time of all steps.
        let service = Service::new(Memory::new(model), Limits::default(), || 0.0);
        Ok(Self { service, job: None, ahead: Vec::new() })
    }

    /// Loads a vector pack, which stays in the engine's memory as it came.
    pub fn load_pack(&mut self, file: Vec<u8>) -> PackAnswer {
        match self.service.load_pack(file) {
            Ok(head) => PackAnswer { loaded: Some(head), refused: ("", String::new()) },
            Err(error) => PackAnswer { loaded: None, refused: (reason(&error), error.to_string()) },
        }
    }

    /// Reads and validates a request; the refusal of one that is not valid. What was read before is
    /// dropped.
    pub fn read(&mut self, method: &str, path: &str, body: &str) -> Option<Answer> {
        self.ahead.clear();
        self.job = None;
        self.service.encoder_mut().trim();
        match self.service.read(method, path, body.as_bytes()) {
            Err(refusal) => Some(refusal.into()),
            Ok(job) => {
                // `finish` runs pairs and token ids, all of them at once.
                let texts = job.inputs().into_iter().filter_map(Text::alone);
                self.ahead = self.service.encoder().unknown(texts);
                self.job = Some(job);
                None
            }
        }
    }

    /// Counts the tokens that the steps of the request still have to run.
    pub fn weigh(&mut self) -> usize {
        let memory = self.service.encoder_mut();
        let limit = memory.info().max_input_length;
        let count =
            |text: &String| memory.count_tokens(Text::single(text)).map_or(0, |tokens| tokens.min(limit));
        self.ahead.iter().map(count).sum()
    }

    /// Runs the model on the next texts, at most `budget` tokens, but at least one text. Gives the
    /// number of tokens that ran; 0 once no text is left.
    pub fn step(&mut self, budget: usize) -> usize {
        let memory = self.service.encoder_mut();
        let (mut slice, mut tokens) = (Vec::new(), 0);
        while let Some(text) = self.ahead.last() {
            let Ok(count) = memory.count_tokens(Text::single(text)) else {
                // `finish` will refuse the request, and name the text.
                self.ahead.pop();
                continue;
            };
            let count = count.min(memory.info().max_input_length);
            if !slice.is_empty() && tokens + count > budget {
                break;
            }
            tokens += count;
            slice.extend(self.ahead.pop());
        }
        let texts: Vec<Text<'_>> = slice.iter().map(|text| Text::single(text)).collect();
        // After a failure, `finish` runs the same texts, fails again, and reports the error.
        if !texts.is_empty() && memory.encode(&texts).is_err() {
            self.ahead.clear();
        }
        tokens
    }

    /// Answers the request that was read. Runs the texts that no step has run.
    ///
    /// # Errors
    /// No request was read.
    pub fn finish(&mut self) -> Result<Answer, JsError> {
        self.ahead.clear();
        let job = self.job.take().ok_or_else(|| JsError::new("no request was read"))?;
        Ok(self.service.run(&job).into())
    }

    /// Drops the request that was read.
    pub fn cancel(&mut self) {
        self.ahead.clear();
        self.job = None;
    }

    /// Forgets all vectors.
    pub fn forget(&mut self) {
        self.service.encoder_mut().forget();
    }
}

fn reason(error: &PackError) -> &'static str {
    match error {
        PackError::Foreign(_) | PackError::Damaged(_) => "damaged",
        PackError::OtherModel(_) | PackError::OtherSpace(_) | PackError::NoVectors(_) => "model",
        PackError::OtherBase(_) | PackError::TooManyDeltas(_) => "base",
    }
}
