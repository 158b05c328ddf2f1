//! Formats: bytes to canonical values and back, and stream framings. No I/O.
//!
//! - [`codec`]: the two faces of a format, towards a client and towards an upstream, and what they are handed.
//! - [`top`]: the top level of a JSON body, read without copying; splicing and field edits.
//! - [`relay`]: same-format forwarding of streams.
//! - [`sse`]: server-sent events, split and written; [`framing`]: the other ways to cut a stream.
//! - [`meter`]: usage of answers that nobody decodes; [`form`]: forms that pass through; [`ids`]: ids of files and batches.
//! - [`batches`]: files of requests and of answers, jobs of houses that keep batches in another way than OpenAI.
//! - [`realtime`]: sessions over WebSockets.
//! - [`task`]: operations in LiteLLM's own shape: images, audio, rerank ...
//! - [`images`]: pictures, in the words of several houses.
//! - [`count`]: the tokens of a prompt, counted at its provider.
//! - [`openai`]: chat completions, Responses, legacy completions, embeddings.
//! - [`ocr`]: documents are read. [`videos`]: videos are made.
//! - [`anthropic`]: the Messages API.
//! - [`bedrock`]: AWS Bedrock: Converse, the bodies of `InvokeModel`; [`sagemaker`], [`polly`]: their neighbours.
//! - [`gemini`]: Google's generateContent.
//! - [`rerank`]: documents are put in order, in the words of several houses.
//! - [`cohere`], [`ollama`], [`snowflake`]: languages of one house, towards upstreams only; [`text`]: of hosts that
//!   complete texts.
//! - [`search`]: the web is searched.
//! - [`gigachat`], [`sap`], [`oci`]: further houses, towards upstreams only.
//! - [`agents`]: agents that are asked like models.
//! - [`registry`]: the codecs by format.
//! - [`usage`]: usage objects of every format.
//! - [`voice`]: speech in the houses' own languages.
//!
//! Every codec folder has the same files: `request_decode`, `request_encode`, `response_decode`, `response_encode`,
//! `stream_decode`, `stream_encode`, `error`, `usage`, `tests`.

pub mod agents;
pub mod anthropic;
pub mod batches;
pub mod bedrock;
pub(crate) mod brackets;
pub mod codec;
pub mod cohere;
pub mod count;
pub(crate) mod definitions;
pub(crate) mod dialect;
pub mod form;
pub mod framing;
pub mod gemini;
pub mod gigachat;
pub mod ids;
pub mod images;
pub mod interactions;
pub mod meter;
pub mod oci;
pub mod ocr;
pub mod ollama;
pub mod openai;
pub mod polly;
pub(crate) mod prompt;
pub(crate) mod python;
pub mod realtime;
pub mod registry;
pub mod relay;
pub mod rerank;
pub mod sagemaker;
pub mod sap;
pub mod search;
pub(crate) mod sniff;
pub mod snowflake;
pub mod sse;
pub mod task;
pub mod text;
pub(crate) mod tool_names;
pub mod top;
pub(crate) mod turns;
pub mod usage;
pub mod videos;
pub mod voice;

pub use codec::{
    ClientCodec, EncodeContext, ModelCaps, Operation, ReplyContext, ReplyView, RequestView, StreamDecoder,
    StreamEncoder, UpstreamCodec,
};
