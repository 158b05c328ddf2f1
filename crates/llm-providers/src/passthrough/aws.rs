//! Bedrock's hosts: one per region for models, another for agents and knowledge bases.

use llm_types::Result;

use super::place::join;
use super::{Mount, Passing};
use crate::aws;
use crate::params::Params;
use crate::provider::Endpoint;

/// What paths begin with that the host of agents serves.
const AGENTS: [&str; 7] =
    ["agents/", "knowledgebases/", "flows/", "retrieveAndGenerate", "rerank", "generateQuery", "optimize-prompt"];

/// True for paths of agents.
pub(super) fn is_agents(rest: &str) -> bool {
    AGENTS.iter().any(|piece| rest.starts_with(piece))
}

pub(super) fn place(mount: &Mount, passing: &Passing<'_>, params: &Params, out: &mut Endpoint) -> Result<()> {
    let region = aws::region(params, None);
    let agents = is_agents(passing.rest);
    let own = params.str("aws_bedrock_runtime_endpoint").map(str::to_owned);
    let own = own.or_else(|| passing.given.and_then(|g| g.api_base).map(str::to_owned));
    let base = match own.or_else(|| mount.base_of_environment(params)) {
        Some(base) if !agents => base,
        _ if agents => aws::host("bedrock-agent-runtime", &region),
        _ => aws::host("bedrock-runtime", &region),
    };
    out.url = join(&base, passing.rest);
    mount.show_key(passing, params, out)?;
    if out.headers.is_empty() {
        out.auth = Some(aws::auth("bedrock", region, params)); // tidy: provider-id, the service that is signed for
    }
    Ok(())
}
