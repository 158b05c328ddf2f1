//! Redis and Valkey: one server, Sentinel or Cluster, plain or TLS.
//!
//! | file | what |
//! |---|---|
//! | [`settings`] | where the servers are and how to talk to them |
//! | [`command`] | [`Command`], [`Reply`] and [`Script`]: what goes out and what comes back |
//! | [`client`] | [`RedisClient`]: calls with a deadline |
//! | [`breaker`] | when calls are not even tried; a state machine without a clock |
//! | `keeper` | the background task that connects, watches and reconnects |
//! | `link` | one connection of any of the three kinds |
//! | `prefix` | deleting all keys of a prefix |
//! | [`kv`] | [`RedisKv`]: the trait [`crate::Kv`] over a client; its Lua `scripts` |
//! | [`stats`] | what health and metrics show |
//!
//! **No request waits for an outage.** A call has a deadline. After a few failures, or as soon as the connection is lost, the
//! breaker opens: whoever waits is let go at once and whoever comes is refused at once, until the background task has
//! connected anew and has had an answer in time. No request is ever the probe.
//!
//! The connection's sockets belong to the runtime given to [`RedisClient::start`]; other threads talk to it over a channel.

pub mod breaker;
pub mod client;
pub mod command;
mod keeper;
pub mod kv;
mod link;
mod prefix;
mod scripts;
pub mod settings;
pub mod stats;

pub use breaker::BreakerState;
pub use client::RedisClient;
pub use command::{Command, Reply, Script};
pub use kv::RedisKv;
pub use settings::{Endpoint, RedisSettings, RedisTls, Servers};
pub use stats::{RedisHealth, RedisStats};
