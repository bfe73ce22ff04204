//! The items of a catalogue on disk.
//!
//! Texts and attributes lie in SQLite, in WAL mode. Vectors lie in files that only grow, in the two
//! parts of (43) of `SPEC.md`, and are mapped into memory. So a catalogue of a million items takes
//! the memory of its bounds and of 16 bytes an item; the system reads vectors when they are
//! scanned, and no text stays in memory.
//!
//! A vector belongs to a model, which its digest names, and to a text, which its SHA-256 names.
//! Every vector of a model that the store has seen is known to it until the next compaction: an
//! item with a known text needs no model. Several models may have vectors of the same items, so
//! that a new one fills its own ([`Store::missing`]) while the old one answers.
//!
//! # What an acknowledgement means
//!
//! One thread writes. It takes the changes that wait, at most [`Settings::group`], and makes them
//! one transaction:
//!
//! 1. The vectors go to the ends of the files, and the files are synchronised.
//! 2. The transaction with the texts, the places of the vectors and the number of rows is committed
//!    and synchronised.
//! 3. The view that searches use is replaced, and the changes are acknowledged.
//!
//! If the process dies before 2, the database knows nothing of the change, and the ends of the
//! files are cut off at the next start. After 2 everything is there. So nothing acknowledged is
//! lost, and nothing half-written is read. A change that fails takes none of the others of its
//! group with it.
//!
//! # Packs
//!
//! [`Store::pack`] writes the vectors of a model as a vector pack, or those that changed since
//! another pack. The database numbers its groups of changes for that, in the log of `log.rs`.

mod catalogue;
mod changes;
mod compaction;
mod database;
mod error;
mod files;
mod item;
mod log;
mod mapped;
mod model;
mod packing;
mod store;
mod writer;

pub use catalogue::{Slot, View};
pub use error::StoreError;
pub use item::{Item, ModelName, TextHash, VectorOf, text_hash};
pub use log::Moment;
pub use mapped::map;
pub use packing::Packed;
pub use store::{Settings, Store};
