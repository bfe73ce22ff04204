//! Arrays of numbers inside bytes that another owner keeps: a mapped file, or a buffer that a host
//! wrote.

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;

use bytemuck::{AnyBitPattern, NoUninit};
use bytes::Bytes;

#[cfg(target_endian = "big")]
compile_error!("a model's file is little-endian and is read in place");

/// Little-endian numbers of one type in shared bytes. A clone shares the same bytes.
pub struct Shared<T> {
    bytes: Bytes,
    numbers: PhantomData<T>,
}

impl<T: AnyBitPattern> Shared<T> {
    /// Takes `bytes` as numbers. `None` if the bytes are not aligned for `T`, or if their length is
    /// not a multiple of the size of `T`.
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
