//! The embedding, the layers, the pooling.

use lockstep_accel_abi::engine::HIDDEN_MAX;
use lockstep_accel_abi::instructions::{
    Drain, DrainMode, End, Gather, Instruction, Kind, Move, Pass, Table, When,
};

use super::compiler::{Compiler, Job};
use super::semaphore as s;
use crate::error::Error;
use crate::image::LayerFacts;

// The first channels of the three parts of memory G.
const ATTENTION_NORM: usize = 0;
const OUTPUT_NORM: usize = HIDDEN_MAX;
const TYPE_ROWS: usize = 2 * HIDDEN_MAX;

impl Compiler<'_> {
    /// Starts the streams of weights, embeds the tokens and normalises.
    pub(super) fn prologue(&mut self, weights: &[(usize, usize)]) -> Result<(), Error> {
        let (image, layout, n) = (self.image, self.layout, self.engine.lanes);
        let hidden = image.shape.hidden;
        let per_word = n / 8;
        let position_words = layout.tiles * hidden * 2;
        let start = Instruction::from(Pass::default());
        self.push(start.signal(s::GATHER_GO, When::Once).signal(s::MOVE_GO, When::Once))?;
        self.load(image.tables_at, image.tables_words)?;
        self.load(image.positions_at, position_words)?;
        for &(at, words) in weights {
            self.load(at, words)?;
        }
        let words = hidden / per_word;
        let types = Move { destination: TYPE_ROWS / per_word, words, to_v: false };
        self.push(Instruction::from(types).wait(s::MOVE_GO, When::Once))?;
        self.push(Move { destination: OUTPUT_NORM / per_word, words, to_v: false })?;
        let positions = Move { to_v: true, destination: layout.stream, words: position_words };
        self.push(Instruction::from(positions).signal(s::TABLES_MOVED, When::Once))?;

        for tile in 0..layout.tiles {
            let gather = Instruction::from(Gather {
                rows: self.base + image.rows_at as u64,
                row_words: image.row_words,
                first: tile * n,
                count: if tile + 1 == layout.tiles { layout.last } else { n },
                vocabulary: image.vocabulary,
                types: image.types,
            });
            let go = if tile == 0 { s::GATHER_GO } else { s::ROWS_TAKEN };
            self.push(gather.wait(go, When::Once).signal(s::ROWS_FETCHED, When::Once))?;
            let mut embed = Instruction::from(Pass {
                kind: Kind::Embed,
                length: hidden,
                source: layout.stream + tile * hidden,
                destination: layout.sums + tile * hidden,
                g: TYPE_ROWS,
                stat: tile,
                shift: image.table_shift,
                ..Pass::default()
            })
            .wait(s::ROWS_FETCHED, When::Once);
            if tile == 0 {
                embed = embed.wait(s::TABLES_MOVED, When::Once);
            }
            if tile + 1 < layout.tiles {
                embed = embed.signal(s::ROWS_TAKEN, When::Once);
            }
            self.push(embed)?;
            self.norm(tile, OUTPUT_NORM, &[], Some((0, s::LAYER_INPUT)))?;
        }
        Ok(())
    }

    pub(super) fn layer(&mut self, layer: &LayerFacts, last: bool) -> Result<(), Error> {
        let (layout, shape, n) = (self.layout, self.image.shape, self.engine.lanes);
        let (tiles, hidden, intermediate) = (layout.tiles, shape.hidden, shape.intermediate);
        self.attention(layer)?;
        self.quantize_rows(s::CONTEXT, s::OUTPUT_INPUT, hidden, |tile| Pass {
            source: layout.context + tile * hidden,
            destination: layout.a_input + tile * hidden,
            stat: 2 * tiles + tile,
            row_scale: tiles + tile,
            ..Pass::default()
        })?;

        // (11) and (12): the outputs of a linear layer are added to the stream.
        let sum = |linear: Drain, shift: i32| Drain {
            mode: DrainMode::Residual,
            destination: layout.sums,
            residual: layout.stream,
            d_outer: n,
            d_inner: hidden,
            stat_inner: true,
            stat_group: 15,
            residual_shift: shift,
            ..linear
        };
        self.move_norm(ATTENTION_NORM, s::ATTENTION_NORM_MOVED)?;
        self.linear(&Job {
            inputs: hidden,
            columns: hidden,
            from: layout.a_input,
            wait: Some((s::OUTPUT_INPUT, When::Inner)),
            signal: (s::ATTENTION_SUM, When::Inner),
            drain: sum(self.linear_drain(hidden, tiles, layer.output), layer.attention_residual),
        })?;
        let expand = Some((2 * tiles, s::EXPAND_INPUT));
        self.norm_tiles(ATTENTION_NORM, [s::ATTENTION_SUM, s::ATTENTION_NORM_MOVED], expand)?;

        let [first, second] = [&layer.table[..12], &layer.table[12..]];
        for (half, coefficients) in [(false, first), (true, second)] {
            let four = |i: usize| std::array::from_fn(|j| coefficients[4 * i + j]);
            self.push(Table {
                low: four(0),
                middle: four(1),
                high: four(2),
                half,
                fraction_bits: layer.fraction_bits,
                offset: layer.offset,
            })?;
        }
        let activation = Drain {
            mode: DrainMode::Activation,
            destination: layout.rows,
            d_outer: n,
            d_inner: intermediate,
            stat: tiles,
            stat_inner: true,
            stat_group: 15,
            ..self.linear_drain(intermediate, 2 * tiles, layer.expand)
        };
        self.linear(&Job {
            inputs: hidden,
            columns: intermediate,
            from: layout.a_input,
            wait: Some((s::EXPAND_INPUT, When::Inner)),
            signal: (s::EXPANDED, When::Inner),
            drain: activation,
        })?;
        self.quantize_rows(s::EXPANDED, s::CONTRACT_INPUT, intermediate, |tile| Pass {
            source: layout.rows + tile * intermediate,
            destination: layout.a_rows + tile * intermediate,
            stat: tiles + tile,
            row_scale: 3 * tiles + tile,
            unsigned: true,
            ..Pass::default()
        })?;
        self.move_norm(OUTPUT_NORM, s::OUTPUT_NORM_MOVED)?;
        self.linear(&Job {
            inputs: intermediate,
            columns: hidden,
            from: layout.a_rows,
            wait: Some((s::CONTRACT_INPUT, When::Inner)),
            signal: (s::OUTPUT_SUM, When::Inner),
            drain: sum(self.linear_drain(hidden, 3 * tiles, layer.contract), layer.output_residual),
        })?;
        let next = (!last).then_some((0, s::LAYER_INPUT));
        self.norm_tiles(OUTPUT_NORM, [s::OUTPUT_SUM, s::OUTPUT_NORM_MOVED], next)
    }

    /// The LayerNorm of all tiles. Each waits for its sums, and the first one also for the
    /// parameters of the norm.
    fn norm_tiles(&mut self, g: usize, waits: [u8; 2], next: Option<(usize, u8)>) -> Result<(), Error> {
        for tile in 0..self.layout.tiles {
            self.norm(tile, g, if tile == 0 { &waits } else { &waits[..1] }, next)?;
        }
        Ok(())
    }

    /// (33) of rows of `length` channels, then the end of the program.
    pub(super) fn pool(&mut self, source: usize, length: usize) -> Result<(), Error> {
        let all = (self.layout.tiles, self.layout.last);
        let (turns, lanes) = if self.image.first_row { (1, 1) } else { all };
        self.push(Pass {
            kind: Kind::Pool,
            length,
            turns,
            source,
            s_turn: length,
            lanes,
            ..Pass::default()
        })?;
        self.push(End {})
    }
}
