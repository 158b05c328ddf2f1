#![no_main]
libfuzzer_sys::fuzz_target!(init: llm_fuzz::seeds::plant("reply"), |data: &[u8]| llm_fuzz::reply(data));
