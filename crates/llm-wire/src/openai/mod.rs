//! OpenAI's formats, as OpenAI, its many imitators and LiteLLM speak them.
//!
//! - [`chat`]: chat completions, the lingua franca.
//! - [`completions`]: legacy text completions.
//! - [`embeddings`]: texts become vectors.
//! - [`images`]: pictures, drawn, edited and varied.
//! - [`responses`]: the Responses API.
//! - [`audio`]: speech becomes text, text becomes speech.
//! - [`moderations`]: content is judged.
//! - [`errors`]: what an upstream's status and text mean; other codecs use it too.
//! - [`usage`]: the usage object.
//!
//! Facts: the public OpenAI API reference, and recordings of what LiteLLM sends and answers.

pub mod audio;
pub mod chat;
pub mod completions;
pub mod embeddings;
pub mod errors;
pub(crate) mod few;
pub(crate) mod finish;
pub mod images;
pub mod moderations;
pub(crate) mod object;
pub mod responses;
mod retry_after;
pub mod tool_choice;
pub mod usage;
pub(crate) mod wire;
