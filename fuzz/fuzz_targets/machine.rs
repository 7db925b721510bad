//! See `proof::targets`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| proof::targets::machine(data));
