//! Any bytes as the files of a policy: see [`adjutant_fuzz::case`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| adjutant_fuzz::case::examine(input));
