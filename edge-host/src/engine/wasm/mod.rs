//! The engine in WebAssembly: instances of the module, each with a memory of its own.

mod cache;
mod component;
mod instance;
mod instances;
mod module;
mod sandbox;
mod snapshot;

pub use component::open_component;
pub use instance::Instance;
pub use instances::Instances;
