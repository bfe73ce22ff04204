//! The accelerator's RTL (`rtl/`, SystemVerilog) and a bench for it around Verilator.
//!
//! A [`Design`] is a module with its parameters. The first bench that needs it verilates and
//! compiles it into `target/hdl/`; later benches find it there. A [`Sim`] is one clocked instance.
//! [`Agent`]s drive and check its ports: a [`Source`] and a [`Sink`] a ready/valid stream, an
//! [`AxiMemory`] an AXI4 master, an [`AxiLite`] a register port. Every wait has a deadline in
//! cycles.
//!
//! | environment variable | effect |
//! |---|---|
//! | `LOCKSTEP_FST` | a folder: every simulation writes a waveform there |
//! | `LOCKSTEP_COVERAGE` | a folder: every simulation writes its line and toggle coverage there |
//! | `LOCKSTEP_SEED` | a number that is added to the seed of uninitialised registers |

mod axi;
mod axi_lite;
mod batch;
mod bits;
mod card;
mod design;
mod engine;
mod error;
mod layout;
mod memory;

mod pipeline;
mod sim;
pub mod sources;
mod stalls;
mod stream;
mod top;
mod verilated;

pub use axi::{AxiMemory, AxiTiming, AxiTraffic};
pub use axi_lite::{AxiLite, Response};
pub use batch::{Batch, BatchResult, Sequence};
pub use bits::Bits;
pub use card::{Card, CardSetup};
pub use design::{Design, Optimize};
pub use engine::{Counters, EngineBench, EngineJob, EngineResult, MemoryTiming};
pub use error::Error;
pub use layout::Layout;
pub use memory::{Fault, Memory, SharedMemory, Storage};
pub use pipeline::Pipeline;
pub use sim::{Agent, Sim};
pub use stalls::Stalls;
pub use stream::{Sink, Source};
pub use top::{Top, TopSetup};
pub use verilated::Port;
