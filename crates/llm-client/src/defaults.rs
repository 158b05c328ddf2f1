//! Which parameters of a deployment go into its requests: those that mean nothing to us.

use llm_providers::Params;
use llm_types::{Field, Json};

/// The parameters of a deployment that are defaults of its requests.
pub(crate) fn of(params: &Params) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = params
        .iter()
        .filter(|(name, value)| !value.is_null() && (Field::from_name(name).is_some() || !is_ours(name)))
        .filter(|(name, _)| !matches!(*name, "model" | "messages" | "max_retries" | "extra_headers"))
        .map(|(name, value)| (name.to_owned(), value.to_string()))
        .collect();
    if let Some(extra) = params.get("extra_body").and_then(Json::as_object) {
        out.extend(extra.iter().map(|(k, v)| (k.clone(), v.to_string())));
    }
    out
}

/// Names of `litellm_params` that steer us and never reach a provider as body fields.
const OURS: &[&str] = &[
    "model",
    "api_key",
    "api_base",
    "base_url",
    "api_version",
    "organization",
    "custom_llm_provider",
    "tpm",
    "rpm",
    "itpm",
    "otpm",
    "weight",
    "order",
    "max_parallel_requests",
    "timeout",
    "phase_timeouts",
    "stream_timeout",
    "request_timeout",
    "max_retries",
    "num_retries",
    "cooldown_time",
    "drop_params",
    "additional_drop_params",
    "allowed_openai_params",
    "modify_params",
    "extra_headers",
    "headers",
    "extra_body",
    "tags",
    "tag_regex",
    "mock_response",
    "max_budget",
    "budget_duration",
    "litellm_credential_name",
    "default_api_key_tpm_limit",
    "default_api_key_rpm_limit",
    "use_in_pass_through",
    "configurable_clientside_auth_params",
    "use_chat_completions_api",
    "merge_reasoning_content_in_choices",
    "keepalive_seconds",
    "allow_client_keepalive_override",
    "cache_control_injection_points",
    "max_file_size_mb",
    "prompt_id",
    "prompt_variables",
    "silent_model",
    "region_name",
    "azure_ad_token",
    "tenant_id",
    "client_id",
    "client_secret",
    "token",
    "access_token",
    "scope",
    "auth_url",
    "service_key",
    "deployment_url",
    "resource_group",
    "zen_api_key",
    "account_id",
    "predibase_tenant_id",
    "azure_scope",
    "azure_username",
    "azure_password",
    "gcs_bucket_name",
    "bucket_name",
    "model_info",
    "use_bearer_for_custom_base",
    "use_litellm_proxy",
    "provider_affinity_header",
    "mock_testing_fallbacks",
    "vector_store_id",
    "search_engine_id",
    "azure_speech_region",
    "project",
];

fn is_ours(name: &str) -> bool {
    OURS.contains(&name)
        || ["aws_", "vertex_", "watsonx_", "s3_", "auto_router", "oci_", "sap_"].iter().any(|p| name.starts_with(p))
        || name.contains("_cost")
        || name.ends_with("_pricing")
}
