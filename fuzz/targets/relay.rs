#![no_main]
libfuzzer_sys::fuzz_target!(init: llm_fuzz::seeds::plant("relay"), |data: &[u8]| llm_fuzz::relay(data));
