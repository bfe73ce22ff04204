//! NEON with dot products: `sdot` multiplies four columns by four inputs, which are one lane of a
//! register.
#![allow(unsafe_code, reason = "loads, `sdot` by name, entry into functions that need the instruction set")]

use core::arch::aarch64::*;
use core::arch::asm;

use crate::isa::Isa;
use crate::operands::product::Product;
use crate::operands::{COLUMNS, GROUP, PackedPairs, PackedWeights};
use crate::plain;

/// Rows of a tile that is one panel wide: 16 of the 32 registers accumulate.
const ROWS: usize = 4;
/// Registers of a panel.
const PARTS: usize = 4;
/// Groups of inputs in a register.
const LANES: usize = 4;

/// Proof that the processor has the instructions.
#[derive(Clone, Copy, Debug)]
pub(super) struct DotProd(());

impl DotProd {
    /// The kernel, if this processor has the instructions.
    pub(super) fn find() -> Option<&'static dyn Isa> {
        std::arch::is_aarch64_feature_detected!("dotprod").then_some(&Self(()))
    }
}

impl Isa for DotProd {
    fn name(&self) -> &'static str {
        "arm-dotprod"
    }

    fn products(&self, q: &[i8], weights: &PackedWeights, out: &mut [i32]) {
        let product = Product::of_bytes(q, weights, out, plain::sum);
        // SAFETY: `self` proves the feature.
        unsafe { multiply::<false>(&product, out) }
    }

    fn pair_products(&self, a: &[i16], b: &PackedPairs, out: &mut [i32]) {
        let product = Product::of_pairs(a, b, out);
        // SAFETY: `self` proves the feature.
        unsafe { multiply::<true>(&product, out) }
    }
}

/// Multiplies all rows by all panels.
#[target_feature(enable = "neon,dotprod")]
fn multiply<const PAIRS: bool>(product: &Product<'_>, out: &mut [i32]) {
    for panel in 0..product.panels() {
        for (row, count) in product.row_tiles(ROWS) {
            match count {
                1 => tile::<1, PAIRS>(product, row, panel, out),
                2 => tile::<2, PAIRS>(product, row, panel, out),
                3 => tile::<3, PAIRS>(product, row, panel, out),
                _ => tile::<ROWS, PAIRS>(product, row, panel, out),
            }
        }
    }
}

/// `acc[j] += sum_k weights[4 j + k] * inputs[4 lane + k]`.
macro_rules! dot {
    ($acc:expr, $weights:expr, $inputs:expr, $lane:literal) => {
        // SAFETY: the feature is enabled; the instruction reads and writes registers only.
        unsafe {
            asm!(
                concat!("sdot {acc:v}.4s, {weights:v}.16b, {inputs:v}.4b[", $lane, "]"),
                acc = inout(vreg) $acc, weights = in(vreg) $weights, inputs = in(vreg) $inputs,
                options(pure, nomem, nostack, preserves_flags)
            )
        }
    };
}

/// Multiplies `R` rows by one panel.
#[target_feature(enable = "neon,dotprod")]
fn tile<const R: usize, const PAIRS: bool>(product: &Product<'_>, row: usize, panel: usize, out: &mut [i32]) {
    let groups = product.groups;
    assert!(row + R <= product.rows && panel < product.panels(), "a tile inside the product");
    let mut acc = [[vdupq_n_s32(0); PARTS]; R];
    let weights = |g: usize| {
        let line = product.lines[panel * groups + g].0.as_ptr().cast::<i8>();
        // SAFETY: the 64 bytes of a line.
        unsafe { [vld1q_s8(line), vld1q_s8(line.add(16)), vld1q_s8(line.add(32)), vld1q_s8(line.add(48))] }
    };
    // SAFETY: `row + r < rows`, so every group below `groups` lies in the left operand.
    let inputs =
        |r: usize, g: usize| unsafe { product.left.add(((row + r) * groups + g) * GROUP).cast::<i8>() };
    let whole = if PAIRS { 0 } else { groups / LANES * LANES };
    for g in (0..whole).step_by(LANES) {
        // SAFETY: the groups `g` to `g + 3` lie in the row.
        let rows: [int8x16_t; R] = core::array::from_fn(|r| unsafe { vld1q_s8(inputs(r, g)) });
        macro_rules! lane {
            ($lane:literal) => {
                let weights = weights(g + $lane);
                for (acc, inputs) in acc.iter_mut().zip(rows) {
                    for (acc, weights) in acc.iter_mut().zip(weights) {
                        dot!(*acc, weights, inputs, $lane);
                    }
                }
            };
        }
        lane!(0);
        lane!(1);
        lane!(2);
        lane!(3);
    }
    for g in whole..groups {
        let weights = weights(g);
        for (r, acc) in acc.iter_mut().enumerate() {
            // SAFETY: the group `g` lies in the row.
            let inputs =
                unsafe { vreinterpretq_s8_s32(vdupq_n_s32(inputs(r, g).cast::<i32>().read_unaligned())) };
            for (acc, weights) in acc.iter_mut().zip(weights) {
                if PAIRS {
                    *acc = vaddq_s32(
                        *acc,
                        pair_sums(vreinterpretq_s16_s8(weights), vreinterpretq_s16_s8(inputs)),
                    );
                } else {
                    dot!(*acc, weights, inputs, 0);
                }
            }
        }
    }
    for (r, acc) in acc.into_iter().enumerate() {
        let mut sums = [0; COLUMNS];
        for (sums, acc) in sums.chunks_exact_mut(COLUMNS / PARTS).zip(acc) {
            // SAFETY: four numbers of 32 bits.
            unsafe { vst1q_s32(sums.as_mut_ptr(), acc) };
        }
        if !PAIRS {
            for (sum, &start) in sums.iter_mut().zip(product.column_start(panel)) {
                *sum += start + product.row_starts[row + r];
            }
        }
        let out = product.cell(row + r, panel, out);
        out.copy_from_slice(&sums[..out.len()]);
    }
}

/// Adds the products of each two neighbours.
#[target_feature(enable = "neon")]
fn pair_sums(a: int16x8_t, b: int16x8_t) -> int32x4_t {
    vpaddq_s32(vmull_s16(vget_low_s16(a), vget_low_s16(b)), vmull_high_s16(a, b))
}
