//! `router_settings`, and what `litellm_settings` say of routing → the router's settings.

use std::collections::BTreeMap;
use std::sync::Arc;

use llm_router::{Alias, FallbackLists, RouterSettings, RoutingGroup, Seconds};

use super::known;
use super::node::Value;
use super::section::Section;
use super::settings::HealthSettings;

/// Checks of `optional_pre_call_checks` that are served.
const CHECKS: &[&str] = &[
    "prompt_caching",
    "router_budget_limiting",         // budgets hold wherever they are configured
    "responses_api_deployment_check", // answers go on where they were made, always
    "deployment_affinity",
    "session_affinity",
    "enforce_model_rate_limits",
    "encrypted_content_affinity",
];

/// Reads `router_settings`.
pub(crate) fn read(section: Option<&Section<'_>>, out: &mut RouterSettings, health: &mut HealthSettings) {
    let Some(s) = section else { return };
    out.routing_strategy = strategy(s);
    shared(s, out);
    out.timeout = limit(s, "timeout");
    out.stream_timeout = limit(s, "stream_timeout");
    out.phase_timeouts = s.read("phase_timeouts");
    out.retry_after = seconds(s, "retry_after");
    out.allowed_fails_policy = s.read("allowed_fails_policy");
    out.retry_policy = s.read("retry_policy");
    out.model_group_retry_policy = s.read("model_group_retry_policy");
    out.disable_cooldowns = s.flag("disable_cooldowns");
    out.enable_pre_call_checks = s.flag("enable_pre_call_checks");
    out.optional_pre_call_checks = s.texts("optional_pre_call_checks");
    checks(s, out.optional_pre_call_checks.as_deref().unwrap_or_default());
    out.deployment_affinity_ttl_seconds = seconds(s, "deployment_affinity_ttl_seconds");
    out.model_group_affinity_config = s.read("model_group_affinity_config");
    out.enable_tag_filtering = s.flag("enable_tag_filtering");
    out.tag_filtering_match_any = s.flag("tag_filtering_match_any");
    out.tag_routing_prefix = s.text("tag_routing_prefix");
    out.provider_budget_config = s.read("provider_budget_config");
    out.routing_strategy_args = s.read("routing_strategy_args");
    out.routing_groups = routing_groups(s);
    out.default_priority = s.number("default_priority").map(|n| n as i64);
    out.retry_budget = s.read("retry_budget");
    out.hedging = s.read("hedging");
    out.enable_weighted_failover = s.flag("enable_weighted_failover");
    out.weights = s.read("weights");
    out.default_max_parallel_requests = s.small("default_max_parallel_requests");
    out.default_litellm_params = s.read("default_litellm_params");
    if let Some(aliases) = s.section("model_group_alias") {
        out.model_group_alias = Some(alias_map(&aliases));
    }
    super::health::routing(s, health, out);
    if s.node("health_check_interval").is_some() {
        s.error("health_check_interval", "this setting belongs to general_settings");
    }
    s.accept(known::ROUTER_HARMLESS);
    s.not_served(known::ROUTER);
    s.finish();
}

/// Settings of routing that may stand in `litellm_settings`; those of `router_settings` win.
pub(crate) fn read_litellm(s: &Section<'_>, out: &mut RouterSettings) {
    shared(s, out);
    out.request_timeout = limit(s, "request_timeout");
    out.expose_router_debug_in_errors = s.flag("expose_router_debug_in_errors");
    out.tag_budget_config = s.read("tag_budget_config");
    if let Some(aliases) = s.section("model_alias_map") {
        let known = out.model_group_alias.get_or_insert_default();
        for (name, alias) in alias_map(&aliases) {
            known.entry(name).or_insert(alias);
        }
    }
}

/// What may stand in both sections: the first that says something wins.
fn shared(s: &Section<'_>, out: &mut RouterSettings) {
    let retries = s.small("num_retries");
    out.num_retries = out.num_retries.or(retries);
    let hops = s.small("max_fallbacks");
    out.max_fallbacks = out.max_fallbacks.or(hops);
    let fails = s.small("allowed_fails");
    out.allowed_fails = out.allowed_fails.or(fails);
    let cooldown = seconds(s, "cooldown_time");
    out.cooldown_time = out.cooldown_time.or(cooldown);
    let names = s.texts("default_fallbacks");
    out.default_fallbacks = out.default_fallbacks.take().or(names);
    for (key, slot) in [
        ("fallbacks", &mut out.fallbacks),
        ("context_window_fallbacks", &mut out.context_window_fallbacks),
        ("content_policy_fallbacks", &mut out.content_policy_fallbacks),
    ] {
        let lists = fallbacks(s, key);
        if slot.is_none() {
            *slot = lists;
        }
    }
}

/// `[{"group": ["other", {"model": "third", "temperature": 0}]}]`
fn fallbacks(s: &Section<'_>, key: &'static str) -> Option<FallbackLists> {
    let node = s.node(key)?;
    match FallbackLists::from_json(&node.json()) {
        Ok(lists) => Some(lists),
        Err(message) => {
            // The first entry that is wrong alone is the place to point at.
            let broken = node.items().iter().find(|item| {
                let alone = llm_types::Json::Array(vec![item.json()]);
                FallbackLists::from_json(&alone).is_err()
            });
            let mark = broken.map_or(&node.mark, |b| &b.mark);
            s.problems().error(mark, s.path(key), message);
            None
        }
    }
}

fn alias_map(s: &Section<'_>) -> BTreeMap<String, Alias> {
    let mut out = BTreeMap::new();
    for entry in s.entries() {
        let path = s.path(&entry.key);
        let alias = match &entry.node.value {
            Value::Text(model) => Some(Alias { model: Arc::from(model.as_str()), hidden: false }),
            Value::Map(_) => entry.node.json().to_raw().read::<Alias>().ok(),
            _ => None,
        };
        match alias {
            Some(alias) => drop(out.insert(entry.key.clone(), alias)),
            None => s.problems().error(&entry.node.mark, path, "expected a group, or a map with model and hidden"),
        }
    }
    out
}

fn strategy(s: &Section<'_>) -> Option<String> {
    let name = s.text("routing_strategy")?;
    if llm_router::by_name(&name).is_some() {
        return Some(name);
    }
    let hint = super::problem::nearest(&name, llm_router::names()).map(|n| format!("did you mean `{n}`?"));
    let message = format!("there is no routing strategy {name:?}");
    let severity = super::problem::Severity::Error;
    s.problems().push(severity, s.mark_of("routing_strategy"), s.path("routing_strategy"), message, hint);
    None
}

fn checks(s: &Section<'_>, named: &[String]) {
    for name in named.iter().filter(|n| !CHECKS.contains(&n.as_str())) {
        let text = match name.as_str() {
            "forward_client_headers_by_model_group" => format!("{name} has no effect here yet"),
            _ => format!("there is no check {name:?}"),
        };
        s.warn("optional_pre_call_checks", text);
    }
}

fn routing_groups(s: &Section<'_>) -> Option<Vec<RoutingGroup>> {
    let mut out = Vec::new();
    for (at, item) in s.list("routing_groups").iter().enumerate() {
        let path = s.path(&format!("routing_groups[{at}]"));
        let Some(group) = Section::open(item, path, s.problems()) else { continue };
        out.push(RoutingGroup {
            group_name: group.text("group_name").unwrap_or_default(),
            models: group.texts("models").unwrap_or_default(),
            routing_strategy: match group.text("routing_strategy").as_deref() {
                Some(RoutingGroup::PRIORITY) => Some(RoutingGroup::PRIORITY.to_owned()),
                _ => strategy(&group),
            },
            routing_strategy_args: group.read("routing_strategy_args"),
            model_priorities: group.read("model_priorities"),
        });
        if let Some(group_read) = out.last() {
            priorities(&group, group_read);
        }
        group.finish();
    }
    (!out.is_empty()).then_some(out)
}

/// `model_priorities` name every model of the group, and no other; other strategies do not look at them.
fn priorities(s: &Section<'_>, group: &RoutingGroup) {
    let given = group.model_priorities.iter().flatten();
    if group.routing_strategy.as_deref() != Some(RoutingGroup::PRIORITY) {
        if group.model_priorities.is_some() {
            s.warn("model_priorities", "without effect: the group's routing_strategy is not `priority`");
        }
        return;
    }
    if let Some((other, _)) = given.clone().find(|(name, _)| !group.models.contains(name)) {
        s.error("model_priorities", format!("{other:?} is none of the group's models"));
    }
    if let Some(missing) = group.models.iter().find(|model| !given.clone().any(|(name, _)| name == *model)) {
        s.error("model_priorities", format!("{missing:?} has no priority: a whole number, the lowest is tried first"));
    }
}

fn seconds(s: &Section<'_>, key: &'static str) -> Option<Seconds> {
    s.seconds(key).map(Seconds)
}

/// A time limit; 0 counts as not said, as in LiteLLM.
fn limit(s: &Section<'_>, key: &'static str) -> Option<Seconds> {
    seconds(s, key).filter(|t| !t.0.is_zero())
}
