//! Videos: OpenAI's `/v1/videos` is the shape that LiteLLM's clients know, for every house. Making one is a job: it is
//! created, looked at and fetched by separate calls, which find their way by what the id says ([`crate::ids::MadeId`]).
//!
//! - [`openai`]: OpenAI, Azure and hosts like them. [`veo`]: Google, in AI Studio and in Vertex AI.
//! - [`runway`]: RunwayML. [`fal`]: fal.ai's queue.
//!
//! Facts: the houses' public references, and what LiteLLM sends them.

mod answer;
pub mod fal;
pub mod openai;
pub mod runway;
pub mod veo;

#[cfg(test)]
mod tests;
