//! Cohere: chat in its first and second language, embeddings.
//!
//! - [`v2`]: `POST /v2/chat`, messages and tools in the shape of OpenAI's chat, parameters and answers in Cohere's own.
//! - [`v1`]: `POST /v1/chat`, one message at a time, JSON lines as streams.
//! - [`embed`]: `POST /v1/embed` and `/v2/embed`; Bedrock hosts the same language.
//!
//! Wire facts: <https://docs.cohere.com/reference/chat>, and recordings of what LiteLLM sends and answers.

pub mod embed;
mod error;
mod options;
mod usage;
pub mod v1;
pub mod v2;

pub use embed::CohereEmbed;
pub use v1::ChatV1;
pub use v2::ChatV2;
