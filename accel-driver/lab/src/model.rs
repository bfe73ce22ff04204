//! The model of a command: a model folder, or a random model.

use std::path::{Path, PathBuf};

use clap::Args;
use lockstep_arith::encoder::Encoder;
use lockstep_arith::sample::{self, Random, Shape};
use lockstep_folder::manifest::Manifest;
use lockstep_folder::{MANIFEST, RUNTIME, TOKENIZER, runtime};
use lockstep_tokenizer::Tokenizer;

use crate::problem::Problem;

/// The token ids of a sequence, and the type of each token.
pub(crate) type Tokens = (Vec<u32>, Vec<u8>);

/// A model on this machine.
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) encoder: Encoder,
}

/// The model of a command that needs no texts.
#[derive(Debug, Args)]
pub(crate) struct ModelArguments {
    /// A model folder of `quantize`. Without one, a small random model of one layer is used.
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
}

impl ModelArguments {
    pub(crate) fn open(&self) -> Result<Model, Problem> {
        match &self.model {
            Some(folder) => read(folder).map(|(model, _)| model),
            None => Ok(Model {
                name: "random".into(),
                encoder: sample::encoder(&Shape { layers: 1, positions: 512, ..Shape::SMALL }, 1),
            }),
        }
    }
}

impl Model {
    /// Random sequences of `tokens` tokens.
    ///
    /// # Errors
    /// The model or the card takes no such sequence.
    pub(crate) fn sequences(
        &self,
        tokens: usize,
        longest: usize,
        count: usize,
    ) -> Result<Vec<Tokens>, Problem> {
        let longest = longest.min(self.encoder.input_limits().positions);
        if !(1..=longest).contains(&tokens) {
            let error = format!(
                "sequences of {tokens} tokens: model {} on this card takes 1 to {longest}",
                self.name
            );
            return Err(Problem::new(error, "another --tokens; `lockstep-lab info` prints the card's limit"));
        }
        let mut random = Random::new(tokens as u64);
        Ok((0..count).map(|_| sample::sequence(&self.encoder, tokens, &mut random)).collect())
    }
}

/// Reads a model folder, and checks the digests of its files.
pub(crate) fn read(folder: &Path) -> Result<(Model, Tokenizer), Problem> {
    let file = |name| {
        let path = folder.join(name);
        std::fs::read(&path).map_err(|error| {
            let error = format!("{}: {error}", path.display());
            Problem::new(error, "name a folder that `quantize` wrote; `make model` makes one")
        })
    };
    let next = "quantize the checkpoint again, or copy the whole model folder again";
    let wrong = |error: &dyn std::fmt::Display| Problem::new(format!("{}: {error}", folder.display()), next);
    let manifest = Manifest::read(&file(MANIFEST)?).map_err(|error| wrong(&error))?;
    let (bytes, tokenizer) = (file(RUNTIME)?, file(TOKENIZER)?);
    manifest.verify(RUNTIME, &bytes).map_err(|error| wrong(&error))?;
    manifest.verify(TOKENIZER, &tokenizer).map_err(|error| wrong(&error))?;
    let packed = runtime::read(bytes.into()).map_err(|error| wrong(&error))?;
    let tokenizer = Tokenizer::from_json(&tokenizer).map_err(|error| wrong(&error))?;
    Ok((Model { name: manifest.model_id, encoder: runtime::unpack(&packed) }, tokenizer))
}
