//! Files, batches, threads and sessions of Azure OpenAI: `{base}/openai/files?api-version=`.

use llm_types::{Format, Result};

use super::{VERSION, deployment, escaped, show_key};
use crate::endpoint::no_base;
use crate::provider::Endpoint;
use crate::resource::{Resource, websocket};
use crate::row::ProviderRow;

pub(super) fn resource(row: &ProviderRow, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
    let (root, mut version) = home(row, resource)?;
    // containers are served below `v1` only
    let containers = resource.kind() == "containers";
    if containers {
        "v1".clone_into(&mut version);
    }
    let url = if unversioned(&version) {
        format!("{root}/openai/v1{}", resource.path)
    } else {
        format!("{root}/openai{}", resource.path)
    };
    out.url = resource.with_query(url);
    let told = resource.query.split('&').any(|pair| pair.starts_with("api-version="));
    if !told && (containers || !unversioned(&version)) {
        let query = format!("api-version={version}");
        out.url = Resource { query: &query, ..*resource }.with_query(std::mem::take(&mut out.url));
    }
    finish(row, resource, out)
}

/// `/openai/realtime?api-version=&deployment=`; the unversioned interface names a model instead.
pub(super) fn realtime(row: &ProviderRow, session: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
    let (root, version) = home(row, session)?;
    let model = escaped(deployment(session.model));
    let current = session.params.str("realtime_protocol").is_some_and(|p| p.eq_ignore_ascii_case("ga") || p == "v1");
    let url = if unversioned(&version) || current {
        format!("{root}/openai/v1/realtime?model={model}")
    } else {
        format!("{root}/openai/realtime?api-version={version}&deployment={model}")
    };
    out.url = websocket(&session.with_query(url));
    finish(row, session, out)
}

fn unversioned(version: &str) -> bool {
    matches!(version, "v1" | "latest" | "preview")
}

/// The host, and the version that is asked for.
fn home(row: &ProviderRow, resource: &Resource<'_>) -> Result<(String, String)> {
    let base = row.base(resource.api_base, resource.params).ok_or_else(|| no_base(row))?;
    let base = base.split('?').next().unwrap_or_default();
    let root = base.split("/openai").next().unwrap_or(base).trim_end_matches('/').to_owned();
    let version = resource.params.str("api_version").map(str::to_owned);
    let version = version.or_else(|| resource.params.env("AZURE_API_VERSION")).unwrap_or_else(|| VERSION.to_owned());
    Ok((root, version))
}

fn finish(row: &ProviderRow, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
    show_key(row, &resource.call(Format::OpenAiChat), out)?;
    out.set_extra(resource.params)
}
