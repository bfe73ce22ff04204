//! Steps on rows with AVX-512: what the compiler does not make of the loops of `vector.rs`.
#![allow(unsafe_code, reason = "loads and stores under masks")]

use core::arch::x86_64::*;

use lockstep_arith::activation::{Activation, SEGMENTS, Table};

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
pub(crate) fn activate(v: &mut [i16], activation: &Activation) {
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
