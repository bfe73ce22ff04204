//! The outputs of operators. They are not zeroed before they are written: zeroing would cost a
//! hundredth of the time of a call.
#![allow(unsafe_code, reason = "memory that is written before it is read")]

use tract_core::internal::*;

/// A number for which every bit pattern is valid.
pub(crate) trait Number: Datum + Copy {}

impl Number for i16 {}
impl Number for i32 {}

/// Matrices start at a cache line, which is also the width of the widest vector registers.
const ALIGNMENT: usize = 64;

/// A matrix of which `fill` must write every element. Before that, the elements are arbitrary
/// numbers.
pub(crate) fn matrix<T: Number>(
    rows: usize,
    width: usize,
    fill: impl FnOnce(&mut [T]),
) -> TractResult<TValue> {
    // SAFETY: every bit pattern is a valid `Number`, and `fill` writes each before anyone reads it.
    let mut tensor = unsafe { Tensor::uninitialized_aligned::<T>(&[rows, width], ALIGNMENT)? };
    fill(tensor.try_as_plain_ram_mut()?.as_slice_mut()?);
    Ok(tensor.into_tvalue())
}

/// Two matrices of the same shape.
pub(crate) fn two_matrices(
    rows: usize,
    width: usize,
    fill: impl FnOnce(&mut [i16], &mut [i16]),
) -> TractResult<TVec<TValue>> {
    let mut second = None;
    let first = matrix(rows, width, |first| {
        second = Some(matrix(rows, width, |second| fill(first, second)));
    })?;
    second.map_or_else(|| bail!("no second matrix"), |second| Ok(tvec![first, second?]))
}
