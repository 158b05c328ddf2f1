//! Small programs that use the crates one by one: `cargo run -p llm-examples --example NAME`.
//!
//! | example | what it shows | crates |
//! |---|---|---|
//! | `convert` | a request and an answer in another format | `llm-wire` |
//! | `route` | which deployment is tried next, and why | `llm-router` |
//! | `custom_strategy` | a routing strategy of your own | `llm-router` |
//! | `sdk_call` | calling models from a program | `llm-client` |
//! | `custom_gateway` | a gateway of your own in under 60 lines | `llm-client`, `llm-wire`, `llm-router` |
