//! Relaxed SIMD: products of 8-bit numbers, two or four at a time.
//!
//! The results of these instructions depend on the engine only if a byte of the second operand
//! exceeds 127. The stored weights lie in [1, 127], so every engine computes the same.
#![allow(unsafe_code, reason = "loads")]

use alloc::vec;
use alloc::vec::Vec;
use core::arch::wasm32::*;
use core::mem::offset_of;

use super::rows;
use super::simd::{ByteProducts, Simd};
use super::tile::{ROWS, Sums, Tile, WIDTH};
use super::unroll::each;
use crate::isa::Isa;
use crate::operands::product::Product;
use crate::operands::strip::{self, Inputs, Loads, Strip, StripLine};
use crate::operands::{GROUP, Line, PackedWeights};

/// Proof that the engine multiplies a signed byte by a byte in [0, 127], in this order.
#[derive(Clone, Copy, Debug)]
struct Relaxed(Way);

/// How rows of bytes are multiplied. Both ways give the same sums. Which one is faster depends on
/// the processor's instructions that the engine uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Adds four products into 32 bits. Faster if the processor has one instruction for it.
    Dots,
    /// Adds two products into 16 bits, and widens once for each group of lines: [`strip`].
    Strips,
}

/// The kernels of both ways, the faster one first. There are none if the engine does not follow the
/// final text of the relaxed-simd proposal: early engines swap the operands. An engine without the
/// instructions refuses the module.
pub(super) fn kernels() -> Vec<&'static dyn Isa> {
    match Relaxed::faster_way() {
        Some(Way::Dots) => vec![&Simd(Relaxed(Way::Dots)), &Simd(Relaxed(Way::Strips))],
        Some(Way::Strips) => vec![&Simd(Relaxed(Way::Strips)), &Simd(Relaxed(Way::Dots))],
        None => Vec::new(),
    }
}

impl Relaxed {
    /// The faster way on this engine. `None` if it does not follow the final text of the proposal.
    fn faster_way() -> Option<Way> {
        // The operands go through memory, so that the compiler does not compute the answer.
        let [signed, low, high] = core::hint::black_box([-128, 127, -1].map(|byte| i8x16_splat(byte)));
        let pairs = pair_sums(signed, low);
        let quads = quad_sums(signed, low);
        let right = v128_and(
            i16x8_eq(pairs, i16x8_splat(2 * -128 * 127)),
            i32x4_eq(quads, i32x4_splat(4 * -128 * 127 + 1)),
        );
        if !i8x16_all_true(right) {
            return None;
        }
        // Bytes above 127, which no weight has, show the difference. If the engine adds two
        // products in 16 bits first, their sum saturates. One instruction for all four products
        // takes such a byte as -1 or as 255 and does not saturate.
        let saturated = i32x4_splat(2 * i32::from(i16::MIN) + 1);
        let dots = !i8x16_all_true(i32x4_eq(quad_sums(signed, high), saturated));
        Some(if dots { Way::Dots } else { Way::Strips })
    }
}

#[target_feature(enable = "relaxed-simd")]
fn pair_sums(signed: v128, low: v128) -> v128 {
    i16x8_relaxed_dot_i8x16_i7x16(signed, low)
}

#[target_feature(enable = "relaxed-simd")]
fn quad_sums(signed: v128, low: v128) -> v128 {
    i32x4_relaxed_dot_i8x16_i7x16_add(signed, low, i32x4_splat(1))
}

impl ByteProducts for Relaxed {
    const NAME: &'static str = "wasm-relaxed";

    fn products(&self, q: &[i8], weights: &PackedWeights, out: &mut [i32]) {
        // An engine without the instructions refuses the module: the call is safe on this target.
        products(*self, q, weights, out);
    }
}

#[target_feature(enable = "relaxed-simd")]
fn products(isa: Relaxed, q: &[i8], weights: &PackedWeights, out: &mut [i32]) {
    let mut product = Product::of_bytes(q, weights, out, rows::sum);
    if isa.0 == Way::Dots || product.rows < 2 {
        return dot_tiles(&product, out);
    }
    let strips = strips(isa, &mut product, q, weights);
    for strip in &strips {
        let grouped: usize = strip.groups.iter().zip(0..).map(|(&n, length)| n as usize * length).sum();
        assert_eq!(grouped, strip.lines.len(), "every line is in a group");
    }
    // Each tile of a panel fetches an equal part of the lines of the next panel.
    let part = product.groups.div_ceil(2 * strips.len());
    for half in 0..product.columns.div_ceil(WIDTH) {
        let next = product.lines.chunks_exact(product.groups).nth(half / 2 + 1).unwrap_or(&[]);
        for (i, strip) in strips.iter().enumerate() {
            let row = i * strip::ROWS;
            let tile =
                Tile { row, rows: (product.rows - row).min(strip::ROWS), panel: half / 2, half: half % 2 };
            let fetched = next.chunks(part).nth(half % 2 * strips.len() + i).unwrap_or(&[]);
            // SAFETY: asserted above.
            let sums = unsafe { strip_tile(&product, strip, tile, fetched) };
            tile.store_rows(&sums, &product, out);
        }
    }
}

#[target_feature(enable = "relaxed-simd")]
#[inline(never)]
fn strips(isa: Relaxed, product: &mut Product<'_>, q: &[i8], weights: &PackedWeights) -> Vec<Strip> {
    strip::strips(isa, product, q, weights)
}

#[inline(always)]
fn inputs(line: v128) -> Inputs {
    let mut inputs = [0; strip::ROWS * GROUP];
    // SAFETY: sixteen bytes.
    unsafe { v128_store(inputs.as_mut_ptr().cast(), line) };
    inputs
}

impl Loads for Relaxed {
    type Sums = v128;

    #[inline(always)]
    fn of(self, line: &Inputs) -> v128 {
        // SAFETY: sixteen bytes.
        let line = unsafe { v128_load(line.as_ptr().cast()) };
        let positive = i8x16_max(line, i8x16_splat(0));
        let negative = i8x16_sub(positive, line);
        let pairs = [positive, negative].map(|bytes| u16x8_extadd_pairwise_u8x16(bytes));
        u8x16_narrow_i16x8(pairs[0], pairs[1])
    }

    #[inline(always)]
    fn centred(self, line: Inputs) -> (Inputs, Option<Inputs>) {
        // SAFETY: sixteen bytes.
        let line = unsafe { v128_load(line.as_ptr().cast()) };
        let greatest = i8x16_splat(strip::GREATEST);
        let rest = i8x16_sub(i8x16_max(line, greatest), greatest);
        let centred = i8x16_add(i8x16_min(line, greatest), i8x16_splat(127 - strip::GREATEST));
        (inputs(centred), v128_any_true(rest).then(|| inputs(rest)))
    }

    #[inline(always)]
    fn add(self, a: v128, b: v128) -> Option<v128> {
        let sums = u8x16_add_sat(a, b);
        (!v128_any_true(u8x16_eq(sums, u8x16_splat(255)))).then_some(sums)
    }
}

/// Adds to `$sums` the products of those lines of a group that `$mask` names. Not a loop: see
/// [`super::unroll`].
macro_rules! add_lines {
    ($sums:ident, $base:ident, $line:ident, $mask:ident, [$($i:literal),*]) => {$(
        if $mask & (1 << $i) != 0 {
            // SAFETY: the group has such a line.
            let (weights, rows) = unsafe { operands($base, $line.add($i)) };
            for (sums, row) in $sums.iter_mut().zip(rows) {
                for (sum, weights) in sums.iter_mut().zip(weights) {
                    *sum = i16x8_add(*sum, i16x8_relaxed_dot_i8x16_i7x16(row, weights));
                }
            }
        }
    )*};
}
/// Multiplies four rows by half a panel. A separate function, so that no other values need its
/// registers. Each group brings one of the lines `fetched` into the caches.
///
/// # Safety
/// The strip belongs to the product, and has as many lines as its groups have together.
#[target_feature(enable = "relaxed-simd")]
#[inline(never)]
unsafe fn strip_tile(product: &Product<'_>, strip: &Strip, tile: Tile, fetched: &[Line]) -> Sums {
    tile.check(tile.rows, product);
    let panel = &product.lines[tile.panel * product.groups..][..product.groups];
    let start = tile.column_start(product);
    let mut acc = [start; strip::ROWS];
    for (acc, sum) in acc.iter_mut().zip(&product.row_starts[tile.row..]) {
        *acc = acc.map(|acc| i32x4_add(acc, i32x4_splat(*sum)));
    }
    // SAFETY: the half is inside the lines of the panel.
    let base = unsafe { panel.as_ptr().cast::<u8>().add(32 * tile.half) };
    // Addresses and no slices, so that the position of a line's offset becomes part of the load.
    let mut line = strip.lines.as_ptr();
    let mut fetched = fetched.iter();
    for (length, &count) in strip.groups.iter().enumerate().skip(1).rev() {
        // Bit i is set if a group has a line i. The compiler must not know which bits go together:
        // it would divide the group into paths, and would need more registers than there are.
        let mask = core::hint::black_box((1_u32 << length) - 1);
        for _ in 0..count {
            if let Some(line) = fetched.next() {
                // SAFETY: a reference is valid. Volatile, because the byte is not used.
                unsafe { (&raw const line.0[0]).read_volatile() };
            }
            // SAFETY: the groups together are as long as the lines, `base` is the start of half a
            // panel, and the lines belong to its strip.
            let (weights, rows) = unsafe { operands(base, line) };
            let mut sums = [weights; strip::ROWS];
            for (sums, row) in sums.iter_mut().zip(rows) {
                for sum in sums {
                    *sum = i16x8_relaxed_dot_i8x16_i7x16(row, *sum);
                }
            }
            add_lines!(sums, base, line, mask, [1, 2, 3]);
            if mask > 0b1111 {
                add_lines!(sums, base, line, mask, [4, 5, 6, 7]);
            }
            // SAFETY: as above.
            line = unsafe { line.add(length) };
            for (acc, sums) in acc.iter_mut().zip(sums) {
                for (acc, sum) in acc.iter_mut().zip(sums) {
                    *acc = i32x4_add(*acc, i32x4_extadd_pairwise_i16x8(sum));
                }
            }
        }
    }
    acc
}

const _: () = assert!(strip::LONGEST == 8, "a group has lines 0 to 7");

/// Loads the operands of one line: the weights of eight columns, and the inputs of each row.
///
/// # Safety
/// `base` is the start of a panel or 32 bytes after it; `line` is valid; 64 bytes at its offset lie
/// inside the panel.
#[inline(always)]
unsafe fn operands(base: *const u8, line: *const StripLine) -> ([v128; 2], [v128; strip::ROWS]) {
    // SAFETY: the caller's promise. The inputs are sixteen bytes.
    let (weights, rows) = unsafe {
        let offset = line.byte_add(offset_of!(StripLine, offset)).cast::<u32>().read();
        let at = base.add(offset as usize).cast::<v128>();
        ([v128_load(at), v128_load(at.add(1))], v128_load(line.cast()))
    };
    let rows = [
        i32x4_shuffle::<0, 0, 0, 0>(rows, rows),
        i32x4_shuffle::<1, 1, 1, 1>(rows, rows),
        i32x4_shuffle::<2, 2, 2, 2>(rows, rows),
        i32x4_shuffle::<3, 3, 3, 3>(rows, rows),
    ];
    (weights, rows)
}

/// Multiplies all rows by all halves of panels.
#[target_feature(enable = "relaxed-simd")]
fn dot_tiles(product: &Product<'_>, out: &mut [i32]) {
    for tile in Tile::all(product) {
        match tile.rows {
            1 => dot_tile::<1>(product, tile, out),
            2 => dot_tile::<2>(product, tile, out),
            3 => dot_tile::<3>(product, tile, out),
            _ => dot_tile::<ROWS>(product, tile, out),
        }
    }
}

/// Multiplies `R` rows by half a panel.
#[target_feature(enable = "relaxed-simd")]
#[inline(never)]
fn dot_tile<const R: usize>(product: &Product<'_>, tile: Tile, out: &mut [i32]) {
    tile.check(R, product);
    let groups = product.groups;
    let start = tile.column_start(product);
    let mut acc = [start; R];
    for (acc, sum) in acc.iter_mut().zip(&product.row_starts[tile.row..]) {
        *acc = acc.map(|acc| i32x4_add(acc, i32x4_splat(*sum)));
    }
    let panel = &product.lines[tile.panel * groups..][..groups];
    each!((g, line) in panel.iter().enumerate() => {
        // SAFETY: 32 of the 64 bytes of a line.
        let weights = unsafe {
            let at = line.0.as_ptr().cast::<v128>().add(2 * tile.half);
            [v128_load(at), v128_load(at.add(1))]
        };
        for (r, acc) in acc.iter_mut().enumerate() {
            // SAFETY: `row + r < rows` and `g < groups`: a group of 4 bytes of the left operand.
            let inputs =
                unsafe { v128_load32_splat(product.left.add(((tile.row + r) * groups + g) * GROUP).cast()) };
            for (acc, weights) in acc.iter_mut().zip(weights) {
                *acc = i32x4_relaxed_dot_i8x16_i7x16_add(inputs, weights, *acc);
            }
        }
    });
    for (r, acc) in acc.into_iter().enumerate() {
        tile.store(acc, r, product, out);
    }
}
