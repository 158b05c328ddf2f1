//! All servers, and those of them that a caller sees.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use llm_types::Secret;

use crate::credential::{Proof, Scheme, Way};
use crate::grant::Grant;
use crate::rpc::{self, RpcError};
use crate::server::{Server, separator};
use crate::toolset::Toolset;

/// All servers.
#[derive(Debug, Default)]
pub struct Registry {
    /// In the order in which they are listed.
    pub servers: Vec<Arc<Server>>,
    /// Named sets of their tools.
    pub toolsets: Vec<Arc<Toolset>>,
    /// Tools that nobody may use, of whatever server: neither administrators nor keys that are granted everything.
    pub blocked: Arc<[String]>,
}

/// What a client asks to see: names of servers or access groups, as its path and its headers name them. Empty: all.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Named by the path.
    pub path: Vec<String>,
    /// `x-mcp-servers`
    pub servers: Vec<String>,
    /// `x-mcp-access-groups`
    pub groups: Vec<String>,
    /// Nothing but the tools of this set.
    pub toolset: Option<Arc<Toolset>>,
}

/// A server that a caller sees.
#[derive(Debug, Clone)]
pub struct Visible {
    /// The server.
    pub server: Arc<Server>,
    /// What goes along with requests to it.
    pub headers: HeaderMap,
    /// What is computed for each of them.
    pub proof: Proof,
    /// How a credential that the caller holds is shown, where none came along.
    pub wants: Option<Way>,
}

impl Visible {
    /// Shows a credential that the caller holds.
    pub fn hold(&mut self, secret: &Secret) {
        let Some((name, value)) = self.wants.and_then(|way| way.header(secret.expose())) else { return };
        // What the operator wrote down goes along whoever calls.
        if !self.server.static_headers.contains_key(&name) {
            self.headers.insert(name, value);
        }
        (self.wants, self.proof) = (None, Proof::Ready);
    }

    /// True when the server wants a token of the caller's own and has none.
    #[must_use]
    pub fn lacks_token(&self) -> bool {
        let passed = matches!(self.server.scheme, Scheme::Passed);
        matches!(self.proof, Proof::Missing) || passed && !self.headers.contains_key(http::header::AUTHORIZATION)
    }
}

/// The servers that a caller sees.
#[derive(Debug, Clone)]
pub struct View {
    /// Each with what it is shown.
    pub servers: Vec<Visible>,
    grant: Grant,
    toolset: Option<Arc<Toolset>>,
    blocked: Arc<[String]>,
}

impl Registry {
    /// The toolset of this name, unless servers or an access group are called so.
    #[must_use]
    pub fn toolset(&self, name: &str) -> Option<&Arc<Toolset>> {
        let taken = |server: &Arc<Server>| server.is_called(name) || server.groups.iter().any(|group| group == name);
        if self.servers.iter().any(taken) { None } else { self.toolset_named(name) }
    }

    /// The toolset of this name.
    #[must_use]
    pub fn toolset_named(&self, name: &str) -> Option<&Arc<Toolset>> {
        self.toolsets.iter().find(|set| set.name == name)
    }

    /// The servers that `grant` allows among those that are asked for. `headers` are the client's, without those that told
    /// the gateway who it is.
    #[must_use]
    pub fn view(&self, grant: Grant, asked: &Asked, headers: &HeaderMap) -> View {
        let named = |server: &Server, name: &String| server.is_called(name) || server.groups.contains(name);
        let wanted = |server: &Server| {
            (asked.path.is_empty() || asked.path.iter().any(|name| named(server, name)))
                && (asked.servers.is_empty() || asked.servers.iter().any(|name| named(server, name)))
                && (asked.groups.is_empty() || asked.groups.iter().any(|group| server.groups.contains(group)))
                && asked.toolset.as_ref().is_none_or(|set| set.names(server))
        };
        let seen = self.servers.iter().filter(|server| wanted(server) && grant.allows(server));
        let servers = seen.map(|server| shown(server, headers));
        View { servers: servers.collect(), grant, toolset: asked.toolset.clone(), blocked: Arc::clone(&self.blocked) }
    }
}

/// A server with what goes along with requests to it: our credential, or the client's own for this server, and the headers
/// that may go on.
fn shown(server: &Arc<Server>, client: &HeaderMap) -> Visible {
    let mut out = HeaderMap::new();
    for name in &server.extra_headers {
        if let Some(value) = client.get(name) {
            out.insert(name.clone(), value.clone());
        }
    }
    let old = client.get("x-mcp-auth").and_then(|v| v.to_str().ok());
    match &server.scheme {
        Scheme::None | Scheme::Minted(_) | Scheme::Exchanged(..) => {}
        Scheme::Own(own) => {
            if let Some(value) = client.get(http::header::AUTHORIZATION).filter(|_| own.token) {
                out.insert(http::header::AUTHORIZATION, value.clone());
            }
            out.extend(old.and_then(|value| own.way.header(value)).map(|(name, value)| (Some(name), value)));
        }
        Scheme::Passed => {
            if let Some(value) = client.get(http::header::AUTHORIZATION) {
                out.insert(http::header::AUTHORIZATION, value.clone());
            }
        }
        Scheme::Shown(way, own) => {
            let value = old.or_else(|| own.as_ref().map(|own| own.expose()));
            out.extend(value.and_then(|value| way.header(value)).map(|(name, value)| (Some(name), value)));
        }
    }
    let mut authorized = false;
    for (name, value) in own_headers(server, client) {
        authorized |= name == http::header::AUTHORIZATION;
        out.insert(name, value);
    }
    let wants = match &server.scheme {
        Scheme::Own(own) if !out.contains_key(own.way.place()) => Some(own.way),
        _ => None,
    };
    out.extend(server.static_headers.clone());
    let proof = if wants.is_some() { Proof::Missing } else { server.scheme.proof(client, authorized) };
    Visible { proof, wants, headers: out, server: Arc::clone(server) }
}

/// Headers of the client for this server alone: `x-mcp-{server}-{header}`.
fn own_headers(server: &Server, client: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let prefix = format!("x-mcp-{}-", server.prefix().to_ascii_lowercase());
    let own = client.iter().filter_map(|(name, value)| {
        let header = name.as_str().strip_prefix(&prefix)?;
        let mut value = value.clone();
        value.set_sensitive(true);
        match header {
            "auth" => Way::Authorization.header(value.to_str().ok()?),
            // What frames a request is ours to say.
            "host" | "content-length" | "transfer-encoding" | "connection" | "content-type" | "accept" => None,
            _ => Some((HeaderName::try_from(header).ok()?, value)),
        }
    });
    own.collect()
}

impl View {
    /// True when names carry the server's in front: several servers are seen.
    #[must_use]
    pub fn prefixes(&self) -> bool {
        self.servers.len() > 1
    }

    /// The name under which the client sees something of a server.
    #[must_use]
    pub fn name(&self, server: &Server, own: &str) -> String {
        if self.prefixes() { format!("{}{}{own}", server.prefix(), separator()) } else { own.to_owned() }
    }

    /// The server that a name of the client's means, and the server's own name for it. With one server both names do.
    #[must_use]
    pub fn find<'n>(&self, name: &'n str) -> Option<(&Visible, &'n str)> {
        let prefixed = |visible: &Visible| {
            let own = name.strip_prefix(&visible.server.prefix())?.strip_prefix(separator())?;
            Some(own).filter(|own| !own.is_empty())
        };
        // The longest name wins, where one begins with another.
        let found = self.servers.iter().filter_map(|v| Some((v, prefixed(v)?))).min_by_key(|(_, own)| own.len());
        match self.servers.as_slice() {
            [one] => Some(found.unwrap_or((one, name))),
            _ => found,
        }
    }

    /// True for a tool that the caller may see and call.
    #[must_use]
    pub fn allows(&self, server: &Server, tool: &str) -> bool {
        let within = self.toolset.as_ref().is_none_or(|set| set.holds(server, tool));
        let blocked = self.blocked.iter().any(|name| server.tool_is_called(tool, name));
        within && !blocked && server.shows(tool) && self.grant.allows_tool(server, tool)
    }

    /// The tool that a name means, if the caller may call it.
    ///
    /// # Errors
    /// `INVALID_PARAMS`: the same for tools that do not exist and for those of others.
    pub fn tool<'n>(&self, name: &'n str) -> Result<(&Visible, &'n str), RpcError> {
        let found = self.find(name).filter(|(visible, tool)| self.allows(&visible.server, tool));
        found.ok_or_else(|| RpcError::new(rpc::INVALID_PARAMS, format!("Unknown tool: {name}")))
    }
}

#[cfg(test)]
mod tests;
