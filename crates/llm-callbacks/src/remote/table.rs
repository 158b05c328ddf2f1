//! What each service is called, where it is, what it has to be told. Names of callbacks, parameters and variables are LiteLLM's.

use super::service::{Param, ParamKind, Service};

/// A service's row.
pub(super) struct Facts {
    pub(super) service: Service,
    /// The callback's name.
    pub(super) name: &'static str,
    /// What has to be known of it; the address comes first.
    pub(super) params: &'static [Param],
    /// What stands behind the address.
    pub(super) path: &'static str,
    /// Records in one request at the most.
    pub(super) most: usize,
    /// Bytes of one request at the most; a batch that is larger is cut.
    pub(super) largest: usize,
    /// Keys and teams may have one of their own.
    pub(super) own: bool,
}

const ANY: usize = usize::MAX;
/// The type of bodies that are no JSON.
pub(super) const PROTOBUF: &str = "application/x-protobuf";

pub(super) static ROWS: [Facts; 12] = [
    Facts {
        service: Service::Langfuse,
        name: "langfuse",
        params: &[
            param("langfuse_host", "LANGFUSE_HOST", Some("https://cloud.langfuse.com"), ParamKind::Address),
            param("langfuse_public_key", "LANGFUSE_PUBLIC_KEY", None, ParamKind::BasicName),
            param("langfuse_secret_key", "LANGFUSE_SECRET_KEY", None, ParamKind::BasicPassword).also("langfuse_secret"),
        ],
        path: "/api/public/ingestion",
        most: 100,
        largest: ANY,
        own: true,
    },
    Facts {
        service: Service::Langsmith,
        name: "langsmith",
        params: &[
            param(
                "langsmith_base_url",
                "LANGSMITH_BASE_URL",
                Some("https://api.smith.langchain.com"),
                ParamKind::Address,
            ),
            param("langsmith_api_key", "LANGSMITH_API_KEY", None, ParamKind::Header("x-api-key")),
            param("langsmith_project", "LANGSMITH_PROJECT", Some("litellm-completion"), ParamKind::Field),
            param("langsmith_tenant_id", "LANGSMITH_TENANT_ID", Some(""), ParamKind::Header("x-tenant-id")),
        ],
        path: "/api/v1/runs/batch",
        most: 100,
        largest: ANY,
        own: true,
    },
    Facts {
        service: Service::GenericApi,
        name: "generic_api",
        params: &[
            param("endpoint", "GENERIC_LOGGER_ENDPOINT", None, ParamKind::Address),
            param("headers", "GENERIC_LOGGER_HEADERS", Some(""), ParamKind::Headers),
        ],
        path: "",
        most: 512,
        largest: ANY,
        own: false,
    },
    Facts {
        service: Service::Datadog,
        name: "datadog",
        params: &[
            // An agent of the operator's takes the place of the site.
            param("dd_site", "DD_SITE", None, ParamKind::Site("https://http-intake.logs.")),
            param("dd_api_key", "DD_API_KEY", None, ParamKind::Header("dd-api-key")),
            param("", "DD_SOURCE", Some("litellm"), ParamKind::Field),
            param("", "DD_SERVICE", Some("litellm-server"), ParamKind::Field),
            param("", "DD_ENV", Some("unknown"), ParamKind::Field),
            param("", "DD_VERSION", Some("unknown"), ParamKind::Field),
            param("", "HOSTNAME", Some(""), ParamKind::Field),
            param("", "POD_NAME", Some("unknown"), ParamKind::Field),
        ],
        path: "/api/v2/logs",
        most: 1000,
        largest: 5_000_000,
        own: true,
    },
    Facts {
        service: Service::Posthog,
        name: "posthog",
        params: &[
            param("posthog_api_url", "POSTHOG_API_URL", Some("https://us.i.posthog.com"), ParamKind::Address)
                .also("posthog_host"),
            param("posthog_api_key", "POSTHOG_API_KEY", None, ParamKind::Field),
        ],
        path: "/batch/",
        most: 100,
        largest: 20_000_000,
        own: true,
    },
    Facts {
        service: Service::Otel,
        name: "otel",
        params: &[
            param("", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT OTEL_EXPORTER_OTLP_ENDPOINT OTEL_ENDPOINT", None, TRACES),
            param("", "OTEL_EXPORTER_OTLP_HEADERS OTEL_HEADERS", Some(""), ParamKind::Headers),
            param("", "OTEL_SERVICE_NAME", Some("litellm"), ParamKind::Field),
        ],
        path: TRACES_PATH,
        most: 200,
        largest: TRACES_LARGEST,
        own: false,
    },
    Facts {
        service: Service::LangfuseOtel,
        name: "langfuse_otel",
        params: &[
            param(
                "langfuse_host",
                "LANGFUSE_OTEL_HOST LANGFUSE_HOST",
                Some("https://us.cloud.langfuse.com"),
                ParamKind::Address,
            ),
            param("langfuse_public_key", "LANGFUSE_PUBLIC_KEY", None, ParamKind::BasicName),
            param("langfuse_secret_key", "LANGFUSE_SECRET_KEY", None, ParamKind::BasicPassword).also("langfuse_secret"),
            param("langfuse_environment", "LANGFUSE_TRACING_ENVIRONMENT", Some(""), ParamKind::Field),
        ],
        path: "/api/public/otel/v1/traces",
        most: 200,
        largest: TRACES_LARGEST,
        own: true,
    },
    Facts {
        service: Service::Arize,
        name: "arize",
        params: &[
            param("", "ARIZE_HTTP_ENDPOINT", Some("https://otlp.arize.com"), TRACES),
            param("arize_space_key", "ARIZE_SPACE_KEY ARIZE_SPACE_ID", None, ParamKind::Header("space_id"))
                .also("arize_space_id"),
            param("arize_api_key", "ARIZE_API_KEY", None, ParamKind::Header("api_key")),
            param("", "ARIZE_PROJECT_NAME", Some("default"), ParamKind::Field),
        ],
        path: TRACES_PATH,
        most: 200,
        largest: TRACES_LARGEST,
        own: true,
    },
    Facts {
        service: Service::ArizePhoenix,
        name: "arize_phoenix",
        params: &[
            param(
                "",
                "PHOENIX_COLLECTOR_HTTP_ENDPOINT PHOENIX_COLLECTOR_ENDPOINT",
                Some("http://localhost:6006"),
                TRACES,
            ),
            param("", "PHOENIX_API_KEY", Some(""), ParamKind::Bearer),
            param("", "PHOENIX_PROJECT_NAME", Some("default"), ParamKind::Field),
        ],
        path: TRACES_PATH,
        most: 200,
        largest: TRACES_LARGEST,
        own: false,
    },
    Facts {
        service: Service::WeaveOtel,
        name: "weave_otel",
        params: &[
            param("", "WANDB_HOST", Some("https://trace.wandb.ai"), ParamKind::Address),
            param("wandb_api_key", "WANDB_API_KEY", None, ParamKind::BasicOf("api")),
            param("weave_project_id", "WANDB_PROJECT_ID", None, ParamKind::Header("project_id")),
        ],
        path: "/otel/v1/traces",
        most: 200,
        largest: TRACES_LARGEST,
        own: true,
    },
    Facts {
        service: Service::Lago,
        name: "lago",
        params: &[
            param("", "LAGO_API_BASE", None, ParamKind::Address),
            param("", "LAGO_API_KEY", None, ParamKind::Bearer),
            param("", "LAGO_API_EVENT_CODE", None, ParamKind::Field),
            param("", "LAGO_API_CHARGE_BY", Some("end_user_id"), ParamKind::Field),
        ],
        path: "/api/v1/events/batch",
        most: 100,
        largest: ANY,
        own: false,
    },
    Facts {
        service: Service::Openmeter,
        name: "openmeter",
        params: &[
            param("", "OPENMETER_API_ENDPOINT", Some("https://openmeter.cloud"), ParamKind::Address),
            param("", "OPENMETER_API_KEY", None, ParamKind::Bearer),
            param("", "OPENMETER_EVENT_TYPE", Some("litellm_tokens"), ParamKind::Field),
            param("", "OPENMETER_TRUST_REQUEST_USER", Some("true"), ParamKind::Field),
        ],
        path: "/api/v1/events",
        most: 100,
        largest: ANY,
        own: false,
    },
];

/// Addresses of collectors are written with the path and without.
const TRACES: ParamKind = ParamKind::Address;
const TRACES_PATH: &str = "/v1/traces";
/// Collectors take 20 MiB unless they are told otherwise; many are.
const TRACES_LARGEST: usize = 4_000_000;

const fn param(name: &'static str, variable: &'static str, default: Option<&'static str>, kind: ParamKind) -> Param {
    Param { name, also: "", variable, default, kind }
}
