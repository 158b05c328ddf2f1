//! Ollama: chat, generation from a prompt, embeddings.
//!
//! - [`chat`]: `POST /api/chat`.
//! - [`generate`]: `POST /api/generate`: conversations become one prompt, tools are asked for in words.
//! - [`embed`]: `POST /api/embed`.
//!
//! Streams are JSON lines. Pictures are base64 without a type: addresses are fetched before ([`UpstreamCodec::fetches`]).
//! Wire facts: <https://github.com/ollama/ollama/blob/main/docs/api.md>, and recordings of what LiteLLM sends and answers.
//!
//! [`UpstreamCodec::fetches`]: crate::codec::UpstreamCodec::fetches

pub mod chat;
pub mod embed;
mod error;
pub mod generate;
mod options;
pub(crate) mod thoughts;
mod usage;

pub use chat::OllamaChat;
pub use embed::OllamaEmbed;
pub use generate::OllamaGenerate;

/// True for an address of a picture, which has to be fetched: Ollama takes bytes only.
fn is_remote(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}
