//! `anthropic-beta`: here a list in the body, and each interface knows other ones.

use llm_types::{Format, Result};
use llm_wire::bedrock::model::Family;

use super::route::Model;
use crate::anthropic::client_header;
use crate::provider::{Call, Endpoint};
use crate::row::ProviderRow;

/// Those that `Converse` does not take although `InvokeModel` does.
const NOT_CONVERSE: [&str; 5] = [
    "advanced-tool-use-2025-11-20",
    "compact-2026-01-12",
    "context-management-2025-06-27",
    "dangerous-tool-use-2026-09-03",
    "tool-search-tool-2025-10-19",
];
/// Those that only `Converse` takes.
const ONLY_CONVERSE: [&str; 2] = ["computer-use-2024-10-22", "structured-outputs-2025-11-13"];
const HEADER: &str = "anthropic-beta";

/// What a Messages client says in its headers, again as headers: LiteLLM passes them on beside what it writes into the
/// body.
pub(super) fn show(row: &ProviderRow, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
    if let Some(version) = client_header(call, "anthropic-version") {
        out.set("anthropic-version", version)?;
    }
    let listed = client_header(call, HEADER).unwrap_or_default().split(',').map(str::trim);
    let told = known(row, call, listed);
    if told.is_empty() { Ok(()) } else { out.set(HEADER, &told.join(",")) }
}

/// The betas of the deployment, the client and the body, as the interface calls them.
pub(super) fn of(row: &ProviderRow, call: &Call<'_>) -> Vec<String> {
    let converse = call.format == Format::BedrockConverse;
    if converse && Family::of(Model::of(call.model).name) != Family::Claude {
        return Vec::new(); // other models refuse the field that would hold them
    }
    known(row, call, told(call))
}

fn known<'b>(row: &ProviderRow, call: &Call<'_>, betas: impl Iterator<Item = &'b str>) -> Vec<String> {
    let converse = call.format == Format::BedrockConverse;
    let mut all: Vec<String> = Vec::new();
    for beta in betas {
        let known = match converse {
            true if NOT_CONVERSE.contains(&beta) => None,
            true if ONLY_CONVERSE.contains(&beta) => Some(beta),
            _ => row.betas.iter().find(|(name, _)| *name == beta).map(|(_, own)| *own),
        };
        if let Some(known) = known.filter(|k| !all.iter().any(|a| a == k)) {
            all.push(known.to_owned());
        }
    }
    all
}

/// True when there are any.
pub(super) fn any(call: &Call<'_>) -> bool {
    told(call).next().is_some()
}

fn told<'a>(call: &Call<'a>) -> impl Iterator<Item = &'a str> {
    let is = |name: &str| name.eq_ignore_ascii_case(HEADER);
    let params = call.params.pairs("headers").chain(call.params.pairs("extra_headers"));
    let deployment = params.filter(move |(n, _)| is(n)).map(|(_, v)| v);
    let client = call.client_headers.iter().filter(move |(n, _)| is(n)).map(|(_, v)| v.as_str());
    let listed = deployment.chain(client).flat_map(|v| v.split(',')).map(str::trim).filter(|b| !b.is_empty());
    listed.chain(call.betas.iter().copied())
}
