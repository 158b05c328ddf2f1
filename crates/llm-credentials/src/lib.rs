//! Proving who we are to others.
//!
//! | file | what |
//! |---|---|
//! | [`source`] | [`SecretSource`]: a secret by name; the environment, a chain, names served by a manager |
//! | [`cached`] | [`Cached`]: remembering what a slow source said |
//! | [`mod@reference`] | [`Reference`]: `os.environ/NAME` or a literal, as configurations write them |
//! | [`lookup`] | the first of several names that has a value |
//! | [`mod@present`] | a key and an [`llm_types::AuthScheme`] become headers and query parameters |
//! | [`signer`] | [`Signer`]: the signature or token that a provider's [`llm_types::AuthNeed`] asks for |
//! | [`token`] | [`TokenSource`]: tokens that end; a token given as it is |
//!
//! To come, each in a file of its own: secret managers (as sources), AWS Signature 4, Google, Microsoft Entra and IBM
//! tokens (as token sources). They talk to their servers through an [`llm_http::Transport`], never through a client of
//! their own.

pub mod cached;
pub mod lookup;
pub mod present;
pub mod reference;
pub mod signer;
pub mod source;
pub mod token;

pub use cached::Cached;
pub use lookup::{FoundKey, first_key};
pub use present::{PresentError, Presented, present};
pub use reference::Reference;
pub use signer::Signer;
pub use source::{Chain, Environment, Hosted, SecretError, SecretSource};
pub use token::{StaticToken, Token, TokenSource};
