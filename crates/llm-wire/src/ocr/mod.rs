//! Documents are read: Mistral's `POST /v1/ocr` is the shape that LiteLLM's clients know, for every house.
//!
//! - [`mistral`]: Mistral, and hosts of it that fetch no URL.
//! - [`document_intelligence`]: Azure's, a job.
//! - [`chat`]: a model that reads documents as an answer of chat completions.
//! - [`reducto`]: Reducto, where documents are uploaded first.
//! - [`textract`]: Amazon's, lines of text.
//!
//! Facts: the houses' public references, and what LiteLLM sends them.

mod answer;
pub mod chat;
mod document;
pub mod document_intelligence;
pub mod mistral;
pub mod reducto;
pub mod textract;

#[cfg(test)]
mod tests;
