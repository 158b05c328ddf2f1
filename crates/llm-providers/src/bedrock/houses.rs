//! Claude in its own house's language, at addresses of their own: `mantle/` and `claude_platform/`.
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/bedrock-mantle.html>,
//! <https://docs.aws.amazon.com/claude-platform/latest/userguide/welcome.html>

use bytes::Bytes;
use llm_types::{Error, Kind, Result};
use llm_wire::top::Top;

use super::route::{Model, Route};
use crate::aws;
use crate::generated;
use crate::params::Params;
use crate::provider::{Call, Endpoint};

/// Whose requests are signed.
const MANTLE: &str = "bedrock-mantle";
const PLATFORM: &str = "aws-external-anthropic";
/// Names of the workspace among a deployment's parameters, and in the environment.
const WORKSPACE: [&str; 4] = ["workspace_id", "aws_workspace_id", "anthropic-workspace-id", "anthropic_workspace_id"];
const WORKSPACE_ENV: [&str; 2] = ["ANTHROPIC_AWS_WORKSPACE_ID", "ANTHROPIC_WORKSPACE_ID"];
/// What the platform does not take, unless a deployment says otherwise.
const UNSUPPORTED: &str = "context_management";

/// True for models that are reached so.
pub(super) fn is(model: &str) -> bool {
    matches!(Model::of(model).route, Route::Mantle | Route::Platform)
}

pub(super) fn endpoint(call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
    let model = Model::of(call.model);
    let region = aws::region(call.params, model.region);
    out.set("content-type", "application/json")?;
    out.set("anthropic-version", "2023-06-01")?;
    let own = call.api_base.map(str::to_owned);
    if model.route == Route::Mantle {
        let own = own.or_else(|| call.params.str("aws_bedrock_runtime_endpoint").map(str::to_owned));
        let base = own.unwrap_or_else(|| format!("https://{MANTLE}.{region}.api.aws"));
        out.url = below(&base, "/anthropic/v1/messages");
        if let Some(project) = call.params.str("aws_bedrock_project_id") {
            out.set("anthropic-workspace", project)?;
        }
        out.set_extra(call.params)?;
        out.headers.remove("anthropic-beta"); // stands in the body
        match generated::BEDROCK.key(call.api_key, call.params) {
            Some(key) => out.set("authorization", &format!("Bearer {}", key.expose()))?,
            None => out.auth = Some(aws::auth(MANTLE, region, call.params)),
        }
        return Ok(());
    }
    let of_env = ["ANTHROPIC_AWS_BASE_URL", "ANTHROPIC_AWS_API_BASE"];
    let base = own.or_else(|| of_env.iter().find_map(|name| call.params.env(name)));
    out.url = below(&base.unwrap_or_else(|| format!("https://{PLATFORM}.{region}.api.aws")), "/v1/messages");
    out.set("anthropic-workspace-id", &workspace(call.params)?)?;
    out.set_extra(call.params)?;
    let given = call.api_key.filter(|k| !k.is_empty()).map(|k| k.expose().to_owned());
    match given.or_else(|| call.params.env("ANTHROPIC_AWS_API_KEY")) {
        Some(key) => out.set("x-api-key", &key)?,
        None => out.auth = Some(aws::auth(PLATFORM, region, call.params)),
    }
    crate::anthropic::set_betas(&generated::ANTHROPIC, call, false, out)
}

fn below(base: &str, path: &str) -> String {
    let base = base.trim_end_matches('/');
    if base.ends_with("/v1/messages") { base.to_owned() } else { format!("{base}{path}") }
}

fn workspace(params: &Params) -> Result<String> {
    let given = WORKSPACE.iter().find_map(|name| params.str(name).map(str::to_owned));
    given.or_else(|| WORKSPACE_ENV.iter().find_map(|name| params.env(name))).ok_or_else(|| {
        let why = "Claude's platform on AWS needs a workspace: give workspace_id or set ANTHROPIC_AWS_WORKSPACE_ID";
        Error::new(Kind::Authentication, why)
    })
}

/// The body for the platform: nothing of the deployment, and nothing that it refuses.
pub(super) fn platform(call: &Call<'_>, body: &Bytes) -> Result<Bytes> {
    let own = call.params.get("claude_platform_unsupported_params").and_then(llm_types::Json::as_array);
    let unwanted: Vec<&str> =
        own.map_or_else(|| vec![UNSUPPORTED], |names| names.iter().filter_map(llm_types::Json::as_str).collect());
    let top = Top::parse(body)?;
    let goes = |name: &str| WORKSPACE.contains(&name) || name.starts_with("aws_") || unwanted.contains(&name);
    let leave: Vec<(&str, Option<&str>)> =
        top.iter().map(|(name, _)| name).filter(|name| goes(name)).map(|name| (name, None)).collect();
    Ok(if leave.is_empty() { body.clone() } else { top.edited(&leave) })
}
