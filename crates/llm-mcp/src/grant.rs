//! What a caller may use of the servers.

use std::sync::Arc;

use llm_types::Json;

use crate::server::Server;
use crate::toolset::Toolset;

/// Tools that may be used of some servers; servers that are not named: all of theirs.
pub type ToolLists = Vec<(String, Vec<String>)>;

/// What a key or a team is granted: the columns of `LiteLLM_ObjectPermissionTable`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Granted {
    /// Ids or names of servers.
    pub servers: Vec<String>,
    /// Access groups of servers.
    pub groups: Vec<String>,
    /// Tools, where not all are allowed.
    pub tools: ToolLists,
    /// Tools that may not be used, of whatever server (`blocked_tools`).
    pub blocked: Vec<String>,
    /// Ids of toolsets.
    pub toolsets: Vec<String>,
    /// Those of them that there are.
    pub sets: Vec<Arc<Toolset>>,
}

impl Granted {
    /// True when nothing is named that could be used. A toolset that is gone still is named: whoever had only that has nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty() && self.groups.is_empty() && self.toolsets.is_empty()
    }

    /// Tools of `mcp_tool_permissions`: `{server: [tool]}`.
    #[must_use]
    pub fn tools_of(json: &Json) -> ToolLists {
        let texts = |list: &Json| -> Vec<String> {
            list.as_array().unwrap_or_default().iter().filter_map(|t| t.as_str().map(str::to_owned)).collect()
        };
        json.as_object().unwrap_or_default().iter().map(|(server, list)| (server.clone(), texts(list))).collect()
    }

    pub(crate) fn names(&self, server: &Server) -> bool {
        self.servers.iter().any(|name| server.is_called(name))
            || self.groups.iter().any(|g| server.groups.contains(g))
            || self.sets.iter().any(|set| set.names(server))
    }

    /// True for a tool that is not left out: it is not blocked, and where lists or toolsets name tools of the server, one of
    /// them names it.
    pub(crate) fn permits(&self, server: &Server, tool: &str) -> bool {
        if self.blocked.iter().any(|name| server.tool_is_called(tool, name)) {
            return false;
        }
        let list = self.tools.iter().find(|(name, _)| server.is_called(name)).map(|(_, list)| list);
        let mut sets = self.sets.iter().filter(|set| set.names(server)).peekable();
        if list.is_none() && sets.peek().is_none() {
            return true;
        }
        list.is_some_and(|list| list.iter().any(|name| server.tool_is_called(tool, name)))
            || sets.any(|set| set.holds(server, tool))
    }
}

/// What a caller may use.
#[derive(Debug, Clone)]
pub enum Grant {
    /// Everything: administrators.
    All,
    /// What the key is granted, within what its team is granted. A key that is granted nothing inherits the team's; without
    /// either only servers for all keys are left.
    Of {
        /// The key's.
        key: Granted,
        /// The team's.
        team: Granted,
        /// Of others that the key stands on (user, project, organization, agent): where they name servers, only those are
        /// left.
        narrower: Vec<Granted>,
    },
}

impl Grant {
    /// True when the server may be used.
    #[must_use]
    pub fn allows(&self, server: &Server) -> bool {
        match self {
            Self::All => true,
            Self::Of { key, team, narrower } => {
                let within = narrower.iter().all(|granted| granted.is_empty() || granted.names(server));
                server.for_all_keys
                    || within
                        && match (key.is_empty(), team.is_empty()) {
                            (true, true) => false,
                            (true, false) => team.names(server),
                            (false, true) => key.names(server),
                            (false, false) => key.names(server) && team.names(server),
                        }
            }
        }
    }

    /// True when the tool of a server that may be used may be used itself. `tool` is the server's own name for it.
    #[must_use]
    pub fn allows_tool(&self, server: &Server, tool: &str) -> bool {
        match self {
            Self::All => true,
            Self::Of { key, team, narrower } => {
                [key, team].into_iter().chain(narrower).all(|granted| granted.permits(server, tool))
            }
        }
    }

    /// True when the toolset may be asked for by its name: the key is granted it, or the team of a key that is granted nothing.
    #[must_use]
    pub fn has(&self, set: &Toolset) -> bool {
        match self {
            Self::All => true,
            Self::Of { key, team, .. } => {
                let granting = if key.is_empty() { team } else { key };
                granting.toolsets.contains(&set.id)
            }
        }
    }
}
