//! Models without a model list: `--model` on the command line, or every provider whose key is in the environment.

use std::sync::Arc;

use llm_catalog::Catalog;
use llm_client::{Target, TargetConfig};
use llm_providers::RowFormat;
use llm_router::Deployment;
use llm_types::Json;

use super::deployment::deployment_id;
use super::env::Environment;
use super::models::Placed;
use super::node::{Entry, Node, Value};
use super::problem::{Mark, Problems};

/// `--model` and what belongs to it.
#[derive(Debug, Clone, Default)]
pub struct CommandModel {
    /// `--model`
    pub model: String,
    /// `--alias`
    pub alias: Option<String>,
    /// Other `litellm_params`, by name.
    pub params: Vec<(String, Json)>,
}

impl CommandModel {
    /// The name under which it is served.
    #[must_use]
    pub fn name(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.model)
    }
}

/// The deployment of `--model`.
pub(crate) fn command(model: &CommandModel, catalog: &Catalog, problems: &Problems) -> Option<Placed> {
    let mark = Mark::whole("command line");
    let mut params = vec![("model".to_owned(), Json::String(model.model.clone()))];
    params.extend(model.params.iter().cloned());
    match placed(model.name(), &model.model, params, catalog, &mark) {
        Ok(placed) => Some(placed),
        Err(e) => {
            problems.error(&mark, "--model", e.lines().next().unwrap_or_default().trim_end());
            None
        }
    }
}

/// One `provider/*` deployment for each provider that can be called and whose key is in the environment. Of several
/// that share a variable those are meant that it is named after.
pub(crate) fn environment(env: &Environment, catalog: &Catalog) -> Vec<Placed> {
    let mark = Mark::whole("environment");
    let callable = llm_providers::all().map(|p| p.row()).filter(|row| !matches!(row.format, RowFormat::NotServed(_)));
    let found: Vec<(&str, &str)> = callable
        .filter_map(|row| Some((row.id, *row.api_key_env.iter().find(|name| env.filled(name).is_some())?)))
        .collect();
    let named = |id: &str, variable: &str| variable.to_ascii_lowercase().starts_with(id);
    let other = |variable: &str| found.iter().any(|(id, v)| *v == variable && named(id, v));
    found
        .iter()
        .filter(|(id, variable)| named(id, variable) || !other(variable))
        .filter_map(|(id, _)| {
            let name = format!("{id}/*");
            let params = vec![("model".to_owned(), Json::String(name.clone()))];
            placed(&name, &name, params, catalog, &mark).ok()
        })
        .collect()
}

fn placed(
    name: &str,
    model: &str,
    params: Vec<(String, Json)>,
    catalog: &Catalog,
    mark: &Mark,
) -> Result<Placed, String> {
    let entry =
        Entry { key: "model".into(), mark: mark.clone(), node: Node::new(Value::Text(model.into()), mark.clone()) };
    let mut deployment = Deployment::new(deployment_id(name, &[entry]), name, model);
    let target = Target::new(&TargetConfig { params, info: Vec::new() }, catalog).map_err(|e| e.message)?;
    deployment.max_input_tokens =
        catalog.lookup(target.provider_id(), &target.model).and_then(|m| m.max_input_tokens());
    deployment.payload = Some(Arc::new(target));
    Ok(Placed { deployment, path: name.to_owned(), mark: mark.clone() })
}
