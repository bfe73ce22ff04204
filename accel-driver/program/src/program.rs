//! From a model and a number of tokens to the instructions of one sequence.

mod attention;
mod compiler;
mod layer;
mod semaphore;

use lockstep_accel_abi::codes::INSTRUCTION_BYTES;
use lockstep_accel_abi::engine::PROGRAM_LENGTH_MAX;
use lockstep_accel_abi::instructions::{Drain, Instruction, Pass, When};

use crate::array::ArrayShape;
use crate::error::Error;
use crate::image::Image;
use crate::layout::Layout;
use compiler::{Compiler, Job};
use semaphore as s;

/// A program: the instructions for sequences of one length.
#[derive(Clone, Debug)]
pub struct Program {
    instructions: Vec<[u8; INSTRUCTION_BYTES as usize]>,
    stride: usize,
    macs: u64,
}

impl Program {
    /// Compiles for sequences of `tokens`, with the image at the card address `base`.
    ///
    /// # Errors
    /// A shape that the engine does not take, or a value that does not fit its field.
    pub fn new(image: &Image, engine: &ArrayShape, tokens: usize, base: u64) -> Result<Self, Error> {
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
        let shape = image.shape;
        let linear = 4 * shape.hidden * shape.hidden + 2 * shape.hidden * shape.intermediate;
        let attention = 2 * tokens * shape.hidden;
        let count = |macs: usize| (image.layers.len() * tokens * macs) as u64;
        Self::finished(compiler.out, engine, count(linear + attention))
    }

    /// Checks that a job can name the program.
    fn finished(
        instructions: Vec<[u8; INSTRUCTION_BYTES as usize]>,
        engine: &ArrayShape,
        macs: u64,
    ) -> Result<Self, Error> {
        if instructions.len() > PROGRAM_LENGTH_MAX {
            return Err(Error::Shape {
                what: "instructions of the program",
                value: instructions.len(),
                allowed: format!("up to {PROGRAM_LENGTH_MAX}"),
            });
        }
        Ok(Self { instructions, stride: engine.instruction_bytes(), macs })
    }

    /// A program that measures the products. It embeds the tokens, runs the first feed-forward
    /// layer of layer 0 `times` times without its activation, and sums the 16-bit outputs over the
    /// tokens.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn products(
        image: &Image,
        engine: &ArrayShape,
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
            let drain = Drain {
                destination: layout.rows,
                d_outer: engine.lanes,
                d_inner: intermediate,
                stat: layout.tiles,
                stat_inner: true,
                stat_group: 15,
                ..compiler.linear_drain(intermediate, 0, layer.expand)
            };
            compiler.linear(&Job {
                inputs: hidden,
                columns: intermediate,
                from: layout.a_input,
                wait: (turn == 0).then_some((s::LAYER_INPUT, When::Inner)),
                signal: (s::EXPANDED, When::Once),
                drain,
            })?;
        }
        for _ in 0..times {
            compiler.push(Instruction::from(Pass::default()).wait(s::EXPANDED, When::Once))?;
        }
        compiler.pool(layout.rows, intermediate)?;
        let products = (times * tokens * hidden * intermediate) as u64;
        Self::finished(compiler.out, engine, products)
    }

    /// The program as it lies in card memory.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.instructions.len() * self.stride);
        for instruction in &self.instructions {
            let end = bytes.len() + self.stride;
            bytes.extend(instruction);
            bytes.resize(end, 0);
        }
        bytes
    }

    /// Number of instructions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.instructions.len()
    }

    /// Whether the program has no instructions. It always has some.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.instructions.is_empty()
    }

    /// The number of products in (10), (19) and (24) for one sequence.
    #[must_use]
    pub const fn macs(&self) -> u64 {
        self.macs
    }
}
