//! All servers, and those of them that a caller sees.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

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
}

/// The servers that a caller sees.
#[derive(Debug, Clone)]
pub struct View {
    /// Each with what it is shown.
    pub servers: Vec<Visible>,
    grant: Grant,
    toolset: Option<Arc<Toolset>>,
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
        View { servers: servers.collect(), grant, toolset: asked.toolset.clone() }
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
    out.extend(server.static_headers.clone());
    Visible { proof: server.scheme.proof(client, authorized), headers: out, server: Arc::clone(server) }
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
        within && server.shows(tool) && self.grant.allows_tool(server, tool)
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
mod tests {
    use llm_types::RawJson;

    use super::*;
    use crate::grant::Granted;
    use crate::spec::ServerSpec;

    fn registry() -> Registry {
        let server = |name: &str, text: &str| {
            let spec: ServerSpec = RawJson::parse(text).unwrap().read().unwrap();
            Arc::new(spec.server(name, false).unwrap())
        };
        Registry {
            servers: vec![
                server(
                    "git",
                    r#"{"url":"http://h/1","access_groups":["dev"],"auth_type":"bearer_token","auth_value":"ours"}"#,
                ),
                server("mail", r#"{"url":"http://h/2","server_id":"m-1","extra_headers":["x-tenant"]}"#),
                server("time", r#"{"url":"http://h/3","allow_all_keys":true,"disallowed_tools":["set"]}"#),
            ],
            toolsets: vec![Arc::new(set())],
        }
    }

    /// The name of one of its tools begins with a server's.
    fn set() -> Toolset {
        let tools = [("m-1", "send"), ("git", "git-log"), ("time", "set"), ("gone", "x")];
        let own = |(server, tool): (&str, &str)| (server.to_owned(), tool.to_owned());
        Toolset { id: "ts-1".into(), name: "daily".into(), tools: tools.map(own).to_vec() }
    }

    fn granted(servers: &[&str], groups: &[&str]) -> Granted {
        let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Granted { servers: own(servers), groups: own(groups), ..Granted::default() }
    }

    fn names(view: &View) -> Vec<&str> {
        view.servers.iter().map(|v| v.server.name.as_str()).collect()
    }

    #[test]
    fn keys_see_what_they_are_granted_within_their_team() {
        let none = || granted(&[], &[]);
        for (key, team, wanted) in [
            (none(), none(), &["time"][..]),
            (granted(&["m-1"], &[]), none(), &["mail", "time"]),
            (granted(&[], &["dev"]), none(), &["git", "time"]),
            (none(), granted(&["git"], &[]), &["git", "time"]),
            (granted(&["mail", "git"], &[]), granted(&["git"], &[]), &["git", "time"]),
            (granted(&["mail"], &[]), granted(&["git"], &[]), &["time"]),
        ] {
            let view =
                registry().view(Grant::Of { key, team, narrower: Vec::new() }, &Asked::default(), &HeaderMap::new());
            assert_eq!(names(&view), wanted);
        }
        let (key, team, narrower) = (granted(&["mail", "git"], &[]), none(), vec![none(), granted(&["m-1"], &[])]);
        let view = registry().view(Grant::Of { key, team, narrower }, &Asked::default(), &HeaderMap::new());
        assert_eq!(names(&view), ["mail", "time"]);
        let all = registry().view(Grant::All, &Asked::default(), &HeaderMap::new());
        assert_eq!(names(&all), ["git", "mail", "time"]);
    }

    #[test]
    fn toolsets_grant_their_tools_and_no_others() {
        let with = |ids: &[&str], servers: &[&str]| {
            let sets = registry().toolsets.iter().filter(|set| ids.contains(&&*set.id)).cloned().collect();
            Granted { toolsets: ids.iter().map(|id| (*id).to_owned()).collect(), sets, ..granted(servers, &[]) }
        };
        let view = |key: Granted, team: Granted, asked: &Asked| {
            registry().view(Grant::Of { key, team, narrower: Vec::new() }, asked, &HeaderMap::new())
        };
        let seen = view(with(&["ts-1"], &[]), granted(&[], &[]), &Asked::default());
        assert_eq!(names(&seen), ["git", "mail", "time"]);
        let may = |view: &View, server: usize, tool: &str| view.allows(&view.servers[server].server, tool);
        assert!(may(&seen, 0, "git-log") && !may(&seen, 0, "log") && may(&seen, 1, "send") && !may(&seen, 1, "read"));
        assert!(!may(&seen, 2, "set"), "the server does not show it");
        // A server that is granted as a whole is narrowed by the tools that a toolset names, as in LiteLLM.
        let both = view(with(&["ts-1"], &["mail"]), granted(&[], &[]), &Asked::default());
        assert!(may(&both, 1, "send") && !may(&both, 1, "read"));
        let within = view(with(&["ts-1"], &[]), granted(&["m-1"], &[]), &Asked::default());
        assert_eq!(names(&within), ["mail", "time"]);
        // One that is gone grants nothing, and is no reason to have what the team has.
        let gone = view(with(&["ts-0"], &[]), granted(&["git"], &[]), &Asked::default());
        assert_eq!(names(&gone), ["time"]);

        let registry = registry();
        let asked = Asked { toolset: registry.toolset("daily").cloned(), ..Asked::default() };
        let all = registry.view(Grant::All, &asked, &HeaderMap::new());
        assert_eq!(names(&all), ["git", "mail", "time"]);
        assert!(may(&all, 1, "send") && !may(&all, 1, "read"));
        let some = view(granted(&["mail"], &[]), granted(&[], &[]), &asked);
        assert!(names(&some) == ["mail", "time"] && !may(&some, 1, "now"));
        let of = |key: Granted, team: Granted| Grant::Of { key, team, narrower: Vec::new() };
        assert!(of(with(&["ts-1"], &[]), granted(&[], &[])).has(&set()));
        assert!(of(granted(&[], &[]), with(&["ts-1"], &[])).has(&set()));
        assert!(!of(granted(&["mail"], &[]), with(&["ts-1"], &[])).has(&set()));
        assert!(!of(granted(&[], &[]), granted(&[], &[])).has(&set()));
        assert!(registry.toolset("mail").is_none() && registry.toolset("nothing").is_none());
    }

    #[test]
    fn asking_never_shows_more() {
        let asked = |path: Option<&str>, servers: &[&str], groups: &[&str]| Asked {
            path: path.map(str::to_owned).into_iter().collect(),
            servers: servers.iter().map(|s| (*s).to_owned()).collect(),
            groups: groups.iter().map(|s| (*s).to_owned()).collect(),
            toolset: None,
        };
        let grant = || Grant::Of { key: granted(&["git"], &[]), team: granted(&[], &[]), narrower: Vec::new() };
        for (asked, wanted) in [
            (asked(Some("git"), &[], &[]), &["git"][..]),
            (asked(Some("dev"), &[], &[]), &["git"]),
            (asked(Some("mail"), &[], &[]), &[]),
            (asked(None, &["mail", "time"], &[]), &["time"]),
            (asked(None, &[], &["dev"]), &["git"]),
            (asked(Some("time"), &["git"], &[]), &[]),
        ] {
            assert_eq!(names(&registry().view(grant(), &asked, &HeaderMap::new())), wanted);
        }
    }

    #[test]
    fn tools_are_found_by_their_names() {
        let key = Granted { tools: vec![("git".into(), vec!["log".into()])], ..granted(&["git", "mail"], &[]) };
        let view = registry().view(
            Grant::Of { key, team: granted(&[], &[]), narrower: Vec::new() },
            &Asked::default(),
            &HeaderMap::new(),
        );
        let own = |name: &str| view.tool(name).map(|(v, tool)| (v.server.name.clone(), tool.to_owned())).ok();
        assert_eq!(own("git-log"), Some(("git".into(), "log".into())));
        assert_eq!(own("git-push"), None);
        assert_eq!(own("mail-send-all"), Some(("mail".into(), "send-all".into())));
        assert_eq!(own("time-set"), None);
        assert_eq!(own("log"), None);
        let one =
            registry().view(Grant::All, &Asked { path: vec!["mail".into()], ..Asked::default() }, &HeaderMap::new());
        assert_eq!(one.tool("send").unwrap().1, "send");
        assert_eq!(one.tool("mail-send").unwrap().1, "send");
    }

    #[test]
    fn headers_go_where_they_belong() {
        let mut client = HeaderMap::new();
        for (name, value) in [
            ("x-tenant", "t"),
            ("x-other", "o"),
            ("x-mcp-git-authorization", "Bearer mine"),
            ("x-mcp-git-host", "evil"),
            ("x-mcp-mail-x-trace", "1"),
        ] {
            client.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let all = registry().view(Grant::All, &Asked::default(), &client);
        let of = |at: usize| {
            let pairs = all.servers[at].headers.iter().map(|(n, v)| format!("{n}={}", v.to_str().unwrap()));
            let mut pairs: Vec<String> = pairs.collect();
            pairs.sort();
            pairs
        };
        assert_eq!(of(0), ["authorization=Bearer mine"]);
        assert_eq!(of(1), ["x-tenant=t", "x-trace=1"]);
        assert!(of(2).is_empty());
        let bare = registry().view(Grant::All, &Asked::default(), &HeaderMap::new());
        assert_eq!(bare.servers[0].headers["authorization"], "Bearer ours");
    }
}
