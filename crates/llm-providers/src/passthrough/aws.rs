//! Bedrock's hosts: one per region for models, another for agents and knowledge bases.

use llm_types::{AuthNeed, AwsAuth, Error, Result};

use super::place::join;
use super::{Mount, Passing};
use crate::params::Params;
use crate::provider::Endpoint;

/// Pieces of paths that the host of agents serves.
const AGENTS: [&str; 7] =
    ["agents/", "knowledgebases/", "flows/", "retrieveAndGenerate", "rerank", "generateQuery", "optimize-prompt"];

pub(super) fn place(mount: &Mount, passing: &Passing<'_>, params: &Params, out: &mut Endpoint) -> Result<()> {
    let region = region(params)?;
    let agents = AGENTS.iter().any(|piece| passing.rest.starts_with(piece));
    let own = params.str("aws_bedrock_runtime_endpoint").map(str::to_owned);
    let own = own.or_else(|| passing.given.and_then(|g| g.api_base).map(str::to_owned));
    let base = match own.or_else(|| mount.base_of_environment(params)) {
        Some(base) if !agents => base,
        _ if agents => format!("https://bedrock-agent-runtime.{region}.amazonaws.com"),
        _ => format!("https://bedrock-runtime.{region}.amazonaws.com"),
    };
    out.url = join(&base, passing.rest);
    out.auth = Some(AuthNeed::Aws(Box::new(auth(params, region))));
    Ok(())
}

fn region(params: &Params) -> Result<String> {
    let env = || ["AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| params.env(name));
    params.str("aws_region_name").map(str::to_owned).or_else(env).ok_or_else(|| {
        Error::bad_request("Bedrock needs a region: set AWS_REGION_NAME, or aws_region_name of the deployment")
    })
}

fn auth(params: &Params, region: String) -> AwsAuth {
    let text = |name: &str| params.str(name).map(str::to_owned);
    AwsAuth {
        service: "bedrock".to_owned(),
        region,
        access_key_id: params.secret("aws_access_key_id"),
        secret_access_key: params.secret("aws_secret_access_key"),
        session_token: params.secret("aws_session_token"),
        profile: text("aws_profile_name"),
        role: text("aws_role_name"),
        session_name: text("aws_session_name"),
        external_id: text("aws_external_id"),
        web_identity_token: params.secret("aws_web_identity_token"),
        sts_endpoint: text("aws_sts_endpoint"),
        bearer: params.secret("api_key").or_else(|| bearer(params)),
        ..AwsAuth::default()
    }
}

/// A Bedrock API key of the environment counts where the deployment has no credential of its own.
fn bearer(params: &Params) -> Option<llm_types::Secret> {
    let own = ["aws_access_key_id", "aws_profile_name", "aws_role_name", "aws_web_identity_token"];
    if own.iter().any(|name| params.str(name).is_some()) {
        return None;
    }
    params.env("AWS_BEARER_TOKEN_BEDROCK").map(llm_types::Secret::new)
}
