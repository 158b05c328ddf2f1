//! AWS Bedrock: the Converse API, the bodies of `InvokeModel` by model family, embeddings, images, rerank.
//!
//! - [`converse`]: `POST /model/{id}/converse`, and its event stream.
//! - [`text`]: models that continue a text: Llama, Mistral, Titan, Command, Jurassic, Claude 2, `DeepSeek` R1, Qwen.
//! - [`invoke`]: what `InvokeModel` makes of bodies in Anthropic's and OpenAI's language.
//! - [`model`]: what the id of a model tells.
//! - [`error`]: errors, whole and inside of streams.
//!
//! Wire facts: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html>.

pub mod converse;
mod edits;
pub mod embeddings;
pub mod error;
pub mod images;
pub mod model;
pub mod rerank;
pub mod text;
