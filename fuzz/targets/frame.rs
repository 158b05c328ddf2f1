#![no_main]
libfuzzer_sys::fuzz_target!(init: llm_fuzz::seeds::plant("frame"), |data: &[u8]| llm_fuzz::gateway::frame(data));
