//! The input of a target, read as a script: each call takes the next bytes and makes a choice.

/// Bytes that decide. A script that is over decides zero: the first choice, no number, no chance.
#[derive(Debug)]
pub struct Script<'a>(&'a [u8]);

/// Numbers at which code that counts bytes goes wrong.
const EDGES: [u64; 16] = [
    1,
    2,
    4,
    64,
    255,
    256,
    4095,
    4096,
    1 << 20,
    i32::MAX as u64,
    1 << 31,
    u32::MAX as u64,
    1 << 32,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];

impl<'a> Script<'a> {
    /// A script.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether all bytes are used.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// The next `n` bytes, or all that are left.
    pub fn bytes(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// All bytes that are left.
    pub fn rest(&mut self) -> &'a [u8] {
        self.bytes(usize::MAX)
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let taken = self.bytes(N);
        array[..taken.len()].copy_from_slice(taken);
        array
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        u8::from_le_bytes(self.array())
    }

    /// The next two bytes.
    pub fn short(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    /// The next four bytes.
    pub fn word(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    /// The next eight bytes.
    pub fn long(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    /// A number below `n`, which is 1 or more; it takes one byte if `n` fits into one.
    pub fn below(&mut self, n: usize) -> usize {
        match n {
            0..=256 => usize::from(self.byte()) % n.max(1),
            257..=65_536 => usize::from(self.short()) % n,
            _ => self.word() as usize % n,
        }
    }

    /// True with a chance of `part` in 256.
    pub fn chance(&mut self, part: u8) -> bool {
        self.byte() > u8::MAX - part
    }

    /// One of the values.
    ///
    /// # Panics
    /// There are none.
    pub fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    /// A number of any size: often small, often at an edge, sometimes just beside one.
    pub fn number(&mut self) -> u64 {
        match self.byte() {
            byte @ 0..=127 => byte.into(),
            byte @ 128..=143 => EDGES[usize::from(byte - 128)],
            144..=191 => {
                let edge = EDGES[self.below(EDGES.len())];
                edge.wrapping_add(u64::from(self.byte())).wrapping_sub(128)
            }
            192..=207 => self.short().into(),
            208..=231 => self.word().into(),
            _ => self.long(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Script;

    #[test]
    fn a_script_that_is_over_decides_zero() {
        let mut script = Script::new(&[7]);
        assert!(!script.is_over());
        assert_eq!(script.short(), 7);
        assert!(script.is_over());
        assert_eq!((script.long(), script.below(5), script.number(), script.chance(255)), (0, 0, 0, false));
        assert_eq!(script.pick(&["first", "second"]), "first");
        assert_eq!(script.bytes(3), b"");
    }

    #[test]
    fn choices_take_the_bytes_in_order() {
        let mut script = Script::new(&[5, 255, 1, 2, 143, 9, 9]);
        assert_eq!((script.below(3), script.chance(1), script.short()), (2, true, 0x201));
        assert_eq!((script.number(), script.rest()), (u64::MAX, &[9, 9][..]));
    }
}
