//! Limits that nothing can keep to, and limits that limit nothing.

use llm_router::Phases;

use super::Placed;
use crate::config::Context;
use crate::config::node::Node;
use crate::config::problem::Mark;
use crate::config::section::{Section, number};

/// What a limit means that nobody can mean.
type Odd = (&'static str, fn(f64) -> bool, &'static str);

/// Numbers of `litellm_params`.
const DEPLOYMENT: &[Odd] = &[
    ("rpm", zero, NEVER),
    ("tpm", zero, NEVER),
    ("max_parallel_requests", zero, NEVER),
    ("max_budget", none, "a budget of 0 or less limits nothing"),
];

/// Numbers of `router_settings`, with their section where they have one.
const ROUTER: &[(&str, Odd)] = &[
    ("", ("default_max_parallel_requests", zero, "a limit of 0: every call waits until its time is over")),
    ("retry_budget", ("ratio", negative, "a share of the requests is expected, 0 or more")),
    ("retry_budget", ("min_per_second", negative, "calls per second are expected, 0 or more")),
    ("hedging", ("max_extra", no_share, "a share of the requests is expected, more than 0 and at most 1")),
    ("hedging", ("delay", negative, "seconds are expected, 0 or more")),
];

const NEVER: &str = "a limit of 0: the deployment is never used where limits are enforced";
const PHASES: [&str; 6] = ["connect", "tls", "first_byte", "first_token", "idle", "total"];

fn zero(n: f64) -> bool {
    n == 0.0
}

fn none(n: f64) -> bool {
    n <= 0.0
}

fn negative(n: f64) -> bool {
    n < 0.0
}

fn no_share(n: f64) -> bool {
    n <= 0.0 || n > 1.0
}

/// Looks at `router_settings` and the budgets of `litellm_settings`. Errors are settings of ours with which no call could work; LiteLLM's
/// own start with a warning, as they do there.
pub(super) fn router(top: &Section<'_>, ctx: &Context<'_>) {
    let section = |name: &str| top.entries().iter().find(|e| e.key == name).map(|e| &e.node);
    if let Some(tags) = section("litellm_settings").and_then(|s| s.get("tag_budget_config")) {
        budgets(tags, "litellm_settings.tag_budget_config", |_| true, ctx);
    }
    let Some(settings) = section("router_settings") else { return };
    for (inner, (key, odd, why)) in ROUTER {
        let (node, path) = match *inner {
            "" => (Some(settings), format!("router_settings.{key}")),
            inner => (settings.get(inner), format!("router_settings.{inner}.{key}")),
        };
        let Some(node) = node.and_then(|n| n.get(key)).filter(|n| number(n).is_some_and(odd)) else { continue };
        match *inner {
            "" => ctx.problems.warn(&node.mark, path, *why),
            _ => ctx.problems.error(&node.mark, path, *why),
        }
    }
    if let Some(phases) = settings.get("phase_timeouts") {
        self::phases(phases, "router_settings.phase_timeouts", ctx);
    }
    if let Some(providers) = settings.get("provider_budget_config") {
        let known = |name: &str| llm_providers::by_id(name).is_some();
        budgets(providers, "router_settings.provider_budget_config", known, ctx);
    }
}

fn budgets(map: &Node, path: &str, known: impl Fn(&str) -> bool, ctx: &Context<'_>) {
    for entry in map.entries() {
        let path = format!("{path}.{}", entry.key);
        if !known(&entry.key) {
            ctx.problems.warn(&entry.mark, path.clone(), format!("there is no provider {:?}", entry.key));
        }
        let named = |names: [&str; 2]| names.into_iter().find_map(|name| entry.node.get(name).filter(|n| !n.is_null()));
        let amount = named(["budget_limit", "max_budget"]);
        if amount.is_none_or(|n| number(n).is_none_or(|usd| usd <= 0.0)) {
            let mark = amount.map_or(&entry.mark, |n| &n.mark);
            ctx.problems.warn(mark, path, "without a budget above 0 nothing is limited");
        } else if named(["time_period", "budget_duration"]).is_none() {
            ctx.problems.warn(&entry.mark, path, "without time_period nothing is limited");
        }
    }
}

fn phases(node: &Node, path: &str, ctx: &Context<'_>) {
    for key in PHASES {
        if let Some(limit) = node.get(key).filter(|n| number(n).is_some_and(zero)) {
            ctx.problems.error(&limit.mark, format!("{path}.{key}"), "a limit of 0 seconds: every call would fail");
        }
    }
    let read = node.json().to_raw().read::<Phases>().unwrap_or_default();
    let longer = [("tls", read.tls, "connect", read.connect), ("first_byte", read.first_byte, "total", read.total)];
    for (inner, short, outer, long) in longer {
        if let (Some(short), Some(long)) = (short, long)
            && short.0 > long.0
        {
            let mark = node.get(inner).map_or(&node.mark, |n| &n.mark);
            ctx.problems.warn(mark, format!("{path}.{inner}"), format!("longer than {outer}, which ends before"));
        }
    }
}

/// Looks at one deployment's `litellm_params`.
pub(super) fn deployment(placed: &Placed, entry: &Node, all: &[Placed], ctx: &Context<'_>) {
    let Some(params) = entry.get("litellm_params") else { return };
    let path = format!("{}.litellm_params", placed.path);
    let tell = |mark: &Mark, key: &str, why: &str| ctx.problems.warn(mark, format!("{path}.{key}"), why);
    for (key, odd, why) in DEPLOYMENT {
        if let Some(node) = params.get(key).filter(|n| number(n).is_some_and(odd)) {
            tell(&node.mark, key, why);
        }
    }
    if let Some(node) = params.get("weight").filter(|n| number(n).is_some_and(none)) {
        let weighs = |p: &Placed| p.deployment.group == placed.deployment.group && p.deployment.weight > Some(0.0);
        let why = match all.iter().any(weighs) {
            true => "without a weight above 0 the deployment gets no traffic",
            false => "no deployment of the group has a weight above 0: the weights mean nothing",
        };
        tell(&node.mark, "weight", why);
    }
    if let Some(node) = params.get("phase_timeouts") {
        phases(node, &format!("{path}.phase_timeouts"), ctx);
    }
    let seconds = |key: &str| params.get(key).and_then(number);
    if let (Some(whole), Some(stream)) = (seconds("timeout"), seconds("stream_timeout"))
        && whole > 0.0
        && stream > whole
        && let Some(node) = params.get("stream_timeout")
    {
        tell(&node.mark, "stream_timeout", "longer than the timeout of the whole call");
    }
}
