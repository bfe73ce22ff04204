//! Compares the products of compact vectors by every kernel of this processor with
//! `lockstep_arith`, by `==`.

use lockstep_arith::item::{LARGEST, compact, dot, high_dot};
use lockstep_arith::sample::Random;
use lockstep_kernels::Kernel;

/// Lengths below, at and above the widths of all vectors, and beyond the sums that fit 32 bits.
const WIDTHS: [usize; 16] = [1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 384, 511, 512, 513, 1040];
const COUNTS: [usize; 7] = [0, 1, 2, 3, 4, 5, 9];

fn shorts(random: &mut Random, n: usize) -> Vec<i16> {
    let largest = i32::from(LARGEST);
    (0..n).map(|_| random.within(-largest, largest) as i16).collect()
}

#[test]
fn compact_vectors_equal_the_reference() {
    let mut random = Random::new(40);
    for width in WIDTHS.into_iter().chain([0]) {
        for bits in 0..32 {
            let mut pooled: Vec<i32> = (0..width).map(|_| (random.next() as i32) >> bits).collect();
            // Every other number is a tie, or next to one: 32767 p / m is k + 1/2 if m = 2 * 32767
            // j.
            if bits % 2 == 0 && width > 1 {
                let unit = random.within(1, 32767);
                pooled[0] = unit * 65534 * if bits % 4 == 0 { 1 } else { -1 };
                for p in &mut pooled[1..] {
                    *p = unit * random.within(-65534, 65534) + random.within(-1, 1);
                }
            }
            check_compact(&pooled);
        }
    }
    for extreme in [i32::MIN, i32::MAX, 0] {
        for other in [i32::MIN, i32::MIN + 1, -1, 0, 1, 1 << 30, i32::MAX - 1, i32::MAX] {
            check_compact(&[[extreme, other].repeat(9), vec![other]].concat());
        }
    }
}

fn check_compact(pooled: &[i32]) {
    let expected = compact(pooled);
    for kernel in Kernel::available() {
        let mut out = vec![0x5a5a; pooled.len()];
        kernel.compact(pooled, &mut out);
        assert_eq!(out, expected, "{} {pooled:?}", kernel.name());
    }
}

#[test]
fn products_equal_the_reference() {
    let mut random = Random::new(41);
    for width in WIDTHS {
        for count in COUNTS {
            let (query, rows) = (shorts(&mut random, width), shorts(&mut random, count * width));
            check_dots(&query, &rows);
            for queries in [1, 2, 3, 4, 5, 8] {
                let queries = shorts(&mut random, queries * width);
                let high: Vec<i8> = (0..count * width).map(|_| random.next() as i8).collect();
                check_high_dots(&queries, width, &high);
            }
        }
    }
}

#[test]
fn products_of_extremes_do_not_overflow() {
    for width in [512, 513, 1024, 4097] {
        for q in [-LARGEST, LARGEST] {
            let query = vec![q; width];
            for c in [-LARGEST, LARGEST] {
                check_dots(&query, &vec![c; 3 * width]);
            }
            for high in [-128, 127] {
                check_high_dots(&query.repeat(5), width, &vec![high; 3 * width]);
            }
        }
    }
}

fn check_dots(query: &[i16], rows: &[i16]) {
    let expected: Vec<i64> = rows.chunks(query.len()).map(|row| dot(query, row)).collect();
    for kernel in Kernel::available() {
        let mut out = vec![0x5a5a; expected.len()];
        kernel.dots(query, rows, &mut out);
        assert_eq!(out, expected, "{} {}", kernel.name(), query.len());
    }
}

fn check_high_dots(queries: &[i16], width: usize, rows: &[i8]) {
    let of = |query| rows.chunks(width).map(move |row| high_dot(query, row));
    let expected: Vec<i64> = queries.chunks(width).flat_map(of).collect();
    for kernel in Kernel::available() {
        let mut out = vec![0x5a5a; expected.len()];
        kernel.high_dots(queries, width, rows, &mut out);
        assert_eq!(out, expected, "{} {width}", kernel.name());
    }
}
