//! Sinks by LiteLLM's callback names (`litellm_settings.callbacks`, `success_callback`, `failure_callback`).

use std::fmt;

use crate::remote::Service;

/// A sink that this crate has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Builtin {
    /// `prometheus`: [`crate::Prometheus`].
    Prometheus,
    /// `json_logs` (ours): [`crate::JsonLog`] on standard output.
    JsonLogs,
    /// `failure_trace` (ours): [`crate::FailureTrace`].
    FailureTrace,
    /// A service that takes records over HTTP: [`crate::Remote`].
    Remote(Service),
    /// A bucket: [`crate::ObjectLog`].
    Objects(Objects),
}

/// Whose bucket it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Objects {
    /// `s3`, `s3_v2`.
    S3,
    /// `gcs_bucket`.
    Gcs,
    /// `azure_storage`.
    Azure,
}

/// Why a name has no sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// An integration of LiteLLM that is not served yet.
    NotServedYet,
    /// A Python path (`module.object`): Python code cannot run here.
    PythonCode,
    /// No integration of LiteLLM has this name.
    Unknown,
}

/// A callback name without a sink, for the list of configuration problems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSink {
    /// The name.
    pub name: String,
    /// Why.
    pub reason: Reason,
}

impl fmt::Display for NoSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.reason {
            Reason::NotServedYet => write!(f, "the callback `{name}` of LiteLLM is not served yet"),
            Reason::PythonCode => write!(f, "the callback `{name}` is Python code, which cannot run here"),
            Reason::Unknown => write!(f, "there is no callback named `{name}`"),
        }
    }
}

impl std::error::Error for NoSink {}

const BUILTIN: [(&str, Builtin); 7] = [
    ("prometheus", Builtin::Prometheus),
    ("json_logs", Builtin::JsonLogs),
    ("failure_trace", Builtin::FailureTrace),
    ("s3_v2", Builtin::Objects(Objects::S3)),
    ("s3", Builtin::Objects(Objects::S3)),
    ("gcs_bucket", Builtin::Objects(Objects::Gcs)),
    ("azure_storage", Builtin::Objects(Objects::Azure)),
];

impl Objects {
    /// The callback's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3_v2",
            Self::Gcs => "gcs_bucket",
            Self::Azure => "azure_storage",
        }
    }
}

fn builtin() -> impl Iterator<Item = (&'static str, Builtin)> {
    BUILTIN.into_iter().chain(Service::all().map(|service| (service.name(), Builtin::Remote(service))))
}

/// LiteLLM's other integrations, as far as they are sinks.
const LATER: &[&str] = &[
    "agentops",
    "argilla",
    "athina",
    "aws_sqs",
    "azure_sentinel",
    "braintrust",
    "datadog_cost_management",
    "datadog_llm_observability",
    "datadog_metrics",
    "deepeval",
    "dynamodb",
    "email",
    "galileo",
    "gcs_pubsub",
    "greenscale",
    "helicone",
    "humanloop",
    "langtrace",
    "levo",
    "literalai",
    "logfire",
    "lunary",
    "mavvrik",
    "mlflow",
    "newrelic",
    "opik",
    "pagerduty",
    "prometheus_system",
    "promptlayer",
    "sentry",
    "slack",
    "supabase",
    "traceloop",
    "vector_store_pre_call_hook",
    "wandb",
    "webhook",
];

/// Names that this crate serves.
pub fn names() -> impl Iterator<Item = &'static str> {
    builtin().map(|(name, _)| name)
}

/// The sink of a name.
///
/// # Errors
/// A value that names the callback and says why it has no sink.
pub fn find(name: &str) -> Result<Builtin, NoSink> {
    if let Some((_, found)) = builtin().find(|(known, _)| *known == name) {
        return Ok(found);
    }
    let reason = if LATER.contains(&name) {
        Reason::NotServedYet
    } else if name.contains('.') {
        Reason::PythonCode
    } else {
        Reason::Unknown
    };
    Err(NoSink { name: name.to_owned(), reason })
}
