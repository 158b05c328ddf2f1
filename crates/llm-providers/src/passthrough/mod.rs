//! Paths of a provider's own API: `/anthropic/v1/messages/batches` is `v1/messages/batches` at Anthropic's host, called
//! with the gateway's credential. The table is `data/passthrough.toml`.
//!
//! | file | what |
//! |---|---|
//! | here | [`Mount`], and finding the one that a path lies below |
//! | `place` | [`Mount::place`]: the address and the credential |
//! | `google`, `aws` | addresses that need more than a base |
//! | `aws_json` | operations of AWS's services of one path |
//! | `indexes` | indexes of vector stores that a call names, and the right that it needs |
//! | `live` | sessions over WebSockets: Deepgram's and Gemini's |
//! | `path` | what a path says: models in it, tricks in it |

mod aws;
mod aws_json;
mod google;
mod indexes;
mod live;
mod path;
mod place;

#[cfg(test)]
mod tests;

use llm_types::Secret;

use crate::generated::MOUNTS;
use crate::params::Params;
use crate::row::Header;

pub use aws_json::AwsJson;
pub use indexes::{IndexRight, Indexes};
pub use live::{Listening, listening};
pub use path::{decoded as unescaped, model_of, safe, with_model};

/// Who makes address and credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Base and path, a key in a header.
    Plain,
    /// The same, with a version in the query.
    Azure,
    /// A host per region, AWS Signature 4.
    Bedrock,
    /// A host per location, project and location in the path, Google tokens.
    Vertex,
    /// One host, Google tokens.
    Discovery,
    /// Clients show the gateway's key as the user of HTTP basic authentication.
    Langfuse,
    /// The provider's own way to call models.
    Provider,
    /// A service of AWS that is one path: the operation stands in a header.
    AwsJson(AwsJson),
}

/// A provider's API below a path of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mount {
    /// The path, without slashes at its ends.
    pub path: &'static str,
    /// Its canonical name, for logs and metrics.
    pub route: &'static str,
    /// The provider's id.
    pub provider: &'static str,
    /// Where it goes. May hold placeholders.
    pub base: Option<&'static str>,
    /// Environment variables that override it.
    pub base_env: &'static [&'static str],
    /// Environment variables that hold the key.
    pub key_env: &'static [&'static str],
    /// It may be called without a key.
    pub key_optional: bool,
    /// Headers that show the key.
    pub headers: &'static [Header],
    /// The query parameter that shows the key. Clients may show the gateway's key there.
    pub query: Option<&'static str>,
    /// What is encoded as HTTP basic authentication.
    pub basic: Option<&'static str>,
    /// A client that shows a credential of its own is not given ours.
    pub own_key: bool,
    /// A model group of the router that the path or the body names is called through its deployments.
    pub by_model: bool,
    /// Only administrators may call it: the host knows no smaller rights. Others may use the indexes that they have rights on.
    pub admin: bool,
    /// Where calls name an index of a vector store.
    pub indexes: Option<Indexes>,
    /// Who makes address and credential.
    pub scheme: Scheme,
    /// Its WebSockets are passed on.
    pub live: Option<Live>,
    /// Nothing but its WebSockets is passed on.
    pub live_only: bool,
}

/// The language of a provider's sessions over WebSockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Live {
    /// OpenAI's, whatever the path.
    OpenAi,
    /// Deepgram's `listen`.
    Deepgram,
    /// Gemini's Live API on Vertex AI, below `live`.
    Gemini,
}

/// A credential of the configuration, with its address: a deployment, `default_vertex_config`.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// Its base URL.
    pub api_base: Option<&'a str>,
    /// Its key.
    pub api_key: Option<&'a Secret>,
    /// Its other parameters.
    pub params: &'a Params,
}

/// Something that is about to be passed on.
#[derive(Debug, Clone, Copy)]
pub struct Passing<'a> {
    /// The path below the mount, without a slash in front.
    pub rest: &'a str,
    /// The client's query, without `?`.
    pub query: &'a str,
    /// The credential to use; without one the environment is asked.
    pub given: Option<Given<'a>>,
    /// The client shows a credential of its own: none of ours is added.
    pub own: bool,
}

impl Mount {
    /// True for paths that the host of agents and knowledge bases serves.
    #[must_use]
    pub fn is_agents(&self, rest: &str) -> bool {
        self.scheme == Scheme::Bedrock && aws::is_agents(rest)
    }

    /// What of a path lies below this mount.
    #[must_use]
    pub fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        let rest = path.strip_prefix('/')?.strip_prefix(self.path)?;
        let alone = rest.is_empty() && matches!(self.scheme, Scheme::AwsJson(_));
        if alone { Some(rest) } else { rest.strip_prefix('/') }
    }
}

/// The mount that a path lies below, and the rest of the path.
#[must_use]
pub fn find(path: &str) -> Option<(&'static Mount, &str)> {
    MOUNTS.iter().find_map(|mount| Some((mount, mount.below(path)?)))
}

/// Every mount.
#[must_use]
pub fn mounts() -> &'static [Mount] {
    MOUNTS
}
