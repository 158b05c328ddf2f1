//! Which servers a caller sees, and what is shown to them.

use std::sync::Arc;

use http::HeaderMap;
use http::HeaderName;
use llm_accounts::Identity;
use llm_mcp::grant::Granted;
use llm_mcp::registry::Asked;
use llm_mcp::{Grant, View};
use llm_store::ObjectPermissionRow;
use llm_types::{Error, Json, Kind, Result};

use crate::flow::Context;

/// The servers that a caller sees, of those that its path (`named`) and its headers ask for.
///
/// # Errors
/// 403 when the path names none of them: the same for servers that do not exist and for those of others.
pub(super) fn of(ctx: &Context, who: &Arc<Identity>, named: Option<&str>) -> Result<View> {
    let names = |text: &str| -> Vec<String> {
        text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
    };
    let header = |name: &str| ctx.parts.headers.get(name).and_then(|v| v.to_str().ok()).map(names).unwrap_or_default();
    let asked = Asked {
        path: named.map(crate::read::decode_path).map(|path| names(&path)).unwrap_or_default(),
        servers: header("x-mcp-servers"),
        groups: header("x-mcp-access-groups"),
    };
    let view = ctx.snapshot.mcp.view(grant(who), &asked, &client_headers(ctx));
    if named.is_some() && view.servers.is_empty() {
        let why = format!("MCP server {} does not exist, or this key may not use it", asked.path.join(","));
        return Err(Error::new(Kind::PermissionDenied, why).with_type("auth_error"));
    }
    Ok(view)
}

/// Administrators see every server, unless their key has a list of its own; others what they are granted.
pub(super) fn grant(who: &Identity) -> Grant {
    let rows = who.grants();
    let mut key = granted(rows.key.as_deref());
    key.servers.extend(rows.group_mcp_servers.iter().cloned());
    if who.is_admin() && key.is_empty() && key.tools.is_empty() {
        return Grant::All;
    }
    let narrower = [&rows.user, &rows.project, &rows.organization, &rows.agent];
    let narrower = narrower.into_iter().map(|row| granted(row.as_deref())).collect();
    Grant::Of { key, team: granted(rows.team.as_deref()), narrower }
}

fn granted(row: Option<&ObjectPermissionRow>) -> Granted {
    let Some(row) = row else { return Granted::default() };
    let tools = row.mcp_tool_permissions.as_ref().and_then(|raw| raw.read::<Json>().ok()).unwrap_or_default();
    Granted {
        servers: row.mcp_servers.clone(),
        groups: row.mcp_access_groups.clone(),
        tools: Granted::tools_of(&tools),
    }
}

/// The client's headers, without those that told the gateway who it is.
fn client_headers(ctx: &Context) -> HeaderMap {
    let settings = &ctx.snapshot.settings;
    let mut headers = ctx.parts.headers.clone();
    llm_accounts::without_credential(&mut headers, settings.key_header_name.as_deref());
    let own = settings.mcp_auth_header.as_deref().and_then(|name| HeaderName::try_from(name).ok());
    if let Some(value) = own.and_then(|name| headers.remove(name)) {
        headers.insert("x-mcp-auth", value);
    }
    headers
}
