//! The interface written out for others: two SystemVerilog packages, and tables for people.
//!
//! The files are committed. `cargo run -p lockstep-accel-abi --bin lockstep-abi-generate` writes
//! them anew, and a test compares.

mod instruction_package;
mod instruction_table;
mod markdown;
mod systemverilog;
mod text;

pub use instruction_package::instruction_package;
pub use instruction_table::instruction_table;
pub use markdown::register_table;
pub use systemverilog::package;

/// A generator: it writes one file.
pub type Generator = fn(&mut dyn core::fmt::Write) -> core::fmt::Result;

/// The generated files, by their paths from the root of the workspace.
pub const FILES: &[(&str, Generator)] = &[
    ("hdl-sim/rtl/lockstep_pkg.sv", package),
    ("hdl-sim/rtl/engine/ls_isa_pkg.sv", instruction_package),
    ("accel-driver/abi/REGISTERS.md", register_table),
    ("accel-driver/abi/INSTRUCTIONS.md", instruction_table),
];
