//! `run`: the texts of a file on a card, compared with the reference.

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use lockstep_accel_driver::{CardEncoder, Sequence, Transport};
use lockstep_arith::encoder::Encoder;
use lockstep_tokenizer::{Encoding, Tokenizer};
use serde::Serialize;

use crate::model;
use crate::opening::CardArguments;
use crate::output::{Output, Stop};
use crate::problem::Problem;

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    card: CardArguments,
    /// The model folder.
    #[arg(long, value_name = "FOLDER")]
    model: PathBuf,
    /// The file with a text in each line, or - for standard input. Empty lines are left out.
    #[arg(long, value_name = "FILE")]
    texts: PathBuf,
    /// The longest sequence in tokens; a longer text loses its end.
    #[arg(long, value_name = "TOKENS", default_value_t = 128)]
    max_tokens: usize,
    /// Writes the vectors to a file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The form of the vectors in the file.
    #[arg(long, value_name = "FORMAT", default_value = "json", requires = "out")]
    format: Format,
    /// Does not compute the vectors on the CPU as well. The reference is slow: it is plain code.
    #[arg(long)]
    no_compare: bool,
}

/// The form of vectors in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line of JSON for each text: its number from 0 on, its tokens, its vector.
    Json,
    /// 32-bit numbers, little-endian, one vector behind the other.
    Raw,
}

/// Texts that are encoded together.
const BATCH: usize = 64;

#[derive(Debug, Default, Serialize)]
struct Report {
    card: String,
    model: String,
    texts: usize,
    tokens: usize,
    /// Texts that lost their end.
    truncated: usize,
    /// How long the card worked, the copy of the model included.
    card_seconds: f64,
    /// Vectors that were compared with the reference.
    compared: usize,
    /// The numbers of the texts whose vectors differ.
    different: Vec<usize>,
    problem: Option<Problem>,
}

#[derive(Serialize)]
struct Line<'a> {
    text: usize,
    tokens: usize,
    vector: &'a [i32],
}

pub(crate) fn run(arguments: &RunArguments, output: &mut Output<'_>) -> Result<(), Stop> {
    let (model, tokenizer) = model::read(&arguments.model)?;
    let texts = texts(&arguments.texts)?;
    let card = arguments.card.open()?;
    let longest = card.capabilities().tokens.min(model.encoder.input_limits().positions);
    let encoded = tokens(&tokenizer, &texts, arguments.max_tokens.min(longest))?;
    let mut file = arguments.out.as_deref().map(create).transpose()?;
    let mut encoder = CardEncoder::new(card, &model.encoder)?;
    let mut report = Report {
        card: arguments.card.card.to_string(),
        model: model.name,
        texts: texts.len(),
        tokens: encoded.iter().map(|encoding| encoding.ids.len()).sum(),
        truncated: encoded.iter().filter(|encoding| encoding.truncated).count(),
        ..Report::default()
    };
    let mut spent = Duration::ZERO;
    for (batch, encodings) in encoded.chunks(BATCH).enumerate() {
        let begin = Instant::now();
        let vectors = encode(&mut encoder, encodings)?;
        spent += begin.elapsed();
        for ((text, encoding), vector) in (batch * BATCH..).zip(encodings).zip(&vectors) {
            if let (Some(file), Some(path)) = (&mut file, &arguments.out) {
                let line = Line { text, tokens: encoding.ids.len(), vector };
                write(file, arguments.format, &line).map_err(|error| Problem::file(path, error))?;
            }
            if !arguments.no_compare {
                report.compared += 1;
                if *vector != right(&model.encoder, encoding)? {
                    report.different.push(text);
                }
            }
        }
    }
    if let (Some(mut file), Some(path)) = (file, &arguments.out) {
        file.flush().map_err(|error| Problem::file(path, error))?;
    }
    report.card_seconds = spent.as_secs_f64();
    let failed = !report.different.is_empty();
    if failed {
        let error =
            format!("{} of {} vectors differ from the reference", report.different.len(), report.compared);
        report.problem = Some(Problem::new(error, "`lockstep-lab selftest`; then the timing of the design"));
    }
    output.report(&report)?;
    if failed { Err(Stop::Reported) } else { Ok(()) }
}

fn texts(path: &Path) -> Result<Vec<String>, Problem> {
    let read = if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    let text = read.map_err(|error| Problem::file(path, error))?;
    let lines: Vec<String> = text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
    if lines.is_empty() {
        return Err(Problem::new(format_args!("{}: no text", path.display()), "write a text into each line"));
    }
    Ok(lines)
}

fn tokens(tokenizer: &Tokenizer, texts: &[String], limit: usize) -> Result<Vec<Encoding>, Problem> {
    let encode = |text: &String| tokenizer.encode(text, limit);
    let encoded: Result<_, _> = texts.iter().map(encode).collect();
    encoded.map_err(|error| Problem::new(error, "a larger --max-tokens"))
}

fn encode<T: Transport>(
    encoder: &mut CardEncoder<T>,
    encodings: &[Encoding],
) -> Result<Vec<Vec<i32>>, Problem> {
    let batch: Vec<Sequence<'_>> =
        encodings.iter().map(|e| Sequence { ids: &e.ids, type_ids: &e.type_ids }).collect();
    Ok(encoder.encode(&batch)?)
}

fn right(model: &Encoder, encoding: &Encoding) -> Result<Vec<i32>, Problem> {
    let vector = model.forward(&encoding.ids, &encoding.type_ids);
    vector.map_err(|error| Problem::new(error, "whether tokenizer and model belong together"))
}

fn create(path: &Path) -> Result<BufWriter<File>, Problem> {
    Ok(BufWriter::new(File::create(path).map_err(|error| Problem::file(path, error))?))
}

fn write(file: &mut impl Write, format: Format, line: &Line<'_>) -> std::io::Result<()> {
    match format {
        Format::Json => {
            serde_json::to_writer(&mut *file, line)?;
            writeln!(file)
        }
        Format::Raw => line.vector.iter().try_for_each(|number| file.write_all(&number.to_le_bytes())),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { card, model, texts, tokens, truncated, card_seconds, compared, different, problem } = self;
        write!(f, "{texts} texts of {tokens} tokens by {model} on {card} in {card_seconds:.3} s")?;
        writeln!(f, ", {truncated} texts cut")?;
        match problem {
            None if *compared == 0 => writeln!(f, "not compared"),
            None => writeln!(f, "all {compared} vectors are the reference's"),
            Some(problem) => {
                let first: Vec<String> = different.iter().take(10).map(ToString::to_string).collect();
                writeln!(f, "{problem}\nthe first of these texts: {}", first.join(", "))
            }
        }
    }
}
