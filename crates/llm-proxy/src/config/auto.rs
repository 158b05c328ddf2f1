//! `model: auto_router/...`: groups that stand for others.

use std::sync::Arc;

use llm_router::{AutoRouter, Complexity, Semantic, SemanticRoute};
use serde::Deserialize;

use super::section::Section;

/// What stands before the name of an auto router.
const PREFIX: &str = "auto_router/";
/// Kinds of LiteLLM's that are not served.
const OTHERS: &[&str] = &["adaptive_router", "quality_router"];

/// True for the marker of an auto router.
pub(crate) fn is_marker(model: &str) -> bool {
    model.starts_with(PREFIX)
}

/// Reads the auto router that `litellm_params` describe.
pub(crate) fn read(model: &str, p: &Section<'_>) -> Option<Arc<AutoRouter>> {
    let name = model.strip_prefix(PREFIX)?;
    if name.starts_with("complexity_router") {
        return complexity(p).map(|c| Arc::new(AutoRouter::Complexity(Box::new(c))));
    }
    if OTHERS.iter().any(|other| name.starts_with(other)) {
        p.error("model", format!("{model} is not served; complexity_router and semantic routes are"));
        return None;
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
