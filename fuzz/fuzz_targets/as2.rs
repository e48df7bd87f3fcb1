//! libFuzzer target; `make fuzz` runs it.
#![no_main]

#[path = "../as2.rs"]
#[allow(dead_code)]
mod as2;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    as2::elements_end(input);
    as2::values_end(input);
    as2::messages_end(input);
    as2::receipts_end(input);
});
