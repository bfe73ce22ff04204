//! GMAC/s of the VNNI instructions alone, operands in registers: what `products` may be measured against.
#![allow(unsafe_code, reason = "entry into functions that need the instruction set")]

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::hint::black_box;
    use std::time::{Duration, Instant};

    /// Products of one timing.
    const STEPS: usize = 100_000;

    /// A function that times `STEPS` rounds of independent chains and gives the best rate of a quarter of a second.
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
}

fn main() {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512vl") {
            // SAFETY: the features are there.
            let (wide, narrow) = unsafe { (x86::avx512(), x86::avx512vl()) };
            println!("AVX-512 VNNI, 512 bits: {wide:6.1} GMAC/s");
            println!("AVX-512 VNNI, 256 bits: {narrow:6.1} GMAC/s");
        }
        if is_x86_feature_detected!("avxvnni") {
            // SAFETY: the feature is there.
            println!("AVX-VNNI: {:6.1} GMAC/s", unsafe { x86::avx_vnni() });
        }
    }
}
