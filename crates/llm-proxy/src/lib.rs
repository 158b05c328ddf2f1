//! The gateway server: listeners, data plane, config, background jobs, assembly. Thin: every step is a call into
//! another crate.
//!
//! - [`start`]: from flags to a serving process and back; [`server`]: one thread, runtime and listener per core.
//! - [`core`]: matches the path ([`routes`]) and hands the request on; [`flow`] is the life of a model call, `context`
//!   what is known of one.
//! - [`read`], [`wish`], [`safety`], [`guard`], [`recall`], [`answer`], [`tail`]: the steps of the flow.
//! - [`several`], [`prompts`]: requests that are several calls, `inner`: those calls; [`responses`]: the state of the Responses API.
//! - [`config`]: LiteLLM's configuration, translated once; [`cli`], [`check`], [`ledger`], [`migrate`].
//! - [`jobs`]: what runs in the background; [`secrets`]: what a secret manager keeps.
//! - [`models`], [`google`], [`health`], [`tools`], [`admin`], [`openapi`]: routes that call no model.
//! - [`pass`]: what is relayed: providers' own APIs, endpoints of the operator's own; [`resources`]: files, batches ...; [`realtime`]: sessions;
//!   [`mcp`]: MCP servers; [`agents`]: A2A agents.

pub mod admin;
pub mod agents;
pub mod answer;
pub mod app;
pub mod beside;
pub mod body;
pub mod cache;
pub mod check;
pub mod cli;
pub mod config;
mod context;
pub mod core;
pub mod cors;
pub mod count;
mod cursor;
pub mod demands;
mod deserted;
pub mod edge;
pub mod edited;
pub mod errors;
pub mod explain;
mod extras;
pub mod flow;
pub mod form;
pub mod gauges;
pub mod google;
pub mod guard;
pub mod hanging;
pub mod health;
mod inner;
pub mod jobs;
mod kept;
pub mod ledger;
pub mod logging;
pub mod lookout;
pub mod mcp;
pub mod migrate;
pub mod models;
pub mod openapi;
pub mod operate;
mod outside;
mod own;
pub mod pass;
pub mod plane;
mod price_bound;
pub mod probe;
pub mod prompts;
pub mod rag;
pub mod read;
pub mod realtime;
pub mod recall;
pub mod region;
pub mod reload;
pub mod resources;
pub mod responses;
pub mod routes;
pub mod safety;
mod scope;
pub mod searched;
pub mod secrets;
pub mod server;
pub mod several;
pub mod share;
mod signals;
pub mod snapshot;
pub mod start;
mod steering;
pub mod tail;
mod tally;
pub mod templates;
pub mod tls;
pub mod tools;
mod usable;
mod usage_chat;
mod validation;
pub mod via;
mod videos;
mod wire;
pub mod wish;
