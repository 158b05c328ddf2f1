#![no_main]
libfuzzer_sys::fuzz_target!(init: llm_fuzz::seeds::plant("task"), |data: &[u8]| llm_fuzz::task(data));
