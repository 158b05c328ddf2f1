//! The response cache as a part of the server: opening it, its endpoints, who is told when it fails.
//!
//! | file | what |
//! |---|---|
//! | `open` | what the configuration says → a cache |
//! | `wire` | requests of object stores go out through `llm-http` |
//! | `witness` | failures become metrics |
//! | `routes` | `/cache/ping`, `/cache/delete`, `/cache/flushall`, `/cache/redis/info` |
//!
//! What a call does with it is in `recall`.

mod open;
pub mod routes;
mod wire;
mod witness;

pub use open::{Opening, connect, open};
pub use witness::Meter;
