//! The attention of a layer: projections, scores, softmax, weighted sums, for each head and tile.
//! A unit is a head with a tile of queries.

use lockstep_accel_abi::engine::SOFTMAX_SLOTS;
use lockstep_accel_abi::instructions::{Drain, DrainMode, Instruction, Kind, Mac, Pass, Scalar, When};

use super::compiler::{Compiler, Job};
use super::semaphore as s;
use crate::error::Error;
use crate::image::LayerFacts;

/// The scores are computed this many units before the weighted sums.
const LEAD: usize = 2;
/// Heads whose three block scales the engine keeps. An even number: the values of two heads are
/// quantised together.
const HEAD_REGISTERS: usize = 20;

impl Compiler<'_> {
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
            let linear = self.linear_drain(columns, 0, layer.projection);
            let drain = if part < 2 {
                Drain {
                    destination: place + group * width,
                    d_outer: n,
                    d_inner: shape.hidden,
                    stat,
                    stat_group: shape.width.ilog2() as usize,
                    ..linear
                }
            } else {
                Drain {
                    by_panel: false,
                    last_columns: layout.last,
                    destination: place + group * width / n * rows,
                    d_outer: rows,
                    d_inner: n,
                    stat,
                    stat_group: width.ilog2() as usize,
                    by_row: true,
                    ..linear
                }
            };
            self.linear(&Job {
                inputs: shape.hidden,
                columns,
                from: layout.a_input,
                wait: (group == 0 && part == 0).then_some((s::LAYER_INPUT, When::Inner)),
                signal: (signal, When::Once),
                drain,
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
                let mut quantize = Instruction::from(Pass {
                    scalar: Scalar::Scale,
                    kind: Kind::Quantize,
                    length: d,
                    turns: tiles,
                    source: from + head * d,
                    s_turn: shape.hidden,
                    destination: to + head * tiles * d,
                    d_turn: d,
                    to_b: part == 1,
                    block: true,
                    stat: statistics + part * shape.heads + head,
                    head: register(head) + part,
                    ..Pass::default()
                });
                if head == first {
                    quantize = quantize.wait([s::QUERIES, s::KEYS][part], When::Once);
                }
                if part == 1 && head + 1 == first + heads {
                    quantize = quantize.signal(s::KEYS_READY, When::Once);
                }
                self.push(quantize)?;
            }
        }
        let rows = tiles * n;
        let panel = group * width / n;
        let values = Instruction::from(Pass {
            scalar: Scalar::Scale,
            kind: Kind::Quantize,
            length: self.tokens,
            turns: (heads * d).div_ceil(n),
            source: layout.values + panel * rows,
            s_turn: rows,
            destination: layout.b_values + panel * rows,
            d_turn: rows,
            to_b: true,
            block: true,
            halves: heads == 2,
            stat: statistics + 2 * shape.heads + first,
            head: register(first) + 2,
            ..Pass::default()
        });
        self.push(values.wait(s::VALUES, When::Once).signal(s::VALUES_READY, When::Once))
    }

    /// The scores of unit `u`.
    fn scores(&mut self, u: usize) -> Result<(), Error> {
        let (layout, shape, n) = (self.layout, self.image.shape, self.engine.lanes);
        let (tiles, d) = (layout.tiles, shape.width);
        let (head, tile) = (u / tiles, u % tiles);
        let slot = u % SOFTMAX_SLOTS;
        let mut mac = Instruction::from(Mac {
            k: d,
            inner: tiles,
            a: layout.a_queries + (head * tiles + tile) * d,
            b: layout.b_keys + head * tiles * d,
            b_inner: d,
            ..Mac::default()
        });
        if u >= SOFTMAX_SLOTS {
            mac = mac.wait(s::SCORES_TAKEN, When::Once);
        }
        if self.first_of_group(u) {
            mac = mac.wait(s::KEYS_READY, When::Once);
        }
        self.push(mac)?;
        let drain = Drain {
            mode: DrainMode::Scores,
            inner: tiles,
            columns: n,
            last_columns: layout.last,
            destination: layout.scores + slot * layout.slot,
            d_inner: n,
            stat: self.score_statistics() + slot,
            stat_group: 15,
            clear: true,
            ..Drain::default()
        };
        self.push(Instruction::from(drain).signal(s::SCORES, When::Once))
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
        let slot = u % SOFTMAX_SLOTS;
        let scalar = if tile == 0 { Scalar::Head } else { Scalar::None };
        let mut exp = Instruction::from(Pass {
            scalar,
            kind: Kind::Exp,
            length: self.tokens,
            source: layout.scores + slot * layout.slot,
            destination: slot * layout.slot,
            stat: self.score_statistics() + slot,
            head: register(head),
            constant: layer.score.0 as usize | (layer.score.1 as usize) << 15,
            ..Pass::default()
        })
        .wait(s::SCORES, When::Once);
        if u >= SOFTMAX_SLOTS {
            exp = exp.wait(s::WEIGHTS_TAKEN, When::Once);
        }
        if u + SOFTMAX_SLOTS < self.units() {
            exp = exp.signal(s::SCORES_TAKEN, When::Once);
        }
        self.push(exp)?;
        let soft = Pass { scalar: Scalar::Soft, own: true, head: register(head), slot, ..Pass::default() };
        self.push(Instruction::from(soft).signal(s::WEIGHTS, When::Once))
    }

    /// (24), (25), (27) of unit `u`.
    fn weighted(&mut self, u: usize) -> Result<(), Error> {
        let (layout, shape, n) = (self.layout, self.image.shape, self.engine.lanes);
        let (tiles, d) = (layout.tiles, shape.width);
        let (head, tile) = (u / tiles, u % tiles);
        let slot = u % SOFTMAX_SLOTS;
        let rows = tiles * n;
        let blocks = (d / n).max(1);
        let mut mac = Instruction::from(Mac {
            k: self.tokens,
            inner: blocks,
            a: slot * layout.slot,
            planes: true,
            b: layout.b_values + head * d / n * rows,
            b_inner: rows,
            ..Mac::default()
        })
        .wait(s::WEIGHTS, When::Once);
        if self.first_of_group(u) {
            mac = mac.wait(s::VALUES_READY, When::Once);
        }
        if u + SOFTMAX_SLOTS < self.units() {
            mac = mac.signal(s::WEIGHTS_TAKEN, When::Once);
        }
        self.push(mac)?;
        let mut drain = Instruction::from(Drain {
            mode: DrainMode::Context,
            inner: blocks,
            columns: d.min(n),
            last_columns: d.min(n),
            start: head * d % n,
            destination: layout.context + tile * shape.hidden + head * d,
            d_inner: n,
            stat: 2 * tiles + tile,
            stat_group: 15,
            clear: head == 0,
            slot,
            ..Drain::default()
        });
        if head + 1 == shape.heads {
            drain = drain.signal(s::CONTEXT, When::Once);
        }
        self.push(drain)
    }

    pub(super) fn attention(&mut self, layer: &LayerFacts) -> Result<(), Error> {
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
}

fn register(head: usize) -> usize {
    3 * (head % HEAD_REGISTERS)
}
