//! The labels, and their values for a record and for what is told of it beside: attempts, fallbacks, limits.

use std::borrow::Cow;
use std::sync::Arc;

use llm_types::record::Status;
use llm_types::trail::FailedAttempt;
use llm_types::{LogRecord, ServiceTier};

use super::own::Own;
use super::shown::Shown;

/// What Python's `str(None)` gives: LiteLLM's value of a label that a call does not have.
pub(super) const NONE: &str = "None";

/// The value of what clients may vary without end, once there are too many.
pub(super) const OTHER: &str = "other";

macro_rules! labels {
    ($($variant:ident $name:literal,)*) => {
        /// A label. Its name is LiteLLM's; its number is its place in [`Dims`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Label { $($variant,)* }

        impl Label {
            pub(super) const ALL: &[Self] = &[$(Self::$variant,)*];

            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

labels! {
    EndUser "end_user",
    User "user",
    UserEmail "user_email",
    KeyHash "hashed_api_key",
    KeyAlias "api_key_alias",
    Team "team",
    TeamAlias "team_alias",
    OrgId "org_id",
    OrgAlias "org_alias",
    RequestedModel "requested_model",
    Model "model",
    AskedModel "model",
    ModelName "litellm_model_name",
    ModelGroup "model_group",
    ModelId "model_id",
    FallbackModel "fallback_model",
    ApiBase "api_base",
    Provider "api_provider",
    Route "route",
    ClientIp "client_ip",
    UserAgent "user_agent",
    Stream "stream",
    Tier "service_tier",
    StatusCode "status_code",
    ExceptionStatus "exception_status",
    ExceptionClass "exception_class",
    RateLimitType "rate_limit_type",
    Reason "reason",
    ToolName "mcp_tool_name",
    ServerName "mcp_server_name",
}

/// Labels whose values clients choose, and how many values of each are told apart: whoever holds a key could otherwise fill
/// memory and scrapes with new ones.
pub(super) const FREE: &[(Label, usize)] = &[
    (Label::UserAgent, 100),
    (Label::ClientIp, 1000),
    (Label::ApiBase, 1000),
    (Label::EndUser, 1000),
    (Label::RequestedModel, 1000),
    (Label::Model, 1000),
    (Label::AskedModel, 1000),
    (Label::ModelName, 1000),
    (Label::ModelGroup, 1000),
    (Label::FallbackModel, 1000),
    (Label::ToolName, 1000),
];

/// Labels that are `other` once there are too many combinations. Keys, users and teams are many; the rest is few.
const COLLAPSED: &[Label] = &[
    Label::EndUser,
    Label::User,
    Label::UserEmail,
    Label::KeyHash,
    Label::KeyAlias,
    Label::Team,
    Label::TeamAlias,
    Label::OrgId,
    Label::RequestedModel,
    Label::Model,
    Label::AskedModel,
    Label::ModelName,
    Label::ModelGroup,
    Label::ModelId,
    Label::FallbackModel,
    Label::ApiBase,
    Label::ClientIp,
    Label::UserAgent,
    Label::ToolName,
    Label::ServerName,
];

/// LiteLLM puts the provider before the class: `Openai.RateLimitError`.
fn exception_class<'a>(class: &'a str, provider: &str) -> Cow<'a, str> {
    let mut letters = provider.chars();
    match letters.next() {
        None => Cow::Borrowed(class),
        Some(first) => Cow::Owned(format!("{}{}.{class}", first.to_uppercase(), letters.as_str())),
    }
}

const fn tier(tier: Option<ServiceTier>) -> &'static str {
    match tier {
        None => NONE,
        Some(ServiceTier::Standard) => "default",
        Some(ServiceTier::Flex) => "flex",
        Some(ServiceTier::Priority) => "priority",
        Some(ServiceTier::UltraFast) => "ultrafast",
        Some(ServiceTier::Batch) => "batch",
    }
}

pub(super) fn or_none(text: Option<&str>) -> Cow<'_, str> {
    Cow::Borrowed(text.filter(|t| !t.is_empty()).unwrap_or(NONE))
}

fn status(status: u16) -> Cow<'static, str> {
    if status == 200 { Cow::Borrowed("200") } else { Cow::Owned(status.to_string()) }
}

/// Everything that tells series apart: a value for each [`Label`], then those of the operator's own labels.
#[derive(Debug, Clone, Hash)]
pub(super) struct Dims<'a>(Vec<Cow<'a, str>>);

impl<'a> Dims<'a> {
    /// The labels of a record.
    pub(super) fn of(r: &'a LogRecord, shown: &Shown, own: &Own) -> Self {
        let mut dims = Self(vec![Cow::Borrowed(NONE); Label::ALL.len()]);
        dims.0.extend(own.values(r));
        dims.caller(r, shown);
        dims.called(r);
        let error = r.error.as_ref();
        let failed = r.status == Status::Failure;
        dims.put(Label::StatusCode, status(error.map_or(if failed { 500 } else { 200 }, |e| e.status)));
        if let Some(error) = error {
            dims.error(error.status, error.class, error.provider.as_deref().unwrap_or_default());
        }
        if let Some((server, tool)) = r.mcp_tool.as_deref().and_then(|t| t.split_once('/')) {
            dims.put(Label::ServerName, Cow::Borrowed(server));
            dims.put(Label::ToolName, Cow::Borrowed(tool));
        }
        if r.cost_problem.is_some() {
            dims.put(Label::Reason, Cow::Borrowed("missing_pricing_key"));
        }
        dims
    }

    fn caller(&mut self, r: &'a LogRecord, shown: &Shown) {
        let c = &r.caller;
        // The master key has one fixed name in place of its hash, and no alias.
        let alias = c.key_alias.as_deref().filter(|alias| c.key_hash.as_deref() != Some(*alias));
        for (label, text) in [
            (Label::EndUser, c.end_user.as_deref().filter(|_| shown.end_user)),
            (Label::User, c.user_id.as_deref()),
            (Label::UserEmail, c.user_email.as_deref()),
            (Label::KeyHash, c.key_hash.as_deref()),
            (Label::KeyAlias, alias),
            (Label::Team, c.team_id.as_deref()),
            (Label::TeamAlias, c.team_alias.as_deref()),
            (Label::OrgId, c.organization_id.as_deref()),
            (Label::Route, Some(r.route)),
            (Label::ClientIp, r.client_ip.as_deref().filter(|_| shown.client_ip)),
            (Label::UserAgent, r.user_agent.as_deref().filter(|_| shown.user_agent)),
        ] {
            self.put(label, or_none(text));
        }
        if shown.stream {
            self.put(Label::Stream, Cow::Borrowed(if r.stream { "True" } else { "False" }));
        }
    }

    fn called(&mut self, r: &'a LogRecord) {
        let (group, model) = if r.trail.unknown_model { (OTHER, OTHER) } else { (&*r.model_group, &*r.model) };
        for (label, text) in [
            (Label::RequestedModel, Some(group)),
            (Label::ModelGroup, Some(group)),
            (Label::AskedModel, Some(group)),
            (Label::Model, Some(model)),
            (Label::ModelName, Some(model)),
            (Label::ModelId, r.model_id.as_deref()),
            (Label::ApiBase, r.api_base.as_deref()),
            (Label::Provider, Some(&*r.provider)),
        ] {
            self.put(label, or_none(text));
        }
        self.put(Label::Tier, Cow::Borrowed(tier(r.usage.service_tier)));
    }

    fn error(&mut self, code: u16, class: &'a str, provider: &str) {
        self.put(Label::ExceptionStatus, status(code));
        self.put(Label::ExceptionClass, exception_class(class, provider));
    }

    fn failed(&mut self, attempt: &'a FailedAttempt) {
        self.error(attempt.status, attempt.class, if attempt.upstream { &attempt.provider } else { "" });
    }

    /// The labels of an attempt that failed.
    #[must_use]
    pub(super) fn attempt(&self, attempt: &'a FailedAttempt) -> Self {
        let mut dims = self.clone();
        for (label, text) in [
            (Label::RequestedModel, Some(&*attempt.group)),
            (Label::ModelGroup, Some(&*attempt.group)),
            (Label::Model, Some(&*attempt.model)),
            (Label::ModelName, Some(&*attempt.model)),
            (Label::ModelId, Some(&*attempt.model_id)),
            (Label::ApiBase, attempt.api_base.as_deref()),
            (Label::Provider, Some(&*attempt.provider)),
        ] {
            dims.put(label, or_none(text));
        }
        dims.failed(attempt);
        dims
    }

    /// The labels of a fallback from one group to another, because of a failure. LiteLLM names no deployment.
    #[must_use]
    pub(super) fn hop(&self, from: &'a str, to: &'a str, why: Option<&'a FailedAttempt>) -> Self {
        let mut dims = self.clone();
        dims.put(Label::RequestedModel, or_none(Some(from)));
        dims.put(Label::FallbackModel, or_none(Some(to)));
        dims.put(Label::ModelId, Cow::Borrowed(NONE));
        if let Some(why) = why {
            dims.failed(why);
        }
        dims
    }

    /// A limit of the caller, told by key and team alone.
    #[must_use]
    pub(super) fn limit(&self, kind: &'a str) -> Self {
        let mut dims = Self(vec![Cow::Borrowed(NONE); self.0.len()]);
        for label in [Label::KeyHash, Label::KeyAlias, Label::Team, Label::TeamAlias] {
            if let Some(value) = self.0.get(label as usize) {
                dims.put(label, value.clone());
            }
        }
        dims.put(Label::RateLimitType, Cow::Borrowed(kind));
        dims
    }

    /// The same without what clients may vary without end.
    pub(super) fn collapse(&mut self) {
        for label in COLLAPSED {
            self.put(*label, Cow::Borrowed(OTHER));
        }
        for own in self.0.iter_mut().skip(Label::ALL.len()) {
            *own = Cow::Borrowed(OTHER);
        }
    }

    pub(super) fn put(&mut self, label: Label, value: Cow<'a, str>) {
        self.put_at(label as usize, value);
    }

    pub(super) fn put_at(&mut self, at: usize, value: Cow<'a, str>) {
        if let Some(slot) = self.0.get_mut(at) {
            *slot = value;
        }
    }

    pub(super) fn get(&self, at: usize) -> &str {
        self.0.get(at).map_or(NONE, |value| &**value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|value| &**value)
    }

    /// True when both are the same series.
    pub(super) fn same(&self, kept: &[Arc<str>]) -> bool {
        self.0.len() == kept.len() && self.iter().zip(kept).all(|(a, b)| *a == **b)
    }
}
