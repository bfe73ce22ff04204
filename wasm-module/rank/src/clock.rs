//! The clock behind `took_ms`.

/// Milliseconds since a fixed moment. The service measures `took_ms` with it and nothing else.
pub type Clock = fn() -> f64;

/// The clock of targets with an operating system: milliseconds since its first call, never
/// decreasing. The bare WebAssembly target has no clock of its own; its host passes one in.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub fn monotonic_ms() -> f64 {
    use std::{sync::OnceLock, time::Instant};
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64() * 1e3
}

/// Milliseconds between two readings, rounded to whole microseconds; 0 if the clock ran backwards
/// or gave no finite number.
pub(crate) fn elapsed_ms(started: f64, ended: f64) -> f64 {
    let took = ended - started;
    if took.is_finite() && took > 0.0 { (took * 1000.0).round() / 1000.0 } else { 0.0 }
}
