//! Runs rten on an ordinary ONNX export, on one thread: an engine of the bench in its own process.
//!
//! The answer to a line `{"engine", "case", "seconds"}` is `{"ms": [..], "floats": [[..]]}`: the
//! milliseconds of each call, and for each sequence the mean of its hidden states.

use std::{
    io::{BufRead, Write},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Parser;
use rten::{Model, ModelOptions, RunOptions, ThreadPool};
use rten_tensor::{AsView, NdTensor};
use serde_json::{Value, json};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

/// Runs rten on one thread for the bench, which asks by lines of JSON on standard input.
#[derive(Parser)]
struct Arguments {
    /// An ordinary ONNX export.
    model: PathBuf,
    /// The bench's cases, a JSON file.
    cases: PathBuf,
}

fn main() -> Fallible<()> {
    let arguments = Arguments::parse();
    let model = ModelOptions::with_all_ops().prepack_weights(true).load_file(&arguments.model)?;
    let cases: Value = serde_json::from_slice(&std::fs::read(&arguments.cases)?)?;
    let pool = Arc::new(ThreadPool::with_num_threads(1));
    for line in std::io::stdin().lock().lines() {
        let answer =
            turn(&model, &pool, &cases, &line?).unwrap_or_else(|error| json!({"error": error.to_string()}));
        let mut output = std::io::stdout().lock();
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

fn turn(model: &Model, pool: &Arc<ThreadPool>, cases: &Value, question: &str) -> Fallible<Value> {
    let question: Value = serde_json::from_str(question)?;
    let case = &cases[question["case"].as_u64().ok_or("no case")? as usize];
    let ids: Vec<Vec<i32>> = serde_json::from_value(case["ids"].clone())?;
    let seconds = Duration::from_secs_f64(question["seconds"].as_f64().ok_or("no seconds")?);
    let shape = [ids.len(), ids.first().map_or(0, Vec::len)];
    let inputs = [ids.concat(), vec![1; shape[0] * shape[1]], vec![0; shape[0] * shape[1]]];
    let mut tensors = Vec::new();
    for (name, values) in ["input_ids", "attention_mask", "token_type_ids"].into_iter().zip(inputs) {
        tensors.push((model.node_id(name)?, NdTensor::from_data(shape, values)));
    }
    let output = [model.node_id("last_hidden_state")?];
    let run = || -> Fallible<Vec<f32>> {
        let inputs = tensors.iter().map(|(id, tensor)| (*id, tensor.view().into())).collect();
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(pool)));
        let [hidden] = model.run_n(inputs, output, Some(options))?;
        let (_, hidden) = hidden.into_shape_vec::<f32, 3>()?;
        Ok(hidden)
    };
    let mut hidden = run()?;
    let mut ms = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < seconds || ms.len() < 3 {
        let started = Instant::now();
        hidden = run()?;
        ms.push(started.elapsed().as_secs_f64() * 1e3);
    }
    let width = hidden.len() / (shape[0] * shape[1]);
    let mean = |rows: &[f32]| -> Vec<f32> {
        (0..width).map(|j| rows.iter().skip(j).step_by(width).sum::<f32>() / shape[1] as f32).collect()
    };
    let floats: Vec<Vec<f32>> = hidden.chunks_exact(shape[1] * width).map(mean).collect();
    Ok(json!({ "ms": ms, "floats": floats }))
}
