//! `quantize CHECKPOINT --out MODEL`: the command.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use lockstep_arith::encoder::Pooling;
use lockstep_quantize::checkpoint::Config;
use lockstep_quantize::folder::{Options, run};

/// Quantizes a Hugging Face BERT checkpoint to integers: 7-bit weights, 8-bit activations, no
/// float.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Folder with config.json, tokenizer.json and model.safetensors (or an fp32 model.onnx).
    checkpoint: PathBuf,
    /// Folder to write model.onnx, model.lockstep, tokenizer.json, lockstep.json and report.json
    /// to.
    #[arg(long)]
    out: PathBuf,
    /// Calibration text, one passage a line; a general English text is built in.
    #[arg(long)]
    calibration: Option<PathBuf>,
    /// How token vectors become one vector; by default as 1_Pooling/config.json says, else mean.
    #[arg(long, value_enum)]
    pooling: Option<PoolingArgument>,
    /// Name of the model; by default the name of the folder.
    #[arg(long)]
    model_id: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum PoolingArgument {
    Mean,
    Cls,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let started = Instant::now();
    let steps = Config::load(&arguments.checkpoint.join("config.json")).map_or(0, |c| c.layers as u64 + 2);
    let bar = ProgressBar::new(steps);
    if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} [{bar:32}] {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    let options = Options {
        calibration: arguments.calibration,
        pooling: arguments.pooling.map(|p| match p {
            PoolingArgument::Mean => Pooling::Mean,
            PoolingArgument::Cls => Pooling::Cls,
        }),
        model_id: arguments.model_id,
    };
    let mut begun = false;
    let result = run(&arguments.checkpoint, &arguments.out, &options, |step| {
        bar.inc(u64::from(begun));
        begun = true;
        bar.set_message(step.to_owned());
    });
    bar.finish_and_clear();
    match result {
        Ok(quantized) => {
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
