//! `embed MODEL [--max-tokens N]`: a JSON string a line in, a JSON array of the pooled integers a line out.
//!
//! The native engine without a server, for `make eval`.

use std::io::{BufRead, Write};
use std::path::Path;
use std::process::ExitCode;

use lockstep_module::TextModel;
use lockstep_rank::{Text, TextEncoder};
use lockstep_tests::folder::files;

/// Texts that go through the model together.
const BATCH: usize = 32;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("embed: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: embed MODEL [--max-tokens N]")?;
    let limit: usize = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => usize::MAX,
        (Some("--max-tokens"), Some(n)) => {
            n.parse().map_err(|_| format!("--max-tokens {n}: not a number"))?
        }
        (Some(other), _) => {
            return Err(format!("{other}: not known; usage: embed MODEL [--max-tokens N]").into());
        }
    };
    let [model, tokenizer, manifest] = files(Path::new(&folder))?;
    let mut model = TextModel::open(model, &tokenizer, &manifest)?;
    if limit < model.info().max_input_length {
        model.set_max_input_length(limit)?;
    }
    let texts: Vec<String> = std::io::stdin()
        .lock()
        .lines()
        .map(|line| Ok(serde_json::from_str(&line?)?))
        .collect::<Result<_, Box<dyn std::error::Error>>>()?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for batch in texts.chunks(BATCH) {
        let inputs: Vec<Text<'_>> = batch.iter().map(|t| Text::single(t)).collect();
        for encoded in model.encode(&inputs)? {
            writeln!(out, "{}", serde_json::to_string(&encoded.vector)?)?;
        }
    }
    Ok(())
}
