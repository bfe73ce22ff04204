#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| { let _ = lockstep_fuzz::vector_pack::run(bytes); });
