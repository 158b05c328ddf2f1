//! `cargo xtask`: code generation and house rules.
fn main() {}
