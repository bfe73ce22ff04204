//! VNNI on 256 bits: 8 columns in one instruction. The two kernels differ in the encoding of the
//! same instructions: AVX-VNNI for processors without AVX-512, and AVX-512VL. All other steps are
//! those of AVX2.
#![allow(unsafe_code, reason = "loads and the entry into functions that need the instruction set")]

use core::arch::x86_64::*;

use lockstep_arith::activation::Activation;
use lockstep_arith::attention::{ContextScale, HeadScale};
use lockstep_arith::layer_norm::LayerNorm;
use lockstep_arith::rows::{Scale, Sign};

use super::avx2::{PARTS, activate, store};
use super::forward::forward_steps;
use super::items;
use crate::isa::Isa;
use crate::operands::product::Product;
use crate::operands::{GROUP, PackedPairs, PackedWeights, Requantizer};
use crate::plain;

/// Rows of a tile that is one panel wide: 12 of the 16 registers accumulate.
const ROWS: usize = 6;

/// Defines a kernel: its type, its name, the features of its functions (as one string and one by
/// one), and the instructions of its two products.
macro_rules! kernel {
    ($type:ident, $name:literal, $features:literal, [$($feature:tt)*], $bytes:ident, $pairs:ident) => {
        /// Proof that the processor has the instructions.
        #[derive(Clone, Copy, Debug)]
        pub(super) struct $type(());

        impl $type {
            /// The kernel, if this processor has the instructions.
            pub(super) fn find() -> Option<&'static dyn Isa> {
                let found = true $(&& std::arch::is_x86_feature_detected!($feature))*;
                found.then_some(&Self(()))
            }
        }

        impl Isa for $type {
            fn name(&self) -> &'static str {
                $name
            }

            fn products(&self, q: &[i8], weights: &PackedWeights, out: &mut [i32]) {
                let product = Product::of_bytes(q, weights, out, plain::sum);
                // SAFETY: `self` proves the features.
                unsafe { Self::multiply::<false>(&product, out) }
            }

            fn pair_products(&self, a: &[i16], b: &PackedPairs, out: &mut [i32]) {
                let product = Product::of_pairs(a, b, out);
                // SAFETY: `self` proves the features.
                unsafe { Self::multiply::<true>(&product, out) }
            }

            forward_steps!("avx2");

            fn activate(&self, v: &mut [i16], activation: &Activation) {
                // SAFETY: `self` proves the feature.
                unsafe { activate(v, activation) }
            }

            fn dots(&self, query: &[i16], rows: &[i16], out: &mut [i64]) {
                // SAFETY: `self` proves the feature.
                unsafe { items::dots(query, rows, out) }
            }

            fn high_dots(&self, queries: &[i16], width: usize, rows: &[i8], out: &mut [i64]) {
                // SAFETY: `self` proves the feature.
                unsafe { items::high_dots(queries, width, rows, out) }
            }
        }

        impl $type {
            /// Multiplies all rows by all panels.
            #[target_feature(enable = $features)]
            fn multiply<const PAIRS: bool>(product: &Product<'_>, out: &mut [i32]) {
                for panel in 0..product.panels() {
                    for (row, count) in product.row_tiles(ROWS) {
                        match count {
                            1 => Self::tile::<1, PAIRS>(product, row, panel, out),
                            2 => Self::tile::<2, PAIRS>(product, row, panel, out),
                            3 => Self::tile::<3, PAIRS>(product, row, panel, out),
                            4 => Self::tile::<4, PAIRS>(product, row, panel, out),
                            5 => Self::tile::<5, PAIRS>(product, row, panel, out),
                            _ => Self::tile::<ROWS, PAIRS>(product, row, panel, out),
                        }
                    }
                }
            }

            /// Multiplies `R` rows by one panel.
            #[target_feature(enable = $features)]
            fn tile<const R: usize, const PAIRS: bool>(
                product: &Product<'_>,
                row: usize,
                panel: usize,
                out: &mut [i32],
            ) {
                let groups = product.groups;
                assert!(row + R <= product.rows && panel < product.panels(), "a tile inside the product");
                let mut acc = [[_mm256_setzero_si256(); PARTS]; R];
                for g in 0..groups {
                    // SAFETY: `panel < panels()` and `g < groups`; `lines` has `panels() * groups`
                    // elements of 64 bytes.
                    let lines = unsafe {
                        let line = product.lines.as_ptr().add(panel * groups + g).cast::<__m256i>();
                        [_mm256_load_si256(line), _mm256_load_si256(line.add(1))]
                    };
                    for (r, acc) in acc.iter_mut().enumerate() {
                        // SAFETY: `row + r < rows` and `g < groups`; `left` has `rows` rows of
                        // `groups` groups of 4 bytes.
                        let a = unsafe {
                            product.left.add(((row + r) * groups + g) * GROUP).cast::<i32>().read_unaligned()
                        };
                        let a = _mm256_set1_epi32(a);
                        for (acc, line) in acc.iter_mut().zip(lines) {
                            *acc = if PAIRS { $pairs(*acc, a, line) } else { $bytes(*acc, line, a) };
                        }
                    }
                }
                for (r, acc) in acc.into_iter().enumerate() {
                    store::<PAIRS>(product, acc, row + r, panel, out);
                }
            }
        }
    };
}

kernel!(AvxVnni, "x86-avx-vnni", "avx2,avxvnni", ["avx2" "avxvnni"], _mm256_dpbusd_avx_epi32, _mm256_dpwssd_avx_epi32);
kernel!(
    Avx512Vl, "x86-avx512vl-vnni", "avx2,avx512vnni,avx512vl", ["avx2" "avx512vnni" "avx512vl"],
    _mm256_dpbusd_epi32, _mm256_dpwssd_epi32
);
