//! Steps on rows with AVX-512, where intrinsics are faster than the compiler's code for the plain
//! loops.
#![allow(unsafe_code, reason = "loads and stores under masks")]

use core::arch::x86_64::*;

use lockstep_arith::activation::{Activation, SEGMENTS, Table};
use lockstep_arith::layer_norm::{Affine, LayerNorm, deviation_shift, mean, reciprocal_deviation, variance};
use lockstep_arith::rows::{Scale, Sign};

use crate::plain::rounding::half;

/// 16-bit numbers of a register.
pub(crate) const LANES: usize = 32;

/// Rows whose square roots are computed together: one register.
const ROOTS: usize = 16;

/// The mask of the first `count` lanes, at most 32.
pub(crate) fn first_lanes(count: usize) -> __mmask32 {
    (1_u64 << count.min(LANES)).wrapping_sub(1) as __mmask32
}

/// Loads the first 32 numbers of `x`. If there are fewer, the other lanes are zeros.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub(crate) fn load(x: &[i16]) -> __m512i {
    match x.first_chunk::<LANES>() {
        // SAFETY: 64 bytes.
        Some(x) => unsafe { _mm512_loadu_si512(x.as_ptr().cast()) },
        // SAFETY: the mask has as many bits as there are numbers.
        None => unsafe { _mm512_maskz_loadu_epi16(first_lanes(x.len()), x.as_ptr()) },
    }
}

/// Stores the first numbers of `x`, at most 32, as many as `out` has.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub(crate) fn store16(out: &mut [i16], x: __m512i) {
    match out.first_chunk_mut::<LANES>() {
        // SAFETY: 64 bytes.
        Some(out) => unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), x) },
        // SAFETY: the mask has as many bits as there is room for numbers.
        None => unsafe { _mm512_mask_storeu_epi16(out.as_mut_ptr(), first_lanes(out.len()), x) },
    }
}

/// Narrows two registers of 32-bit numbers by (3), in their order.
#[target_feature(enable = "avx512f,avx512bw")]
pub(crate) fn narrow(a: __m512i, b: __m512i) -> __m512i {
    let in_order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    _mm512_permutexvar_epi64(in_order, _mm512_packs_epi32(a, b))
}

/// The greatest of 32 unsigned numbers of 16 bits.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(crate) fn greatest(x: __m512i) -> u16 {
    let x = _mm256_max_epu16(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64::<1>(x));
    let x = _mm_max_epu16(_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x));
    // There is an instruction for the least number only: the greatest is the complement of the
    // least complement.
    !(_mm_cvtsi128_si32(_mm_minpos_epu16(_mm_xor_si128(x, _mm_set1_epi8(-1)))) as u16)
}

/// (5) to (9) of rows: [`crate::Isa::quantize`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(crate) fn quantize(
    x: &[i16],
    width: usize,
    sign: Sign,
    q: &mut [i8],
    stride: usize,
    scales: &mut [Scale],
) {
    let (rounding, down, zero) = match sign {
        Sign::Signed => (64, 7, 0),
        Sign::Unsigned => (32, 6, 0x80),
    };
    let (rounding, down) = (_mm512_set1_epi16(rounding), _mm_cvtsi32_si128(down));
    let zero = _mm256_set1_epi8(zero as u8 as i8);
    for ((x, q), scale) in x.chunks_exact(width).zip(q.chunks_exact_mut(stride)).zip(scales) {
        let mut magnitudes = _mm512_setzero_si512();
        let (whole, tail) = x.as_chunks::<LANES>();
        for x in whole {
            magnitudes = _mm512_max_epu16(magnitudes, _mm512_abs_epi16(load(x)));
        }
        magnitudes = _mm512_max_epu16(magnitudes, _mm512_abs_epi16(load(tail)));
        *scale = Scale::of_max(greatest(magnitudes));
        let (up, reciprocal) = (_mm_cvtsi32_si128(scale.shift), _mm512_set1_epi16(scale.reciprocal(sign)));
        // The shift by h loses no bit: |x| < 2^(15 - h), except for -32768, and then h is 0.
        let bytes = |x: &[i16]| {
            let wide = _mm512_mulhrs_epi16(_mm512_sll_epi16(load(x), up), reciprocal);
            let rounded = _mm512_sra_epi16(_mm512_add_epi16(wide, rounding), down);
            _mm256_xor_si256(_mm512_cvtepi16_epi8(rounded), zero)
        };
        let (outputs, rest) = q[..width].as_chunks_mut::<LANES>();
        for (x, q) in whole.iter().zip(outputs) {
            // SAFETY: an array of 32 bytes.
            unsafe { _mm256_storeu_si256(q.as_mut_ptr().cast(), bytes(x)) };
        }
        // SAFETY: the mask has as many bits as `rest` has bytes.
        unsafe { _mm256_mask_storeu_epi8(rest.as_mut_ptr(), first_lanes(rest.len()), bytes(tail)) };
    }
}

/// (12) to (18) of rows of sums: [`crate::Isa::normalize`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(crate) fn normalize(
    sums: &[i32],
    width: usize,
    norm: &LayerNorm,
    stream: &mut [i16],
    equalised: &mut [i16],
) {
    let mut rest = equalised;
    let rows = sums.chunks(ROOTS * width).zip(stream.chunks_mut(ROOTS * width));
    for (sums, stream) in rows {
        // Until the last step, `stream` holds t of (13).
        let mut variances = [0; ROOTS];
        let each = sums.chunks_exact(width).zip(stream.chunks_exact_mut(width));
        for ((sums, t), v) in each.zip(&mut variances) {
            *v = deviations(sums, t);
        }
        for (stream, sd) in stream.chunks_exact_mut(width).zip(floor_roots(&variances)) {
            let rho = _mm512_set1_epi16(reciprocal_deviation(sd));
            if let Some(affine) = &norm.equalised {
                let (row, tail) = rest.split_at_mut(width);
                rest = tail;
                row.copy_from_slice(stream);
                scale(row, rho, affine);
            }
            scale(stream, rho, &norm.stream);
        }
    }
}

/// (17) and (18) of one row, in place.
#[target_feature(enable = "avx512f,avx512bw")]
fn scale(t: &mut [i16], rho: __m512i, affine: &Affine) {
    let affine_of =
        |t, gain, offset| _mm512_adds_epi16(_mm512_mulhrs_epi16(_mm512_mulhrs_epi16(t, rho), gain), offset);
    let (whole, tail) = t.as_chunks_mut::<LANES>();
    let (gains, gain) = affine.gain.as_chunks::<LANES>();
    let (offsets, offset) = affine.offset.as_chunks::<LANES>();
    for ((t, gain), offset) in whole.iter_mut().zip(gains).zip(offsets) {
        let x = affine_of(load(t), load(gain), load(offset));
        store16(t, x);
    }
    let x = affine_of(load(tail), load(gain), load(offset));
    store16(tail, x);
}

/// (15) of 16 variances.
#[target_feature(enable = "avx512f")]
fn floor_roots(variances: &[u32; ROOTS]) -> [u32; ROOTS] {
    // SAFETY: an array of 64 bytes.
    let v = unsafe { _mm512_loadu_si512(variances.as_ptr().cast()) };
    let mut roots = _mm512_setzero_si512();
    for bit in (0..16).rev() {
        let candidates = _mm512_or_si512(roots, _mm512_set1_epi32(1 << bit));
        // A candidate is at most 65535, so its square fits.
        let fits = _mm512_cmple_epu32_mask(_mm512_mullo_epi32(candidates, candidates), v);
        roots = _mm512_mask_mov_epi32(roots, fits, candidates);
    }
    let mut out = [0; ROOTS];
    // SAFETY: an array of 64 bytes.
    unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), roots) };
    out
}

/// (12) to (14) of one row: writes `t`, returns the variance `v`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn deviations(sums: &[i32], t: &mut [i16]) -> u32 {
    const HALF: usize = LANES / 2;
    let (mut total, mut lo, mut hi) =
        (_mm512_setzero_si512(), _mm512_set1_epi32(i32::MAX), _mm512_set1_epi32(i32::MIN));
    let mut see = |mask: __mmask16, s: &[i32]| {
        // SAFETY: the mask has as many bits as `s` has numbers.
        let s = unsafe { _mm512_maskz_loadu_epi32(mask, s.as_ptr()) };
        total = _mm512_add_epi32(total, s);
        lo = _mm512_mask_min_epi32(lo, mask, lo, s);
        hi = _mm512_mask_max_epi32(hi, mask, hi, s);
    };
    let (whole, tail) = sums.as_chunks::<HALF>();
    for s in whole {
        see(__mmask16::MAX, s);
    }
    see(first_lanes(tail.len()) as __mmask16, tail);
    let mean = mean(_mm512_reduce_add_epi32(total), sums.len());
    let (lo, hi) = (_mm512_reduce_min_epi32(lo), _mm512_reduce_max_epi32(hi));
    let shift = deviation_shift((hi - mean).max(mean - lo) as u32);

    let centre = _mm512_set1_epi32(mean - half(shift));
    let (down, up) = (_mm_cvtsi32_si128(shift.max(0)), _mm_cvtsi32_si128((-shift).max(0)));
    let (least, rounding) = (_mm512_set1_epi16(-32767), _mm512_set1_epi32(128));
    let mut ss = _mm512_setzero_si512();
    let mut step = |mask: __mmask32, s: &[i32], t: &mut [i16]| {
        let shifted = |mask: __mmask16, s: *const i32| {
            // SAFETY: the mask has no bit beyond the numbers of the row.
            let s = unsafe { _mm512_maskz_loadu_epi32(mask, s) };
            _mm512_sll_epi32(_mm512_sra_epi32(_mm512_sub_epi32(s, centre), down), up)
        };
        let a = shifted(mask as __mmask16, s.as_ptr());
        let b = shifted((mask >> HALF) as __mmask16, s.as_ptr().wrapping_add(HALF));
        let row = _mm512_maskz_max_epi16(mask, narrow(a, b), least);
        // t^2 <= 32767^2, so the sum of a pair and its rounding fits 31 bits.
        let squares = _mm512_srli_epi32::<8>(_mm512_add_epi32(_mm512_madd_epi16(row, row), rounding));
        ss = _mm512_add_epi32(ss, squares);
        store16(t, row);
    };
    let (whole, tail) = sums.as_chunks::<LANES>();
    let (outputs, rest) = t.as_chunks_mut::<LANES>();
    for (s, t) in whole.iter().zip(outputs) {
        step(__mmask32::MAX, s, t);
    }
    step(first_lanes(tail.len()), tail, rest);
    variance(_mm512_reduce_add_epi32(ss) as u32, sums.len())
}

/// The coefficients of a table, one register for each of the three. Each register holds the eight
/// segments four times.
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

/// The parameters of (28) to (30), for registers of 32 numbers.
#[derive(Clone, Copy)]
pub(crate) struct Activate {
    bump: Coefficients,
    limit: __m512i,
    up: __m128i,
    down: __m128i,
    offset: __m512i,
}

impl Activate {
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(crate) fn new(activation: &Activation) -> Self {
        let f = activation.bump.fraction_bits;
        Self {
            bump: Coefficients::of(&activation.bump),
            limit: _mm512_set1_epi16(((4 << f) - 1) as i16),
            up: _mm_cvtsi32_si128(13 - f),
            down: _mm_cvtsi32_si128(16 - f),
            offset: _mm512_set1_epi16(activation.offset),
        }
    }

    /// Evaluates (28) to (30) of 32 numbers `x` with the equalisers `e` of their channels.
    ///
    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    pub(crate) unsafe fn apply(&self, x: __m512i, e: __m512i) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe {
            let Coefficients([c0, c1, c2]) = self.bump;
            // The minimum is unsigned, because the magnitude of -32768 is 32768.
            let t = _mm512_sll_epi16(_mm512_min_epu16(_mm512_abs_epi16(x), self.limit), self.up);
            let segment = _mm512_srli_epi16::<12>(t);
            let l = _mm512_slli_epi16::<3>(_mm512_and_si512(t, _mm512_set1_epi16(4095)));
            let at = |c| _mm512_permutexvar_epi16(segment, c);
            let inner = _mm512_add_epi16(at(c1), _mm512_mulhrs_epi16(l, at(c2)));
            let bump = _mm512_add_epi16(at(c0), _mm512_mulhrs_epi16(l, inner));
            // (1) in two shifts: with a single one, the sum before it may exceed 16 bits.
            let bump = _mm512_add_epi16(_mm512_sra_epi16(bump, self.down), _mm512_set1_epi16(1));
            let bump = _mm512_srai_epi16::<1>(bump);
            // The rise is in [0, 65535], unsigned. Minima are used because saturating sums would
            // need the execution ports of the products.
            let most = _mm512_set1_epi16(i16::MAX);
            let rise = _mm512_min_epu16(_mm512_sub_epi16(self.offset, bump), most);
            let positive = _mm512_max_epi16(x, _mm512_setzero_si512());
            let a = _mm512_min_epu16(_mm512_add_epi16(positive, rise), most);
            _mm512_mulhrs_epi16(a, e)
        }
    }
}

/// (28) to (30) of rows: [`crate::Isa::activate`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(crate) fn activate(v: &mut [i16], activation: &Activation) {
    let activate = Activate::new(activation);
    for v in v.chunks_exact_mut(activation.equaliser.len()) {
        for (v, e) in v.chunks_mut(LANES).zip(activation.equaliser.chunks(LANES)) {
            // SAFETY: the features of this function.
            store16(v, unsafe { activate.apply(load(v), load(e)) });
        }
    }
}
