//! The engine of the accelerator without its clock: the same programs, the same integers in its
//! memories and in the host's, the same errors, in thousandths of the time that the RTL takes.
//!
//! An [`Engine`] runs a [`Job`] on [`Memories`]. Its five units execute the instructions of
//! `lockstep-accel-abi` in their queues and wait for semaphores, as `hdl-sim/DESIGN.md` describes.
//! A unit does an instruction, or a tile of one, at once. Numbers in parentheses are equations of
//! SPEC.md.

mod array;
mod drain;
mod engine;
mod gather;
mod job;
mod pass;
mod products;
mod queue;
mod ram;
mod requantise;
mod ring;
mod scalars;
mod semaphores;
mod state;
mod statistics;

pub use engine::Engine;
pub use job::{Done, Failure, Fault, Job, Memories};
