#![no_main]
libfuzzer_sys::fuzz_target!(init: llm_fuzz::seeds::plant("stream"), |data: &[u8]| llm_fuzz::stream(data));
