//! What identity providers say of a caller: signed tokens (JWT, OpenID Connect), what issuers publish of themselves.
//!
//! | file | what |
//! |---|---|
//! | `jws` | the parts of a signed token, and which algorithm goes with which key |
//! | `jwk` | [`Key`], [`KeySet`]: public keys as issuers publish them |
//! | `claims` | [`Claims`]: what a token says, by dotted paths; its times, issuer and audience |
//! | `verify` | [`Trust`]: whose tokens are believed; [`Trust::verify`] |
//! | `keys` | [`Idp`]: key sets and discovery documents, remembered: bounded age, bounded refetches |
//! | `code` | [`CodeFlow`]: people log in at a provider and come back with a code |
//! | `saml` | [`SamlSettings`]: the same with SAML 2.0, signed XML |
//! | `fetch` | small documents over HTTP |
//! | `testing` | key pairs that sign, a provider on loopback (feature `testing`) |
//!
//! A token that is not good is [`Refused::Token`]; a provider that cannot be asked is [`Refused::Unavailable`], which is
//! never the caller's fault.

mod claims;
mod code;
mod fetch;
mod jwk;
mod jws;
mod keys;
mod saml;
#[cfg(feature = "testing")]
pub mod testing;
mod verify;

pub use claims::Claims;
pub use code::{CodeFlow, Departure};
pub use fetch::ask;
pub use jwk::{Key, KeySet};
pub use jws::{Algorithm, Jws, is_jws};
pub use keys::{Idp, IdpSettings, Provider};
pub use saml::{SamlDeparture, SamlProvider, SamlSettings, Subject};
pub use verify::{KeySource, Refused, Trust, unverified};
