//! What the router wants to know of one deployment, and its id.

use std::sync::Arc;
use std::time::Duration;

use llm_router::Deployment;
use sha2::{Digest, Sha256};

use super::node::Entry;
use super::python;
use super::section::Section;

/// `model_info.id` of models that have none: SHA-256 over the name and every parameter, as LiteLLM makes it.
pub(crate) fn deployment_id(name: &str, params: &[Entry]) -> String {
    let mut hash = Sha256::new();
    hash.update(name);
    for entry in params {
        hash.update(&entry.key);
        hash.update(python::id_text(&entry.node));
    }
    hex::encode(hash.finalize())
}

/// `litellm_params` that the router wants to know.
pub(crate) fn read_params(p: &Section<'_>, d: &mut Deployment) {
    d.weight = p.number("weight");
    d.rpm = p.whole("rpm");
    d.tpm = p.whole("tpm");
    d.order = p.number("order").map(|n| n as i64);
    d.max_parallel_requests = p.small("max_parallel_requests");
    d.cooldown_time = p.seconds("cooldown_time");
    d.timeout = positive(p.seconds("timeout")).or_else(|| positive(p.seconds("request_timeout")));
    d.stream_timeout = positive(p.seconds("stream_timeout"));
    d.num_retries = p.small("num_retries");
    d.tags = p.texts("tags").unwrap_or_default().into_iter().map(Arc::from).collect();
    d.region = p.text("region_name").or_else(|| p.text("aws_region_name")).map(Arc::from);
    for key in ["api_key", "api_base", "base_url", "api_version", "custom_llm_provider"] {
        p.text(key);
    }
    p.flag("drop_params");
    p.flag("modify_params");
    for key in ["extra_headers", "headers", "extra_body"] {
        p.section(key);
    }
}

/// `model_info` that the router wants to know.
pub(crate) fn read_info(info: &Section<'_>, d: &mut Deployment) {
    d.cooldown_time = d.cooldown_time.or_else(|| info.seconds("cooldown_time"));
    d.allowed_fails = info.small("allowed_fails");
    d.allowed_fails_policy = info.read("allowed_fails_policy");
    d.max_input_tokens = info.whole("max_input_tokens");
    d.team_id = info.text("team_id").map(Arc::from);
    d.team_public_model_name = info.text("team_public_model_name").map(Arc::from);
    d.access_groups = info.texts("access_groups").unwrap_or_default().into_iter().map(Arc::from).collect();
    d.blocked = info.flag("blocked").unwrap_or(false);
}

/// A time limit of 0 is none.
fn positive(time: Option<Duration>) -> Option<Duration> {
    time.filter(|t| !t.is_zero())
}
