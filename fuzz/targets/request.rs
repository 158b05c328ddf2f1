#![no_main]
libfuzzer_sys::fuzz_target!(init: llm_fuzz::seeds::plant("request"), |data: &[u8]| llm_fuzz::request(data));
