//! `mcp_servers` and `litellm_settings.mcp_aliases` → MCP servers.

use std::sync::Arc;

use llm_accounts::Stored;
use llm_mcp::{Registry, Server, ServerSpec, Toolset, spec};

use super::problem::{Mark, Problems};
use super::section::Section;

/// Ends the problems of servers that are left out.
pub(super) const NOT_SERVED: &str = "the MCP server is not served";

/// Aliases and the servers that they stand for.
pub(super) fn aliases(litellm: Option<&Section<'_>>) -> Vec<(String, String)> {
    let Some(section) = litellm.and_then(|s| s.section("mcp_aliases")) else { return Vec::new() };
    let pair = |e: &super::node::Entry| Some((e.key.clone(), e.node.text()?.to_owned()));
    section.entries().iter().filter_map(pair).collect()
}

/// The servers, in order.
pub(super) fn read(top: &Section<'_>, aliases: &[(String, String)]) -> Vec<Arc<Server>> {
    let mut out: Vec<Arc<Server>> = Vec::new();
    let Some(servers) = top.section("mcp_servers") else { return out };
    for entry in servers.entries() {
        let path = format!("mcp_servers.{}", entry.key);
        let Some(section) = Section::open(&entry.node, path.clone(), top.problems()) else { continue };
        let mut spec: ServerSpec = match entry.node.json().to_raw().read() {
            Ok(spec) => spec,
            Err(error) => {
                // serde's message may quote a value, which may be a secret.
                tracing::debug!(line = error.line(), "an MCP server cannot be read");
                top.problems().error(&entry.node.mark, path, "a field has a value of another shape than was expected");
                continue;
            }
        };
        section.accept(spec::FIELDS);
        section.not_served(spec::UNSERVED);
        section.finish();
        if spec.alias.is_none() {
            // The first alias of a server is the one it gets, as in LiteLLM.
            spec.alias = aliases.iter().find(|(_, server)| *server == entry.key).map(|(alias, _)| alias.clone());
        }
        match spec.server(&entry.key, false) {
            Ok(server) if taken(&out, &server) => section.error("alias", TAKEN),
            Ok(server) => out.push(Arc::new(server)),
            Err((field, why)) => section.error(field, why),
        }
    }
    out
}

/// Adds the servers and the toolsets of the database. A server that cannot be served is left out with a warning, so that one bad
/// row does not take the others along.
pub(super) fn stored(stored: &Stored, problems: &Problems, out: &mut Registry) {
    out.toolsets.extend(
        stored
            .mcp_toolsets
            .iter()
            .map(|set| Arc::new(Toolset { id: set.id.clone(), name: set.name.clone(), tools: set.tools.clone() })),
    );
    out.blocked = stored.blocked_tools.as_slice().into();
    let out = &mut out.servers;
    for row in &stored.mcp_servers {
        let mark = Mark::whole(format!("database, MCP server {}", row.id));
        let left_out = |field: &str, why: &str| problems.warn(&mark, field, format!("{why}; {NOT_SERVED}"));
        let Ok(spec) = row.spec.to_raw().read::<ServerSpec>() else {
            left_out("", "a field has a value of another shape than was expected");
            continue;
        };
        match spec.server(&row.name, true) {
            Ok(server) if taken(out, &server) => left_out("alias", TAKEN),
            Ok(server) => out.push(Arc::new(server)),
            Err((field, why)) => left_out(field, &why),
        }
    }
}

const TAKEN: &str = "another MCP server has this name, alias or id";

fn taken(known: &[Arc<Server>], server: &Server) -> bool {
    known.iter().any(|known| known.prefix() == server.prefix() || known.id == server.id || known.name == server.name)
}
