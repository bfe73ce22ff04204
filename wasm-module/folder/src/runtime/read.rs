//! Reads a run-time file: checks sizes, alignment and ranges, and gives the model.

use bytes::Bytes;
use lockstep_arith::activation::{Activation, SEGMENTS, Table};
use lockstep_arith::attention::ScoreScale;
use lockstep_arith::encoder::DENSE_MAX;
use lockstep_arith::layer_norm::{Affine, LayerNorm};
use lockstep_arith::range::{RangeError, check, check_all};
use lockstep_arith::rows::Sign;
use lockstep_kernels::{PackedError, PackedLinear, PackedWeights, Requantizer, Shared};

use super::buffer::Buffer;
use super::header::{ALIGNMENT, FORMAT, Header, MAGIC, POOLINGS, SCALARS};
use super::tree::{PackedDense, PackedEmbedding, PackedEncoder, PackedHead, PackedLayer};

/// Why bytes are not a valid run-time file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The bytes do not begin with `LOCKSTEP`.
    #[error("not a lockstep file")]
    Magic,
    /// A version of the format that this program does not know.
    #[error("format is {0}, this program reads {FORMAT}")]
    Format(u32),
    /// The file ends before a section does.
    #[error("{section}: ends at byte {end}, the file has {len}")]
    Truncated {
        /// The section.
        section: String,
        /// The byte offset at which the section would end.
        end: u64,
        /// The length of the file in bytes.
        len: usize,
    },
    /// Bytes after the last section.
    #[error("{0} bytes after the last section")]
    Trailing(usize),
    /// The padding after a section, or an unused number, is not 0.
    #[error("{0}: what fills it up to a multiple of 64 bytes is not 0")]
    Filling(String),
    /// The weights of a linear layer are not packed as `FORMAT.md` says.
    #[error("{part}: {problem}")]
    Weights {
        /// The linear layer.
        part: String,
        /// What is wrong.
        problem: PackedError,
    },
    /// A parameter is outside the range that `SPEC.md` declares.
    #[error(transparent)]
    Range(#[from] RangeError),
}

/// Reads a model. Weights and tables stay in the bytes of the file. The parameters of single
/// channels, less than 1 % of the file, are copied.
///
/// # Errors
/// [`FileError`] names the section or the parameter that is wrong. A model that is returned can
/// run.
pub fn read(file: Buffer) -> Result<PackedEncoder, FileError> {
    let mut file = Reader { bytes: file.into_bytes(), at: 0 };
    let header = file.header()?;
    let hidden = header.hidden as usize;
    let embedding = file.embedding(&header)?;
    let embedding_norm = file.norm("embedding", hidden, 0, true)?;
    let count = header.layers as usize;
    let layers = (0..count).map(|i| file.layer(i, hidden, i + 1 == count)).collect::<Result<_, _>>()?;
    let mut width = hidden;
    let mut dense = Vec::new();
    for i in 0..header.dense {
        dense.push(file.dense(&format!("dense.{i}"), &mut width)?);
    }
    let head = if header.labels > 0 { Some(file.head(hidden, header.labels as usize)?) } else { None };
    let left = file.bytes.len() - file.at;
    if left > 0 {
        return Err(FileError::Trailing(left));
    }
    let (heads, pooling) = (header.heads as usize, header.pooling);
    Ok(PackedEncoder { heads, embedding, embedding_norm, layers, pooling, dense, head })
}

struct Reader {
    bytes: Bytes,
    /// The offset of the next section, at most the length of `bytes`.
    at: usize,
}

impl Reader {
    /// Takes the next section, which holds `count` numbers of `size` bytes each.
    fn section(&mut self, part: &str, what: &str, count: u64, size: usize) -> Result<Bytes, FileError> {
        let section = || if what.is_empty() { part.to_owned() } else { format!("{part}.{what}") };
        let len = self.bytes.len();
        // This overflows only if the header lies; the saturated value is then refused.
        let used = count.saturating_mul(size as u64);
        let end = (self.at as u64).saturating_add(used);
        let next = end.checked_next_multiple_of(ALIGNMENT as u64).unwrap_or(u64::MAX);
        if next > len as u64 {
            return Err(FileError::Truncated { section: section(), end: next, len });
        }
        let (end, next) = (end as usize, next as usize);
        if self.bytes[end..next].iter().any(|&byte| byte != 0) {
            return Err(FileError::Filling(section()));
        }
        let bytes = self.bytes.slice(self.at..end);
        self.at = next;
        Ok(bytes)
    }

    fn header(&mut self) -> Result<Header, FileError> {
        if !self.bytes.starts_with(&MAGIC) {
            return Err(FileError::Magic);
        }
        let line = self.section("header", "", 1, ALIGNMENT)?;
        let (words, _) = line[MAGIC.len()..].as_chunks();
        let numbers: [u32; 14] = std::array::from_fn(|i| u32::from_le_bytes(words[i]));
        let [format, layers, hidden, heads, vocabulary, positions, types, labels, rest @ ..] = numbers;
        let [pooling, table_shift, dense, unused @ ..] = rest;
        if format != FORMAT {
            return Err(FileError::Format(format));
        }
        if unused != [0; 3] {
            return Err(FileError::Filling("header".into()));
        }
        let within =
            |part: &str, what: &str, value: u32, lo: i64, hi: i64| check(part, what, value.into(), lo, hi);
        within("encoder", "number of layers", layers, 1, 64)?;
        within("encoder", "hidden size", hidden, 32, 1024)?;
        within("encoder", "hidden size modulo 2", hidden % 2, 0, 0)?;
        within("encoder", "heads", heads, 1, hidden.into())?;
        within("encoder", "hidden size modulo heads", hidden % heads, 0, 0)?;
        within("encoder", "head width", hidden / heads, 1, 128)?;
        within("embedding", "vocabulary", vocabulary, 1, 1 << 24)?;
        within("embedding", "positions", positions, 1, 512)?;
        within("embedding", "types", types, 1, 16)?;
        within("head.classifier", "labels", labels, 0, 4096)?;
        let last = if labels > 0 { 0 } else { POOLINGS.len() - 1 };
        within("pool", "pooling", pooling, 0, last as i64)?;
        let most = if labels > 0 { 0 } else { DENSE_MAX as i64 };
        within("encoder", "number of dense layers", dense, 0, most)?;
        let table_shift = table_shift as i32;
        check("embedding", "table_shift", table_shift.into(), 0, 7)?;
        let pooling = POOLINGS[pooling as usize];
        Ok(Header {
            layers,
            hidden,
            heads,
            vocabulary,
            positions,
            types,
            labels,
            pooling,
            table_shift,
            dense,
        })
    }

    fn scalars(&mut self, part: &str, used: usize) -> Result<[i32; SCALARS], FileError> {
        let line = self.section(part, "scalars", SCALARS as u64, 4)?;
        let mut scalars = [0; SCALARS];
        for (scalar, bytes) in scalars.iter_mut().zip(line.chunks_exact(4)) {
            *scalar = word(bytes);
        }
        if scalars[used..].iter().any(|&x| x != 0) {
            return Err(FileError::Filling(format!("{part}.scalars")));
        }
        Ok(scalars)
    }

    fn shared(&mut self, what: &str, count: u64) -> Result<Shared<i16>, FileError> {
        let bytes = self.section("embedding", what, count, 2)?;
        // Cannot fail: the buffer and every section begin at a multiple of 64 bytes.
        Shared::new(bytes).ok_or_else(|| FileError::Filling(format!("embedding.{what}")))
    }

    fn shorts(&mut self, part: &str, what: &str, count: usize) -> Result<Vec<i16>, FileError> {
        let bytes = self.section(part, what, count as u64, 2)?;
        Ok(bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect())
    }

    fn embedding(&mut self, header: &Header) -> Result<PackedEmbedding, FileError> {
        let hidden = u64::from(header.hidden);
        let rows = |rows: u32| u64::from(rows) * hidden;
        let word_scales = self.shared("word_scales", header.vocabulary.into())?;
        check_all("embedding", "word_scales", word_scales.iter().map(|&s| s.into()), 0, 4095)?;
        let words = self.section("embedding", "words", rows(header.vocabulary), 1)?;
        // A quick test of the whole table; the slower search for the wrong value follows only if it
        // fails.
        if words.iter().fold(false, |found, &w| found | (w == 0x80)) {
            check_all("embedding", "words", words.iter().map(|&w| (w as i8).into()), -127, 127)?;
        }
        let words = Shared::new(words).ok_or_else(|| FileError::Filling("embedding.words".into()))?;
        let positions = self.shared("positions", rows(header.positions))?;
        let types = self.shared("types", rows(header.types))?;
        let (hidden, table_shift) = (header.hidden as usize, header.table_shift);
        Ok(PackedEmbedding { hidden, words, word_scales, positions, types, table_shift })
    }

    fn linear(
        &mut self,
        part: &str,
        (inputs, outputs): (usize, usize),
        shifts: [i32; 2],
        sign: Sign,
    ) -> Result<PackedLinear, FileError> {
        let [acc_shift, out_shift] = shifts;
        check(part, "acc_shift", acc_shift.into(), 0, 12)?;
        check(part, "out_shift", out_shift.into(), 1, 17)?;
        let len = PackedWeights::packed_len(inputs, outputs).map_or(u64::MAX, |len| len as u64);
        let bytes = self.section(part, "w", len, 1)?;
        let weights =
            PackedWeights::from_packed(bytes, inputs, outputs, sign).map_err(|problem| match problem {
                PackedError::Weight { index, weight } => FileError::Range(RangeError {
                    parameter: format!("{part}: weights[{index}]"),
                    value: weight.into(),
                    allowed: "[-63, 63]".into(),
                }),
                problem => FileError::Weights { part: part.to_owned(), problem },
            })?;
        let multipliers = self.shorts(part, "c", outputs)?;
        check_all(part, "multipliers", multipliers.iter().map(|&c| c.into()), 0, 32767)?;
        let biases = self.section(part, "b", outputs as u64, 4)?;
        let biases: Vec<i32> = biases.chunks_exact(4).map(word).collect();
        check_all(part, "biases", biases.iter().map(|&b| b.into()), -(1 << 21), 1 << 21)?;
        let requantizer = Requantizer { multipliers, biases, acc_shift, out_shift };
        Ok(PackedLinear { weights, requantizer, sign })
    }

    fn affine(&mut self, part: &str, suffix: &str, hidden: usize) -> Result<Affine, FileError> {
        let gain = self.shorts(part, &format!("gain{suffix}"), hidden)?;
        let offset = self.shorts(part, &format!("offset{suffix}"), hidden)?;
        Ok(Affine { gain, offset })
    }

    fn norm(
        &mut self,
        part: &str,
        hidden: usize,
        residual_shift: i32,
        equalised: bool,
    ) -> Result<LayerNorm, FileError> {
        let stream = self.affine(part, "", hidden)?;
        let second = if equalised { Some(self.affine(part, "_e", hidden)?) } else { None };
        let norm = LayerNorm { stream, equalised: second, residual_shift };
        norm.validate(part, hidden, equalised)?;
        Ok(norm)
    }

    fn table(&mut self, part: &str, what: &str, fraction_bits: i32) -> Result<Table, FileError> {
        let values = self.shorts(part, what, 3 * SEGMENTS)?;
        let mut coefficients = [[0; SEGMENTS]; 3];
        for (row, values) in coefficients.iter_mut().zip(values.chunks_exact(SEGMENTS)) {
            row.copy_from_slice(values);
        }
        let table = Table { coefficients, fraction_bits };
        table.validate(part)?;
        Ok(table)
    }

    fn layer(&mut self, index: usize, hidden: usize, last: bool) -> Result<PackedLayer, FileError> {
        let name = |part: &str| format!("layer.{index}.{part}");
        let s = self.scalars(&format!("layer.{index}"), 15)?;
        let attention = name("attention");
        let score = ScoreScale { multiplier: short(&attention, "score_multiplier", s[2])?, shift: s[3] };
        score.validate(&attention)?;
        let part = name("projection");
        let projection = self.linear(&part, (hidden, 3 * hidden), [s[0], s[1]], Sign::Signed)?;
        let part = name("output");
        let output = self.linear(&part, (hidden, hidden), [s[4], s[5]], Sign::Signed)?;
        let attention_norm = self.norm(&part, hidden, s[6], true)?;
        let part = name("expand");
        check(&part, "intermediate size", s[7].into(), 32, 4096)?;
        check(&part, "intermediate size modulo 2", (s[7] % 2).into(), 0, 0)?;
        let width = s[7] as usize;
        let expand = self.linear(&part, (hidden, width), [s[8], s[9]], Sign::Signed)?;
        let bump = self.table(&part, "bump", s[10])?;
        let equaliser = self.shorts(&part, "equaliser", width)?;
        let activation = Activation { bump, offset: short(&part, "offset", s[11])?, equaliser };
        activation.validate(&part, width)?;
        let part = name("contract");
        let contract = self.linear(&part, (width, hidden), [s[12], s[13]], Sign::Unsigned)?;
        let output_norm = self.norm(&part, hidden, s[14], !last)?;
        Ok(PackedLayer {
            projection,
            score,
            output,
            attention_norm,
            expand,
            activation,
            contract,
            output_norm,
        })
    }

    /// A dense layer of `width` inputs. `width` becomes the number of its outputs.
    fn dense(&mut self, part: &str, width: &mut usize) -> Result<PackedDense, FileError> {
        let [outputs, acc_shift, out_shift, fraction_bits, ..] = self.scalars(part, 4)?;
        check(part, "outputs", outputs.into(), 1, 4096)?;
        let inputs = std::mem::replace(width, outputs as usize);
        let linear = self.linear(part, (inputs, *width), [acc_shift, out_shift], Sign::Signed)?;
        let tanh = if fraction_bits == 0 { None } else { Some(self.table(part, "table", fraction_bits)?) };
        Ok(PackedDense { linear, tanh })
    }

    fn head(&mut self, hidden: usize, labels: usize) -> Result<PackedHead, FileError> {
        let s = self.scalars("head", 5)?;
        let pooler = self.linear("head.pooler", (hidden, hidden), [s[0], s[1]], Sign::Signed)?;
        let tanh = self.table("head.pooler", "table", s[2])?;
        let classifier = self.linear("head.classifier", (hidden, labels), [s[3], s[4]], Sign::Signed)?;
        Ok(PackedHead { pooler, tanh, classifier })
    }
}

fn word(bytes: &[u8]) -> i32 {
    bytes.try_into().map_or(0, i32::from_le_bytes)
}

/// A number that must fit 16 bits.
fn short(part: &str, what: &str, value: i32) -> Result<i16, RangeError> {
    check(part, what, value.into(), i16::MIN.into(), i16::MAX.into())?;
    Ok(value as i16)
}
