//! What can go wrong with a server behind.

use std::fmt;

use llm_http::TransportError;
use llm_types::{Error, Kind};

use crate::rpc::{self, RpcError};

/// Why a server behind did not do what was asked.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It says no, in its own words.
    Told(RpcError),
    /// It cannot be reached, or hung up.
    Unreachable(String),
    /// It answers another HTTP status than a server would.
    Status(u16),
    /// What it says is not MCP.
    Broken(&'static str),
    /// It took too long.
    Slow,
    /// The credential that it wants cannot be had, and why.
    Credential(String),
    /// It wants a token of the caller's own, which did not come.
    Anonymous,
}

impl From<TransportError> for Fault {
    fn from(error: TransportError) -> Self {
        if error.kind() == llm_http::ErrorKind::Timeout { Self::Slow } else { Self::Unreachable(error.to_string()) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told(error) => f.write_str(&error.message),
            // Where it is, is not for everybody.
            Self::Unreachable(_) => f.write_str("it cannot be reached"),
            Self::Status(401 | 403) => f.write_str("it refuses the credential that it was shown"),
            Self::Status(status) => write!(f, "it answered status {status}"),
            Self::Broken(what) => write!(f, "it does not speak MCP: {what}"),
            Self::Slow => f.write_str("it took too long"),
            Self::Credential(_) => f.write_str("the credential for it cannot be had"),
            Self::Anonymous => f.write_str(
                "it needs a credential of your own: store it (/v1/mcp/server/{server_id}/user-credential, for tokens \
                 oauth-user-credential), or send it as Authorization, and the gateway's key as x-litellm-api-key",
            ),
        }
    }
}

impl Fault {
    /// The same with addresses, for operators and their logs.
    #[must_use]
    pub fn in_full(&self) -> String {
        match self {
            Self::Unreachable(why) | Self::Credential(why) => format!("{self}: {why}"),
            other => other.to_string(),
        }
    }

    /// The same for the client that asked. `server` is the name the client knows.
    #[must_use]
    pub fn told(self, server: &str) -> RpcError {
        match self {
            Self::Told(error) => error,
            other => RpcError::new(rpc::INTERNAL_ERROR, format!("MCP server {server}: {other}")),
        }
    }

    /// The same for logs and REST.
    #[must_use]
    pub fn error(&self, server: &str) -> Error {
        let kind = match self {
            Self::Told(_) | Self::Broken(_) => Kind::Api,
            Self::Unreachable(_) => Kind::Connection,
            Self::Status(_) | Self::Credential(_) => Kind::BadGateway,
            Self::Anonymous => Kind::BadRequest,
            Self::Slow => Kind::Timeout,
        };
        let detail = llm_types::error::UpstreamDetail { provider: server.to_owned(), ..Default::default() };
        Error::upstream(kind, format!("MCP server {server}: {self}"), detail)
    }
}
