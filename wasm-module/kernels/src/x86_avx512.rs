//! AVX-512 with VNNI: 16 columns an instruction.
#![allow(unsafe_code, reason = "loads, stores and the entry into functions that need the instruction set")]

use core::arch::x86_64::*;

use lockstep_arith::activation::{Activation, SEGMENTS, Table};
use lockstep_arith::attention::{ContextScale, HeadScale};
use lockstep_arith::layer_norm::LayerNorm;
use lockstep_arith::rows::{Scale, Sign};

use crate::isa::{Isa, forward_steps};
use crate::linear::Requantizer;
use crate::packed::{COLUMNS, GROUP, PackedPairs, PackedWeights};
use crate::product::Product;
use crate::vector;

/// Rows of a tile: with three panels, 24 of the 32 registers accumulate.
const ROWS: usize = 8;
/// Panels of a tile.
const PANELS: usize = 3;

/// Proof that the processor has the instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// A kernel, where the processor has one.
    pub(crate) fn new() -> Option<Self> {
        let found = std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512bw")
            && std::arch::is_x86_feature_detected!("avx512vl")
            && std::arch::is_x86_feature_detected!("avx512dq")
            && std::arch::is_x86_feature_detected!("avx512vnni");
        found.then_some(Self(()))
    }
}

impl Isa for Avx512 {
    fn name(self) -> &'static str {
        "x86-avx512-vnni"
    }

    fn products(self, q: &[i8], weights: &PackedWeights, out: &mut [i32]) {
        let product = Product::of_bytes(q, weights, out);
        // SAFETY: `self` proves the features.
        unsafe { multiply::<false>(&product, out) }
    }

    fn pair_products(self, a: &[i16], b: &PackedPairs, out: &mut [i32]) {
        let product = Product::of_pairs(a, b, out);
        // SAFETY: `self` proves the features.
        unsafe { multiply::<true>(&product, out) }
    }

    forward_steps!("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni");

    fn activate(self, v: &mut [i16], activation: &Activation) {
        // SAFETY: `self` proves the features.
        unsafe { activate(v, activation) }
    }
}

/// All rows by all panels.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn multiply<const PAIRS: bool>(product: &Product<'_>, out: &mut [i32]) {
    let panels = product.panels();
    for panel in (0..panels).step_by(PANELS) {
        for (row, count) in product.row_tiles(ROWS) {
            macro_rules! tile {
                ($($rows:literal)*) => {
                    match (count, panels - panel) {
                        $(
                            ($rows, 1) => tile::<$rows, 1, PAIRS>(product, row, panel, out),
                            ($rows, 2) => tile::<$rows, 2, PAIRS>(product, row, panel, out),
                            ($rows, _) => tile::<$rows, 3, PAIRS>(product, row, panel, out),
                        )*
                        _ => unreachable!("a tile has 1 to 8 rows"),
                    }
                };
            }
            tile!(1 2 3 4 5 6 7 8);
        }
    }
}

/// `R` rows by `P` panels.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn tile<const R: usize, const P: usize, const PAIRS: bool>(
    product: &Product<'_>,
    row: usize,
    panel: usize,
    out: &mut [i32],
) {
    let groups = product.groups;
    assert!(row + R <= product.rows && panel + P <= product.panels(), "a tile inside the product");
    let mut acc = [[_mm512_setzero_si512(); P]; R];
    if !PAIRS {
        for (r, acc) in acc.iter_mut().enumerate() {
            let sum = _mm512_set1_epi32(product.row_starts[row + r]);
            for (p, acc) in acc.iter_mut().enumerate() {
                let columns: &[i32; COLUMNS] = product.column_start(panel + p);
                // SAFETY: an array of 64 bytes.
                *acc = _mm512_add_epi32(sum, unsafe { _mm512_loadu_si512(columns.as_ptr().cast()) });
            }
        }
    }
    for g in 0..groups {
        let mut lines = [_mm512_setzero_si512(); P];
        for (p, line) in lines.iter_mut().enumerate() {
            // SAFETY: `panel + p < panels()` and `g < groups`; `lines` has `panels() * groups` elements.
            *line = unsafe { _mm512_load_si512(product.lines.as_ptr().add((panel + p) * groups + g).cast()) };
        }
        for (r, acc) in acc.iter_mut().enumerate() {
            // SAFETY: `row + r < rows` and `g < groups`; `left` has `rows` rows of `groups` groups of 4 bytes.
            let a =
                unsafe { product.left.add(((row + r) * groups + g) * GROUP).cast::<i32>().read_unaligned() };
            let a = _mm512_set1_epi32(a);
            for (acc, line) in acc.iter_mut().zip(lines) {
                *acc = if PAIRS {
                    _mm512_dpwssd_epi32(*acc, a, line)
                } else {
                    _mm512_dpbusd_epi32(*acc, line, a)
                };
            }
        }
    }
    for (r, acc) in acc.into_iter().enumerate() {
        for (p, acc) in acc.into_iter().enumerate() {
            let out = product.cell(row + r, panel + p, out);
            let mask = (1_u32 << out.len()).wrapping_sub(1) as __mmask16;
            // SAFETY: `out` has 1 to 16 elements, and the mask as many bits.
            unsafe { _mm512_mask_storeu_epi32(out.as_mut_ptr(), mask, acc) };
        }
    }
}

/// The coefficients of a table, a register each, every segment in four places.
#[derive(Clone, Copy)]
struct Coefficients([__m512i; 3]);

impl Coefficients {
    #[target_feature(enable = "avx512f,avx512bw")]
    fn of(table: &Table) -> Self {
        Self(table.coefficients.map(|c| {
            const { assert!(SEGMENTS == 8) };
            // SAFETY: eight numbers of 16 bits.
            _mm512_broadcast_i32x4(unsafe { _mm_loadu_si128(c.as_ptr().cast()) })
        }))
    }
}

/// (28) to (30), 32 numbers at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn activate(v: &mut [i16], activation: &Activation) {
    const LANES: usize = 32;
    let f = activation.bump.fraction_bits;
    let Coefficients([c0, c1, c2]) = Coefficients::of(&activation.bump);
    let limit = _mm512_set1_epi16(((4 << f) - 1) as i16);
    let up = _mm_cvtsi32_si128(13 - f);
    let down = _mm_cvtsi32_si128(16 - f);
    let offset = _mm512_set1_epi16(activation.offset);
    let (zero, one) = (_mm512_setzero_si512(), _mm512_set1_epi16(1));
    for v in v.chunks_exact_mut(activation.equaliser.len()) {
        for (v, e) in v.chunks_mut(LANES).zip(activation.equaliser.chunks(LANES)) {
            let mask = (1_u64 << v.len()).wrapping_sub(1) as __mmask32;
            // SAFETY: the mask has as many bits as `v` and `e` have elements.
            let (x, e) = unsafe {
                (_mm512_maskz_loadu_epi16(mask, v.as_ptr()), _mm512_maskz_loadu_epi16(mask, e.as_ptr()))
            };
            // The magnitude of -32768 is unsigned, and so is this minimum.
            let t = _mm512_sll_epi16(_mm512_min_epu16(_mm512_abs_epi16(x), limit), up);
            let segment = _mm512_srli_epi16::<12>(t);
            let l = _mm512_slli_epi16::<3>(_mm512_and_si512(t, _mm512_set1_epi16(4095)));
            let at = |c| _mm512_permutexvar_epi16(segment, c);
            let inner = _mm512_add_epi16(at(c1), _mm512_mulhrs_epi16(l, at(c2)));
            let bump = _mm512_add_epi16(at(c0), _mm512_mulhrs_epi16(l, inner));
            // (1) in two shifts: the sum before a single one may pass 16 bits.
            let bump = _mm512_srai_epi16::<1>(_mm512_add_epi16(_mm512_sra_epi16(bump, down), one));
            // The rise is not negative, so that a saturated one saturates the sum too.
            let a = _mm512_adds_epi16(_mm512_max_epi16(x, zero), _mm512_subs_epi16(offset, bump));
            let x = _mm512_mulhrs_epi16(a, e);
            // SAFETY: as above.
            unsafe { _mm512_mask_storeu_epi16(v.as_mut_ptr(), mask, x) };
        }
    }
}
