//! An open model folder: texts in, integers out.

use std::sync::OnceLock;

use lockstep_folder::manifest::Manifest;
use lockstep_folder::{MANIFEST, RUNTIME, TOKENIZER};
use lockstep_model::{Buffer, Model, Sequence};
use lockstep_rank::{EncodeError, Encoded, ModelInfo, Text, TextEncoder, Token};
use lockstep_tokenizer::Encoding;

use crate::{OpenError, TextReader};

/// The tokenizer and the model of one folder.
pub struct TextModel {
    reader: TextReader,
    model: Model,
    /// The model chooses its kernel, which names the backend, at the first use.
    info: OnceLock<ModelInfo>,
}

impl TextModel {
    /// Opens three files of a model folder: `model.lockstep`, `tokenizer.json` and the manifest
    /// `lockstep.json`. The digests of the first two must be those of the manifest. The weights
    /// stay in the buffer of `model`; the other two files are not needed afterwards.
    ///
    /// # Errors
    /// [`OpenError`] names the file and the problem.
    pub fn open(model: impl Into<Buffer>, tokenizer: &[u8], manifest: &[u8]) -> Result<Self, OpenError> {
        let model = model.into();
        let manifest = Manifest::read(manifest)?;
        manifest.verify(RUNTIME, &model)?;
        Self::open_parts(model, tokenizer, &manifest)
    }

    /// Opens a model folder. It reads the files once: whoever changes them later changes no answer.
    ///
    /// # Errors
    /// As [`Self::open`], and [`OpenError::File`] if a file cannot be read.
    #[cfg(not(target_family = "wasm"))]
    pub fn open_folder(folder: &std::path::Path) -> Result<Self, OpenError> {
        let unreadable = |name: &str| {
            let path = folder.join(name);
            move |source| OpenError::File { path, source }
        };
        let read = |name: &str| std::fs::read(folder.join(name)).map_err(unreadable(name));
        let (manifest, tokenizer) = (read(MANIFEST)?, read(TOKENIZER)?);
        let model = Buffer::read(&folder.join(RUNTIME)).map_err(unreadable(RUNTIME))?;
        let manifest = Manifest::read(&manifest)?;
        // Hashing the weights takes longer than all other work, none of which depends on the
        // result.
        crate::check::beside(&manifest, RUNTIME, &model, || {
            Self::open_parts(model.clone(), &tokenizer, &manifest)
        })?
    }

    fn open_parts(model: Buffer, tokenizer: &[u8], manifest: &Manifest) -> Result<Self, OpenError> {
        let reader = TextReader::open(tokenizer, manifest)?;
        let model = Model::open(model)?;
        if reader.vocabulary() > model.vocabulary() {
            return Err(OpenError::Mismatch {
                what: "the vocabulary",
                first: TOKENIZER,
                found: reader.vocabulary(),
                second: RUNTIME,
                expected: model.vocabulary(),
            });
        }
        let same = |what, found, expected| {
            let mismatch = OpenError::Mismatch { what, first: RUNTIME, found, second: MANIFEST, expected };
            if found == expected { Ok(()) } else { Err(mismatch) }
        };
        same("the number of outputs", model.outputs(), reader.outputs())?;
        same("the vocabulary", model.vocabulary(), reader.stated_vocabulary())?;
        let (found, expected) = (model.positions(), reader.positions());
        if expected > found {
            let what = "the longest sequence";
            return Err(OpenError::Mismatch { what, first: RUNTIME, found, second: MANIFEST, expected });
        }
        Ok(Self { reader, model, info: OnceLock::new() })
    }

    /// The tokenizer, and the model's description.
    #[must_use]
    pub const fn reader(&self) -> &TextReader {
        &self.reader
    }

    /// The name of the kernel that computes here, for example `wasm-relaxed`.
    #[must_use]
    pub fn kernel_name(&self) -> &'static str {
        self.model.kernel_name()
    }

    /// Sets the longest sequence; see [`TextReader::set_max_input_length`].
    ///
    /// # Errors
    /// [`OpenError::Limit`] if the model cannot truncate texts to this limit.
    pub fn set_max_input_length(&mut self, limit: usize) -> Result<(), OpenError> {
        self.info = OnceLock::new();
        self.reader.set_max_input_length(limit)
    }

    /// Runs the model on sequences of token ids. Several threads may call it at the same time.
    /// Vector `i` of the result belongs to sequence `i`.
    ///
    /// # Errors
    /// [`EncodeError::Backend`] if the model does not accept a sequence, or if tract fails.
    pub fn run(&self, batch: &[Sequence<'_>]) -> Result<Vec<Vec<i32>>, EncodeError> {
        self.model.run(batch).map_err(|error| EncodeError::Backend(error.to_string()))
    }

    /// Runs the model on tokenized texts.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_texts(&self, encodings: &[Encoding]) -> Result<Vec<Encoded>, EncodeError> {
        let batch: Vec<Sequence<'_>> =
            encodings.iter().map(|e| Sequence { ids: &e.ids, type_ids: &e.type_ids }).collect();
        let encoded = self.run(&batch)?.into_iter().zip(encodings);
        Ok(encoded
            .map(|(vector, e)| Encoded { vector, tokens: e.ids.len(), truncated: e.truncated })
            .collect())
    }
}

impl TextEncoder for TextModel {
    fn info(&self) -> &ModelInfo {
        self.info.get_or_init(|| self.reader.info(self.kernel_name()))
    }

    fn encode(&mut self, inputs: &[Text<'_>]) -> Result<Vec<Encoded>, EncodeError> {
        self.run_texts(&self.reader.tokenize_all(inputs)?)
    }

    fn count_tokens(&mut self, input: Text<'_>) -> Result<usize, EncodeError> {
        self.reader.tokenize(input).map(|e| e.total_tokens)
    }

    fn tokens(&mut self, text: &str, special: bool) -> Result<Vec<Token>, EncodeError> {
        Ok(self.reader.tokens(text, special))
    }

    fn text_of(&mut self, ids: &[u32], skip_special: bool) -> Result<String, EncodeError> {
        self.reader.decode(ids, skip_special)
    }
}
