//! Images in the words of houses that do not speak OpenAI's. Requests and answers are LiteLLM's shape, see
//! [`crate::task`]; each file is one language.
//!
//! - [`aiml`]: AI/ML API. [`qwen`]: DashScope's generation. [`recraft`]: Recraft's edits. [`stability`]: Stability's
//!   v2beta. [`topaz`]: Topaz' enhancement.
//! - [`foundry`]: two houses inside Azure AI Foundry.
//! - [`fal`]: fal.ai, a vocabulary for each family of models.
//! - [`bfl`], [`runway`]: jobs that are asked for until they are done.
//! - [`google`]: Imagen and Gemini's image models.
//! - [`chat`]: a conversation whose answer holds images.
//!
//! Facts: the houses' public references, and what LiteLLM sends them.

pub mod aiml;
pub mod bfl;
pub mod chat;
pub mod fal;
mod fal_family;
pub(crate) mod files;
pub mod foundry;
pub mod google;
pub mod qwen;
pub mod recraft;
pub mod runway;
pub(crate) mod sizes;
pub mod stability;
pub mod topaz;

pub(crate) use files::data_url_of;

#[cfg(test)]
mod tests;
