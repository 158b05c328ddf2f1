//! Auto routers: what they choose from has to be there, be models, and say what they are asked by.

use llm_router::AutoRouter;

use super::Names;
use crate::config::Context;
use crate::config::models::Placed;
use crate::config::node::Node;
use crate::config::problem::Mark;

/// Where an auto router says what it chooses from.
const CONFIGS: [&str; 4] =
    ["complexity_router_config", "quality_router_config", "adaptive_router_config", "auto_router_config"];

/// The groups that an auto router chooses from.
pub(super) fn targets(placed: &Placed, entry: &Node, names: &Names<'_>, all: &[Placed], ctx: &Context<'_>) {
    let Some(router) = &placed.deployment.auto else { return };
    let params = entry.get("litellm_params");
    let place = params.and_then(|p| CONFIGS.iter().find_map(|key| p.get(key)).or_else(|| p.get("model")));
    let (mark, path) = (place.map_or(&placed.mark, |n| &n.mark), format!("{}.litellm_params", placed.path));
    for name in &router.targets() {
        let said = |of: fn(&llm_router::Preferences) -> bool| {
            let mut members = all.iter().filter(|p| p.deployment.group == *name);
            members.any(|p| p.deployment.preferences.as_deref().is_some_and(of))
        };
        if !names.has(name) {
            names.unknown(name, mark, &path, ctx);
        } else if auto_of(name, all).is_some() {
            let message = format!("{name:?} is an auto router itself: an auto router chooses among models");
            ctx.problems.error(mark, path.clone(), message);
        } else if let AutoRouter::Quality(q) = &**router
            && q.available_models.contains(name)
            && !said(|p| p.quality.is_some())
        {
            let message = format!("{name:?} has no model_info.litellm_routing_preferences: it is never chosen");
            ctx.problems.error(mark, path.clone(), message);
        } else if matches!(**router, AutoRouter::Adaptive(_)) && !said(|p| p.adaptive.is_some()) {
            let message =
                format!("{name:?} has no model_info.adaptive_router_preferences: it counts as quality_tier 2");
            ctx.problems.warn(mark, path.clone(), message);
        }
    }
}

/// A fallback is chosen without calls: a semantic router has nothing but its default then.
pub(super) fn as_fallback(name: Option<&str>, mark: &Mark, path: &str, all: &[Placed], ctx: &Context<'_>) {
    let Some(name) = name else { return };
    if let Some(AutoRouter::Semantic(router)) = auto_of(name, all) {
        let default = &router.default_model;
        let message = format!("{name:?} compares by vectors, which are not made for a fallback: {default:?} answers");
        ctx.problems.warn(mark, path.to_owned(), message);
    }
}

fn auto_of<'a>(name: &str, all: &'a [Placed]) -> Option<&'a AutoRouter> {
    all.iter().filter(|p| *p.deployment.group == *name).find_map(|p| p.deployment.auto.as_deref())
}
