//! The parts that several steps of a program share: loads, moves, linear layers, norms,
//! quantisations.

use lockstep_accel_abi::codes::INSTRUCTION_BYTES;
use lockstep_accel_abi::instructions::{Drain, Instruction, Kind, Load, Mac, Move, Pass, Scalar, When};
use lockstep_arith::layer_norm::reciprocal_of_width;

use crate::array::ArrayShape;
use crate::error::Error;
use crate::image::Image;
use crate::layout::Layout;

/// The instructions of one sequence so far.
pub(super) struct Compiler<'a> {
    pub(super) image: &'a Image,
    pub(super) engine: &'a ArrayShape,
    pub(super) layout: Layout,
    pub(super) tokens: usize,
    pub(super) base: u64,
    pub(super) out: Vec<[u8; INSTRUCTION_BYTES as usize]>,
}

/// A linear layer of the engine: the rows that it reads, and what becomes of its sums.
pub(super) struct Job {
    pub(super) inputs: usize,
    pub(super) columns: usize,
    pub(super) from: usize,
    pub(super) wait: Option<(u8, When)>,
    pub(super) signal: (u8, When),
    pub(super) drain: Drain,
}

impl Compiler<'_> {
    pub(super) fn push(&mut self, instruction: impl Into<Instruction>) -> Result<(), Error> {
        self.out.push(instruction.into().to_bytes()?);
        Ok(())
    }

    pub(super) fn load(&mut self, at: usize, words: usize) -> Result<(), Error> {
        self.push(Load { address: self.base + at as u64, words })
    }

    pub(super) fn move_norm(&mut self, to: usize, signal: u8) -> Result<(), Error> {
        let per_word = self.engine.lanes / 8;
        let words = self.image.shape.hidden / per_word;
        let norm = Move { destination: to / per_word, words, to_v: false };
        self.push(Instruction::from(norm).signal(signal, When::Once))
    }

    /// The drain of a linear layer with `columns` outputs: (11) of rows whose scales begin at
    /// `row_scale`, by (`acc_shift`, `out_shift`).
    pub(super) fn linear_drain(&self, columns: usize, row_scale: usize, shifts: (i32, i32)) -> Drain {
        let n = self.engine.lanes;
        Drain {
            outer: columns.div_ceil(n),
            inner: self.layout.tiles,
            columns: n,
            by_panel: true,
            last_columns: columns - (columns - 1) / n * n,
            last_lanes: self.layout.last,
            acc_shift: shifts.0,
            out_shift: shifts.1,
            row_scale,
            clear: true,
            ..Drain::default()
        }
    }

    pub(super) fn linear(&mut self, job: &Job) -> Result<(), Error> {
        let mut mac = Instruction::from(Mac {
            k: job.inputs,
            outer: job.columns.div_ceil(self.engine.lanes),
            inner: self.layout.tiles,
            a: job.from,
            a_inner: job.inputs,
            ring: true,
            ..Mac::default()
        });
        if let Some((semaphore, when)) = job.wait {
            mac = mac.wait(semaphore, when);
        }
        self.push(mac)?;
        self.push(Instruction::from(job.drain).signal(job.signal.0, job.signal.1))
    }

    /// (12) to (18) of the sums of a tile. With `next` also (5) to (8) of the equalised rows:
    /// `next` is the first row scale of the block, and the semaphore to signal.
    pub(super) fn norm(
        &mut self,
        tile: usize,
        g: usize,
        waits: &[u8],
        next: Option<(usize, u8)>,
    ) -> Result<(), Error> {
        let (layout, hidden) = (self.layout, self.image.shape.hidden);
        let constant = reciprocal_of_width(hidden) as usize;
        let sums = layout.sums + tile * hidden;
        let square = Instruction::from(Pass {
            scalar: Scalar::Mean,
            kind: Kind::Square,
            length: hidden,
            source: sums,
            stat: tile,
            constant,
            ..Pass::default()
        });
        self.push(waits.iter().fold(square, |square, &wait| square.wait(wait, When::Once)))?;
        self.push(Pass {
            scalar: Scalar::Rho,
            kind: Kind::Norm,
            length: hidden,
            source: sums,
            destination: sums,
            second: layout.stream + tile * hidden,
            g,
            own: true,
            constant,
            ..Pass::default()
        })?;
        if let Some((row_scale, signal)) = next {
            let quantize = Pass {
                scalar: Scalar::Scale,
                kind: Kind::Quantize,
                length: hidden,
                source: sums,
                from_y: true,
                own: true,
                destination: layout.a_input + tile * hidden,
                row_scale: row_scale + tile,
                write_scale: true,
                ..Pass::default()
            };
            self.push(Instruction::from(quantize).signal(signal, When::Once))?;
        }
        Ok(())
    }

    /// (5) to (9) of rows whose maximum the drain has kept. `per_tile` gives the memories of a
    /// tile.
    pub(super) fn quantize_rows(
        &mut self,
        wait: u8,
        signal: u8,
        length: usize,
        per_tile: impl Fn(usize) -> Pass,
    ) -> Result<(), Error> {
        for tile in 0..self.layout.tiles {
            let quantize = Pass {
                scalar: Scalar::Scale,
                kind: Kind::Quantize,
                length,
                write_scale: true,
                ..per_tile(tile)
            };
            self.push(Instruction::from(quantize).wait(wait, When::Once).signal(signal, When::Once))?;
        }
        Ok(())
    }
}
