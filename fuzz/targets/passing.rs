#![no_main]
libfuzzer_sys::fuzz_target!(init: llm_fuzz::seeds::plant("passing"), |data: &[u8]| llm_fuzz::passing(data));
