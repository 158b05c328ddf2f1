//! Anthropic: <https://platform.claude.com/docs/en/api/messages>. Keys of two kinds, beta headers that add up.

mod batches;
pub(crate) mod guest;

use llm_types::{Format, Result, Secret};

use crate::batches::BatchHouse;
use crate::endpoint::{join, no_base, no_key};
use crate::generated;
use crate::provider::{Call, Endpoint, Provider};
use crate::resource::{Resource, not_served};
use crate::row::{ProviderRow, RowFormat};

/// Beta that the tokens of a subscription need.
const OAUTH_BETA: &str = "oauth-2025-04-20";
/// How such tokens begin.
const OAUTH_TOKEN: &str = "sk-ant-oat";

/// The provider.
#[derive(Debug)]
pub struct Anthropic;

impl Provider for Anthropic {
    fn row(&self) -> &'static ProviderRow {
        &generated::ANTHROPIC
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let row = self.row();
        let base = row.base(call.api_base, call.params).ok_or_else(|| no_base(row))?;
        out.url = join(&base, row.paths.messages.unwrap_or_default(), row);
        out.set("anthropic-version", client_header(call, "anthropic-version").unwrap_or("2023-06-01"))?;
        out.set("accept", "application/json")?;
        out.set("content-type", "application/json")?;
        let oauth = show_key(row, call, out)?;
        out.set_extra(call.params)?;
        set_betas(row, call, oauth, out)
    }

    fn batches(&self) -> Option<&'static dyn BatchHouse> {
        Some(&batches::Batches)
    }

    /// Files and skills, which are in beta: <https://platform.claude.com/docs/en/api/beta>.
    fn resource(&self, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
        let row = self.row();
        let (beta, query) = match resource.kind() {
            "files" => ("files-api-2025-04-14", ""),
            "skills" => ("skills-2025-10-02", "beta=true"),
            _ => return Err(not_served(row, resource)),
        };
        let base = row.base(resource.api_base, resource.params).ok_or_else(|| no_base(row))?;
        let base = base.trim_end_matches('/');
        let base = base.strip_suffix("/v1").unwrap_or(base);
        let url = resource.with_query(format!("{base}/v1{}", resource.path));
        out.url = if query.is_empty() { url } else { Resource { query, ..*resource }.with_query(url) };
        out.set("anthropic-version", "2023-06-01")?;
        let oauth = show_key(row, &resource.call(Format::AnthropicMessages), out)?;
        out.set_extra(resource.params)?;
        out.set("anthropic-beta", &if oauth { format!("{beta},{OAUTH_BETA}") } else { beta.to_owned() })
    }
}

/// Shows the credential; true when it is the token of a subscription.
fn show_key(row: &ProviderRow, call: &Call<'_>, out: &mut Endpoint) -> Result<bool> {
    let key = row.key(call.api_key, call.params);
    let header = client_header(call, "authorization");
    if let Some(header) = header.filter(|h| h.trim_start_matches("Bearer ").starts_with(OAUTH_TOKEN)) {
        return oauth(header.trim_start_matches("Bearer "), out);
    }
    let Some(key) = key else {
        let token = call.params.env("ANTHROPIC_AUTH_TOKEN").map(Secret::new).ok_or_else(|| no_key(row))?;
        return bearer(token.expose(), out).map(|()| false);
    };
    let key = key.expose();
    if key.starts_with(OAUTH_TOKEN) {
        return oauth(key, out);
    }
    let custom = call.api_base.is_some_and(|b| !b.contains("://api.anthropic.com"));
    if custom && !key.starts_with("sk-ant-") && call.params.bool("use_bearer_for_custom_base") == Some(true) {
        return bearer(key, out).map(|()| false);
    }
    out.set("x-api-key", key).map(|()| false)
}

fn oauth(token: &str, out: &mut Endpoint) -> Result<bool> {
    bearer(token, out)?;
    out.set("anthropic-dangerous-direct-browser-access", "true")?;
    Ok(true)
}

fn bearer(token: &str, out: &mut Endpoint) -> Result<()> {
    out.set("authorization", &format!("Bearer {token}"))
}

pub(crate) fn client_header<'a>(call: &Call<'a>, name: &str) -> Option<&'a str> {
    call.client_headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
}

/// Joins the betas of the deployment, the client and the body, each once and as the row calls it. Hosts that are not
/// the language's own house refuse betas they do not know.
pub(crate) fn set_betas(row: &ProviderRow, call: &Call<'_>, oauth: bool, out: &mut Endpoint) -> Result<()> {
    let deployment = out.headers.get("anthropic-beta").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let client = client_header(call, "anthropic-beta").unwrap_or_default();
    let own = oauth.then_some(OAUTH_BETA);
    let mut all: Vec<&str> = Vec::new();
    let listed = deployment.split(',').chain(client.split(',')).map(str::trim).filter(|b| !b.is_empty());
    for beta in listed.chain(call.betas.iter().copied()).chain(own) {
        let known = row.betas.iter().find(|(name, _)| *name == beta).map(|(_, own)| *own);
        let home = row.format == RowFormat::Anthropic;
        let Some(beta) = known.or_else(|| home.then_some(beta)) else { continue };
        if !all.contains(&beta) {
            all.push(beta);
        }
    }
    out.per_request |= !client.is_empty() || !call.betas.is_empty() || client_header(call, "authorization").is_some();
    if all.is_empty() {
        out.headers.remove("anthropic-beta");
        return Ok(());
    }
    out.set("anthropic-beta", &all.join(","))
}

#[cfg(test)]
mod tests;
