//! The services. Names of callbacks, parameters and variables are LiteLLM's.

use std::sync::Arc;

use llm_types::LogRecord;

use super::{langfuse, langsmith};
use crate::payload;
use crate::redact::Redaction;

/// A service that takes records over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Langfuse's ingestion API.
    Langfuse,
    /// LangSmith's runs.
    Langsmith,
    /// Anything that takes a JSON array of LiteLLM's payloads.
    GenericApi,
}

/// What a parameter is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// Where the service is. It decides whose secrets may go there.
    Address,
    /// Name and password of HTTP's basic authentication, one each.
    BasicName,
    /// See [`ParamKind::BasicName`].
    BasicPassword,
    /// Headers: `name=value`, separated by commas.
    Headers,
    /// The value of this header; none when it is empty.
    Header(&'static str),
    /// Under which name the service keeps the records.
    Project,
}

/// A parameter of a service.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Its name in `callback_vars`.
    pub name: &'static str,
    /// Another name of it there.
    pub also: &'static str,
    /// The variable in which the operator sets it for all calls.
    pub variable: &'static str,
    /// What it is when nobody says.
    pub default: Option<&'static str>,
    /// What it is for.
    pub kind: ParamKind,
}

const fn param(
    name: &'static str,
    also: &'static str,
    variable: &'static str,
    default: Option<&'static str>,
    kind: ParamKind,
) -> Param {
    Param { name, also, variable, default, kind }
}

static LANGFUSE: [Param; 3] = [
    param("langfuse_host", "", "LANGFUSE_HOST", Some("https://cloud.langfuse.com"), ParamKind::Address),
    param("langfuse_public_key", "", "LANGFUSE_PUBLIC_KEY", None, ParamKind::BasicName),
    param("langfuse_secret_key", "langfuse_secret", "LANGFUSE_SECRET_KEY", None, ParamKind::BasicPassword),
];

static LANGSMITH: [Param; 4] = [
    param("langsmith_base_url", "", "LANGSMITH_BASE_URL", Some("https://api.smith.langchain.com"), ParamKind::Address),
    param("langsmith_api_key", "", "LANGSMITH_API_KEY", None, ParamKind::Header("x-api-key")),
    param("langsmith_project", "", "LANGSMITH_PROJECT", Some("litellm-completion"), ParamKind::Project),
    param("langsmith_tenant_id", "", "LANGSMITH_TENANT_ID", Some(""), ParamKind::Header("x-tenant-id")),
];

static GENERIC: [Param; 2] = [
    param("endpoint", "", "GENERIC_LOGGER_ENDPOINT", None, ParamKind::Address),
    param("headers", "", "GENERIC_LOGGER_HEADERS", Some(""), ParamKind::Headers),
];

impl Service {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Langfuse, Self::Langsmith, Self::GenericApi];

    /// The callback's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Langfuse => "langfuse",
            Self::Langsmith => "langsmith",
            Self::GenericApi => "generic_api",
        }
    }

    /// The service behind a callback's name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }

    /// Keys and teams may have one of their own.
    #[must_use]
    pub const fn may_be_own(self) -> bool {
        matches!(self, Self::Langfuse | Self::Langsmith)
    }

    /// What has to be known of it; the address comes first.
    #[must_use]
    pub fn params(self) -> &'static [Param] {
        match self {
            Self::Langfuse => &LANGFUSE,
            Self::Langsmith => &LANGSMITH,
            Self::GenericApi => &GENERIC,
        }
    }

    /// Records in one request at the most.
    pub(super) const fn most(self) -> usize {
        match self {
            Self::Langfuse | Self::Langsmith => 100,
            Self::GenericApi => 512,
        }
    }

    /// What stands behind the address.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Langfuse => "/api/public/ingestion",
            Self::Langsmith => "/api/v1/runs/batch",
            Self::GenericApi => "",
        }
    }

    /// The body for these records, kept under `project` where the service has projects.
    pub(super) fn body(self, batch: &[Arc<LogRecord>], redaction: &Redaction, project: &str) -> Vec<u8> {
        match self {
            Self::Langfuse => langfuse::body(batch, redaction),
            Self::Langsmith => langsmith::body(batch, redaction, project),
            Self::GenericApi => {
                let mut out = vec![b'['];
                for (at, record) in batch.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    payload::write(record, redaction, &mut out);
                }
                out.push(b']');
                out
            }
        }
    }

    /// Why an answer with a good status is none.
    pub(super) fn complaint(self, answer: &[u8]) -> Option<String> {
        match self {
            Self::Langfuse => langfuse::complaint(answer),
            Self::Langsmith | Self::GenericApi => None,
        }
    }
}
