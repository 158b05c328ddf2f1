//! Providers: the generated table, own-format provider folders, resolution of `provider/model`.
//!
//! A provider is an address, a credential scheme, a set of supported parameters and a list of named deviations; a
//! language is a format and lives in `llm-wire`. Most providers are one row of `data/providers.toml`. Nothing here
//! does I/O: values come in, values go out. Table of contents:
//!
//! - [`row`]: what a row says; [`quirk`]: the deviations that a row may list.
//! - [`provider`]: the [`Provider`] trait, what it is told ([`Call`]) and what it answers ([`Endpoint`]).
//! - [`registry`]: the providers by id, those of the configuration ([`declare`]) too; [`resolve`]: from a model string to a provider.
//! - [`rules`]: which parameters a provider takes, and what happens to the others.
//! - [`edit`]: a body in OpenAI's language, made acceptable to a row.
//! - [`passthrough`]: where paths of a provider's own API go, and with which credential.
//! - [`resource`]: what providers keep: files, batches, threads; sessions.
//! - [`batches`]: batches of houses that keep them in another way than OpenAI.
//! - [`stores`]: vector stores that are searched in another way than OpenAI's.
//! - [`reply`]: what a row's answers need before they are true OpenAI answers.
//! - [`anthropic`], [`aws_polly`], [`azure`], [`azure_ai`], [`azure_speech`], [`bedrock`], [`cohere`], [`dataforseo`], [`nvidia_nim`],
//!   [`ollama`], [`predibase`],
//!   [`replicate`], [`sagemaker`], [`snowflake`], [`triton`], [`watsonx`]: providers whose control flow differs.
//! - [`anthropic`], [`azure`], [`azure_ai`], [`bedrock`], [`cohere`], [`databricks`], [`huggingface`],
//!   [`jina_ai`], [`ollama`], [`predibase`], [`replicate`], [`snowflake`], [`triton`], [`voyage`], [`watsonx`]: providers whose control flow differs.

pub mod agentcore;
pub mod anthropic;
mod aws;
pub mod aws_polly;
pub mod aws_textract;
pub mod azure;
pub mod azure_ai;
pub mod azure_speech;
pub mod batches;
pub mod bedrock;
pub mod bing_grounding;
pub mod chatgpt;
pub mod cohere;
pub mod databricks;
pub mod dataforseo;
pub mod declare;
pub mod edit;
mod endpoint;
pub mod gdc;
pub mod gemini;
mod generated;
pub mod gigachat;
pub mod github_copilot;
pub mod huggingface;
pub mod jina_ai;
pub mod keys;
pub mod langgraph;
pub mod manus;
pub mod milvus;
pub mod nvidia_nim;
pub mod oci;
pub mod ollama;
mod params;
pub mod passthrough;
pub mod predibase;
pub mod provider;
pub mod quirk;
pub mod ragflow;
pub mod registry;
pub mod replicate;
pub mod reply;
pub mod resolve;
pub mod resource;
pub mod row;
pub mod rules;
pub mod s3_vectors;
pub mod sagemaker;
pub mod sap;
pub mod snowflake;
pub mod stores;
mod template;
pub mod triton;
pub mod tuning;
pub mod unique;
pub mod uploads;
pub mod vertex_ai;
pub mod voyage;
pub mod watsonx;

pub use declare::RowSpec;
pub use params::{Params, overlay_environment, variable};
pub use provider::{CachedPlace, Call, Endpoint, Protocols, Provider, Want};
pub use quirk::{Quirk, Quirks};
pub use registry::{all, by_id, declare};
pub use resolve::{Resolved, resolve};
pub use row::{Auth, Cap, Header, Paths, ProviderRow, RowFormat, Task};
pub use rules::{ModelCaps, Policy, Values, check};
