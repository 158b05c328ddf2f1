#![no_main]
libfuzzer_sys::fuzz_target!(init: llm_fuzz::seeds::plant("config"), |data: &[u8]| llm_fuzz::gateway::config(data));
