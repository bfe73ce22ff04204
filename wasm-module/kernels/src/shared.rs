//! Arrays of numbers that lie in someone else's bytes: a mapped file, a buffer that a host wrote.
#![allow(unsafe_code, reason = "a line of bytes is a line of bytes")]

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;

use bytemuck::{AnyBitPattern, NoUninit, Pod, Zeroable};
use bytes::Bytes;

use crate::packed::Line;

// SAFETY: 64 bytes with no padding, of which every value is one.
unsafe impl Zeroable for Line {}
// SAFETY: as above; `repr(C)`, `Copy`, no pointer, no interior mutability.
unsafe impl Pod for Line {}

#[cfg(target_endian = "big")]
compile_error!("a model's file is little-endian and read where it lies");

/// Numbers of one type, little-endian, in shared bytes. A clone shares them.
pub struct Shared<T> {
    bytes: Bytes,
    numbers: PhantomData<T>,
}

impl<T: AnyBitPattern> Shared<T> {
    /// The numbers in `bytes`; `None` where these are not aligned for them, or not a whole number of them.
    #[must_use]
    pub fn new(bytes: Bytes) -> Option<Self> {
        bytemuck::try_cast_slice::<u8, T>(&bytes).ok()?;
        Some(Self { bytes, numbers: PhantomData })
    }
}

impl<T: AnyBitPattern> Deref for Shared<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        if self.bytes.is_empty() { &[] } else { bytemuck::cast_slice(&self.bytes) }
    }
}

impl<T: AnyBitPattern + NoUninit + Send + Sync> From<Vec<T>> for Shared<T> {
    fn from(numbers: Vec<T>) -> Self {
        struct Owner<T>(Vec<T>);
        impl<T: NoUninit> AsRef<[u8]> for Owner<T> {
            fn as_ref(&self) -> &[u8] {
                bytemuck::cast_slice(&self.0)
            }
        }
        Self { bytes: Bytes::from_owner(Owner(numbers)), numbers: PhantomData }
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes.clone(), numbers: PhantomData }
    }
}

impl<T> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} shared bytes", self.bytes.len())
    }
}
