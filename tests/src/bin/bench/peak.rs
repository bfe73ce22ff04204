//! Measures the greatest rate, in GMAC/s, of the instructions that multiply bytes: all operands are
//! in registers. The bench prints the engine's rate as a share of it.
#![allow(unsafe_code, reason = "entry into functions that need the instruction set")]

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::hint::black_box;
    use std::time::{Duration, Instant};

    /// Rounds of products between two readings of the clock.
    const STEPS: usize = 100_000;

    /// Defines a function that times `STEPS` rounds of independent chains of products. It returns
    /// the best rate of a quarter of a second.
    macro_rules! peak {
        ($name:ident, $features:literal, $chains:literal, $bytes:literal, $set:ident, $product:ident) => {
            #[target_feature(enable = $features)]
            pub(super) fn $name() -> f64 {
                let (a, b) = (black_box($set(3)), black_box($set(5)));
                let mut best = Duration::MAX;
                let begun = Instant::now();
                while begun.elapsed() < Duration::from_millis(250) {
                    let mut acc = [a; $chains];
                    let started = Instant::now();
                    for _ in 0..STEPS {
                        for acc in &mut acc {
                            *acc = $product(*acc, a, b);
                        }
                    }
                    black_box(acc);
                    best = best.min(started.elapsed());
                }
                (STEPS * $chains * $bytes) as f64 / best.as_secs_f64() / 1e9
            }
        };
    }

    peak!(avx512, "avx512f,avx512vnni", 24, 64, _mm512_set1_epi8, _mm512_dpbusd_epi32);
    peak!(avx512vl, "avx512vl,avx512vnni", 12, 32, _mm256_set1_epi8, _mm256_dpbusd_epi32);
    peak!(avx_vnni, "avx2,avxvnni", 12, 32, _mm256_set1_epi8, _mm256_dpbusd_avx_epi32);
    peak!(avx2, "avx2", 12, 32, _mm256_set1_epi8, pairs256);
    peak!(avx128, "avx2", 12, 16, _mm_set1_epi8, pairs128);
    peak!(avx_vnni128, "avx2,avxvnni", 12, 16, _mm_set1_epi8, _mm_dpbusd_avx_epi32);

    /// Adds the sums of two products in 16 bits. The products are those of the sum so far, so that
    /// the compiler cannot move them out of the loop.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn pairs256(acc: __m256i, _: __m256i, b: __m256i) -> __m256i {
        _mm256_add_epi16(acc, _mm256_maddubs_epi16(acc, b))
    }

    /// [`pairs256`] on 128 bits.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn pairs128(acc: __m128i, _: __m128i, b: __m128i) -> __m128i {
        _mm_add_epi16(acc, _mm_maddubs_epi16(acc, b))
    }
}

/// The name of an instruction and its rate in GMAC/s.
pub(crate) type Rate = (&'static str, f64);

/// The rates of the native kernels' instructions that this processor has.
pub(crate) fn native() -> Vec<Rate> {
    #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "no rates of other processors"))]
    let mut rates = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512vl") {
            // SAFETY: the features are there.
            let (wide, narrow) = unsafe { (x86::avx512(), x86::avx512vl()) };
            rates.extend([("AVX-512 VNNI, 512 bits", wide), ("AVX-512 VNNI, 256 bits", narrow)]);
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("avxvnni") {
            // SAFETY: the features are there.
            rates.push(("AVX-VNNI, 256 bits", unsafe { x86::avx_vnni() }));
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the feature is there.
            rates.push(("AVX2 vpmaddubsw, vpaddw, 256 bits", unsafe { x86::avx2() }));
        }
    }
    rates
}

/// The rate of the instructions that a WebAssembly engine emits for byte products: 128 bits wide,
/// with VNNI only if `vnni` says that the engine uses it.
pub(crate) fn wasm(vnni: bool) -> Option<Rate> {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        if vnni && is_x86_feature_detected!("avxvnni") {
            // SAFETY: the features are there.
            return Some(("AVX-VNNI, 128 bits", unsafe { x86::avx_vnni128() }));
        }
        // SAFETY: the feature is there.
        return Some(("vpmaddubsw, vpaddw, 128 bits", unsafe { x86::avx128() }));
    }
    let _ = vnni;
    None
}
