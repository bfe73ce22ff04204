//! Encodes texts by the native engine, without a server: for `make eval` and the browser's tests.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use lockstep_arith::item::compact;
use lockstep_module::TextModel;
use lockstep_rank::{Text, TextEncoder, whole_characters};
use lockstep_tests::folder::files;

/// The number of texts in a batch.
const BATCH: usize = 32;

/// Reads texts, a JSON string per line; writes their integers, a JSON array per line.
///
/// Runs the native engine without a server.
#[derive(Parser)]
struct Arguments {
    /// The model folder.
    model: PathBuf,
    /// Texts are cut to this many tokens, special tokens included.
    #[arg(long)]
    max_tokens: Option<usize>,
    /// Writes compact vectors, by which texts are compared, instead of the pooled integers.
    #[arg(long)]
    compact: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("embed: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let [model, tokenizer, manifest] = files(&arguments.model)?;
    let mut model = TextModel::open(model, &tokenizer, &manifest)?;
    if let Some(limit) = arguments.max_tokens.filter(|limit| *limit < model.info().max_input_length) {
        model.set_max_input_length(limit)?;
    }
    let texts: Vec<String> = std::io::stdin()
        .lock()
        .lines()
        .map(|line| Ok(serde_json::from_str(&whole_characters(&line?))?))
        .collect::<Result<_, Box<dyn std::error::Error>>>()?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for batch in texts.chunks(BATCH) {
        let inputs: Vec<Text<'_>> = batch.iter().map(|t| Text::single(t)).collect();
        for encoded in model.encode(&inputs)? {
            let line = match arguments.compact {
                true => serde_json::to_string(&compact(&encoded.vector)),
                false => serde_json::to_string(&encoded.vector),
            };
            writeln!(out, "{}", line?)?;
        }
    }
    Ok(())
}
