//! Asking the servers behind: one for something, or all that a caller sees for a list.

use std::sync::Arc;

use futures_util::future::join_all;
use llm_credentials::{Ambient, Signer};
use llm_http::Transport;
use llm_types::{Json, RawJson};

use crate::discovery::Discovered;
use crate::fault::Fault;
use crate::held::Renewals;
use crate::registry::{Registry, View, Visible};
use crate::rpc::{self, RpcError};
use crate::server::Wire;
use crate::upstream::{Children, Documents, Session};

/// Pages of a list that are read at the most.
const PAGES: usize = 100;

/// What lives longer than a configuration: the children that run, OpenAPI documents, and tokens that were issued.
#[derive(Debug, Default)]
pub struct Hub {
    pub(crate) children: Children,
    pub(crate) documents: Documents,
    /// What servers say of themselves.
    pub discovered: Discovered,
    /// Tokens of callers that are being renewed.
    pub renewals: Renewals,
    pub(crate) signer: Arc<Signer>,
}

/// What servers have lists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Tools.
    Tools,
    /// Prompts.
    Prompts,
    /// Resources.
    Resources,
    /// Templates of resources.
    Templates,
}

impl Kind {
    const fn method(self) -> &'static str {
        match self {
            Self::Tools => "tools/list",
            Self::Prompts => "prompts/list",
            Self::Resources => "resources/list",
            Self::Templates => "resources/templates/list",
        }
    }

    /// The field of the answer that holds the list.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
        }
    }
}

impl Hub {
    /// A hub. `variable` says what stands in the environment, where credentials are looked for.
    #[must_use]
    pub fn new(variable: fn(&str) -> Option<String>) -> Self {
        Self { signer: Arc::new(Signer::new(Ambient::new(variable))), ..Self::default() }
    }

    /// Ends what the servers of a new configuration do not need any more.
    pub fn follow(&self, registry: &Registry) {
        let commands = registry.servers.iter().filter_map(|server| match &server.wire {
            Wire::Stdio(command) => Some(command),
            Wire::Http(_) | Wire::Sse(_) | Wire::OpenApi(_) => None,
        });
        self.children.keep(&commands.collect::<Vec<_>>());
        let documents = registry.servers.iter().filter_map(|server| server.wire.document());
        self.documents.keep(&documents.collect::<Vec<_>>());
        self.discovered.keep(registry);
    }

    /// Asks one server for one thing.
    ///
    /// # Errors
    /// What the server says, or why it could not be asked.
    pub async fn ask(
        &self,
        transport: &dyn Transport,
        to: &Visible,
        method: &str,
        params: &str,
    ) -> Result<RawJson, Fault> {
        let asked = async {
            let _turn = self.turn(to).await?;
            let mut session = Session::open(self, transport, to).await?;
            let outcome = session.ask(method, params).await;
            session.close();
            outcome
        };
        within(to, asked).await
    }

    /// A list of one server, all its pages. A server that does not know such lists has none.
    ///
    /// # Errors
    /// As [`Hub::ask`].
    pub async fn list(&self, transport: &dyn Transport, of: &Visible, kind: Kind) -> Result<Vec<Json>, Fault> {
        let asked = async {
            let _turn = self.turn(of).await?;
            let mut session = Session::open(self, transport, of).await?;
            let outcome = pages(&mut session, kind).await;
            session.close();
            outcome
        };
        match within(of, asked).await {
            Err(Fault::Told(error)) if error.code == rpc::METHOD_NOT_FOUND => Ok(Vec::new()),
            other => other,
        }
    }

    /// The lists of all servers that a caller sees, side by side. Servers that fail are left out while another one answers.
    ///
    /// # Errors
    /// When all fail.
    pub async fn lists<'v>(
        &self,
        transport: &dyn Transport,
        view: &'v View,
        kind: Kind,
    ) -> Result<Vec<(&'v Visible, Vec<Json>)>, RpcError> {
        let each = view.servers.iter().map(|of| async move { (of, self.list(transport, of, kind).await) });
        let (mut found, mut failed) = (Vec::new(), None);
        for (of, outcome) in join_all(each).await {
            match outcome {
                Ok(items) => found.push((of, items)),
                Err(fault) => {
                    tracing::warn!(server = %of.server.name, fault = fault.in_full(), "an MCP server is left out of a list");
                    failed.get_or_insert_with(|| fault.told(&of.server.name));
                }
            }
        }
        match failed {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }

    async fn turn(&self, to: &Visible) -> Result<Option<tokio::sync::OwnedSemaphorePermit>, Fault> {
        match &to.server.gate {
            None => Ok(None),
            Some(gate) => Arc::clone(gate).acquire_owned().await.map(Some).map_err(|_| Fault::Slow),
        }
    }
}

async fn within<T>(to: &Visible, asked: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    tokio::time::timeout(to.server.timeout, asked).await.unwrap_or(Err(Fault::Slow))
}

async fn pages(session: &mut Session<'_>, kind: Kind) -> Result<Vec<Json>, Fault> {
    let mut all = Vec::new();
    let mut params = "{}".to_owned();
    for _ in 0..PAGES {
        let result = session.ask(kind.method(), &params).await?;
        let mut page: Json = result.read().map_err(|_| Fault::Broken("its list is no JSON"))?;
        let Some(Json::Array(items)) = page.remove(kind.field()) else {
            return Err(Fault::Broken("a list is missing"));
        };
        all.extend(items);
        match page.text("nextCursor") {
            // tidy: provider-id, the name of MCP's field
            Some(next) => params = Json::object([("cursor", next)]).to_string(),
            None => return Ok(all),
        }
    }
    Err(Fault::Broken("its list does not end"))
}
