//! libFuzzer target; `make fuzz` runs it.
#![no_main]

#[path = "../checks.rs"]
#[allow(dead_code)]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    checks::kernels_agree(input);
    checks::bytes_survive(input);
    checks::is_answered(input);
});
