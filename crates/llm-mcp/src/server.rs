//! One server: what it is called, how it is reached, which of its tools may be seen, what a call costs.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName};
use llm_types::Json;
use tokio::sync::Semaphore;

use crate::credential::Scheme;
use crate::discovery::Authority;

/// How a server is reached.
#[derive(Clone, PartialEq, Eq)]
pub enum Wire {
    /// Streamable HTTP.
    Http(String),
    /// The older pair of an event stream and posts.
    Sse(String),
    /// A child process; only configurations can name one.
    Stdio(Command),
    /// No server of MCP's: an API, whose operations are the tools.
    OpenApi(Api),
}

/// An API.
#[derive(Clone, PartialEq, Eq)]
pub struct Api {
    /// Its OpenAPI document.
    pub document: Source,
    /// Where its operations are called; where the document says when nobody else does.
    pub base: Option<String>,
}

/// Where a document is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// A file; only configurations can name one.
    File(String),
    /// An address of the configuration file: it may be anywhere.
    Named(String),
    /// An address of the database: on the public internet only.
    Guarded(String),
}

impl Source {
    /// `spec_path`
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::File(path) | Self::Named(path) | Self::Guarded(path) => path,
        }
    }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Api(..)")
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Source(..)")
    }
}

/// A program and exactly what it is given.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Command {
    /// The program.
    pub program: String,
    /// Its arguments, each as it is: no shell reads them.
    pub args: Vec<String>,
    /// Its environment.
    pub env: Vec<(String, String)>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // URLs, arguments and environments may hold secrets.
        f.write_str(self.name())
    }
}

impl Wire {
    /// LiteLLM's name of the transport.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Http(_) | Self::OpenApi(_) => "http",
            Self::Sse(_) => "sse",
            Self::Stdio(_) => "stdio",
        }
    }

    /// The address, when there is one.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Http(url) | Self::Sse(url) => Some(url),
            Self::OpenApi(api) => api.base.as_deref(),
            Self::Stdio(_) => None,
        }
    }

    /// Where its OpenAPI document is, when it is an API.
    #[must_use]
    pub const fn document(&self) -> Option<&Source> {
        match self {
            Self::OpenApi(api) => Some(&api.document),
            Self::Http(_) | Self::Sse(_) | Self::Stdio(_) => None,
        }
    }
}

/// US dollars per call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Costs {
    /// Of tools that have no price of their own.
    pub default: f64,
    /// Of single tools.
    pub tools: Vec<(String, f64)>,
}

/// A server.
#[derive(Debug)]
pub struct Server {
    /// Its id.
    pub id: String,
    /// Its key in the configuration, or its `server_name`.
    pub name: String,
    /// What stands before its tools' names instead of its name.
    pub alias: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// For models: how to use it.
    pub instructions: Option<String>,
    /// How it is reached.
    pub wire: Wire,
    /// How a credential is shown to it, and ours if we have one.
    pub scheme: Scheme,
    /// Who issues tokens for it.
    pub authority: Authority,
    /// Headers that always go along.
    pub static_headers: HeaderMap,
    /// Headers of clients that go on.
    pub extra_headers: Vec<HeaderName>,
    /// Access groups.
    pub groups: Vec<String>,
    /// Tools that are shown; empty: all.
    pub allowed_tools: Vec<String>,
    /// Tools that are not.
    pub disallowed_tools: Vec<String>,
    /// Arguments that a tool may be given, where not all are allowed.
    pub allowed_params: Vec<(String, Vec<String>)>,
    /// Titles of tools.
    pub titles: Vec<(String, String)>,
    /// Descriptions of tools, in place of the server's own.
    pub descriptions: Vec<(String, String)>,
    /// Every key may use it.
    pub for_all_keys: bool,
    /// `mcp_info`, told to clients as it is.
    pub info: Json,
    /// Prices.
    pub costs: Costs,
    /// How long a request may take in all.
    pub timeout: Duration,
    /// Requests at a time.
    pub gate: Option<Arc<Semaphore>>,
    /// It lives in the database.
    pub stored: bool,
}

impl Server {
    /// What stands before the names of its tools. Blanks cannot stand in names of tools.
    #[must_use]
    pub fn prefix(&self) -> String {
        self.alias.as_deref().filter(|a| !a.is_empty()).unwrap_or(&self.name).replace(' ', "_")
    }

    /// True for its id, its name and its alias.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        let bare = |known: &str| known == name || known.replace(' ', "_") == name;
        self.id == name || bare(&self.name) || self.alias.as_deref().is_some_and(bare)
    }

    /// True when a list that says `listed` means the tool: bare, or with the server's name before it.
    #[must_use]
    pub fn tool_is_called(&self, tool: &str, listed: &str) -> bool {
        let of_server = |before: &str| {
            // As it is written before tools, or as rows of calls have it.
            let name = before.strip_suffix(separator()).or_else(|| before.strip_suffix('/'));
            name.is_some_and(|name| self.is_called(name))
        };
        listed == tool || listed.strip_suffix(tool).is_some_and(of_server)
    }

    /// True for a tool that anybody may see.
    #[must_use]
    pub fn shows(&self, tool: &str) -> bool {
        let among = |list: &[String]| list.iter().any(|listed| self.tool_is_called(tool, listed));
        (self.allowed_tools.is_empty() || among(&self.allowed_tools)) && !among(&self.disallowed_tools)
    }

    /// The first argument that the tool may not be given.
    #[must_use]
    pub fn forbidden<'a>(&self, tool: &str, arguments: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        let (_, allowed) = self.allowed_params.iter().find(|(listed, _)| self.tool_is_called(tool, listed))?;
        arguments.into_iter().find(|name| !allowed.iter().any(|a| a == name))
    }

    /// US dollars of a call.
    #[must_use]
    pub fn cost(&self, tool: &str) -> f64 {
        let own = self.costs.tools.iter().find(|(listed, _)| self.tool_is_called(tool, listed));
        own.map_or(self.costs.default, |(_, cost)| *cost)
    }
}

/// What stands between a server's name and a tool's (`MCP_TOOL_PREFIX_SEPARATOR`).
#[must_use]
pub fn separator() -> &'static str {
    static SEPARATOR: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let read = || std::env::var("MCP_TOOL_PREFIX_SEPARATOR").ok().filter(|s| !s.is_empty());
    SEPARATOR.get_or_init(|| read().unwrap_or_else(|| "-".to_owned()))
}
