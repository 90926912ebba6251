#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| scanhost_fuzz_checks::filters::check(data));
