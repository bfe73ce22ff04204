//! Passes over what the drain has written, against the reference.

use lockstep_accel_abi::instructions::{Kind, Pass, Scalar};
use lockstep_arith::attention::{ContextScale, ScoreScale, exp2};
use lockstep_arith::embedding::Embedding;
use lockstep_arith::layer_norm::reciprocal_of_width;
use lockstep_arith::rows::{Scale, Sign};
use lockstep_hdl_sim::Bits;

use super::rig::Operand;
use super::{Content, LENGTH, PART, Words, World, pass, sums};
use crate::{N, slot};

fn lane(words: &Words, lane: usize) -> Vec<i32> {
    words.iter().map(|w| w[lane]).collect()
}

/// The words of a pass: the fields that all have, and `fields` of each.
fn words(kind: Kind, source: u64, fields: impl Fn(u64) -> Vec<(&'static str, u64)>) -> Vec<Bits> {
    let word = |i: u64| {
        let mut all = vec![
            ("valid", 1),
            ("kind", 4 + kind as u64),
            ("read", source + i),
            ("read_y", source + i),
            ("channel", i),
            ("clear", u64::from(i == 0)),
            ("odd", i % 2),
            ("first", u64::from(i == 0)),
            ("last", 1),
        ];
        all.retain(|f| !fields(i).iter().any(|other| other.0 == f.0));
        all.extend(fields(i));
        slot(&all)
    };
    (0..LENGTH as u64).map(word).collect()
}

impl World {
    /// The passes over a part, against the reference.
    pub(super) fn passes(&mut self, part: usize, content: Content, entry: usize) {
        match content {
            Content::Columns | Content::Rows => self.quantise(part, content, entry, false),
            Content::Sums => {
                self.normalise(part);
                self.quantise(part, content, entry, true);
            }
            Content::Scores => return self.softmax(part),
        }
        self.pool(part);
    }

    /// (5) to (9) of V, or of the equalised rows in Y.
    fn quantise(&mut self, part: usize, content: Content, entry: usize, own: bool) {
        let from = if own { &self.y[part] } else { &self.v[part] }.clone();
        let base = if own { sums(part) } else { part as u64 * PART };
        let block = content == Content::Rows;
        let halves = block && self.draw(0, 1) == 1;
        let unsigned = from.iter().flatten().all(|&x| x >= 0);
        let sign = if unsigned { Sign::Unsigned } else { Sign::Signed };
        let max = |lanes: std::ops::Range<usize>| {
            let all = from.iter().flat_map(|w| w[lanes.clone()].iter());
            Scale::of_max(all.map(|x| x.unsigned_abs()).max().unwrap() as u16)
        };
        let scales: [Scale; N] = std::array::from_fn(|i| match (block, halves, i < N / 2) {
            (false, ..) => max(i..i + 1),
            (true, false, _) => max(0..N),
            (true, true, true) => max(0..N / 2),
            (true, true, false) => max(N / 2..N),
        });
        if !block {
            self.row_scales[entry] = scales;
        }
        let (to_b, to) = (self.draw(0, 1) as u64, self.draw(0, 900_000) as u64);
        let new = Pass {
            stat: part,
            unsigned,
            own,
            block,
            halves,
            head: 6,
            write_scale: !block,
            row_scale: entry,
            ..pass(Scalar::Scale, Kind::Quantize)
        };
        for (i, word) in from.iter().enumerate() {
            let q = word.iter().zip(&scales).map(|(&x, s)| s.quantize(x as i16, sign));
            let memory = if to_b == 1 { 'B' } else { 'A' };
            self.rig.operands.push_back(Operand { memory, address: to + i as u64, word: Bits::pack(8, q) });
        }
        let fields = |i| vec![("write", to + i), ("to_b", to_b), ("from_y", own.into())];
        self.rig.pass(new, !own, true, words(Kind::Quantize, base, fields));
    }

    /// (12) to (18): the stream to V, the equalised rows over the sums.
    fn normalise(&mut self, part: usize) {
        let base = part as u64 * PART;
        let constant = reciprocal_of_width(LENGTH) as usize;
        let mean = Pass { stat: part, constant, ..pass(Scalar::Mean, Kind::Square) };
        self.rig.pass(mean, true, true, words(Kind::Square, sums(part), |_| Vec::new()));
        let fields = |i| vec![("write", sums(part) + i), ("second", base + i), ("g", i)];
        let norm = Pass { own: true, constant, ..pass(Scalar::Rho, Kind::Norm) };
        self.rig.pass(norm, false, true, words(Kind::Norm, sums(part), fields));
        for l in 0..N {
            let (x, x2) = self.norm.forward(&lane(&self.y[part], l));
            for (i, (x, x2)) in x.into_iter().zip(x2.unwrap()).enumerate() {
                self.v[part][i][l] = x.into();
                self.y[part][i][l] = x2.into();
            }
        }
    }

    /// (20) to (23), (25), (26).
    fn softmax(&mut self, part: usize) {
        let score = ScoreScale { multiplier: self.draw(16384, 32767) as i16, shift: self.draw(45, 60) };
        let head = score.of_head(self.heads[0], self.heads[1]);
        let rows: Vec<Vec<i16>> = (0..N)
            .map(|l| {
                let scores = lane(&self.y[part], l);
                let best = scores.iter().max().unwrap();
                scores.iter().map(|a| exp2(head.octaves(best - a))).collect()
            })
            .collect();
        let to = self.draw(0, 900_000) as u64;
        for i in 0..LENGTH {
            let word = Bits::pack(14, rows.iter().map(|row| row[i]));
            self.rig.operands.push_back(Operand { memory: 'P', address: to + i as u64, word });
        }
        let constant = score.multiplier as usize | (score.shift as usize) << 15;
        let exp = Pass { stat: part, constant, ..pass(Scalar::Head, Kind::Exp) };
        self.rig.pass(exp, true, true, words(Kind::Exp, sums(part), |i| vec![("write", to + i)]));
        let soft = Pass { own: true, slot: part, ..pass(Scalar::Soft, Kind::None) };
        self.rig.pass(soft, false, true, Vec::new());
        let scale = |row: &Vec<i16>| {
            ContextScale::of(row.iter().map(|&p| u32::from(p.unsigned_abs())).sum(), self.heads[2])
        };
        self.soft[part] = Some(std::array::from_fn(|l| scale(&rows[l])));
    }

    /// (33) in two turns. The last turn counts some lanes only.
    fn pool(&mut self, part: usize) {
        let base = part as u64 * PART;
        let lanes = self.draw(1, N as i32) as usize;
        let half = LENGTH / 2;
        for channel in 0..half {
            let sum = |word: usize, lanes: usize| self.v[part][word][..lanes].iter().sum::<i32>();
            self.rig.pools.push_back((sum(channel, N) + sum(channel + half, lanes)) as u32);
        }
        let fields = |i: u64| {
            let turn = i % 2;
            let read = base + i / 2 + turn * half as u64;
            vec![
                ("read", read),
                ("first", 1 - turn),
                ("last", turn),
                ("masked", turn),
                ("lanes", lanes as u64),
            ]
        };
        self.rig.pass(pass(Scalar::None, Kind::Pool), false, false, words(Kind::Pool, base, fields));
    }

    /// (32) into a part: word rows, the positions in V, type rows.
    pub(super) fn embed(&mut self, part: usize) -> Content {
        let base = part as u64 * PART;
        let kinds: Vec<usize> = (0..N).map(|_| self.draw(0, 1) as usize).collect();
        let scales: Vec<i16> = (0..N).map(|_| self.draw(0, 4095) as i16).collect();
        let rows: Vec<[i8; N]> =
            (0..LENGTH).map(|_| [(); N].map(|()| self.random.within(-127, 127) as i8)).collect();
        self.rig.rows = rows.iter().map(|row| Bits::pack(8, *row)).collect();
        self.rig.set("gather_scale_i", &Bits::pack(12, scales.iter().copied()));
        self.rig.set("gather_type_i", &Bits::pack(2, kinds.iter().map(|&k| k as i64)));
        for l in 0..N {
            let embedding = Embedding {
                hidden: LENGTH,
                words: rows.iter().map(|row| row[l]).collect(),
                word_scales: vec![scales[l]],
                positions: lane(&self.v[part], l).iter().map(|&x| x as i16).collect(),
                types: self.types[kinds[l]].clone(),
                table_shift: 3,
            };
            for (i, sum) in embedding.sums(0, 0, 0).into_iter().enumerate() {
                self.y[part][i][l] = sum;
            }
        }
        let fields = |i| vec![("write", sums(part) + i), ("g", LENGTH as u64 + i), ("stat", part as u64)];
        let new = Pass { shift: 3, ..pass(Scalar::None, Kind::Embed) };
        self.rig.pass(new, false, false, words(Kind::Embed, base, fields));
        Content::Sums
    }
}
