//! Proving who we are to others.
//!
//! | file | what |
//! |---|---|
//! | [`source`] | [`SecretSource`]: a secret by name |
//! | [`cached`] | [`Cached`]: remembering what a slow source said |
//! | [`mod@present`] | a key and an [`llm_types::AuthScheme`] become headers and query parameters |
//! | [`signer`] | [`Signer`]: the signature or token that a provider's [`llm_types::AuthNeed`] asks for |
//! | [`vaults`] | [`Vault`]: services that keep secrets under names |
//!
//! The schemes behind the signer: [`aws`] signatures and keys, [`google`], [`azure`], [`ibm`] and [`oauth`] tokens, [`oci`]
//! signatures, [`snowflake`] key pairs, [`device`] logins, [`oidc`] references. What they share: [`ambient`] (variables,
//! files, time), [`flow`] (talking to issuers), [`reply`] (what those answer), [`rsa`] (keys that sign), [`shelf`]
//! (remembering until shortly before the end). All of them talk through an [`llm_http::Transport`], never through a
//! client of their own. `docs/credentials.md` says what is looked up, in which order.

mod ambient;
mod aws;
mod azure;
pub mod cached;
mod device;
mod flow;
mod google;
mod ibm;
mod oauth;
mod oci;
mod oidc;
pub mod present;
mod reply;
mod rsa;
mod shelf;
pub mod signer;
mod snowflake;
pub mod source;
#[cfg(test)]
mod testing;
pub mod vaults;

pub use ambient::Ambient;
pub use cached::Cached;
pub use present::{PresentError, Presented, present};
pub use signer::Signer;
pub use source::{SecretError, SecretSource};
pub use vaults::{Vault, VaultKind, VaultPlace, VaultSettings};
