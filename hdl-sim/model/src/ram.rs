//! A memory of words, each with a number for every lane.

/// A memory. As in the RTL an address has as many bits as the depth needs. A word behind the depth
/// reads as zero and keeps nothing.
#[derive(Debug)]
pub(crate) struct Ram<T> {
    /// The words, then one of zeros that is only read, then one that is only written.
    words: Vec<T>,
    lanes: usize,
    depth: usize,
    mask: usize,
}

impl<T: Copy + Default> Ram<T> {
    pub(crate) fn new(depth: usize, lanes: usize) -> Self {
        let words = vec![T::default(); (depth + 2) * lanes];
        Self { words, lanes, depth, mask: depth.next_power_of_two() - 1 }
    }

    pub(crate) fn word(&self, address: usize) -> &[T] {
        let at = (address & self.mask).min(self.depth);
        &self.words[at * self.lanes..][..self.lanes]
    }

    pub(crate) fn word_mut(&mut self, address: usize) -> &mut [T] {
        let at = address & self.mask;
        let at = if at < self.depth { at } else { self.depth + 1 };
        &mut self.words[at * self.lanes..][..self.lanes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_cut_and_words_behind_the_depth_read_as_zero() {
        let mut ram = Ram::<i16>::new(6, 2);
        ram.word_mut(5).copy_from_slice(&[1, 2]);
        assert_eq!(ram.word(5 + 8), [1, 2], "an address has three bits");
        ram.word_mut(6).copy_from_slice(&[3, 4]);
        assert_eq!([ram.word(6), ram.word(7)], [[0, 0]; 2]);
        assert_eq!(ram.word(5), [1, 2]);
    }
}
