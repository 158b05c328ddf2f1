//! People who log in: with a password, through an invitation, through an identity provider. A login makes a session: a
//! virtual key of the team `litellm-dashboard` that ends by itself, told inside of a token that is signed with the master key.
//! Call these on the store's runtime.
//!
//! | file | what |
//! |---|---|
//! | `settings` | [`LoginSettings`] |
//! | `token` | signed tokens (HS256) |
//! | `throttle` | wrong passwords, by source and by name |
//! | `cli` | keys for programs of people who log in |
//! | `deposit` | texts that are kept for whoever shows a code |
//! | `login` | passwords |
//! | `session` | sessions: opened, told, ended |
//! | `invitation` | invitations, and the passwords that are set through them |
//! | `profile` | what an identity provider says of a person becomes a user |

mod cli;
mod deposit;
mod invitation;
mod login;
mod profile;
mod session;
mod settings;
mod throttle;
mod token;

use tokio::sync::Semaphore;

pub use login::Attempt;
pub use profile::Profile;
pub(crate) use profile::inactive;
pub use session::Session;
pub use settings::{FORWARDED_PROTO, FailureLimits, LoginSettings, UiAccess};
pub use token::{read_token, write_token};

/// The team of sessions. It has no row.
pub const SESSION_TEAM: &str = "litellm-dashboard";

/// Passwords computed at the same time: each takes 19 MiB.
const COMPUTATIONS: usize = 2;

/// What logins share.
#[derive(Debug)]
pub(crate) struct Logins {
    computations: Semaphore,
}

impl Default for Logins {
    fn default() -> Self {
        Self { computations: Semaphore::new(COMPUTATIONS) }
    }
}
