//! What all parts of a program are made of: loads, moves, linear layers, norms, quantisations.

use lockstep_arith::layer_norm::reciprocal_of_width;

use crate::Error;
use crate::engine::{Engine, Layout};
use crate::image::Image;
use crate::isa::{Instruction, Kind, LINEAR, LOAD, MAC, MOVE, PASS, Scalar, When};

/// The instructions of one sequence so far.
pub(super) struct Compiler<'a> {
    pub(super) image: &'a Image,
    pub(super) engine: &'a Engine,
    pub(super) layout: Layout,
    pub(super) tokens: usize,
    pub(super) base: u64,
    pub(super) out: Vec<Instruction>,
}

/// Sets fields from numbers of any kind.
pub(super) trait Fields: Sized {
    fn with(self, fields: &[(&'static str, usize)]) -> Result<Self, Error>;
}

impl Fields for Instruction {
    fn with(self, fields: &[(&'static str, usize)]) -> Result<Self, Error> {
        fields.iter().try_fold(self, |i, &(name, value)| i.set(name, value as u64))
    }
}

pub(super) fn pass(
    scalar: Scalar,
    kind: Kind,
    fields: &[(&'static str, usize)],
) -> Result<Instruction, Error> {
    Instruction::new(&PASS)
        .with(&[("scalar", scalar as usize), ("kind", kind as usize), ("turns", 1)])?
        .with(fields)
}

/// Which rows a linear layer of the engine reads, and what becomes of its sums.
pub(super) struct Job<'a> {
    pub(super) inputs: usize,
    pub(super) columns: usize,
    pub(super) from: usize,
    pub(super) row_scale: usize,
    pub(super) shifts: (i32, i32),
    pub(super) wait: Option<(u8, When)>,
    pub(super) signal: (u8, When),
    pub(super) drain: &'a [(&'static str, usize)],
}

impl Compiler<'_> {
    pub(super) fn push(&mut self, instruction: Instruction) {
        self.out.push(instruction);
    }

    pub(super) fn load(&mut self, at: usize, words: usize) -> Result<(), Error> {
        let address = self.base as usize + at;
        self.push(Instruction::new(&LOAD).with(&[("address", address), ("words", words)])?);
        Ok(())
    }

    pub(super) fn move_norm(&mut self, to: usize, signal: u8) -> Result<(), Error> {
        let per_word = self.engine.lanes / 8;
        let fields = [("destination", to / per_word), ("words", self.image.shape.hidden / per_word)];
        self.push(Instruction::new(&MOVE).with(&fields)?.signal(signal, When::Once));
        Ok(())
    }

    pub(super) fn linear(&mut self, job: &Job<'_>) -> Result<(), Error> {
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

    /// (12) to (18) of a tile's sums, and (5) to (8) of the equalised rows where there are any: `next` is the first
    /// row scale of the block and what is signalled.
    pub(super) fn norm(
        &mut self,
        tile: usize,
        g: usize,
        waits: &[u8],
        next: Option<(usize, u8)>,
    ) -> Result<(), Error> {
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

    /// (5) to (9) of rows whose maximum the drain has kept.
    pub(super) fn quantize_rows(
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
}
