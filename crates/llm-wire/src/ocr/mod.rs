//! Documents are read: Mistral's `POST /v1/ocr` is the shape that LiteLLM's clients know, for every house.
//!
//! - [`mistral`]: Mistral, and hosts of it that fetch no URL.
//! - [`document_intelligence`]: Azure's, a job.
//! - [`chat`]: a model that reads documents as an answer of chat completions.
//!
//! Facts: the houses' public references, and what LiteLLM sends them.

mod answer;
pub mod chat;
mod document;
pub mod document_intelligence;
pub mod mistral;

#[cfg(test)]
mod tests;
