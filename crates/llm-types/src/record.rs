//! What callbacks and the spend ledger are told about a finished call: LiteLLM's StandardLoggingPayload, typed.

use std::sync::Arc;

use crate::{OperationKind, RawJson, Secret, Trail, Usage};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The client got its answer.
    Success,
    /// The client got an error.
    Failure,
}

/// Who called.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "LiteLLM's names; ids and aliases of the entities")]
pub struct Caller {
    pub key_hash: Option<Arc<str>>,
    pub key_alias: Option<Arc<str>>,
    pub user_id: Option<Arc<str>>,
    pub user_email: Option<Arc<str>>,
    pub team_id: Option<Arc<str>>,
    pub team_alias: Option<Arc<str>>,
    pub organization_id: Option<Arc<str>>,
    pub project_id: Option<Arc<str>>,
    pub agent_id: Option<Arc<str>>,
    pub end_user: Option<Arc<str>>,
    /// Callbacks of its key's and its team's own, which only their calls are told to; nothing when there are none.
    pub callbacks: Option<Arc<[OwnCallback]>>,
}

/// A callback of a key's or a team's own (`metadata.logging`).
#[derive(Debug, Clone)]
pub struct OwnCallback {
    /// LiteLLM's name of it.
    pub name: Box<str>,
    /// It is told of calls that were answered.
    pub success: bool,
    /// It is told of calls that failed.
    pub failure: bool,
    /// Its parameters (`callback_vars`).
    pub vars: Vec<(Box<str>, Secret)>,
}

impl OwnCallback {
    /// A parameter that is not empty.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&str> {
        let found = self.vars.iter().find(|(known, _)| &**known == name);
        found.map(|(_, value)| value.expose()).filter(|value| !value.is_empty())
    }

    /// True when it is told of calls that ended like this.
    #[must_use]
    pub const fn wants(&self, status: Status) -> bool {
        match status {
            Status::Success => self.success,
            Status::Failure => self.failure,
        }
    }
}

/// What the call cost, in US dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// The whole, after discounts and margins.
    pub total: f64,
    /// Input tokens of all kinds.
    pub input: f64,
    /// Output tokens of all kinds.
    pub output: f64,
    /// Reading prompt caches.
    pub cache_read: f64,
    /// Writing prompt caches.
    pub cache_write: f64,
    /// Thinking.
    pub reasoning: f64,
    /// Tools that the provider ran.
    pub tools: f64,
    /// Before discounts and margins.
    pub original: f64,
    /// What the discount took off.
    pub discount: f64,
    /// What the margin put on.
    pub margin: f64,
}

impl Cost {
    /// Adds what a call was spent on beside its own: it counts as input.
    pub fn add_errand(&mut self, spent: &Self) {
        self.total += spent.total;
        self.original += spent.original;
        self.input += spent.input;
    }
}

/// What went wrong, for logs.
#[derive(Debug, Clone)]
pub struct ErrorInfo {
    /// LiteLLM's class name.
    pub class: &'static str,
    /// The status the client saw.
    pub status: u16,
    /// The message the client saw.
    pub message: String,
    /// The provider, when it was its fault.
    pub provider: Option<Arc<str>>,
}

/// A finished call. Times are microseconds since 1970.
#[derive(Debug, Clone)]
pub struct LogRecord {
    /// Our id of the call (`x-litellm-call-id`).
    pub call_id: Arc<str>,
    /// The upstream's id of the answer, if any.
    pub response_id: Option<String>,
    /// Trace that the client named.
    pub trace_id: Option<String>,
    /// Session that the client named.
    pub session_id: Option<String>,
    /// The kind of call.
    pub operation: OperationKind,
    /// LiteLLM's name of it.
    pub call_type: &'static str,
    /// The path that was called.
    pub route: &'static str,
    /// Answered as a stream.
    pub stream: bool,
    /// How it ended.
    pub status: Status,
    /// Who called.
    pub caller: Caller,
    /// The model as the client named it.
    pub model_group: Arc<str>,
    /// The model as the provider knows it.
    pub model: Arc<str>,
    /// Id of the deployment that answered.
    pub model_id: Option<Arc<str>>,
    /// The provider.
    pub provider: Arc<str>,
    /// Its address, without query.
    pub api_base: Option<Arc<str>>,
    /// The tool of an MCP server that was called, as `server/tool`.
    pub mcp_tool: Option<Arc<str>>,
    /// What was consumed.
    pub usage: Usage,
    /// The upstream's own usage object.
    pub usage_raw: Option<RawJson>,
    /// What it cost.
    pub cost: Cost,
    /// The cost could not be computed, and why.
    pub cost_problem: Option<String>,
    /// When the request came.
    pub start_us: i64,
    /// When the first byte of the answer was there.
    pub first_byte_us: Option<i64>,
    /// When the answer was complete.
    pub end_us: i64,
    /// How long the upstream took, in microseconds.
    pub upstream_us: u64,
    /// Retries within the group.
    pub retries: u32,
    /// Fallbacks to other groups.
    pub fallbacks: u32,
    /// Answered from the cache; none without a cache.
    pub cache_hit: Option<bool>,
    /// The cache key, when a cache was asked.
    pub cache_key: Option<String>,
    /// What an answer from the cache would have cost, in US dollars.
    pub saved_cost: f64,
    /// Tags of the request.
    pub tags: Vec<String>,
    /// Address of the client.
    pub client_ip: Option<String>,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
    /// Metadata the client sent, as it came.
    pub metadata: Option<RawJson>,
    /// Names of the guardrails that ran.
    pub guardrails: Vec<String>,
    /// What they did: LiteLLM's `guardrail_information`, a list without content.
    pub guardrail_information: Option<RawJson>,
    /// The request's messages, when somebody wants content.
    pub messages: Option<RawJson>,
    /// What else was asked for: the fields of the request but what is said, when somebody wants content.
    pub parameters: Option<RawJson>,
    /// The answer, when somebody wants content.
    pub response: Option<RawJson>,
    /// What is said may stand in logs whose content the operator leaves out.
    pub unredacted: bool,
    /// Callbacks that are not told of it, in lower case; those that only count are.
    pub untold: Vec<Box<str>>,
    /// What went wrong.
    pub error: Option<ErrorInfo>,
    /// What happened on the way.
    pub trail: Trail,
}
