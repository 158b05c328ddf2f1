//! The labels, and their values for a record.

use std::borrow::Cow;
use std::sync::Arc;

use llm_types::record::Status;
use llm_types::{LogRecord, ServiceTier};

/// What Python's `str(None)` gives: LiteLLM's value of a label that a call does not have.
const NONE: &str = "None";

/// The value of what clients may vary without end, once there are too many series.
const OTHER: &str = "other";

macro_rules! labels {
    ($($variant:ident $field:ident $name:literal,)*) => {
        /// A label. Its name is LiteLLM's.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Label { $($variant,)* StatusCode, ExceptionStatus, ExceptionClass }

        impl Label {
            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::StatusCode => "status_code",
                    Self::ExceptionStatus => "exception_status",
                    Self::ExceptionClass => "exception_class",
                }
            }
        }

        /// Everything in a record that tells series apart.
        #[derive(Debug, Clone, Copy, Hash)]
        pub(super) struct Dims<S> {
            $($field: S,)*
            status: u16,
            class: &'static str,
            error_provider: S,
        }

        impl Dims<&str> {
            /// True when both are the same series.
            pub(super) fn same(&self, other: &Dims<Arc<str>>) -> bool {
                self.status == other.status
                    && self.class == other.class
                    && *self.error_provider == *other.error_provider
                    $(&& *self.$field == *other.$field)*
            }

            /// A copy to keep.
            pub(super) fn keep(&self) -> Dims<Arc<str>> {
                Dims {
                    $($field: Arc::from(self.$field),)*
                    status: self.status,
                    class: self.class,
                    error_provider: Arc::from(self.error_provider),
                }
            }

            pub(super) fn get(&self, label: Label) -> Cow<'_, str> {
                match label {
                    $(Label::$variant => Cow::Borrowed(self.$field),)*
                    Label::StatusCode => Cow::Owned(self.status.to_string()),
                    Label::ExceptionStatus if self.class.is_empty() => Cow::Borrowed(NONE),
                    Label::ExceptionStatus => Cow::Owned(self.status.to_string()),
                    Label::ExceptionClass => exception_class(self.class, self.error_provider),
                }
            }
        }
    };
}

labels! {
    EndUser end_user "end_user",
    User user "user",
    UserEmail user_email "user_email",
    KeyHash key_hash "hashed_api_key",
    KeyAlias key_alias "api_key_alias",
    Team team "team",
    TeamAlias team_alias "team_alias",
    OrgId org "org_id",
    OrgAlias org_alias "org_alias",
    RequestedModel requested_model "requested_model",
    Model model "model",
    ModelName model_name "litellm_model_name",
    ModelGroup model_group "model_group",
    ModelId model_id "model_id",
    FallbackModel fallback_model "fallback_model",
    ApiBase api_base "api_base",
    Provider provider "api_provider",
    Route route "route",
    ClientIp client_ip "client_ip",
    UserAgent user_agent "user_agent",
    Stream stream "stream",
    Tier tier "service_tier",
}

/// LiteLLM puts the provider before the class: `Openai.RateLimitError`.
fn exception_class(class: &str, provider: &str) -> Cow<'static, str> {
    if class.is_empty() {
        return Cow::Borrowed(NONE);
    }
    let mut letters = provider.chars();
    match letters.next() {
        None => Cow::Owned(class.to_owned()),
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

fn or_none(text: Option<&str>) -> &str {
    text.filter(|t| !t.is_empty()).unwrap_or(NONE)
}

/// Which labels are worth looking at: what is not shown must not make series.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub(super) end_user: bool,
    pub(super) client_ip: bool,
    pub(super) user_agent: bool,
    pub(super) stream: bool,
}

impl<'a> Dims<&'a str> {
    /// The labels of a record.
    pub(super) fn of(r: &'a LogRecord, shown: Shown) -> Self {
        let c = &r.caller;
        let when = |on: bool, text: Option<&'a str>| if on { or_none(text) } else { NONE };
        let error = r.error.as_ref();
        let failed = r.status == Status::Failure;
        Self {
            end_user: when(shown.end_user, c.end_user.as_deref()),
            user: or_none(c.user_id.as_deref()),
            user_email: or_none(c.user_email.as_deref()),
            key_hash: or_none(c.key_hash.as_deref()),
            key_alias: or_none(c.key_alias.as_deref()),
            team: or_none(c.team_id.as_deref()),
            team_alias: or_none(c.team_alias.as_deref()),
            org: or_none(c.organization_id.as_deref()),
            org_alias: NONE,
            requested_model: or_none(Some(&r.model_group)),
            model: or_none(Some(&r.model)),
            model_name: or_none(Some(&r.model)),
            model_group: or_none(Some(&r.model_group)),
            model_id: or_none(r.model_id.as_deref()),
            fallback_model: or_none(Some(&r.model)),
            api_base: or_none(r.api_base.as_deref()),
            provider: or_none(Some(&r.provider)),
            route: r.route,
            client_ip: when(shown.client_ip, r.client_ip.as_deref()),
            user_agent: when(shown.user_agent, r.user_agent.as_deref()),
            stream: if !shown.stream {
                NONE
            } else if r.stream {
                "True"
            } else {
                "False"
            },
            tier: tier(r.usage.service_tier),
            status: error.map_or(if failed { 500 } else { 200 }, |e| e.status),
            class: error.map_or("", |e| e.class),
            error_provider: error.and_then(|e| e.provider.as_deref()).unwrap_or(""),
        }
    }

    /// The same without what clients may vary without end. Keys, users and teams are many, unknown model names,
    /// addresses and agents are anything.
    pub(super) const fn collapsed(mut self) -> Self {
        (self.end_user, self.user, self.user_email) = (OTHER, OTHER, OTHER);
        (self.key_hash, self.key_alias) = (OTHER, OTHER);
        (self.team, self.team_alias, self.org) = (OTHER, OTHER, OTHER);
        (self.requested_model, self.model_group, self.fallback_model) = (OTHER, OTHER, OTHER);
        (self.model, self.model_name, self.model_id, self.api_base) = (OTHER, OTHER, OTHER, OTHER);
        (self.client_ip, self.user_agent) = (OTHER, OTHER);
        self
    }
}
