//! The services, as far as code tells them apart; `table` has the rest.

use std::sync::Arc;

use llm_types::LogRecord;

use super::endpoint::Fields;
use super::otlp::Dialect;
use super::table::{Facts, PROTOBUF, ROWS};
use super::{datadog, langfuse, langsmith, metered, otlp, posthog};
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
    /// Datadog's logs.
    Datadog,
    /// PostHog's events.
    Posthog,
    /// A collector of OpenTelemetry.
    Otel,
    /// Langfuse, as such a collector.
    LangfuseOtel,
    /// Arize.
    Arize,
    /// Phoenix.
    ArizePhoenix,
    /// Weave.
    WeaveOtel,
    /// Lago's events.
    Lago,
    /// OpenMeter's events.
    Openmeter,
}

/// What a parameter is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// Where the service is. It decides whose secrets may go there.
    Address,
    /// The same: the end of a host's name behind this beginning.
    Site(&'static str),
    /// Name and password of HTTP's basic authentication, one each.
    BasicName,
    /// See [`ParamKind::BasicName`].
    BasicPassword,
    /// The password that goes with this name.
    BasicOf(&'static str),
    /// A bearer token; none when it is empty.
    Bearer,
    /// Headers: `name=value`, separated by commas.
    Headers,
    /// The value of this header; none when it is empty.
    Header(&'static str),
    /// Something that stands in bodies, under the variable's name.
    Field,
}

/// A parameter of a service.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Its name in `callback_vars`; empty for those that only the operator sets.
    pub name: &'static str,
    /// Another name of it there.
    pub also: &'static str,
    /// The variables in which the operator sets it for all calls; the first that is set counts.
    pub variable: &'static str,
    /// What it is when nobody says.
    pub default: Option<&'static str>,
    /// What it is for.
    pub kind: ParamKind,
}

impl Param {
    pub(super) const fn also(self, also: &'static str) -> Self {
        Self { also, ..self }
    }

    /// The first variable.
    #[must_use]
    pub fn first_variable(&self) -> &'static str {
        self.variables().next().unwrap_or_default()
    }

    /// All of them.
    pub fn variables(&self) -> impl Iterator<Item = &'static str> {
        self.variable.split(' ')
    }

    /// True for what nobody else may see.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        let open = matches!(self.kind, ParamKind::Address | ParamKind::Site(_) | ParamKind::Field);
        (!open || self.name.ends_with("_key")) && !self.name.contains("project")
    }

    /// What people call it.
    pub(super) fn called(&self) -> &'static str {
        if self.name.is_empty() { self.first_variable() } else { self.name }
    }
}

impl Service {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|row| row.service)
    }

    fn facts(self) -> &'static Facts {
        ROWS.iter().find(|row| row.service == self).unwrap_or(&ROWS[0])
    }

    /// The callback's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The service behind a callback's name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.name == name).map(|row| row.service)
    }

    /// Keys and teams may have one of their own.
    #[must_use]
    pub fn may_be_own(self) -> bool {
        self.facts().own
    }

    /// What has to be known of it; the address comes first.
    #[must_use]
    pub fn params(self) -> &'static [Param] {
        self.facts().params
    }

    /// Records in one request at the most.
    pub(super) fn most(self) -> usize {
        self.facts().most
    }

    /// Bytes of one request at the most.
    pub(super) fn largest(self) -> usize {
        self.facts().largest
    }

    /// What stands behind the address.
    pub(super) fn path(self) -> &'static str {
        self.facts().path
    }

    /// What kind of text the body is.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Otel | Self::LangfuseOtel | Self::Arize | Self::ArizePhoenix | Self::WeaveOtel => PROTOBUF,
            Self::Openmeter => "application/cloudevents-batch+json",
            _ => "application/json",
        }
    }

    /// The body for these records; nothing when none of them says anything to the service.
    pub(super) fn body(self, batch: &[Arc<LogRecord>], redaction: &Redaction, fields: &Fields) -> Option<Vec<u8>> {
        let traced = |dialect, project| Some(otlp::body(batch, redaction, dialect, project));
        match self {
            Self::Langfuse => Some(langfuse::body(batch, redaction)),
            Self::Langsmith => Some(langsmith::body(batch, redaction, fields.get("LANGSMITH_PROJECT"))),
            Self::Datadog => Some(datadog::body(batch, redaction, fields)),
            Self::Posthog => Some(posthog::body(batch, redaction, fields.get("POSTHOG_API_KEY"))),
            Self::Otel => traced(Dialect::GenAi, fields.get("OTEL_SERVICE_NAME")),
            Self::LangfuseOtel => traced(Dialect::Langfuse, fields.get("LANGFUSE_TRACING_ENVIRONMENT")),
            Self::Arize => traced(Dialect::OpenInference, fields.get("ARIZE_PROJECT_NAME")),
            Self::ArizePhoenix => traced(Dialect::OpenInference, fields.get("PHOENIX_PROJECT_NAME")),
            Self::WeaveOtel => traced(Dialect::GenAi, "litellm"),
            Self::Lago => metered::lago(batch, fields),
            Self::Openmeter => metered::openmeter(batch, fields),
            Self::GenericApi => {
                let mut out = vec![b'['];
                for (at, record) in batch.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    payload::write(record, redaction, &mut out);
                }
                out.push(b']');
                Some(out)
            }
        }
    }

    /// Why an answer with a good status is none.
    pub(super) fn complaint(self, answer: &[u8]) -> Option<String> {
        match self {
            Self::Langfuse => langfuse::complaint(answer),
            _ => None,
        }
    }
}
