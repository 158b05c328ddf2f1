//! IBM watsonx.ai: a version in the query, who pays in the body, tokens of three kinds, deployments beside models.

use std::borrow::Cow;

use bytes::Bytes;
use llm_types::{AuthNeed, Error, Format, IbmAuth, Json, Kind, OperationKind, RawJson, Result, Secret};
use llm_wire::top::Top;

use crate::endpoint::no_base;
use crate::generated;
use crate::params::Params;
use crate::provider::{Call, Endpoint, Provider, Want, not_served};
use crate::row::ProviderRow;

/// Conversations, embeddings.
#[derive(Debug)]
pub struct Watsonx;

/// Generation from prompts.
#[derive(Debug)]
pub struct WatsonxText;

/// The version of the interface, when nobody names one.
const VERSION: &str = "2024-03-13";

/// Names of the variables that say who pays: a project, or a space of deployments.
const PROJECT_ENV: [&str; 3] = ["WATSONX_PROJECT_ID", "WX_PROJECT_ID", "PROJECT_ID"];
const SPACE_ENV: [&str; 5] =
    ["WATSONX_DEPLOYMENT_SPACE_ID", "WATSONX_SPACE_ID", "WX_SPACE_ID", "SPACE_ID", "WX_DEPLOYMENT_SPACE_ID"];

impl Provider for Watsonx {
    fn row(&self) -> &'static ProviderRow {
        &generated::WATSONX
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        endpoint(self.row(), call, out)
    }

    fn prepares(&self, call: &Call<'_>) -> bool {
        prepares(call)
    }

    fn prepare(&self, call: &Call<'_>, body: Bytes) -> Result<Bytes> {
        prepare(call, &body)
    }

    fn fill_task(&self, call: &Call<'_>, fields: &mut Json) -> Result<()> {
        for credential in ["token", "zen_api_key"] {
            fields.remove(credential);
        }
        if deployment(call.model).is_none() && fields.get("project_id").or_else(|| fields.get("space_id")).is_none() {
            let (name, id) = payer(call.params)?;
            fields.set(name, id);
        }
        Ok(())
    }
}

impl Provider for WatsonxText {
    fn row(&self) -> &'static ProviderRow {
        &generated::WATSONX_TEXT
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        endpoint(self.row(), call, out)
    }

    fn prepares(&self, call: &Call<'_>) -> bool {
        prepares(call)
    }

    fn prepare(&self, call: &Call<'_>, body: Bytes) -> Result<Bytes> {
        prepare(call, &body)
    }
}

/// The id of a deployment, which stands for a model.
fn deployment(model: &str) -> Option<&str> {
    model.strip_prefix("deployment/")
}

fn endpoint(row: &ProviderRow, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
    let base = row.base(call.api_base, call.params).ok_or_else(|| no_base(row))?;
    let want = Want { operation: call.operation, format: call.format, model: call.model };
    let path = path(row, call).ok_or_else(|| not_served(row, &want))?;
    let version = call.params.str("api_version").unwrap_or(VERSION);
    out.url = format!("{}{path}?version={version}", base.trim_end_matches('/'));
    out.per_request = true; // streams have another path
    out.set("content-type", "application/json")?;
    out.set("accept", "application/json")?;
    authorize(row, call, out)?;
    out.set_extra(call.params)
}

fn path<'a>(row: &ProviderRow, call: &Call<'a>) -> Option<Cow<'a, str>> {
    let (task, streams) = match call.format {
        _ if call.operation.is_task() => (row.task(call.operation)?.path, false),
        Format::WatsonxEmbed => (row.paths.embeddings?, false),
        _ => (row.paths.chat?, call.stream),
    };
    let end = if streams { "_stream" } else { "" };
    Some(match deployment(call.model) {
        Some(id) => Cow::Owned(task.replace("/ml/v1/", &format!("/ml/v1/deployments/{id}/")) + end),
        None => Cow::Owned(format!("{task}{end}")),
    })
}

/// A header of the deployment's own, a token, a key of Cloud Pak, or an API key that is exchanged for a token. LiteLLM
/// does not read the deployment's token for embeddings.
fn authorize(row: &ProviderRow, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
    let params = call.params;
    let mut own = params.pairs("headers").chain(params.pairs("extra_headers"));
    if own.any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
        return Ok(());
    }
    let given = params.secret("token").filter(|_| call.operation != OperationKind::Embed);
    if let Some(token) = given.or_else(|| params.env("WATSONX_TOKEN").map(Secret::new)) {
        return out.set("authorization", &format!("Bearer {}", token.expose()));
    }
    let zen = params.secret("zen_api_key").or_else(|| params.env("WATSONX_ZENAPIKEY").map(Secret::new));
    if let Some(key) = zen {
        return out.set("authorization", &format!("ZenApiKey {}", key.expose()));
    }
    let missing = || {
        let text = "Error: Watsonx API key not set. Set WATSONX_API_KEY in environment variables or pass in as \
                    parameter - 'api_key='.";
        Error::new(Kind::Authentication, format!("litellm.AuthenticationError: WatsonxException - {text}"))
    };
    let api_key = row.key(call.api_key, params).ok_or_else(missing)?;
    out.auth = Some(AuthNeed::Ibm(Box::new(IbmAuth { api_key, url: params.env("WATSONX_IAM_URL") })));
    Ok(())
}

const fn prepares(call: &Call<'_>) -> bool {
    matches!(call.operation, OperationKind::Generate | OperationKind::Embed)
}

/// Adds the model's id and who pays; of a conversation the choice of tools by its other name, and the token, which
/// LiteLLM repeats in the body.
fn prepare(call: &Call<'_>, body: &[u8]) -> Result<Bytes> {
    let top = Top::parse(body)?;
    let mut edits: Vec<(&str, Option<String>)> = Vec::new();
    if deployment(call.model).is_none() {
        if top.get("model_id").is_none() {
            edits.push(("model_id", Some(quoted(call.model))));
        }
        if top.get("project_id").or_else(|| top.get("space_id")).is_none() {
            let (name, id) = payer(call.params)?;
            edits.push((name, Some(quoted(&id))));
        }
    }
    if call.format == Format::OpenAiChat {
        if let Some(choice) = top.get("tool_choice").filter(|c| c.starts_with('"')) {
            edits.push(("tool_choice_option", Some(choice.to_owned())));
            edits.push(("tool_choice", None));
        }
        if let Some(token) = call.params.str("token") {
            edits.push(("watsonx_token", Some(quoted(token))));
            edits.push(("token", Some(quoted(token))));
        }
    }
    let edits: Vec<(&str, Option<&str>)> = edits.iter().map(|(name, value)| (*name, value.as_deref())).collect();
    Ok(top.edited(&edits))
}

fn quoted(text: &str) -> String {
    RawJson::string(text).get().to_owned()
}

/// Who pays: a project before a space, the deployment's own before the environment's.
fn payer(params: &Params) -> Result<(&'static str, String)> {
    let env = |names: &[&str]| names.iter().find_map(|name| params.env(name));
    if let Some(project) = params.str("project_id").map(str::to_owned).or_else(|| env(&PROJECT_ENV)) {
        return Ok(("project_id", project));
    }
    if let Some(space) = params.str("space_id").map(str::to_owned).or_else(|| env(&SPACE_ENV)) {
        return Ok(("space_id", space));
    }
    let text = "Error: Watsonx project_id and space_id not set. Set WX_PROJECT_ID or WX_SPACE_ID in environment \
                variables or pass in as a parameter.";
    Err(Error::new(Kind::Authentication, format!("litellm.AuthenticationError: WatsonxException - {text}")))
}

#[cfg(test)]
mod tests;
