//! What LiteLLM and this gateway accept, but nobody means: names that lead nowhere, circles, missing keys, limits that
//! nothing can keep to.

mod auto;
mod circles;
mod limits;

use std::collections::HashSet;

use llm_client::Target;
use llm_providers::Auth;
use llm_router::Pattern;

use super::models::Placed;
use super::node::{Node, Value};
use super::problem::nearest;
use super::section::Section;
use super::{Context, Loaded};

/// Looks at everything.
pub(crate) fn run(top: &Section<'_>, placed: &[Placed], loaded: &Loaded, ctx: &Context<'_>) {
    let names = Names::new(placed, loaded);
    for section in ["litellm_settings", "router_settings"] {
        let Some(node) = top.entries().iter().find(|e| e.key == section).map(|e| &e.node) else { continue };
        for list in circles::LISTS {
            if let Some(lists) = node.get(list) {
                fallback_names(lists, &format!("{section}.{list}"), &names, placed, ctx);
            }
        }
        let defaults = node.get("default_fallbacks").map(Node::items).unwrap_or_default();
        for (at, target) in defaults.iter().enumerate() {
            names.check_fallback(target, &format!("{section}.default_fallbacks[{at}]"), placed, ctx);
        }
        for key in ["model_group_alias", "model_alias_map"] {
            aliases(node.get(key), &format!("{section}.{key}"), &names, placed, ctx);
        }
        for key in ["model_group_retry_policy", "model_group_affinity_config", "weights"] {
            for entry in node.get(key).map(Node::entries).unwrap_or_default().iter().filter(|e| !names.has(&e.key)) {
                names.unknown(&entry.key, &entry.mark, &format!("{section}.{key}.{}", entry.key), ctx);
            }
        }
        for (at, group) in node.get("routing_groups").map(Node::items).unwrap_or_default().iter().enumerate() {
            for model in group.get("models").map(Node::items).unwrap_or_default() {
                names.check(model, &format!("{section}.routing_groups[{at}].models"), ctx);
            }
        }
    }
    circles::fallbacks(top, loaded, ctx);
    limits::router(top, ctx);
    for (p, node) in placed.iter().filter_map(|p| Some((p, entry_of(top, p)?))) {
        limits::deployment(p, node, placed, ctx);
        deployment(p, node, loaded, ctx);
        auto::targets(p, node, &names, placed, ctx);
    }
    if ctx.source.thorough && placed.is_empty() && loaded.settings.environment_models {
        ctx.problems.warn(
            &super::Mark::whole("environment"),
            "",
            "no provider's key is in the environment: no model is served",
        );
    }
}

/// The names a client may ask for.
struct Names<'a> {
    groups: HashSet<&'a str>,
    aliases: Vec<&'a str>,
    patterns: Vec<Pattern>,
}

impl<'a> Names<'a> {
    fn new(placed: &'a [Placed], loaded: &'a Loaded) -> Self {
        let d = || placed.iter().map(|p| &p.deployment);
        let routing = loaded.router.routing_groups.iter().flatten().map(|group| group.group_name.as_str());
        Self {
            groups: d().flat_map(|d| [&*d.group, &**d.public_name(), &*d.model, &*d.id]).chain(routing).collect(),
            aliases: loaded.router.model_group_alias.iter().flatten().map(|(name, _)| name.as_str()).collect(),
            patterns: d().filter_map(|d| Pattern::parse(&d.group)).collect(),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.groups.contains(name) || self.aliases.contains(&name) || self.patterns.iter().any(|p| p.matches(name))
    }

    /// True for an alias that hides no model.
    fn is_only_alias(&self, name: &str) -> bool {
        self.aliases.contains(&name) && !self.groups.contains(name)
    }

    /// A fallback: a semantic router has no vectors then.
    fn check_fallback(&self, target: &Node, path: &str, placed: &[Placed], ctx: &Context<'_>) {
        self.check(target, path, ctx);
        let named = target.text().or_else(|| target.get("model")?.text());
        auto::as_fallback(named, &target.mark, path, placed, ctx);
    }

    fn check(&self, target: &Node, path: &str, ctx: &Context<'_>) {
        let named = target.text().or_else(|| target.get("model")?.text());
        if let Some(name) = named.filter(|n| !self.has(n)) {
            self.unknown(name, &target.mark, path, ctx);
        }
    }

    fn unknown(&self, name: &str, mark: &super::Mark, path: &str, ctx: &Context<'_>) {
        let near =
            nearest(name, self.groups.iter().copied().filter(|g| g.len() < 64).chain(self.aliases.iter().copied()));
        let message = format!("no model has the name {name:?}");
        match near {
            Some(near) => ctx.problems.warn_hint(mark, path, message, format!("did you mean `{near}`?")),
            None => ctx.problems.warn(mark, path, message),
        }
    }
}

fn fallback_names(lists: &Node, path: &str, names: &Names<'_>, placed: &[Placed], ctx: &Context<'_>) {
    for (at, item) in lists.items().iter().enumerate() {
        for entry in item.entries() {
            let path = format!("{path}[{at}].{}", entry.key);
            if entry.key != "*" && !names.has(&entry.key) {
                names.unknown(&entry.key, &entry.mark, &path, ctx);
            }
            let one = std::slice::from_ref(&entry.node);
            let targets = if matches!(entry.node.value, Value::List(_)) { entry.node.items() } else { one };
            for (at, target) in targets.iter().enumerate() {
                names.check_fallback(target, &format!("{path}[{at}]"), placed, ctx);
            }
        }
    }
}

fn aliases(node: Option<&Node>, path: &str, names: &Names<'_>, placed: &[Placed], ctx: &Context<'_>) {
    for entry in node.map(Node::entries).unwrap_or_default() {
        let path = format!("{path}.{}", entry.key);
        names.check(&entry.node, &path, ctx);
        let target = entry.node.text().or_else(|| entry.node.get("model")?.text());
        if let Some(target) = target.filter(|t| names.is_only_alias(t)) {
            let message =
                format!("{target:?} is an alias itself: an alias stands for a model, nothing is found under it");
            ctx.problems.warn(&entry.node.mark, path.clone(), message);
        }
        if placed.iter().any(|p| *p.deployment.group == *entry.key) {
            ctx.problems.warn(&entry.mark, path, "a model has the same name: the alias hides it");
        }
    }
}

fn entry_of<'a>(top: &Section<'a>, placed: &Placed) -> Option<&'a Node> {
    let list = &top.entries().iter().find(|e| e.key == "model_list")?.node;
    list.items().iter().find(|item| item.mark == placed.mark)
}

fn deployment(placed: &Placed, entry: &Node, loaded: &Loaded, ctx: &Context<'_>) {
    let Some(params) = entry.get("litellm_params") else { return };
    let path = format!("{}.litellm_params", placed.path);
    let model = params.get("model").map_or(&params.mark, |n| &n.mark);
    let Some(target) = placed.deployment.payload::<Target>().filter(|_| ctx.source.thorough) else { return };
    let row = target.provider.row();
    if target.api_key.is_none() && matches!(row.auth, Auth::Bearer | Auth::Header { .. }) {
        let variables = row.api_key_env;
        let found = variables.iter().any(|name| ctx.env.filled(name).is_some())
            || row.key(None, &target.params).is_some()
            || target.params.get("azure_ad_token").is_some()
            || target.params.get("client_secret").is_some();
        if !found && !loaded.settings.allow_client_side_credentials && target.mock_response.is_none() {
            let hint = match variables.first() {
                Some(name) => format!("set api_key or the variable {name}"),
                None => "set api_key".to_owned(),
            };
            ctx.problems.warn_hint(model, format!("{path}.api_key"), "no key is known for this deployment", hint);
        }
    }
    let wild = target.model.contains('*');
    if !wild && target.price(&loaded.prices, &target.model).is_none() {
        let hint = "set model_info.base_model, or input_cost_per_token and output_cost_per_token";
        ctx.problems.warn_hint(
            model,
            format!("{path}.model"),
            "no price is known for this model: its calls cost nothing",
            hint,
        );
    }
    if wild && !placed.deployment.group.contains('*') {
        let message = format!("the name {:?} holds no *: nothing fills the one of the model", placed.deployment.group);
        ctx.problems.warn(model, format!("{path}.model"), message);
    }
}
