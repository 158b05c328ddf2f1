//! The vocabulary of the workspace: canonical requests, responses, stream events, usage and errors.
//!
//! Nothing here does I/O and nothing knows a provider. Table of contents:
//!
//! - [`json`]: JSON text that is only carried ([`RawJson`]) and an order-keeping tree ([`Json`]) for the few places that edit.
//! - [`Format`], [`OperationKind`]: which language, which kind of call.
//! - [`Field`], [`FieldSet`]: the request fields known by name, as bits.
//! - [`generate`]: a conversation and its answer (chat, Messages, Responses, Gemini, completions are one operation).
//! - [`stream`]: the events of a streamed answer; [`grammar`] checks their order.
//! - [`embed`]: texts become vectors.
//! - [`Usage`]: what was consumed, in disjoint buckets.
//! - [`Error`], [`Kind`]: what can go wrong and what each side is told.
//! - [`Secret`], [`AuthScheme`]: credentials that cannot be printed.
//! - [`LogRecord`]: what callbacks are told about a finished call.
//! - [`alert`]: what operators are told of at once; [`letter`]: what people are written.
//! - [`markup`]: texts inside of XML and HTML.

pub mod alert;
pub mod auth;
pub mod embed;
pub mod error;
mod extra;
mod field;
mod format;
pub mod generate;
pub mod grammar;
pub mod json;
pub mod letter;
pub mod markup;
mod operation;
pub mod pipeline;
pub mod record;
pub mod stream;
pub mod trail;
mod usage;

pub use auth::{
    AuthNeed, AuthScheme, AwsAuth, AzureAuth, DeviceLogin, GoogleAuth, IbmAuth, KeyPairAuth, OAuthClient, OciAuth,
    Secret,
};
pub use error::{Error, Kind, Result, Side, UpstreamDetail};
pub use extra::Extra;
pub use field::{Field, FieldSet};
pub use format::Format;
pub use json::{Json, RawJson};
pub use operation::OperationKind;
pub use record::LogRecord;
pub use trail::Trail;
pub use usage::*;
