//! Runs the real model on the simulated card, compares its bits with the reference, and reports
//! cycles, utilisation and speed of the simulation.
//!
//! `sim_report MODEL REPORT [ARRAY:TOKENS:BATCH | ARRAY:sentences | ARRAY:TOKENS:gemm]…` prints a
//! table, and writes `REPORT` (JSON) after each case. It keeps a row of an earlier report if
//! design, model, program and token ids are the same.
//!
//! The cycles are counted from the doorbell to the completion record. The memories of host and card
//! answer after 120 cycles. Then they move a word in each cycle, which has a byte for each column
//! of the array.

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use lockstep_accel_abi::Status;
use lockstep_accel_abi::events::Event;
use lockstep_accel_program::{ArrayShape, Image, Program};
use lockstep_arith::encoder::Encoder;
use lockstep_folder::{RUNTIME, TOKENIZER, runtime};
use lockstep_hdl_sim::{Batch, Design, Optimize, Sequence, Stalls};
use lockstep_tokenizer::Tokenizer;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

type Failure = Box<dyn std::error::Error>;

const CASES: [&str; 6] =
    ["16x16:sentences", "16x16:128:gemm", "16x16:16:1", "16x16:128:1", "32x32:128:16", "64x64:128:16"];
const SENTENCES: [&str; 8] = [
    "Storm leaves thousands without power",
    "A weekend ride along the old railway line",
    "How do I reset my password?",
    "The goalkeeper saved two penalties, and the cup stayed in the north for another year.",
    "Sourdough for beginners: flour, water, salt and a week of patience",
    "Volunteers planted ten thousand oaks in one day while the rain did not stop for an hour",
    "I would like to return the shoes that I ordered last Tuesday, because they are one size too small for me.",
    "naïve café — 東京 🙂 x²",
];
/// The longest job in cycles.
const LIMIT: u64 = 200_000_000;

struct Case {
    array: usize,
    products: bool,
    batches: Vec<Vec<Sequence>>,
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: sim_report MODEL REPORT [CASE]…";
    let (model, report) = (arguments.next().ok_or(usage)?, arguments.next().ok_or(usage)?);
    let mut names: Vec<String> = arguments.collect();
    if names.is_empty() {
        names = CASES.map(String::from).to_vec();
    }
    let folder = Path::new(&model);
    let encoder = runtime::unpack(&runtime::read(runtime::Buffer::read(&folder.join(RUNTIME))?)?);
    let tokenizer = Tokenizer::from_json(&std::fs::read(folder.join(TOKENIZER))?)?;
    let report = Path::new(&report);
    let earlier = read(report);
    let mut rows = Vec::new();
    println!(
        "array  tokens batch scope        cycles         macs  utilisation  bits    kHz  stalls: weights operand plane idle"
    );
    for name in &names {
        let case = case(name, &encoder, &tokenizer)?;
        let engine = ArrayShape::new(case.array);
        let image = Image::new(&encoder, &engine)?;
        for batch in &case.batches {
            let row = measure(&encoder, &image, &engine, &case, batch, &earlier)?;
            print(&row);
            rows.push(row);
            write(report, &rows, &earlier)?;
        }
    }
    println!("{}", speed(&rows));
    let equal = |row: &Value| row["bit_equal"] == true;
    if rows.iter().all(equal) { Ok(()) } else { Err("the card and the reference differ".into()) }
}

/// The part of the machine that limits the simulation, which runs on one thread.
fn speed(rows: &[Value]) -> String {
    let line = |array: &str| {
        let row = longest(rows, array)?;
        let (khz, model) = (row["khz"].as_f64()?, row["model_share"].as_f64()?);
        Some(format!(
            "{array}: {khz:.0} kHz, one thread, bound by the model's own code ({:.0} % of the time), the memories take the rest",
            100.0 * model
        ))
    };
    let lines: Vec<String> = ["8x8", "16x16", "32x32", "64x64"].into_iter().filter_map(line).collect();
    lines.join("\n")
}

/// The row of an array with the most simulated cycles.
fn longest<'a>(rows: &'a [Value], array: &str) -> Option<&'a Value> {
    rows.iter().filter(|r| r["array"] == array).max_by_key(|r| r["cycles"].as_u64())
}

fn case(name: &str, encoder: &Encoder, tokenizer: &Tokenizer) -> Result<Case, Failure> {
    let wrong = || format!("no case {name:?}: 16x16:sentences, 16x16:TOKENS:BATCH or 16x16:TOKENS:gemm");
    let mut parts = name.split(':');
    let side = parts.next().and_then(|a| a.split('x').next()).ok_or_else(wrong)?;
    let array = side.parse().map_err(|_| wrong())?;
    let second = parts.next().ok_or_else(wrong)?;
    if second == "sentences" {
        let batch = |text: &&str| {
            let encoding = tokenizer.encode(text, encoder.embedding.position_count())?;
            Ok(vec![(encoding.ids, encoding.type_ids)])
        };
        return Ok(Case {
            array,
            products: false,
            batches: SENTENCES.iter().map(batch).collect::<Result<_, Failure>>()?,
        });
    }
    let tokens: usize = second.parse().map_err(|_| wrong())?;
    let third = parts.next().ok_or_else(wrong)?;
    let products = third == "gemm";
    let batch: usize = if products { 1 } else { third.parse().map_err(|_| wrong())? };
    // Each sequence is another part of one long text, with the tokens that the tokenizer puts at
    // its ends.
    let text = SENTENCES.join(" ").repeat(8);
    let all = tokenizer.encode(&text, encoder.embedding.position_count())?.ids;
    let (first, last) = (all[0], all[all.len() - 1]);
    let sequence = |i: usize| {
        let mut ids = vec![first];
        ids.extend(all[1..all.len() - 1].iter().cycle().skip(17 * i).take(tokens.saturating_sub(2)));
        ids.push(last);
        ids.truncate(tokens);
        let types = vec![0; ids.len()];
        (ids, types)
    };
    Ok(Case { array, products, batches: vec![(0..batch).map(sequence).collect()] })
}

/// A row of the report: that of an earlier report if its inputs were the same.
fn measure(
    encoder: &Encoder,
    image: &Image,
    engine: &ArrayShape,
    case: &Case,
    batch: &[Sequence],
    earlier: &[Value],
) -> Result<Value, Failure> {
    let tokens = batch.first().map_or(0, |(ids, _)| ids.len());
    let expand = encoder.layers.first().map_or(0, |l| l.expand.outputs);
    let programs = if case.products {
        // The cost of four more of them.
        vec![Program::products(image, engine, tokens, 0, 5)?, Program::products(image, engine, tokens, 0, 1)?]
    } else {
        vec![Program::new(image, engine, tokens, 0)?]
    };
    let outputs = if case.products { expand } else { encoder.hidden() };

    let design = design(engine.lanes)?;
    let mut inputs = Sha256::new();
    inputs.update(&design);
    inputs.update(&image.bytes);
    programs.iter().for_each(|program| inputs.update(program.bytes()));
    batch.iter().flat_map(|s| &s.0).for_each(|id| inputs.update(id.to_le_bytes()));
    let inputs: String = inputs.finalize()[..8].iter().map(|b| format!("{b:02x}")).collect();
    if let Some(row) = earlier.iter().find(|row| row["inputs"] == inputs.as_str()) {
        return Ok(row.clone());
    }

    let expected =
        if case.products { vec![products(encoder, &batch[0])] } else { reference(encoder, batch)? };
    let (mut cycles, mut macs, mut equal, mut stalls) = (0, 0, true, [0; 4]);
    let (mut khz, mut model_share) = (0.0, 0.0);
    for (i, program) in programs.iter().enumerate() {
        let least = program.macs() * batch.len() as u64 / (engine.lanes * engine.lanes) as u64;
        let begin = Instant::now();
        let job = Batch {
            lanes: engine.lanes,
            image: &image.bytes,
            program: (&program.bytes(), program.len()),
            hidden: encoder.hidden(),
            outputs,
            stalls: Stalls::NONE,
        };
        let result = job.run(batch, LIMIT, |cycles| {
            let khz = cycles as f64 / begin.elapsed().as_secs_f64() / 1e3;
            eprint!(
                "\r{:.1} of at least {:.1} M cycles, {khz:.0} kHz   ",
                cycles as f64 / 1e6,
                least as f64 / 1e6
            );
            let _ = std::io::stderr().flush();
        })?;
        eprint!("\r{:60}\r", "");
        if result.record.outcome() != Ok(Status::Ok) {
            return Err(
                format!("the card reports {:?}, {}", result.record.outcome(), result.record.detail).into()
            );
        }
        equal &= result.outputs == expected;
        if i == 0 {
            (cycles, macs) = (result.cycles, program.macs() * batch.len() as u64);
            let (all, model) = (result.time.0.as_secs_f64(), result.time.1.as_secs_f64());
            (khz, model_share) = (result.cycles as f64 / all / 1e3, model / all);
            stalls = [Event::StallWeights, Event::StallOperand, Event::StallPlane, Event::StallIdle]
                .map(|event| result.counter(event));
        } else {
            cycles -= result.cycles;
            macs -= program.macs();
        }
    }
    let peak = (engine.lanes * engine.lanes) as f64;
    Ok(json!({
        "array": format!("{0}x{0}", engine.lanes), "tokens": tokens, "batch": batch.len(),
        "scope": if case.products { "gemm" } else { "encoder" }, "cycles": cycles, "macs": macs,
        "utilisation": (macs as f64 / (cycles as f64 * peak) * 1e4).round() / 1e4, "bit_equal": equal,
        "khz": (khz * 10.0).round() / 10.0, "model_share": (model_share * 100.0).round() / 100.0, "stalls": stalls, "design": design, "inputs": inputs,
    }))
}

/// The digest of the design with an array of a side.
fn design(side: usize) -> Result<String, Failure> {
    Ok(Design::new("ls_top").parameter("N", side).optimize(Optimize::Run).digest()?)
}

/// The vectors that the reference computes.
fn reference(encoder: &Encoder, batch: &[Sequence]) -> Result<Vec<Vec<i32>>, Failure> {
    Ok(batch.iter().map(|(ids, types)| encoder.forward(ids, types)).collect::<Result<_, _>>()?)
}

/// The outputs of the first feed-forward layer on the embedded rows, summed over the tokens.
fn products(encoder: &Encoder, (ids, types): &Sequence) -> Vec<i32> {
    let expand = &encoder.layers[0].expand;
    let mut expected = vec![0; expand.outputs];
    for (position, (&id, &kind)) in ids.iter().zip(types).enumerate() {
        let sums = encoder.embedding.sums(id as usize, kind.into(), position);
        let (_, equalised) = encoder.embedding_norm.forward(&sums);
        for (sum, y) in expected.iter_mut().zip(expand.forward16(&equalised.unwrap_or_default())) {
            *sum += i32::from(y);
        }
    }
    expected
}

fn print(row: &Value) {
    let number = |name: &str| row[name].as_f64().unwrap_or(0.0);
    let text = |name: &str| row[name].as_str().unwrap_or("").to_owned();
    let stalls: Vec<String> =
        row["stalls"].as_array().into_iter().flatten().map(ToString::to_string).collect();
    println!(
        "{:>5} {:>7} {:>5} {:<7} {:>11} {:>12} {:>10.1} %  {} {:>6.0}  {}",
        text("array"),
        number("tokens"),
        number("batch"),
        text("scope"),
        number("cycles"),
        number("macs"),
        100.0 * number("utilisation"),
        if row["bit_equal"] == true { "equal" } else { "DIFFER" },
        number("khz"),
        stalls.join(" ")
    );
}

/// The rows of an earlier report that come from the current design. Without a report there are
/// none.
fn read(path: &Path) -> Vec<Value> {
    let report = std::fs::read(path).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    let rows = report.and_then(|r| r["rows"].as_array().cloned()).unwrap_or_default();
    let side = |row: &Value| row["array"].as_str()?.split('x').next()?.parse().ok();
    let valid =
        |row: &Value| side(row).and_then(|n| design(n).ok()).is_some_and(|d| row["design"] == d.as_str());
    rows.into_iter().filter(valid).collect()
}

/// Writes the rows, then the rows of an earlier report that are not computed anew.
fn write(path: &Path, rows: &[Value], earlier: &[Value]) -> Result<(), Failure> {
    let same = |a: &Value, b: &Value| ["array", "tokens", "batch", "scope"].iter().all(|&k| a[k] == b[k]);
    let rest = earlier.iter().filter(|e| !rows.iter().any(|r| same(r, e)));
    let all: Vec<Value> = rows.iter().chain(rest).cloned().collect();
    let khz = longest(&all, "16x16").map_or(Value::Null, |r| r["khz"].clone());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
    std::fs::write(path, format!("{{\"rows\":[\n{}\n],\"khz\":{khz}}}\n", lines.join(",\n")))?;
    Ok(())
}
