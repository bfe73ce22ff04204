//! (10), (19), (24): the products of the array.
#![allow(unsafe_code)]

/// Operands of a tile by row: `steps` numbers for each lane.
#[derive(Debug, Default)]
pub(crate) struct Operand {
    numbers: Vec<i16>,
    steps: usize,
}

impl Operand {
    /// Turns words around: `word` gives the numbers of all lanes at a step.
    pub(crate) fn fill<'a, T: Copy + Into<i16> + 'a>(
        &mut self,
        steps: usize,
        lanes: usize,
        word: impl Fn(usize) -> &'a [T],
    ) {
        self.steps = steps;
        // Every place is written below.
        self.numbers.resize(steps * lanes, 0);
        for step in 0..steps {
            let places = self.numbers[step..].iter_mut().step_by(steps);
            for (place, &number) in places.zip(word(step)) {
                *place = number.into();
            }
        }
    }

    fn row(&self, lane: usize) -> &[i16] {
        &self.numbers[lane * self.steps..][..self.steps]
    }
}

/// The sums of a tile: `sums[column * lanes + row]`.
pub(crate) fn multiply(a: &Operand, b: &Operand, lanes: usize, sums: &mut [i32]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        unsafe { avx2(a, b, lanes, sums) };
        return;
    }
    plain(a, b, lanes, sums);
}

fn plain(a: &Operand, b: &Operand, lanes: usize, sums: &mut [i32]) {
    for (column, sums) in sums.chunks_exact_mut(lanes).enumerate() {
        for (row, sum) in sums.iter_mut().enumerate() {
            *sum = dot(a.row(row), b.row(column));
        }
    }
}

/// The array adds without a look at overflow.
fn dot(a: &[i16], b: &[i16]) -> i32 {
    a.iter().zip(b).fold(0_i32, |sum, (&a, &b)| sum.wrapping_add(i32::from(a) * i32::from(b)))
}

/// [`plain`] with the instruction that multiplies 16 pairs and adds neighbours. A sum of two
/// products fits 32 bits: a number of an operand is no softmax weight of 16384 or more.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(a: &Operand, b: &Operand, lanes: usize, sums: &mut [i32]) {
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi32, _mm256_extract_epi32, _mm256_loadu_si256, _mm256_madd_epi16,
        _mm256_setzero_si256,
    };

    #[target_feature(enable = "avx2")]
    fn load(numbers: &[i16; 16]) -> __m256i {
        // SAFETY: the array has the 32 bytes that are read.
        unsafe { _mm256_loadu_si256(numbers.as_ptr().cast()) }
    }

    #[target_feature(enable = "avx2")]
    fn total(x: __m256i) -> i32 {
        let low = _mm256_extract_epi32::<0>(x)
            .wrapping_add(_mm256_extract_epi32::<1>(x))
            .wrapping_add(_mm256_extract_epi32::<2>(x))
            .wrapping_add(_mm256_extract_epi32::<3>(x));
        low.wrapping_add(_mm256_extract_epi32::<4>(x))
            .wrapping_add(_mm256_extract_epi32::<5>(x))
            .wrapping_add(_mm256_extract_epi32::<6>(x))
            .wrapping_add(_mm256_extract_epi32::<7>(x))
    }

    for (column, sums) in sums.chunks_exact_mut(lanes).enumerate() {
        let (right, right_rest) = b.row(column).as_chunks::<16>();
        for (rows, sums) in sums.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let rows: [_; 4] = std::array::from_fn(|i| a.row(4 * rows + i).as_chunks::<16>());
            let mut wide = [_mm256_setzero_si256(); 4];
            for (k, column) in right.iter().enumerate() {
                let column = load(column);
                for (sum, (row, _)) in wide.iter_mut().zip(rows) {
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(load(&row[k]), column));
                }
            }
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = total(wide[i]).wrapping_add(dot(rows[i].1, right_rest));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers at both ends of 8 bits, weights of the softmax, and all numbers of steps around a
    /// vector.
    #[test]
    fn both_ways_to_multiply_give_the_same_sums() {
        let lanes = 8;
        for steps in [1, 15, 16, 17, 40] {
            let numbers = |seed: i16, most: i16| -> Vec<i16> {
                (0..(steps * lanes) as i16).map(|i| (i.wrapping_mul(seed) % most).max(-128)).collect()
            };
            let (mut a, mut b) = (Operand::default(), Operand::default());
            let (left, right) = (numbers(7919, 16_384), numbers(-31, 129));
            a.fill(steps, lanes, |k| &left[k * lanes..][..lanes]);
            b.fill(steps, lanes, |k| &right[k * lanes..][..lanes]);
            let mut sums = [vec![0; lanes * lanes], vec![1; lanes * lanes]];
            multiply(&a, &b, lanes, &mut sums[0]);
            plain(&a, &b, lanes, &mut sums[1]);
            assert_eq!(sums[0], sums[1], "{steps} steps");
            let expected: i32 =
                (0..steps).map(|k| i32::from(left[k * lanes + 3]) * i32::from(right[k * lanes + 5])).sum();
            assert_eq!(sums[0][5 * lanes + 3], expected, "{steps} steps");
        }
    }
}
