//! What the router wants to know of one deployment, and its id.

use std::sync::Arc;
use std::time::Duration;

use llm_catalog::Catalog;
use llm_client::Target;
use llm_router::{BudgetConfig, Deployment, Period, TagPattern};
use llm_types::{Field, FieldSet};
use sha2::{Digest, Sha256};

use super::known;
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
    d.key_rpm = p.whole("default_api_key_rpm_limit");
    d.key_tpm = p.whole("default_api_key_tpm_limit");
    d.order = p.number("order").map(|n| n as i64);
    d.max_parallel_requests = p.small("max_parallel_requests");
    d.cooldown_time = p.seconds("cooldown_time");
    d.timeout = positive(p.seconds("timeout")).or_else(|| positive(p.seconds("request_timeout")));
    d.stream_timeout = positive(p.seconds("stream_timeout"));
    d.phases = p.read("phase_timeouts").unwrap_or_default();
    d.num_retries = p.small("num_retries");
    d.tags = p.texts("tags").unwrap_or_default().into_iter().map(Arc::from).collect();
    d.region = p.text("region_name").or_else(|| p.text("aws_region_name")).map(Arc::from);
    for key in ["api_key", "api_base", "base_url", "api_version", "custom_llm_provider"] {
        p.text(key);
    }
    p.accept("configurable_clientside_auth_params");
    d.tag_regex = patterns(p);
    d.budget = budget(p);
    d.drop_params = p.flag("drop_params");
    p.flag("modify_params");
    for key in ["extra_headers", "headers", "extra_body"] {
        p.section(key);
    }
    p.not_served(known::PARAMS);
}

/// Rules of access that are not served stop the start, unless somebody said that they may be left out.
pub(crate) fn refuse_access(info: &Section<'_>, ignored: bool) {
    for key in known::ACCESS {
        if info.entries().iter().any(|entry| entry.key == key && !entry.node.is_off()) {
            let message = format!("{key} is not served: everybody who may use the model would get this deployment");
            let hint = "reserve it with team_id or access_groups; or start with --ignore-unserved";
            super::callbacks::refuse(info, info.mark_of(key), info.path(key), message, hint, ignored);
        }
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
    d.enable_tag_filtering = info.flag("enable_tag_filtering");
    d.allow_fail_open = info.flag("allow_fail_open").unwrap_or(false);
    d.preferences = super::auto::preferences(info).map(Box::new);
    info.not_served(known::INFO);
}

/// What the router wants to know of provider and price table.
pub(crate) fn read_target(target: &Target, catalog: &Catalog, d: &mut Deployment) {
    d.provider = Some(Arc::from(target.provider_id()));
    if target.model.contains('*') {
        return;
    }
    if let Some(price) = target.price(catalog, &target.model) {
        d.input_price = price.num(llm_catalog::Field::InputCostPerToken);
        d.output_price = price.num(llm_catalog::Field::OutputCostPerToken);
    }
    let row = target.provider.row();
    let takes = row.supported(&target.model, &target.caps(catalog, &target.model));
    d.lacks = FieldSet::of(&[Field::ResponseFormat]).minus(takes);
}

/// `tag_regex`: one that cannot be read is left out, as in LiteLLM.
fn patterns(p: &Section<'_>) -> Vec<TagPattern> {
    let read = |text: String| match TagPattern::parse(&text) {
        Ok(pattern) => Some(pattern),
        Err(why) => {
            p.warn("tag_regex", format!("{text:?} is no pattern and is left out: {why}"));
            None
        }
    };
    p.texts("tag_regex").unwrap_or_default().into_iter().filter_map(read).collect()
}

/// `max_budget` and `budget_duration`.
fn budget(p: &Section<'_>) -> Option<BudgetConfig> {
    let max_budget = p.number("max_budget");
    let period = p.text("budget_duration").map(|text| Period::parse(&text));
    if let Some(Err(why)) = &period {
        p.error("budget_duration", why.clone());
    }
    if max_budget.is_some() && period.is_none() {
        p.warn("max_budget", "without budget_duration this budget has no effect");
    }
    Some(BudgetConfig { max_budget: Some(max_budget?), budget_duration: Some(period?.ok()?) })
}

/// A time limit of 0 is none.
fn positive(time: Option<Duration>) -> Option<Duration> {
    time.filter(|t| !t.is_zero())
}
