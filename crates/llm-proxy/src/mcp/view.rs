//! Which servers a caller sees, and what is shown to them.

use http::HeaderMap;
use http::HeaderName;
use llm_accounts::Identity;
use llm_mcp::grant::Granted;
use llm_mcp::registry::Asked;
use llm_mcp::{Grant, Registry, View};
use llm_store::ObjectPermissionRow;
use llm_types::{Error, Json, Kind, Result};

use crate::flow::Context;

/// What a path asks for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'p> {
    /// Everything that the caller may use.
    All,
    /// Servers, an access group or a toolset, as they stand in the path.
    Named(&'p str),
    /// A toolset, as it stands in the path.
    Toolset(&'p str),
}

/// The servers that a caller sees, of those that its path and its headers ask for.
///
/// # Errors
/// 403 when the path names none of them: the same for servers that do not exist and for those of others.
pub(super) fn of(ctx: &Context, who: &Identity, place: Place<'_>) -> Result<View> {
    let names = |text: &str| -> Vec<String> {
        text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
    };
    let header = |name: &str| ctx.parts.headers.get(name).and_then(|v| v.to_str().ok()).map(names).unwrap_or_default();
    let registry = &ctx.snapshot.mcp;
    let (path, toolset) = match place {
        Place::All => (Vec::new(), None),
        Place::Named(path) => {
            let path = names(&crate::read::decode_path(path));
            let toolset = if let [one] = path.as_slice() { registry.toolset(one).cloned() } else { None };
            (path, toolset)
        }
        Place::Toolset(name) => {
            let name = crate::read::decode_path(name);
            let toolset = registry.toolset_named(&name).cloned();
            (vec![name], toolset)
        }
    };
    let grant = grant(registry, who);
    let none = || {
        let why = format!("MCP server {} does not exist, or this key may not use it", path.join(","));
        Error::new(Kind::PermissionDenied, why).with_type("auth_error")
    };
    if matches!(place, Place::Toolset(_)) && toolset.is_none() || toolset.as_ref().is_some_and(|set| !grant.has(set)) {
        return Err(none());
    }
    let asked = Asked {
        path: if toolset.is_some() { Vec::new() } else { path.clone() },
        servers: header("x-mcp-servers"),
        groups: header("x-mcp-access-groups"),
        toolset,
    };
    let view = registry.view(grant, &asked, &client_headers(ctx));
    if !matches!(place, Place::All) && view.servers.is_empty() {
        return Err(none());
    }
    Ok(view)
}

/// Administrators see every server, unless their key has a list of its own; others what they are granted.
pub(super) fn grant(registry: &Registry, who: &Identity) -> Grant {
    let rows = who.grants();
    let granted = |row: Option<&ObjectPermissionRow>| granted(registry, row);
    let mut key = granted(rows.key.as_deref());
    key.servers.extend(rows.group_mcp_servers.iter().cloned());
    if who.is_admin() && key.is_empty() && key.tools.is_empty() {
        if key.blocked.is_empty() {
            return Grant::All;
        }
        key.servers = registry.servers.iter().map(|server| server.id.clone()).collect();
    }
    let narrower = [&rows.user, &rows.project, &rows.organization, &rows.agent];
    let narrower = narrower.into_iter().map(|row| granted(row.as_deref())).collect();
    Grant::Of { key, team: granted(rows.team.as_deref()), narrower }
}

fn granted(registry: &Registry, row: Option<&ObjectPermissionRow>) -> Granted {
    let Some(row) = row else { return Granted::default() };
    let tools = row.mcp_tool_permissions.as_ref().and_then(|raw| raw.read::<Json>().ok()).unwrap_or_default();
    Granted {
        servers: row.mcp_servers.clone(),
        groups: row.mcp_access_groups.clone(),
        tools: Granted::tools_of(&tools),
        blocked: row.blocked_tools.clone(),
        toolsets: row.mcp_toolsets.clone(),
        sets: registry.toolsets.iter().filter(|set| row.mcp_toolsets.contains(&set.id)).cloned().collect(),
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
