//! Named sets of tools of several servers: what a key may hold, and an endpoint of its own.

use crate::server::Server;

/// A toolset (`LiteLLM_MCPToolsetTable`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolset {
    /// Its id, which permissions name.
    pub id: String,
    /// Its name, which paths name.
    pub name: String,
    /// Servers (their ids) and the servers' own names of tools.
    pub tools: Vec<(String, String)>,
}

impl Toolset {
    /// True when it has a tool of the server.
    #[must_use]
    pub fn names(&self, server: &Server) -> bool {
        self.tools.iter().any(|(of, _)| server.is_called(of))
    }

    /// True when it has this tool. Names are taken as they are: what one begins with is no server's.
    #[must_use]
    pub fn holds(&self, server: &Server, tool: &str) -> bool {
        self.tools.iter().any(|(of, name)| name == tool && server.is_called(of))
    }
}
