#![no_main]
libfuzzer_sys::fuzz_target!(init: llm_fuzz::seeds::plant("beside"), |data: &[u8]| llm_fuzz::beside::run(data));
