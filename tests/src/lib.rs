//! Support for the end-to-end suite: the real binary in front of simulated providers.
//!
//! [`Gateway::start`] builds `llm-proxy` once, starts it on a free loopback port with a config file and an own state
//! directory, waits until it is alive, and ends it when dropped. [`Config`] writes LiteLLM config files that point at
//! a [`llm_simulator::Running`].

use llm_simulator::{Ended, Recorded, Running};

mod binary;
mod call;
mod canned;
mod config;
mod form;
mod gateway;
mod mailbox;
mod psql;
mod sse;

pub use call::{Live, Reply};
pub use canned::{Asked, Canned, Said};
pub use config::{Config, MASTER_KEY, UPSTREAM_KEY};
pub use form::Form;
pub use gateway::{Gateway, Options};
pub use mailbox::{MailRules, Mailbox, Received};
pub use psql::psql;
pub use sse::{Event, events, joined_text, joined_tool_calls};

/// The calls a simulator received. A gateway may list an upstream's models (GET) whenever it likes; those are left out.
pub fn calls(sim: &Running) -> Vec<Recorded> {
    sim.requests().into_iter().filter(|request| request.method == "POST").collect()
}

/// How the last call that a simulator received ended, once it has.
///
/// # Panics
/// When it goes on for another 30 seconds.
pub async fn ended(sim: &Running) -> Ended {
    eventually("the upstream's last call ends", async || {
        calls(sim).last().map(|call| call.ended).filter(|ended| *ended != Ended::Open)
    })
    .await
}

/// Asks until `done` gives something, for at most 30 seconds.
///
/// # Panics
/// When it does not.
#[allow(clippy::panic, reason = "a wait without an end is a failed test")]
pub async fn eventually<T>(what: &str, mut done: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..150 {
        if let Some(value) = done().await {
            return value;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("{what}: not within 30 seconds");
}
