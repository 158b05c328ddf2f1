//! The client against real sockets on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests and their helpers

mod egress;
mod http1;
mod proxy;
mod support;
mod tls;
