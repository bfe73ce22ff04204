//! The fused operators of `FORMAT.md`: their parameters, checked and packed, and their evaluation.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use lockstep_arith::activation::{Activation, SEGMENTS, Table};
use lockstep_arith::attention::ScoreScale;
use lockstep_arith::embedding::Embedding;
use lockstep_arith::layer_norm::{Affine, LayerNorm};
use lockstep_arith::linear::Linear;
use lockstep_arith::range::{RangeError, check, check_len};
use lockstep_arith::rows::Sign;
use lockstep_kernels::{Attention, Kernel, PackedLinear, Scratch};
use tract_onnx::tract_hir::internal::*;

use crate::fused::Step;

/// A node's parameters and attributes, in the order of `FORMAT.md`, and the widths of its computed inputs
/// (0 for vectors).
pub(crate) struct Part<'a> {
    pub(crate) name: &'a str,
    pub(crate) tensors: &'a [Arc<Tensor>],
    pub(crate) attributes: &'a [i64],
    pub(crate) widths: &'a [usize],
}

impl Part<'_> {
    fn values<T: Datum + Copy>(&self, index: usize) -> TractResult<Vec<T>> {
        let tensor = &self.tensors[index];
        let values = slice(tensor).with_context(|| format!("{}: parameter {index}", self.name))?;
        Ok(values.to_vec())
    }

    /// An attribute as what the arithmetic takes. One that does not fit is out of every range.
    fn attribute(&self, index: usize) -> Result<i32, RangeError> {
        let value = self.attributes[index];
        let (lo, hi) = (i32::MIN.into(), i32::MAX.into());
        check(self.name, &format!("attribute {index}"), value, lo, hi)?;
        Ok(value as i32)
    }

    fn attribute16(&self, index: usize) -> Result<i16, RangeError> {
        let value = self.attributes[index];
        let (lo, hi) = (i16::MIN.into(), i16::MAX.into());
        check(self.name, &format!("attribute {index}"), value, lo, hi)?;
        Ok(value as i16)
    }

    /// `w`, `c`, `b` from the parameter 0 on, `acc_shift` and `out_shift` from the attribute 0 on.
    fn linear(&self, sign: Sign) -> TractResult<PackedLinear> {
        let outputs = self.tensors[1].len();
        let linear = Linear {
            inputs: self.widths[0],
            outputs,
            weights: self.values(0)?,
            multipliers: self.values(1)?,
            biases: self.values(2)?,
            acc_shift: self.attribute(0)?,
            out_shift: self.attribute(1)?,
            sign,
        };
        ensure!(
            self.tensors[0].shape() == [linear.inputs, outputs],
            "{}: weights {:?} for {} inputs and {outputs} outputs",
            self.name,
            self.tensors[0].shape(),
            linear.inputs,
        );
        linear.validate(self.name)?;
        Ok(linear.into())
    }

    fn affine(&self, index: usize) -> TractResult<Affine> {
        Ok(Affine { gain: self.values(index)?, offset: self.values(index + 1)? })
    }

    /// Gains and offsets from the parameter `index` on.
    fn norm(&self, index: usize, hidden: usize, residual_shift: i32) -> TractResult<LayerNorm> {
        let equalised = (self.tensors.len() > index + 2).then(|| self.affine(index + 2)).transpose()?;
        let norm = LayerNorm { stream: self.affine(index)?, equalised, residual_shift };
        norm.validate(self.name, hidden, norm.equalised.is_some())?;
        Ok(norm)
    }

    fn table(&self, index: usize, fraction_bits: i32) -> TractResult<Table> {
        let values: Vec<i16> = self.values(index)?;
        check_len(self.name, "the table", values.len(), 3 * SEGMENTS)?;
        let mut coefficients = [[0; SEGMENTS]; 3];
        for (row, values) in coefficients.iter_mut().zip(values.chunks_exact(SEGMENTS)) {
            row.copy_from_slice(values);
        }
        let table = Table { coefficients, fraction_bits };
        table.validate(self.name)?;
        Ok(table)
    }
}

/// The step of an operator.
pub(crate) fn build(operator: &str, part: &Part<'_>) -> TractResult<Arc<dyn Step>> {
    let width = part.widths[0];
    Ok(match operator {
        "Embed" => Arc::new(EmbedStep::new(part)?),
        "Linear" => Arc::new(LinearStep { linear: part.linear(Sign::Signed)?, narrow: false }),
        "Linear16" => Arc::new(LinearStep { linear: part.linear(Sign::Signed)?, narrow: true }),
        "Attention" => Arc::new(AttentionStep::new(part)?),
        "LinearNorm" | "LinearNormLast" => Arc::new(LinearNormStep::new(part)?),
        "LinearActivation" => Arc::new(LinearActivationStep::new(part)?),
        "PoolMean" => Arc::new(PoolStep { width, mean: true }),
        "PoolFirst" => Arc::new(PoolStep { width, mean: false }),
        "FirstRow" => Arc::new(FirstRowStep { width }),
        "LinearTanh" => Arc::new(LinearTanhStep {
            linear: part.linear(Sign::Signed)?,
            tanh: part.table(3, part.attribute(2)?)?,
        }),
        _ => bail!("{}: operator {operator}", part.name),
    })
}

fn slice<T: Datum>(tensor: &Tensor) -> TractResult<&[T]> {
    tensor.try_as_plain_ram()?.as_slice()
}

thread_local! {
    /// One evaluation at a time runs on a thread.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

fn with_scratch(evaluate: impl FnOnce(&mut Scratch)) {
    SCRATCH.with_borrow_mut(evaluate);
}

/// A matrix of zeros, filled in place.
fn matrix<T: Datum + Default + Copy>(
    rows: usize,
    width: usize,
    fill: impl FnOnce(&mut [T]),
) -> TractResult<TValue> {
    let mut tensor = Tensor::zero_dt(T::datum_type(), &[rows, width])?;
    fill(tensor.try_as_plain_ram_mut()?.as_slice_mut()?);
    Ok(tensor.into_tvalue())
}

/// Two matrices of the same shape.
fn two_matrices(
    rows: usize,
    width: usize,
    fill: impl FnOnce(&mut [i16], &mut [i16]),
) -> TractResult<TVec<TValue>> {
    let mut second = Tensor::zero::<i16>(&[rows, width])?;
    let mut view = second.try_as_plain_ram_mut()?;
    let values = view.as_slice_mut()?;
    let first = matrix(rows, width, |first| fill(first, values))?;
    Ok(tvec![first, second.into_tvalue()])
}

/// The rows of each sequence.
fn sequences(starts: &[i64], rows: usize) -> impl Iterator<Item = Range<usize>> + '_ {
    let ends = starts.iter().skip(1).map(|&start| start as usize).chain([rows]);
    starts.iter().zip(ends).map(|(&start, end)| start as usize..end)
}

#[derive(Debug)]
struct EmbedStep {
    embedding: Embedding,
    norm: LayerNorm,
}

impl EmbedStep {
    fn new(part: &Part<'_>) -> TractResult<Self> {
        let hidden = part.tensors[4].len();
        let embedding = Embedding {
            hidden,
            words: part.values(0)?,
            word_scales: part.values(1)?,
            positions: part.values(2)?,
            types: part.values(3)?,
            table_shift: part.attribute(0)?,
        };
        for tensor in [&part.tensors[0], &part.tensors[2], &part.tensors[3]] {
            ensure!(tensor.shape()[1..] == [hidden], "{}: a table {:?}", part.name, tensor.shape());
        }
        embedding.validate()?;
        Ok(Self { embedding, norm: part.norm(4, hidden, 0)? })
    }
}

impl Step for EmbedStep {
    fn outputs(&self) -> TVec<(DatumType, usize)> {
        let output = (i16::datum_type(), self.embedding.hidden);
        tvec![output, output]
    }

    fn eval(&self, kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let Embedding { hidden, words, word_scales, positions, types, table_shift } = &self.embedding;
        let (ids, kinds): (&[i64], &[i64]) = (slice(&inputs[0])?, slice(&inputs[1])?);
        let row = |i: usize| i * hidden..(i + 1) * hidden;
        let mut sums = vec![0; ids.len() * hidden];
        for sequence in sequences(slice(&inputs[2])?, ids.len()) {
            for (position, token) in sequence.enumerate() {
                let (id, kind) = (ids[token] as usize, kinds[token] as usize);
                kernel.embed(
                    &words[row(id)],
                    word_scales[id],
                    &positions[row(position)],
                    &types[row(kind)],
                    *table_shift,
                    &mut sums[row(token)],
                );
            }
        }
        two_matrices(ids.len(), *hidden, |stream, equalised| {
            kernel.normalize(&sums, *hidden, &self.norm, stream, equalised);
        })
    }
}

#[derive(Debug)]
struct LinearStep {
    linear: PackedLinear,
    narrow: bool,
}

impl Step for LinearStep {
    fn outputs(&self) -> TVec<(DatumType, usize)> {
        let kind = if self.narrow { i16::datum_type() } else { i32::datum_type() };
        tvec![(kind, self.linear.weights.outputs())]
    }

    fn eval(&self, kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let x = slice(&inputs[0])?;
        let (rows, width) = (inputs[0].shape()[0], self.linear.weights.outputs());
        let out = if self.narrow {
            matrix(rows, width, |out| with_scratch(|scratch| self.linear.forward16(kernel, x, scratch, out)))
        } else {
            matrix(rows, width, |out| with_scratch(|scratch| self.linear.forward(kernel, x, scratch, out)))
        };
        Ok(tvec![out?])
    }
}

#[derive(Debug)]
struct AttentionStep(Attention);

impl AttentionStep {
    fn new(part: &Part<'_>) -> TractResult<Self> {
        let (name, hidden) = (part.name, part.widths[0] / 3);
        check(name, "projected width modulo 3", (part.widths[0] % 3) as i64, 0, 0)?;
        check(name, "heads", part.attributes[0], 1, hidden as i64)?;
        let heads = part.attributes[0] as usize;
        check(name, "hidden size modulo heads", (hidden % heads) as i64, 0, 0)?;
        check(name, "head width", (hidden / heads) as i64, 1, 128)?;
        let score = ScoreScale { multiplier: part.attribute16(1)?, shift: part.attribute(2)? };
        score.validate(name)?;
        Ok(Self(Attention { hidden, heads, score }))
    }
}

impl Step for AttentionStep {
    fn outputs(&self) -> TVec<(DatumType, usize)> {
        tvec![(i16::datum_type(), self.0.hidden)]
    }

    fn eval(&self, kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let hidden = self.0.hidden;
        let projected: &[i16] = slice(&inputs[0])?;
        let rows = inputs[0].shape()[0];
        let starts = slice(&inputs[1])?;
        let out = matrix(rows, hidden, |context| {
            with_scratch(|scratch| {
                for Range { start, end } in sequences(starts, rows) {
                    let projected = &projected[start * 3 * hidden..end * 3 * hidden];
                    self.0.forward(kernel, projected, scratch, &mut context[start * hidden..end * hidden]);
                }
            });
        });
        Ok(tvec![out?])
    }
}

#[derive(Debug)]
struct LinearNormStep {
    linear: PackedLinear,
    norm: LayerNorm,
}

impl LinearNormStep {
    fn new(part: &Part<'_>) -> TractResult<Self> {
        // The outputs of an activation have no negative number, and use all 8 bits.
        let unsigned = i64::from(part.name.ends_with(".contract"));
        check(part.name, "unsigned", part.attributes[3], unsigned, unsigned)?;
        let linear = part.linear(if unsigned == 1 { Sign::Unsigned } else { Sign::Signed })?;
        let hidden = part.widths[1];
        check_len(part.name, "a row of outputs", linear.weights.outputs(), hidden)?;
        Ok(Self { linear, norm: part.norm(3, hidden, part.attribute(2)?)? })
    }
}

impl Step for LinearNormStep {
    fn outputs(&self) -> TVec<(DatumType, usize)> {
        let output = (i16::datum_type(), self.linear.weights.outputs());
        if self.norm.equalised.is_some() { tvec![output, output] } else { tvec![output] }
    }

    fn eval(&self, kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let hidden = self.linear.weights.outputs();
        let (x, previous): (&[i16], &[i16]) = (slice(&inputs[0])?, slice(&inputs[1])?);
        let rows = inputs[0].shape()[0];
        let evaluate = |stream: &mut [i16], mut equalised: Option<&mut [i16]>| {
            let previous = (previous, self.norm.residual_shift);
            with_scratch(|scratch| {
                self.linear.forward_sum(kernel, x, previous, scratch, |rows, sums| {
                    let range = rows.start * hidden..rows.end * hidden;
                    let equalised = equalised.as_deref_mut().map_or(&mut [][..], |e| &mut e[range.clone()]);
                    kernel.normalize(sums, hidden, &self.norm, &mut stream[range], equalised);
                });
            });
        };
        if self.norm.equalised.is_some() {
            two_matrices(rows, hidden, |stream, equalised| evaluate(stream, Some(equalised)))
        } else {
            Ok(tvec![matrix(rows, hidden, |stream| evaluate(stream, None))?])
        }
    }
}

#[derive(Debug)]
struct LinearActivationStep {
    linear: PackedLinear,
    activation: Activation,
}

impl LinearActivationStep {
    fn new(part: &Part<'_>) -> TractResult<Self> {
        let linear = part.linear(Sign::Signed)?;
        let width = linear.weights.outputs();
        check(part.name, "intermediate size", width as i64, 32, 4096)?;
        check(part.name, "intermediate size modulo 2", (width % 2) as i64, 0, 0)?;
        let activation = Activation {
            bump: part.table(3, part.attribute(2)?)?,
            offset: part.attribute16(3)?,
            equaliser: part.values(4)?,
        };
        activation.validate(part.name, width)?;
        Ok(Self { linear, activation })
    }
}

impl Step for LinearActivationStep {
    fn outputs(&self) -> TVec<(DatumType, usize)> {
        tvec![(i16::datum_type(), self.linear.weights.outputs())]
    }

    fn eval(&self, kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let width = self.linear.weights.outputs();
        let x = slice(&inputs[0])?;
        let out = matrix(inputs[0].shape()[0], width, |out| {
            with_scratch(|scratch| {
                self.linear.forward16_then(kernel, x, scratch, out, |v| kernel.activate(v, &self.activation));
            });
        });
        Ok(tvec![out?])
    }
}

/// (33)
#[derive(Debug)]
struct PoolStep {
    width: usize,
    mean: bool,
}

impl Step for PoolStep {
    fn outputs(&self) -> TVec<(DatumType, usize)> {
        tvec![(i32::datum_type(), self.width)]
    }

    fn rows_of(&self) -> usize {
        1
    }

    fn eval(&self, kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let (stream, starts): (&[i16], &[i64]) = (slice(&inputs[0])?, slice(&inputs[1])?);
        let out = matrix(starts.len(), self.width, |out| {
            let sums = out.chunks_exact_mut(self.width);
            for (sums, sequence) in sums.zip(sequences(starts, inputs[0].shape()[0])) {
                let tokens = if self.mean { sequence.len() } else { 1 };
                let rows = stream[sequence.start * self.width..].chunks_exact(self.width);
                for row in rows.take(tokens) {
                    kernel.accumulate(row, sums);
                }
            }
        });
        Ok(tvec![out?])
    }
}

#[derive(Debug)]
struct FirstRowStep {
    width: usize,
}

impl Step for FirstRowStep {
    fn outputs(&self) -> TVec<(DatumType, usize)> {
        tvec![(i16::datum_type(), self.width)]
    }

    fn rows_of(&self) -> usize {
        1
    }

    fn eval(&self, _kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let (stream, starts): (&[i16], &[i64]) = (slice(&inputs[0])?, slice(&inputs[1])?);
        let out = matrix(starts.len(), self.width, |out: &mut [i16]| {
            for (row, &start) in out.chunks_exact_mut(self.width).zip(starts) {
                row.copy_from_slice(&stream[start as usize * self.width..][..self.width]);
            }
        });
        Ok(tvec![out?])
    }
}

/// The pooler of a head: (31).
#[derive(Debug)]
struct LinearTanhStep {
    linear: PackedLinear,
    tanh: Table,
}

impl Step for LinearTanhStep {
    fn outputs(&self) -> TVec<(DatumType, usize)> {
        tvec![(i16::datum_type(), self.linear.weights.outputs())]
    }

    fn eval(&self, kernel: Kernel, inputs: &[TValue]) -> TractResult<TVec<TValue>> {
        let x = slice(&inputs[0])?;
        let out = matrix(inputs[0].shape()[0], self.linear.weights.outputs(), |out| {
            with_scratch(|scratch| self.linear.forward16(kernel, x, scratch, out));
            for v in out {
                *v = self.tanh.odd(*v);
            }
        });
        Ok(tvec![out?])
    }
}
