//! From a model and a number of tokens to the instructions of one sequence.

use lockstep_arith::encoder::Pooling;
use lockstep_arith::layer_norm::reciprocal_of_width;

use crate::Error;
use crate::engine::{CHANNELS, Engine, Layout, SLOTS};
use crate::image::{Image, LayerFacts};
use crate::isa::{
    CONTEXT, END, GATHER, Instruction, Kind, LINEAR, LOAD, MAC, MOVE, PASS, SCORE, Scalar, TABLE, When,
};

/// The instructions for sequences of one length.
#[derive(Clone, Debug)]
pub struct Program {
    instructions: Vec<Instruction>,
    stride: usize,
    macs: u64,
}

/// Semaphores: who waits, for what.
mod semaphore {
    pub(super) const GATHER_GO: u8 = 0;
    pub(super) const MOVE_GO: u8 = 1;
    pub(super) const ROWS_FETCHED: u8 = 2;
    pub(super) const ROWS_TAKEN: u8 = 3;
    pub(super) const TABLES_MOVED: u8 = 4;
    pub(super) const ATTENTION_NORM_MOVED: u8 = 5;
    pub(super) const OUTPUT_NORM_MOVED: u8 = 6;
    pub(super) const LAYER_INPUT: u8 = 8;
    pub(super) const EXPAND_INPUT: u8 = 9;
    pub(super) const CONTRACT_INPUT: u8 = 10;
    pub(super) const OUTPUT_INPUT: u8 = 11;
    pub(super) const QUERIES: u8 = 12;
    pub(super) const KEYS: u8 = 13;
    pub(super) const VALUES: u8 = 14;
    pub(super) const KEYS_READY: u8 = 15;
    pub(super) const VALUES_READY: u8 = 16;
    pub(super) const SCORES: u8 = 17;
    pub(super) const SCORES_TAKEN: u8 = 18;
    pub(super) const WEIGHTS: u8 = 19;
    pub(super) const WEIGHTS_TAKEN: u8 = 20;
    pub(super) const ATTENTION_SUM: u8 = 21;
    pub(super) const EXPANDED: u8 = 22;
    pub(super) const OUTPUT_SUM: u8 = 23;
    pub(super) const CONTEXT: u8 = 24;
}
use semaphore as s;

/// How many tiles the scores run ahead of the weighted sums.
const LEAD: usize = 2;
/// Parts of memory G.
const ATTENTION_NORM: usize = 0;
const OUTPUT_NORM: usize = CHANNELS;
const TYPE_ROWS: usize = 2 * CHANNELS;
/// Longest program that a job can name.
const INSTRUCTIONS: usize = 65_535;
/// Triples of block maxima that are kept.
const HEAD_REGISTERS: usize = 20;

impl Program {
    /// Compiles for sequences of `tokens`, with the image at the card address `base`.
    ///
    /// # Errors
    /// A shape that the engine does not take, or a field that is too narrow for it.
    pub fn new(image: &Image, engine: &Engine, tokens: usize, base: u64) -> Result<Self, Error> {
        if image.lanes != engine.lanes {
            return Err(Error::Shape {
                what: "lanes of the image",
                value: image.lanes,
                allowed: engine.lanes.to_string(),
            });
        }
        if tokens > image.positions {
            return Err(Error::Shape {
                what: "number of tokens",
                value: tokens,
                allowed: format!("1 to {}", image.positions),
            });
        }
        let layout = Layout::new(engine, &image.shape, tokens)?;
        let mut compiler = Compiler { image, engine, layout, tokens, base, out: Vec::new() };
        compiler.prologue(&[(image.layers_at, image.layers_words)])?;
        for (i, layer) in image.layers.iter().enumerate() {
            compiler.layer(layer, i + 1 == image.layers.len())?;
        }
        compiler.pool(layout.stream, image.shape.hidden)?;
        if compiler.out.len() > INSTRUCTIONS {
            return Err(Error::Shape {
                what: "instructions of the program",
                value: compiler.out.len(),
                allowed: format!("up to {INSTRUCTIONS}"),
            });
        }
        let shape = image.shape;
        let linear = 4 * shape.hidden * shape.hidden + 2 * shape.hidden * shape.intermediate;
        let attention = 2 * tokens * shape.hidden;
        let count = |macs: usize| (image.layers.len() * tokens * macs) as u64;
        Ok(Self {
            instructions: compiler.out,
            stride: engine.instruction_bytes(),
            macs: count(linear + attention),
        })
    }

    /// The first feed-forward layer of layer 0 alone, `times` times, on the rows behind the embedding; its 16-bit
    /// outputs, before the activation, are summed over the tokens. It measures the products.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn products(
        image: &Image,
        engine: &Engine,
        tokens: usize,
        base: u64,
        times: usize,
    ) -> Result<Self, Error> {
        let layout = Layout::new(engine, &image.shape, tokens)?;
        let mut compiler = Compiler { image, engine, layout, tokens, base, out: Vec::new() };
        let layer = &image.layers[0];
        compiler.prologue(&vec![(layer.expand_at, layer.expand_words); times])?;
        let (hidden, intermediate) = (image.shape.hidden, image.shape.intermediate);
        for turn in 0..times {
            compiler.linear(&Job {
                inputs: hidden,
                columns: intermediate,
                from: layout.a_input,
                row_scale: 0,
                shifts: layer.expand,
                wait: (turn == 0).then_some((s::LAYER_INPUT, When::Inner)),
                signal: (s::EXPANDED, When::Once),
                drain: &[
                    ("destination", layout.rows),
                    ("d_outer", engine.lanes),
                    ("d_inner", intermediate),
                    ("stat", layout.tiles),
                    ("stat_inner", 1),
                    ("stat_group", 15),
                ],
            })?;
        }
        for _ in 0..times {
            compiler.push(pass(Scalar::None, Kind::None, &[])?.wait(s::EXPANDED, When::Once));
        }
        compiler.pool(layout.rows, intermediate)?;
        let products = (times * tokens * hidden * intermediate) as u64;
        Ok(Self { instructions: compiler.out, stride: engine.instruction_bytes(), macs: products })
    }

    /// As it lies in card memory.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.instructions.len() * self.stride);
        for instruction in &self.instructions {
            let end = bytes.len() + self.stride;
            bytes.extend(instruction.words().iter().flat_map(|w| w.to_le_bytes()));
            bytes.resize(end, 0);
        }
        bytes
    }

    /// Number of instructions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.instructions.len()
    }

    /// Never: a program ends with an instruction.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.instructions.is_empty()
    }

    /// Products of (10), (19) and (24) of one sequence, each once.
    #[must_use]
    pub const fn macs(&self) -> u64 {
        self.macs
    }
}

struct Compiler<'a> {
    image: &'a Image,
    engine: &'a Engine,
    layout: Layout,
    tokens: usize,
    base: u64,
    out: Vec<Instruction>,
}

/// Sets fields from numbers of any kind.
trait Fields: Sized {
    fn with(self, fields: &[(&'static str, usize)]) -> Result<Self, Error>;
}

impl Fields for Instruction {
    fn with(self, fields: &[(&'static str, usize)]) -> Result<Self, Error> {
        fields.iter().try_fold(self, |i, &(name, value)| i.set(name, value as u64))
    }
}

fn pass(scalar: Scalar, kind: Kind, fields: &[(&'static str, usize)]) -> Result<Instruction, Error> {
    Instruction::new(&PASS)
        .with(&[("scalar", scalar as usize), ("kind", kind as usize), ("turns", 1)])?
        .with(fields)
}

/// Which rows a linear layer of the engine reads, and what becomes of its sums.
struct Job<'a> {
    inputs: usize,
    columns: usize,
    from: usize,
    row_scale: usize,
    shifts: (i32, i32),
    wait: Option<(u8, When)>,
    signal: (u8, When),
    drain: &'a [(&'static str, usize)],
}

impl Compiler<'_> {
    fn push(&mut self, instruction: Instruction) {
        self.out.push(instruction);
    }

    fn load(&mut self, at: usize, words: usize) -> Result<(), Error> {
        let address = self.base as usize + at;
        self.push(Instruction::new(&LOAD).with(&[("address", address), ("words", words)])?);
        Ok(())
    }

    fn move_norm(&mut self, to: usize, signal: u8) -> Result<(), Error> {
        let per_word = self.engine.lanes / 8;
        let fields = [("destination", to / per_word), ("words", self.image.shape.hidden / per_word)];
        self.push(Instruction::new(&MOVE).with(&fields)?.signal(signal, When::Once));
        Ok(())
    }

    /// Starts the streams of weights, embeds and normalises.
    fn prologue(&mut self, weights: &[(usize, usize)]) -> Result<(), Error> {
        let (image, layout, n) = (self.image, self.layout, self.engine.lanes);
        let hidden = image.shape.hidden;
        let per_word = n / 8;
        let position_words = layout.tiles * hidden * 2;
        self.push(
            pass(Scalar::None, Kind::None, &[])?
                .signal(s::GATHER_GO, When::Once)
                .signal(s::MOVE_GO, When::Once),
        );
        self.load(image.tables_at, image.tables_words)?;
        self.load(image.positions_at, position_words)?;
        for &(at, words) in weights {
            self.load(at, words)?;
        }
        let words = hidden / per_word;
        let types =
            Instruction::new(&MOVE).with(&[("destination", TYPE_ROWS / per_word), ("words", words)])?;
        self.push(types.wait(s::MOVE_GO, When::Once));
        self.push(
            Instruction::new(&MOVE).with(&[("destination", OUTPUT_NORM / per_word), ("words", words)])?,
        );
        let positions = [("to_v", 1), ("destination", layout.stream), ("words", position_words)];
        self.push(Instruction::new(&MOVE).with(&positions)?.signal(s::TABLES_MOVED, When::Once));

        for tile in 0..layout.tiles {
            let count = if tile + 1 == layout.tiles { layout.last } else { n };
            let gather = Instruction::new(&GATHER).with(&[
                ("rows", self.base as usize + image.rows_at),
                ("row_words", image.row_words),
                ("first", tile * n),
                ("count", count),
                ("vocabulary", image.vocabulary),
                ("types", image.types),
            ])?;
            let go = if tile == 0 { s::GATHER_GO } else { s::ROWS_TAKEN };
            self.push(gather.wait(go, When::Once).signal(s::ROWS_FETCHED, When::Once));
            let mut embed = pass(
                Scalar::None,
                Kind::Embed,
                &[
                    ("length", hidden),
                    ("source", layout.stream + tile * hidden),
                    ("destination", layout.sums + tile * hidden),
                    ("g", TYPE_ROWS),
                    ("stat", tile),
                    ("shift", image.table_shift as usize),
                ],
            )?
            .wait(s::ROWS_FETCHED, When::Once);
            if tile == 0 {
                embed = embed.wait(s::TABLES_MOVED, When::Once);
            }
            if tile + 1 < layout.tiles {
                embed = embed.signal(s::ROWS_TAKEN, When::Once);
            }
            self.push(embed);
            self.norm(tile, OUTPUT_NORM, &[], Some((0, s::LAYER_INPUT)))?;
        }
        Ok(())
    }

    /// (12) to (18) of a tile's sums, and (5) to (8) of the equalised rows where there are any: `next` is the first
    /// row scale of the block and what is signalled.
    fn norm(&mut self, tile: usize, g: usize, waits: &[u8], next: Option<(usize, u8)>) -> Result<(), Error> {
        let (layout, hidden) = (self.layout, self.image.shape.hidden);
        let recip = reciprocal_of_width(hidden) as usize;
        let sums = layout.sums + tile * hidden;
        let mut square = pass(
            Scalar::Mean,
            Kind::Square,
            &[("length", hidden), ("source", sums), ("stat", tile), ("constant", recip)],
        )?;
        for &wait in waits {
            square = square.wait(wait, When::Once);
        }
        self.push(square);
        self.push(pass(
            Scalar::Rho,
            Kind::Norm,
            &[
                ("length", hidden),
                ("source", sums),
                ("destination", sums),
                ("second", layout.stream + tile * hidden),
                ("g", g),
                ("own", 1),
                ("constant", recip),
            ],
        )?);
        if let Some((row_scale, signal)) = next {
            let quantize = pass(
                Scalar::Scale,
                Kind::Quantize,
                &[
                    ("length", hidden),
                    ("source", sums),
                    ("from_y", 1),
                    ("own", 1),
                    ("destination", layout.a_input + tile * hidden),
                    ("row_scale", row_scale + tile),
                    ("write_scale", 1),
                ],
            )?;
            self.push(quantize.signal(signal, When::Once));
        }
        Ok(())
    }

    fn linear(&mut self, job: &Job<'_>) -> Result<(), Error> {
        let (layout, n) = (self.layout, self.engine.lanes);
        let mut mac = Instruction::new(&MAC).with(&[
            ("k", job.inputs),
            ("outer", job.columns.div_ceil(n)),
            ("inner", layout.tiles),
            ("a", job.from),
            ("a_inner", job.inputs),
            ("ring", 1),
        ])?;
        if let Some((semaphore, when)) = job.wait {
            mac = mac.wait(semaphore, when);
        }
        self.push(mac);
        let drain = Instruction::new(&LINEAR)
            .with(&[
                ("outer", job.columns.div_ceil(n)),
                ("inner", layout.tiles),
                ("columns", n),
                ("by_panel", 1),
                ("last_columns", job.columns - (job.columns - 1) / n * n),
                ("last_lanes", layout.last),
                ("acc_shift", job.shifts.0 as usize),
                ("out_shift", job.shifts.1 as usize),
                ("row_scale", job.row_scale),
                ("clear", 1),
            ])?
            .with(job.drain)?;
        self.push(drain.signal(job.signal.0, job.signal.1));
        Ok(())
    }

    /// Projects the channels of a group of heads: queries, keys, values.
    fn project(&mut self, layer: &LayerFacts, group: usize) -> Result<(), Error> {
        let (layout, shape, n) = (self.layout, self.image.shape, self.engine.lanes);
        let width = shape.group(self.engine);
        let head = group * shape.group_heads(self.engine);
        let columns = width.min(shape.hidden - group * width);
        let statistics = 3 * layout.tiles + head;
        for (part, signal) in [s::QUERIES, s::KEYS, s::VALUES].into_iter().enumerate() {
            let stat = statistics + part * shape.heads;
            let rows = layout.tiles * n;
            let place = [layout.queries, layout.keys, layout.values][part];
            let drain = if part < 2 {
                vec![
                    ("destination", place + group * width),
                    ("d_outer", n),
                    ("d_inner", shape.hidden),
                    ("stat", stat),
                    ("stat_group", shape.width.ilog2() as usize),
                ]
            } else {
                vec![
                    ("by_panel", 0),
                    ("last_columns", layout.last),
                    ("destination", place + group * width / n * rows),
                    ("d_outer", rows),
                    ("d_inner", n),
                    ("stat", stat),
                    ("stat_group", width.ilog2() as usize),
                    ("by_row", 1),
                ]
            };
            self.linear(&Job {
                inputs: shape.hidden,
                columns,
                from: layout.a_input,
                row_scale: 0,
                shifts: layer.projection,
                wait: (group == 0 && part == 0).then_some((s::LAYER_INPUT, When::Inner)),
                signal: (signal, When::Once),
                drain: &drain,
            })?;
        }
        Ok(())
    }

    /// (5) to (8) of the queries, keys and values of a group of heads.
    fn quantize_heads(&mut self, group: usize) -> Result<(), Error> {
        let (layout, shape, n) = (self.layout, self.image.shape, self.engine.lanes);
        let (tiles, d) = (layout.tiles, shape.width);
        let width = shape.group(self.engine);
        let first = group * shape.group_heads(self.engine);
        let heads = shape.group_heads(self.engine).min(shape.heads - first);
        let statistics = 3 * tiles;
        for head in first..first + heads {
            for (part, from, to) in [(0, layout.queries, layout.a_queries), (1, layout.keys, layout.b_keys)] {
                let mut quantize = pass(
                    Scalar::Scale,
                    Kind::Quantize,
                    &[
                        ("length", d),
                        ("turns", tiles),
                        ("source", from + head * d),
                        ("s_turn", shape.hidden),
                        ("destination", to + head * tiles * d),
                        ("d_turn", d),
                        ("to_b", part),
                        ("block", 1),
                        ("stat", statistics + part * shape.heads + head),
                        ("head", register(head) + part),
                    ],
                )?;
                if head == first {
                    quantize = quantize.wait([s::QUERIES, s::KEYS][part], When::Once);
                }
                if part == 1 && head + 1 == first + heads {
                    quantize = quantize.signal(s::KEYS_READY, When::Once);
                }
                self.push(quantize);
            }
        }
        let rows = tiles * n;
        let panel = group * width / n;
        let values = pass(
            Scalar::Scale,
            Kind::Quantize,
            &[
                ("length", self.tokens),
                ("turns", (heads * d).div_ceil(n)),
                ("source", layout.values + panel * rows),
                ("s_turn", rows),
                ("destination", layout.b_values + panel * rows),
                ("d_turn", rows),
                ("to_b", 1),
                ("block", 1),
                ("halves", usize::from(heads == 2)),
                ("stat", statistics + 2 * shape.heads + first),
                ("head", register(first) + 2),
            ],
        )?;
        self.push(values.wait(s::VALUES, When::Once).signal(s::VALUES_READY, When::Once));
        Ok(())
    }

    /// Scores of unit `u`: a head and a tile of queries.
    fn scores(&mut self, u: usize) -> Result<(), Error> {
        let (layout, shape, n) = (self.layout, self.image.shape, self.engine.lanes);
        let (tiles, d) = (layout.tiles, shape.width);
        let (head, tile) = (u / tiles, u % tiles);
        let slot = u % SLOTS;
        let mut mac = Instruction::new(&MAC).with(&[
            ("k", d),
            ("outer", 1),
            ("inner", tiles),
            ("a", layout.a_queries + (head * tiles + tile) * d),
            ("b", layout.b_keys + head * tiles * d),
            ("b_inner", d),
        ])?;
        if u >= SLOTS {
            mac = mac.wait(s::SCORES_TAKEN, When::Once);
        }
        if self.first_of_group(u) {
            mac = mac.wait(s::KEYS_READY, When::Once);
        }
        self.push(mac);
        let drain = Instruction::new(&SCORE).with(&[
            ("outer", 1),
            ("inner", tiles),
            ("columns", n),
            ("last_columns", layout.last),
            ("destination", layout.scores + slot * layout.slot),
            ("d_inner", n),
            ("stat", self.score_statistics() + slot),
            ("stat_group", 15),
            ("clear", 1),
        ])?;
        self.push(drain.signal(s::SCORES, When::Once));
        Ok(())
    }

    fn score_statistics(&self) -> usize {
        3 * self.layout.tiles + 3 * self.image.shape.heads
    }

    fn first_of_group(&self, u: usize) -> bool {
        u.is_multiple_of(self.image.shape.group_heads(self.engine) * self.layout.tiles)
    }

    fn units(&self) -> usize {
        self.image.shape.heads * self.layout.tiles
    }

    /// (20) to (23), (25) and (26) of unit `u`.
    fn softmax(&mut self, layer: &LayerFacts, u: usize) -> Result<(), Error> {
        let layout = self.layout;
        let (head, tile) = (u / layout.tiles, u % layout.tiles);
        let slot = u % SLOTS;
        let scalar = if tile == 0 { Scalar::Head } else { Scalar::None };
        let mut exp = pass(
            scalar,
            Kind::Exp,
            &[
                ("length", self.tokens),
                ("source", layout.scores + slot * layout.slot),
                ("destination", slot * layout.slot),
                ("stat", self.score_statistics() + slot),
                ("head", register(head)),
                ("constant", layer.score.0 as usize | (layer.score.1 as usize) << 15),
            ],
        )?
        .wait(s::SCORES, When::Once);
        if u >= SLOTS {
            exp = exp.wait(s::WEIGHTS_TAKEN, When::Once);
        }
        if u + SLOTS < self.units() {
            exp = exp.signal(s::SCORES_TAKEN, When::Once);
        }
        self.push(exp);
        let soft = pass(Scalar::Soft, Kind::None, &[("own", 1), ("head", register(head)), ("slot", slot)])?;
        self.push(soft.signal(s::WEIGHTS, When::Once));
        Ok(())
    }

    /// (24), (25), (27) of unit `u`.
    fn weighted(&mut self, u: usize) -> Result<(), Error> {
        let (layout, shape, n) = (self.layout, self.image.shape, self.engine.lanes);
        let (tiles, d) = (layout.tiles, shape.width);
        let (head, tile) = (u / tiles, u % tiles);
        let slot = u % SLOTS;
        let rows = tiles * n;
        let blocks = (d / n).max(1);
        let mut mac = Instruction::new(&MAC)
            .with(&[
                ("k", self.tokens),
                ("outer", 1),
                ("inner", blocks),
                ("a", slot * layout.slot),
                ("planes", 1),
                ("b", layout.b_values + head * d / n * rows),
                ("b_inner", rows),
            ])?
            .wait(s::WEIGHTS, When::Once);
        if self.first_of_group(u) {
            mac = mac.wait(s::VALUES_READY, When::Once);
        }
        if u + SLOTS < self.units() {
            mac = mac.signal(s::WEIGHTS_TAKEN, When::Once);
        }
        self.push(mac);
        let mut drain = Instruction::new(&CONTEXT).with(&[
            ("outer", 1),
            ("inner", blocks),
            ("columns", d.min(n)),
            ("last_columns", d.min(n)),
            ("start", head * d % n),
            ("destination", layout.context + tile * shape.hidden + head * d),
            ("d_inner", n),
            ("stat", 2 * tiles + tile),
            ("stat_group", 15),
            ("clear", usize::from(head == 0)),
            ("slot", slot),
        ])?;
        if head + 1 == shape.heads {
            drain = drain.signal(s::CONTEXT, When::Once);
        }
        self.push(drain);
        Ok(())
    }

    fn attention(&mut self, layer: &LayerFacts) -> Result<(), Error> {
        let shape = self.image.shape;
        let groups = shape.groups(self.engine);
        let per_group = shape.group_heads(self.engine) * self.layout.tiles;
        self.project(layer, 0)?;
        for u in 0..self.units() {
            if u.is_multiple_of(per_group) {
                let group = u / per_group;
                if group + 1 < groups {
                    self.project(layer, group + 1)?;
                }
                self.quantize_heads(group)?;
            }
            self.scores(u)?;
            self.softmax(layer, u)?;
            if u >= LEAD {
                self.weighted(u - LEAD)?;
            }
        }
        for u in self.units().saturating_sub(LEAD)..self.units() {
            self.weighted(u)?;
        }
        Ok(())
    }

    /// (5) to (9) of rows whose maximum the drain has kept.
    fn quantize_rows(
        &mut self,
        wait: u8,
        signal: u8,
        length: usize,
        per_tile: impl Fn(usize) -> [(&'static str, usize); 5],
    ) -> Result<(), Error> {
        for tile in 0..self.layout.tiles {
            let quantize = pass(Scalar::Scale, Kind::Quantize, &[("length", length), ("write_scale", 1)])?;
            self.push(quantize.with(&per_tile(tile))?.wait(wait, When::Once).signal(signal, When::Once));
        }
        Ok(())
    }

    fn layer(&mut self, layer: &LayerFacts, last: bool) -> Result<(), Error> {
        let (layout, shape, n) = (self.layout, self.image.shape, self.engine.lanes);
        let (tiles, hidden, intermediate) = (layout.tiles, shape.hidden, shape.intermediate);
        self.attention(layer)?;
        self.quantize_rows(s::CONTEXT, s::OUTPUT_INPUT, hidden, |tile| {
            [
                ("source", layout.context + tile * hidden),
                ("destination", layout.a_input + tile * hidden),
                ("stat", 2 * tiles + tile),
                ("row_scale", tiles + tile),
                ("unsigned", 0),
            ]
        })?;

        let sum = |shift: i32| {
            [
                ("mode", 1),
                ("destination", layout.sums),
                ("residual", layout.stream),
                ("d_outer", n),
                ("d_inner", hidden),
                ("stat_inner", 1),
                ("stat_group", 15),
                ("residual_shift", shift as usize),
            ]
        };
        self.move_norm(ATTENTION_NORM, s::ATTENTION_NORM_MOVED)?;
        self.linear(&Job {
            inputs: hidden,
            columns: hidden,
            from: layout.a_input,
            row_scale: tiles,
            shifts: layer.output,
            wait: Some((s::OUTPUT_INPUT, When::Inner)),
            signal: (s::ATTENTION_SUM, When::Inner),
            drain: &sum(layer.attention_residual),
        })?;
        for tile in 0..tiles {
            let waits = [s::ATTENTION_SUM, s::ATTENTION_NORM_MOVED];
            let waits = if tile == 0 { &waits[..] } else { &waits[..1] };
            self.norm(tile, ATTENTION_NORM, waits, Some((2 * tiles, s::EXPAND_INPUT)))?;
        }

        for half in 0..2 {
            let packed = |i: usize| {
                let at = 12 * half + 4 * i;
                layer.table[at..at + 4].iter().rev().fold(0_u64, |bits, &c| bits << 16 | u64::from(c as u16))
            };
            let table = Instruction::new(&TABLE)
                .set("low", packed(0))?
                .set("middle", packed(1))?
                .set("high", packed(2))?
                .set("half", half as u64)?
                .set("fraction_bits", layer.fraction_bits as u64)?
                .set("offset", u64::from(layer.offset as u16))?;
            self.push(table);
        }
        self.linear(&Job {
            inputs: hidden,
            columns: intermediate,
            from: layout.a_input,
            row_scale: 2 * tiles,
            shifts: layer.expand,
            wait: Some((s::EXPAND_INPUT, When::Inner)),
            signal: (s::EXPANDED, When::Inner),
            drain: &[
                ("mode", 2),
                ("destination", layout.rows),
                ("d_outer", n),
                ("d_inner", intermediate),
                ("stat", tiles),
                ("stat_inner", 1),
                ("stat_group", 15),
            ],
        })?;
        self.quantize_rows(s::EXPANDED, s::CONTRACT_INPUT, intermediate, |tile| {
            [
                ("source", layout.rows + tile * intermediate),
                ("destination", layout.a_rows + tile * intermediate),
                ("stat", tiles + tile),
                ("row_scale", 3 * tiles + tile),
                ("unsigned", 1),
            ]
        })?;
        self.move_norm(OUTPUT_NORM, s::OUTPUT_NORM_MOVED)?;
        self.linear(&Job {
            inputs: intermediate,
            columns: hidden,
            from: layout.a_rows,
            row_scale: 3 * tiles,
            shifts: layer.contract,
            wait: Some((s::CONTRACT_INPUT, When::Inner)),
            signal: (s::OUTPUT_SUM, When::Inner),
            drain: &sum(layer.output_residual),
        })?;
        for tile in 0..tiles {
            let waits = [s::OUTPUT_SUM, s::OUTPUT_NORM_MOVED];
            let waits = if tile == 0 { &waits[..] } else { &waits[..1] };
            self.norm(tile, OUTPUT_NORM, waits, (!last).then_some((0, s::LAYER_INPUT)))?;
        }
        Ok(())
    }

    /// (33) of rows of `length` channels, and the end.
    fn pool(&mut self, source: usize, length: usize) -> Result<(), Error> {
        let (turns, lanes) = match self.image.pooling {
            Pooling::Mean => (self.layout.tiles, self.layout.last),
            Pooling::Cls => (1, 1),
        };
        self.push(pass(
            Scalar::None,
            Kind::Pool,
            &[("length", length), ("turns", turns), ("source", source), ("s_turn", length), ("lanes", lanes)],
        )?);
        self.push(Instruction::new(&END));
        Ok(())
    }
}

fn register(head: usize) -> usize {
    3 * (head % HEAD_REGISTERS)
}
