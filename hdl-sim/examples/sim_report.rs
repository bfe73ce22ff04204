//! The real model on the simulated engine: bits against the reference, cycles, utilisation, speed of the simulation.
//!
//! `sim_report MODEL REPORT [ARRAY:TOKENS:BATCH | ARRAY:sentences | ARRAY:TOKENS:gemm]…` writes `REPORT` (JSON) and prints a table.

use std::path::Path;
use std::time::Instant;

use lockstep_accel_program::{Engine, Image, Program};
use lockstep_arith::encoder::Encoder;
use lockstep_hdl_sim::{Counters, EngineBench, EngineJob, MemoryTiming};
use lockstep_tokenizer::Tokenizer;

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
/// Cycles after which a job is given up.
const LIMIT: u64 = 200_000_000;

struct Row {
    scope: &'static str,
    array: usize,
    tokens: usize,
    batch: usize,
    cycles: u64,
    macs: u64,
    bit_equal: bool,
    counters: Counters,
    seconds: f64,
}

impl Row {
    fn utilisation(&self) -> f64 {
        self.macs as f64 / (self.cycles as f64 * (self.array * self.array) as f64)
    }
}

/// Ids and types of one sequence.
type Sequence = (Vec<u32>, Vec<u8>);

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
    let encoder = lockstep_quantize::onnx::read(&std::fs::read(folder.join("model.onnx"))?)?;
    let tokenizer = Tokenizer::from_json(&std::fs::read(folder.join("tokenizer.json"))?)?;
    let mut rows = Vec::new();
    let mut kilohertz = 0.0;
    println!(
        "array  tokens batch      cycles       macs  utilisation  bits    kHz  stalls: weights operand plane idle"
    );
    for name in &names {
        let case = case(name, &encoder, &tokenizer)?;
        for batch in &case.batches {
            let row = if case.products {
                products(&encoder, case.array, &batch[0])?
            } else {
                run(&encoder, case.array, batch)?
            };
            let khz = row.cycles as f64 / row.seconds / 1000.0;
            if row.array == 16 {
                kilohertz = khz;
            }
            let c = row.counters;
            println!(
                "{0:>2}x{0:<2} {1:>7} {2:>5} {3:>11} {4:>12} {5:>9.1} %  {6} {7:>6.0}  {8} {9} {10} {11}",
                row.array,
                row.tokens,
                row.batch,
                row.cycles,
                row.macs,
                100.0 * row.utilisation(),
                if row.bit_equal { "equal" } else { "DIFFER" },
                khz,
                c.stall_weights,
                c.stall_operand,
                c.stall_plane,
                c.idle
            );
            rows.push(row);
        }
    }
    write(Path::new(&report), &rows, kilohertz)?;
    if rows.iter().any(|r| !r.bit_equal) { Err("the engine and the reference differ".into()) } else { Ok(()) }
}

fn case(name: &str, encoder: &Encoder, tokenizer: &Tokenizer) -> Result<Case, Failure> {
    let wrong = || format!("no case {name:?}: 16x16:sentences or 16x16:TOKENS:BATCH");
    let mut parts = name.split(':');
    let side = parts.next().and_then(|a| a.split('x').next()).ok_or_else(wrong)?;
    let array = side.parse()?;
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
    let tokens: usize = second.parse()?;
    let third = parts.next().ok_or_else(wrong)?;
    let products = third == "gemm";
    let batch: usize = if products { 1 } else { third.parse()? };
    // One long text, cut at another place for each sequence, closed as the tokenizer closes it.
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

/// Runs a program on sequences of one length; gives the bytes that it wrote for each, and what was counted.
fn simulate(
    engine: &Engine,
    image: &Image,
    program: &Program,
    batch: &[Sequence],
    width: usize,
) -> Result<(Vec<Vec<u8>>, Row), Failure> {
    let tokens = batch.first().map_or(0, |(ids, _)| ids.len());
    let mut card = image.bytes.clone();
    let at = card.len();
    card.extend(program.bytes());
    let output = 4 * tokens * batch.len();
    let mut host = vec![0; output + width * batch.len()];
    for (i, (ids, types)) in batch.iter().enumerate() {
        for (j, (&id, &kind)) in ids.iter().zip(types).enumerate() {
            let place = 4 * (i * tokens + j);
            host[place..place + 4].copy_from_slice(&(id | u32::from(kind) << 24).to_le_bytes());
        }
    }
    let mut bench = EngineBench::new(engine.lanes, card, host, MemoryTiming::STATED)?;
    let job = EngineJob {
        program: at as u64,
        length: program.len().try_into()?,
        repeat: batch.len().try_into()?,
        input: (0, 4 * tokens as u32),
        output: (output as u64, width as u32),
        tag: 1,
    };
    let begin = Instant::now();
    let result = bench.run(&job, LIMIT)?;
    let seconds = begin.elapsed().as_secs_f64();
    if result.error != 0 {
        return Err(format!("the engine reports error {}", result.error).into());
    }
    let outputs = bench.host()[output..].chunks_exact(width).map(<[u8]>::to_vec).collect();
    let row = Row {
        scope: "encoder",
        array: engine.lanes,
        tokens,
        batch: batch.len(),
        cycles: result.cycles,
        macs: program.macs() * batch.len() as u64,
        bit_equal: false,
        counters: bench.counters(),
        seconds,
    };
    Ok((outputs, row))
}

fn bytes(integers: &[i32]) -> Vec<u8> {
    integers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// The whole encoder on sequences of one length.
fn run(encoder: &Encoder, array: usize, batch: &[Sequence]) -> Result<Row, Failure> {
    let engine = Engine::new(array);
    let image = Image::new(encoder, &engine)?;
    let tokens = batch.first().map_or(0, |(ids, _)| ids.len());
    let program = Program::new(&image, &engine, tokens, 0)?;
    let (outputs, mut row) = simulate(&engine, &image, &program, batch, 4 * encoder.hidden())?;
    row.bit_equal = true;
    for ((ids, types), output) in batch.iter().zip(outputs) {
        row.bit_equal &= bytes(&encoder.forward(ids, types)?) == output;
    }
    Ok(row)
}

/// The products of the first feed-forward layer: what four more of them cost.
fn products(encoder: &Encoder, array: usize, sequence: &Sequence) -> Result<Row, Failure> {
    let engine = Engine::new(array);
    let image = Image::new(encoder, &engine)?;
    let (ids, types) = sequence;
    let expand = &encoder.layers[0].expand;
    let mut expected = vec![0; expand.outputs];
    for (position, (&id, &kind)) in ids.iter().zip(types).enumerate() {
        let sums = encoder.embedding.sums(id as usize, kind.into(), position);
        let (_, equalised) = encoder.embedding_norm.forward(&sums);
        for (sum, y) in expected.iter_mut().zip(expand.forward16(&equalised.unwrap_or_default())) {
            *sum += i32::from(y);
        }
    }
    let measured = |times| {
        let program = Program::products(&image, &engine, ids.len(), 0, times)?;
        let (outputs, row) =
            simulate(&engine, &image, &program, std::slice::from_ref(sequence), 4 * expand.outputs)?;
        Ok::<_, Failure>((outputs[0] == bytes(&expected), row))
    };
    let (few_equal, few) = measured(1)?;
    let (many_equal, many) = measured(5)?;
    Ok(Row {
        scope: "gemm",
        cycles: many.cycles - few.cycles,
        macs: many.macs - few.macs,
        bit_equal: few_equal && many_equal,
        seconds: many.seconds * (many.cycles - few.cycles) as f64 / many.cycles as f64,
        ..many
    })
}

fn write(path: &Path, rows: &[Row], khz: f64) -> Result<(), Failure> {
    let row = |r: &Row| {
        format!(
            "{{\"array\":\"{0}x{0}\",\"tokens\":{1},\"batch\":{2},\"scope\":\"{7}\",\"cycles\":{3},\"macs\":{4},\
             \"utilisation\":{5:.4},\"bit_equal\":{6}}}",
            r.array,
            r.tokens,
            r.batch,
            r.cycles,
            r.macs,
            r.utilisation(),
            r.bit_equal,
            r.scope
        )
    };
    let rows: Vec<String> = rows.iter().map(row).collect();
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, format!("{{\"rows\":[{}],\"khz\":{khz:.1}}}\n", rows.join(",\n")))?;
    Ok(())
}
