//! `model: auto_router/...`: groups that stand for others.

use std::sync::Arc;

use llm_router::{
    Adaptive, AdaptivePreferences, AutoRouter, Complexity, Preferences, Quality, QualityPreferences, Semantic,
    SemanticRoute, Tier,
};
use serde::Deserialize;

use super::section::Section;

/// What stands before the name of an auto router.
const PREFIX: &str = "auto_router/";

/// True for the marker of an auto router.
pub(crate) fn is_marker(model: &str) -> bool {
    model.starts_with(PREFIX)
}

/// What `model_info` says for auto routers; nothing when it says nothing.
pub(crate) fn preferences(info: &Section<'_>) -> Option<Preferences> {
    let quality: Option<QualityPreferences> = info.read("litellm_routing_preferences");
    let adaptive: Option<AdaptivePreferences> = info.read("adaptive_router_preferences");
    if adaptive.as_ref().is_some_and(|a| !(1..=3).contains(&a.quality_tier)) {
        info.error("adaptive_router_preferences", "quality_tier is 1, 2 or 3");
    }
    let price = info.number("input_cost_per_token");
    (quality.is_some() || adaptive.is_some()).then_some(Preferences { quality, adaptive, price })
}

/// Reads the auto router called `called` that `litellm_params` describe.
pub(crate) fn read(called: &str, model: &str, p: &Section<'_>) -> Option<Arc<AutoRouter>> {
    let name = model.strip_prefix(PREFIX)?;
    if name.starts_with("complexity_router") {
        return complexity(p).map(|c| Arc::new(AutoRouter::Complexity(Box::new(c))));
    }
    if name.starts_with("quality_router") {
        return quality(p).map(|q| Arc::new(AutoRouter::Quality(Box::new(q))));
    }
    if name.starts_with("adaptive_router") {
        return adaptive(called, p).map(|a| Arc::new(AutoRouter::Adaptive(Box::new(a))));
    }
    semantic(p).map(|s| Arc::new(AutoRouter::Semantic(Box::new(s))))
}

fn complexity(p: &Section<'_>) -> Option<Complexity> {
    let mut router: Complexity = match p.node("complexity_router_config") {
        Some(_) => p.read("complexity_router_config")?,
        None => Complexity::default(),
    };
    let default = p.text("complexity_router_default_model").map(Arc::from);
    router.default_model = router.default_model.or(default);
    if router.tiers.is_empty() && router.default_model.is_none() {
        p.error("complexity_router_config", "expected tiers, or a default model");
        return None;
    }
    Some(router)
}

fn quality(p: &Section<'_>) -> Option<Quality> {
    let mut router: Quality = needed(p, "quality_router_config")?;
    router.default_model = p.text("quality_router_default_model").map(Arc::from).or(router.default_model);
    let tiers = [Tier::Simple, Tier::Medium, Tier::Complex, Tier::Reasoning];
    if let Some(tier) = tiers.into_iter().find(|tier| router.wanted(*tier).is_none()) {
        p.error("quality_router_config", format!("complexity_to_quality says nothing of {}", tier.name()));
    }
    some(p, "quality_router_config", &router.available_models)?;
    Some(router)
}

fn adaptive(called: &str, p: &Section<'_>) -> Option<Adaptive> {
    const KEY: &str = "adaptive_router_config";
    let mut router: Adaptive = needed(p, KEY)?;
    router.name = Arc::from(called);
    router.default_model = p.text("adaptive_router_default_model").map(Arc::from).or(router.default_model);
    if (router.weights.quality + router.weights.cost - 1.0).abs() > 1e-6 {
        p.error(KEY, "the weights of quality and cost must sum to 1");
    }
    if !(0.0..=1.0).contains(&router.exploration_rate) {
        p.error(KEY, "exploration_rate is a share, from 0 to 1");
    }
    if router.evaluation_priors.iter().any(|e| !(e.successes >= 0.0 && e.failures >= 0.0)) {
        p.error(KEY, "successes and failures of evaluation_priors are no less than 0");
    }
    if let Some(e) = router.evaluation_priors.iter().find(|e| !router.available_models.contains(&e.model)) {
        p.error(KEY, format!("evaluation_priors tell of {:?}, which is none of the available_models", e.model));
    }
    some(p, KEY, &router.available_models)?;
    Some(router)
}

fn needed<T: serde::de::DeserializeOwned>(p: &Section<'_>, key: &'static str) -> Option<T> {
    if p.node(key).is_none() {
        p.error("model", format!("this auto router needs {key}"));
        return None;
    }
    p.read(key)
}

fn some(p: &Section<'_>, key: &'static str, models: &[Arc<str>]) -> Option<()> {
    if models.is_empty() {
        p.error(key, "expected available_models");
    }
    (!models.is_empty()).then_some(())
}

#[derive(Deserialize)]
struct Routes {
    routes: Vec<SemanticRoute>,
}

fn semantic(p: &Section<'_>) -> Option<Semantic> {
    let key = if p.node("auto_router_config").is_some() { "auto_router_config" } else { "auto_router_config_path" };
    let text = match (p.text("auto_router_config"), p.text("auto_router_config_path")) {
        (Some(text), _) => text,
        (None, Some(path)) => match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) => {
                p.error(key, format!("{path} cannot be read: {e}"));
                return None;
            }
        },
        (None, None) => {
            p.error("model", "an auto router needs auto_router_config or auto_router_config_path");
            return None;
        }
    };
    let routes =
        serde_json::from_str::<Routes>(&text).map_err(|e| p.error(key, format!("expected routes: {e}"))).ok()?;
    let needed = |name: &'static str| {
        let text = p.text(name).filter(|t| !t.is_empty());
        if text.is_none() {
            p.error(name, "an auto router needs this model");
        }
        text.map(Arc::from)
    };
    let (default, embedding) = (needed("auto_router_default_model"), needed("auto_router_embedding_model"));
    Some(Semantic::new(routes.routes, default?, embedding?))
}
