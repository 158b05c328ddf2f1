//! What a call wishes, as far as the gateway itself has to know.

use std::sync::Arc;

use llm_accounts::{Extras, Intent, PriceBound};
use llm_client::Controls;
use llm_wire::top::Top;

use crate::flow::Context;

/// What a call wishes, read off its top level and its headers.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The model as the client named it.
    pub model: Arc<str>,
    /// The group it stands for, after aliases of team and key.
    pub group: Arc<str>,
    /// The model came from the path alone: the answer keeps the provider's name.
    pub from_path: bool,
    /// Wanted as a stream.
    pub stream: bool,
    /// `stream_options.include_usage`.
    pub include_usage: bool,
    /// Models the client itself named as fallbacks.
    pub fallback_models: Vec<String>,
    /// End user.
    pub end_user: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Tokens wanted at the most.
    pub max_output_tokens: Option<u64>,
    /// Alternatives wanted.
    pub choices: u64,
    /// What it may cost at the most.
    pub price: Option<PriceBound>,
    /// What it asks for that costs more.
    pub extras: Extras,
    /// Control fields.
    pub controls: Controls,
    /// The `cache` object, raw.
    pub cache: Option<String>,
    /// The `metadata` object, raw.
    pub metadata: Option<String>,
    /// Guardrails asked for, raw.
    pub guardrails: Option<String>,
    /// Policies asked for, raw.
    pub policies: Option<String>,
    /// `no-log`.
    pub no_log: bool,
    /// `turn_off_message_logging`: whether what is said stays out of logs.
    pub redact: Option<bool>,
}

impl Wish {
    /// What accounts are asked: whether such a call may be made. `input_tokens`: of the prompt, estimated.
    #[must_use]
    pub fn intent<'a>(&'a self, ctx: &'a Context, input_tokens: u64) -> Intent<'a> {
        Intent {
            route: ctx.route,
            model: &self.model,
            group: &self.group,
            fallback_models: &self.fallback_models,
            end_user: self.end_user.as_deref(),
            tags: &self.tags,
            user_agent: ctx.user_agent(),
            metadata_tags: self.has_metadata_tags(),
            input_tokens,
            max_output_tokens: self.max_output_tokens,
            choices: self.choices,
            price: self.price,
            extras: self.extras,
            session: self.controls.session.as_deref(),
            tool_server: None,
            agent: None,
        }
    }

    /// The client put tags into `metadata`.
    #[must_use]
    pub fn has_metadata_tags(&self) -> bool {
        let metadata = self.metadata.as_deref().filter(|metadata| metadata.contains("tags"));
        metadata.is_some_and(|m| Top::parse(m.as_bytes()).is_ok_and(|m| m.get("tags").is_some_and(|t| t != "null")))
    }
}
