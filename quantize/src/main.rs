//! `quantize CHECKPOINT --out MODEL`: the command.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use lockstep_arith::encoder::Pooling;
use lockstep_quantize::folder::{Options, Written, run};

/// Quantizes a Hugging Face encoder to integers: 7-bit weights, 8-bit activations, no float.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Folder of a sentence-transformers model, or one with config.json, tokenizer.json (or
    /// vocab.txt) and model.safetensors (or its parts, or an fp32 model.onnx).
    checkpoint: PathBuf,
    /// Folder to write model.onnx, model.lockstep, tokenizer.json, lockstep.json and report.json
    /// to.
    #[arg(long)]
    out: PathBuf,
    /// Calibration text, one passage a line; a general English text is built in.
    #[arg(long)]
    calibration: Option<PathBuf>,
    /// How token vectors become one vector; by default as the checkpoint says, else mean.
    #[arg(long, value_enum)]
    pooling: Option<PoolingArgument>,
    /// Most tokens of a text, special tokens included; by default what the checkpoint says
    /// (max_seq_length, else model_max_length), at most its positions.
    #[arg(long)]
    max_input_length: Option<usize>,
    /// Name of the model; by default the name of the folder.
    #[arg(long)]
    model_id: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum PoolingArgument {
    Mean,
    Cls,
    Max,
    Weightedmean,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let started = Instant::now();
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} [{bar:32}] {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    let options = Options {
        calibration: arguments.calibration,
        pooling: arguments.pooling.map(|p| match p {
            PoolingArgument::Mean => Pooling::Mean,
            PoolingArgument::Cls => Pooling::Cls,
            PoolingArgument::Max => Pooling::Max,
            PoolingArgument::Weightedmean => Pooling::WeightedMean,
        }),
        max_input_length: arguments.max_input_length,
        model_id: arguments.model_id,
    };
    let mut begun = false;
    let result = run(&arguments.checkpoint, &arguments.out, &options, |step, steps| {
        bar.set_length(steps as u64);
        bar.inc(u64::from(begun));
        begun = true;
        bar.set_message(step.to_owned());
    });
    bar.finish_and_clear();
    match result {
        Ok(Written { quantized, notes }) => {
            notes.iter().for_each(|note| eprintln!("quantize: note: {note}"));
            print!("{}", quantized.report);
            println!("wrote {} in {:.1} s", arguments.out.display(), started.elapsed().as_secs_f64());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("quantize: {error}");
            ExitCode::from(2)
        }
    }
}
