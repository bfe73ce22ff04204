//! The embedding, a layer, the pooling.

use lockstep_arith::encoder::Pooling;

use super::compiler::{Compiler, Fields, Job, pass};
use super::semaphore as s;
use crate::Error;
use crate::engine::CHANNELS;
use crate::image::LayerFacts;
use crate::isa::{END, GATHER, Instruction, Kind, MOVE, Scalar, TABLE, When};

/// Parts of memory G.
const ATTENTION_NORM: usize = 0;
const OUTPUT_NORM: usize = CHANNELS;
const TYPE_ROWS: usize = 2 * CHANNELS;

impl Compiler<'_> {
    /// Starts the streams of weights, embeds and normalises.
    pub(super) fn prologue(&mut self, weights: &[(usize, usize)]) -> Result<(), Error> {
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

    pub(super) fn layer(&mut self, layer: &LayerFacts, last: bool) -> Result<(), Error> {
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
        let expand = Some((2 * tiles, s::EXPAND_INPUT));
        self.norm_tiles(ATTENTION_NORM, [s::ATTENTION_SUM, s::ATTENTION_NORM_MOVED], expand)?;

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
        let next = (!last).then_some((0, s::LAYER_INPUT));
        self.norm_tiles(OUTPUT_NORM, [s::OUTPUT_SUM, s::OUTPUT_NORM_MOVED], next)
    }

    /// The norm of all tiles: each waits for its sums, the first one also for the norm's parameters.
    fn norm_tiles(&mut self, g: usize, waits: [u8; 2], next: Option<(usize, u8)>) -> Result<(), Error> {
        for tile in 0..self.layout.tiles {
            self.norm(tile, g, if tile == 0 { &waits } else { &waits[..1] }, next)?;
        }
        Ok(())
    }

    /// (33) of rows of `length` channels, and the end.
    pub(super) fn pool(&mut self, source: usize, length: usize) -> Result<(), Error> {
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
