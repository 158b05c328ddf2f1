//! What happened on the way of a call, for metrics: attempts that failed, guardrails, limits.

use std::sync::Arc;

/// What happened on the way of a call.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    /// No model of the name that the client gave is served: the name is anything a stranger may write.
    pub unknown_model: bool,
    /// The model as the client named it, where a fallback took the call over.
    pub asked: Option<Arc<str>>,
    /// The group that a fallback named, where it answered.
    pub fallback: Option<Arc<str>>,
    /// Attempts that failed, in order, whoever answered in the end.
    pub failed: Vec<FailedAttempt>,
    /// From the arrival of the request until it was admitted, in microseconds.
    pub queue_us: Option<u64>,
    /// Runs of guardrails.
    pub guardrails: Vec<GuardrailRun>,
    /// The limits of the caller, and what is left of them.
    pub limits: Vec<LimitLeft>,
    /// Requests that the deployment still takes, as its host says, or of its group's limit.
    pub remaining_requests: Option<u64>,
    /// Tokens, likewise.
    pub remaining_tokens: Option<u64>,
}

impl Trail {
    /// Takes over what the caller of the model noted.
    pub fn take(&mut self, noted: &Self) {
        let (queue_us, unknown_model) = (self.queue_us, self.unknown_model);
        let (guardrails, limits) = (std::mem::take(&mut self.guardrails), std::mem::take(&mut self.limits));
        *self = Self { unknown_model, queue_us, guardrails, limits, ..noted.clone() };
    }
}

/// A limit of a caller, and what a call left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitLeft {
    /// Whose: `api_key`, `team`, `model_per_key` ...
    pub whose: &'static str,
    /// Of what: `requests`, `tokens` ...
    pub kind: &'static str,
    /// At the most.
    pub limit: i64,
    /// Of that, what may still come.
    pub remaining: i64,
}

/// An attempt that failed.
#[derive(Debug, Clone)]
pub struct FailedAttempt {
    /// The group that was tried: as the client named it, or as a fallback does.
    pub group: Arc<str>,
    /// Id of the deployment.
    pub model_id: Arc<str>,
    /// The model as the provider knows it.
    pub model: Arc<str>,
    /// The provider.
    pub provider: Arc<str>,
    /// Its address, without query, where one was known.
    pub api_base: Option<Arc<str>>,
    /// LiteLLM's class of the error.
    pub class: &'static str,
    /// The error's status.
    pub status: u16,
    /// True when the host was at fault, or could not be reached.
    pub upstream: bool,
}

/// One run of a guardrail, for `litellm_guardrail_*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardrailRun {
    /// Name of the guardrail.
    pub name: Arc<str>,
    /// When it ran: `pre_call`, `during_call`, `post_call` ...
    pub hook: &'static str,
    /// `success`, `intervened` or `error`.
    pub status: &'static str,
    /// How long it took, in microseconds.
    pub took_us: u64,
}
