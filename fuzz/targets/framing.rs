#![no_main]
libfuzzer_sys::fuzz_target!(init: llm_fuzz::seeds::plant("framing"), |data: &[u8]| llm_fuzz::framing::run(data));
