//! The entropy source of a target that has none.
//!
//! tract's dependencies link `getrandom`, whose custom backend requires this function. No model
//! calls it, and it answers that there is no entropy.
#![allow(unsafe_code, reason = "a symbol by the name that getrandom looks for")]

use getrandom::Error;

/// Has the signature of `getrandom`'s custom backend, version 0.3 and later.
///
/// # Safety
/// Safe to call: neither argument is used.
// SAFETY: the name is getrandom's; no other crate of the module defines it.
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(_dest: *mut u8, _len: usize) -> Result<(), Error> {
    Err(Error::UNSUPPORTED)
}
