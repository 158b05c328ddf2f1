//! Laws that hold for every fixture of every format.
//!
//! A fixture is a file `fixtures/<format>/<case>.<kind>`; adding one adds a test of everything below.
//!
//! | kind | what it is |
//! |---|---|
//! | `request.json` | a client's request |
//! | `bad.json` | a request that must be refused, with the field to blame |
//! | `response.json` | an upstream's answer |
//! | `stream.sse` | an upstream's streamed answer |
//! | `error.json` | an upstream's error body; the status stands in the name (`busy.429.error.json`), else it is 400 |
//!
//! What comes out is compared with files in `fixtures/<format>/snapshots/`; `UPDATE=1` rewrites them.
//! A request or answer that LiteLLM itself rewrites has a file `snapshots/<case>.<kind>.again.json`, made by hand the
//! first time: then the law is that writing it again changes nothing more.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests: a broken fixture or expectation must fail loudly"
)]

#[path = "laws/bodies.rs"]
mod bodies;
#[path = "laws/files.rs"]
mod files;
#[path = "laws/foreign.rs"]
mod foreign;
#[path = "laws/streams.rs"]
mod streams;
#[path = "laws/vectors.rs"]
mod vectors;
