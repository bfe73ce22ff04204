//! Values of any number of bits, for ports.

use std::fmt;

use lockstep_arith::sample::Random;

/// A vector of bits as little-endian bytes. Bits from `width` on are zero.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Bits {
    width: usize,
    bytes: Vec<u8>,
}

impl Bits {
    /// `width` zeros.
    #[must_use]
    pub fn zero(width: usize) -> Self {
        Self { width, bytes: vec![0; width.div_ceil(8)] }
    }

    /// The low `width` bits of a number.
    #[must_use]
    pub fn new(width: usize, value: u64) -> Self {
        let mut bits = Self::zero(width);
        bits.put(0, width.min(64), value);
        bits
    }

    /// A vector of `width` bits from its bytes, lowest first. Missing bytes are zero.
    #[must_use]
    pub fn from_bytes(width: usize, bytes: &[u8]) -> Self {
        let mut bits = Self::zero(width);
        let n = bits.bytes.len().min(bytes.len());
        bits.bytes[..n].copy_from_slice(&bytes[..n]);
        bits.trim();
        bits
    }

    /// A packed array of the low `each` bits (at most 64) of every number. Element 0 is lowest.
    #[must_use]
    pub fn pack<T: Into<i64>>(each: usize, values: impl IntoIterator<Item = T>) -> Self {
        let values: Vec<i64> = values.into_iter().map(Into::into).collect();
        let mut bits = Self::zero(each * values.len());
        for (i, value) in values.into_iter().enumerate() {
            bits.put(i * each, each, value.cast_unsigned());
        }
        bits
    }

    /// Random bits.
    #[must_use]
    pub fn random(width: usize, random: &mut Random) -> Self {
        let bytes: Vec<u8> = (0..width.div_ceil(64)).flat_map(|_| random.next().to_le_bytes()).collect();
        Self::from_bytes(width, &bytes)
    }

    /// Concatenates values. The first part is lowest.
    #[must_use]
    pub fn concat(parts: &[Self]) -> Self {
        let mut bits = Self::zero(parts.iter().map(|p| p.width).sum());
        let mut at = 0;
        for part in parts {
            for low in (0..part.width).step_by(64) {
                let n = (part.width - low).min(64);
                bits.put(at + low, n, part.get(low, n));
            }
            at += part.width;
        }
        bits
    }

    /// Number of bits.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// The bytes, lowest first.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// `n` bits (at most 64) from bit `low` on; zeros past the end.
    #[must_use]
    pub fn get(&self, low: usize, n: usize) -> u64 {
        read(&self.bytes, low, n)
    }

    /// The low 64 bits.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.get(0, 64)
    }

    /// The elements of a packed array of two's complement numbers of `each` bits.
    #[must_use]
    pub fn signed(&self, each: usize) -> Vec<i64> {
        self.unsigned(each).into_iter().map(|v| (v << (64 - each)).cast_signed() >> (64 - each)).collect()
    }

    /// The elements of a packed array of unsigned numbers of `each` bits.
    #[must_use]
    pub fn unsigned(&self, each: usize) -> Vec<u64> {
        (0..self.width / each).map(|i| self.get(i * each, each)).collect()
    }

    /// Sets `n` bits (at most 64) from bit `low` on.
    pub(crate) fn put(&mut self, low: usize, n: usize, value: u64) {
        write(&mut self.bytes, low, n, value);
    }

    fn trim(&mut self) {
        if !self.width.is_multiple_of(8)
            && let Some(last) = self.bytes.last_mut()
        {
            *last &= (1 << (self.width % 8)) - 1;
        }
    }
}

/// `n` bits (at most 64) of little-endian bytes from bit `low` on; zeros past the end.
pub(crate) fn read(bytes: &[u8], low: usize, n: usize) -> u64 {
    let mut window = [0; 16];
    for (byte, from) in window.iter_mut().zip(bytes.iter().skip(low / 8).take(9)) {
        *byte = *from;
    }
    ((u128::from_le_bytes(window) >> (low % 8)) & ones(n)) as u64
}

/// Sets `n` bits (at most 64) of little-endian bytes from bit `low` on.
pub(crate) fn write(bytes: &mut [u8], low: usize, n: usize, value: u64) {
    let place = (ones(n) << (low % 8)).to_le_bytes();
    let value = (u128::from(value) << (low % 8)).to_le_bytes();
    for (byte, (place, value)) in
        bytes[low / 8..(low + n).div_ceil(8)].iter_mut().zip(place.into_iter().zip(value))
    {
        *byte = *byte & !place | value & place;
    }
}

/// The low `n` bits (at most 64).
const fn ones(n: usize) -> u128 {
    (1 << n) - 1
}

impl fmt::Debug for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}'h", self.width)?;
        self.bytes.iter().rev().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_arrays_come_back() {
        let values = [-3_i16, 5, -32768, 32767, 0];
        let bits = Bits::pack(17, values);
        assert_eq!(bits.width(), 85);
        assert_eq!(bits.signed(17), values.map(i64::from));
        assert_eq!(bits.unsigned(17)[0], (1 << 17) - 3);
        assert_eq!(Bits::from_bytes(85, &[0xff; 11]).get(80, 64), 31);
        assert_eq!(Bits::concat(&[Bits::new(3, 5), Bits::new(70, 9)]).get(3, 64), 9);
        let wide = Bits::concat(&[Bits::new(7, 0), Bits::new(64, u64::MAX), Bits::new(5, 0)]);
        assert_eq!(
            (wide.get(6, 64), wide.get(7, 64), wide.get(8, 64)),
            (u64::MAX << 1, u64::MAX, u64::MAX >> 1)
        );
        assert_eq!((wide.get(71, 64), wide.get(500, 64), wide.get(3, 0)), (0, 0, 0));
        assert_eq!(Bits::new(12, 0xabc).to_string(), "12'h0abc");
    }
}
