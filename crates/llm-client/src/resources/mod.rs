//! What providers keep or do beside answering calls: files, batches, fine-tuning jobs, vector stores ... Most speak OpenAI's
//! words, and what is asked of them goes on as it is. Houses with words of their own are asked in those, and what they say
//! is told in OpenAI's.
//!
//! | file | what |
//! |---|---|
//! | here | a keeper is asked, and its answer is read whole |
//! | `table` | every call that there is |
//! | `refusal` | answers that are none of success |
//! | `batches`, `files`, `lines` | batches, their files, the requests and results in them |
//! | `spent` | what a finished batch cost |
//! | `tuning` | fine-tuning jobs |
//! | `uploads` | files of houses that are told of them first |
//! | `stores` | searches in vector stores |
//! | `relayed` | what goes with a request in OpenAI's words |

mod batches;
mod files;
mod lines;
mod refusal;
mod relayed;
mod spent;
mod stores;
pub(crate) mod table;
mod tuning;
mod uploads;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use http::response::Parts;
use llm_http::{Body, Timeouts, Transport};
use llm_providers::{Endpoint, resource::Resource};
use llm_router::Deployment;
use llm_types::{Error, Json, Kind, Result};
use llm_wire::ReplyView;

use crate::answer::Report;
use crate::engine::Engine;
use crate::relay::{Relay, RelayHead, Tariff};
use crate::target::Target;

pub use batches::{Batches, input_of};
pub use files::{BATCH, deleted};
pub use lines::{Requests, Results};
pub use refusal::{is_refused, read as refused, refusal};
pub use relayed::{betas, flat, is_answer, is_streamed, is_typed_without_body, written_out};
pub use spent::Finished;
pub use stores::Searched;
pub use table::{Family, ROWS, Row};
pub use tuning::Tuning;
pub use uploads::Uploading;

/// Bytes of a file of results that are read at the most.
pub(crate) const RESULTS: usize = 512 << 20;

/// Who keeps things, asked for somebody.
#[derive(Clone, Copy)]
pub struct Keeper<'a> {
    /// Sends, signs, prices.
    pub engine: &'a Engine,
    /// The way out.
    pub http: &'a dyn Transport,
    /// Address and credential.
    pub target: &'a Arc<Target>,
    /// The deployment, where a router chose it.
    pub deployment: Option<&'a Arc<Deployment>>,
    /// The model as the provider knows it, where one was named.
    pub model: Option<&'a str>,
    /// How long the phases of an exchange may take.
    pub timeouts: Timeouts,
    /// Where work goes that takes long.
    pub aside: &'a tokio::runtime::Handle,
}

/// What a keeper said.
#[derive(Debug)]
pub struct Said {
    /// Status and headers.
    pub parts: Parts,
    /// All of it.
    pub body: Bytes,
    /// Who answered.
    pub from: RelayHead,
    /// What is settled.
    pub report: Box<Report>,
}

/// An answer in OpenAI's words.
#[derive(Debug)]
pub struct Told {
    /// Its media type.
    pub content_type: &'static str,
    /// All of it.
    pub body: Bytes,
    /// Who answered.
    pub from: RelayHead,
    /// What is settled.
    pub report: Box<Report>,
}

/// A question.
#[derive(Debug)]
pub struct Question {
    /// Where it goes; its method counts.
    pub endpoint: Endpoint,
    /// What is asked.
    pub body: Body,
    /// Bytes of the answer that are read at the most.
    pub limit: usize,
    /// The model whose usage the answer tells.
    pub model: Option<String>,
}

impl<'a> Keeper<'a> {
    /// What it is asked for, where it knows the path itself.
    #[must_use]
    pub fn resource(&self) -> Resource<'a> {
        Resource {
            path: "",
            query: "",
            model: self.model.unwrap_or_default(),
            api_base: self.target.api_base.as_deref(),
            api_key: self.target.api_key.as_ref(),
            params: &self.target.params,
        }
    }

    /// Asks and reads the whole answer. `read` reads one that is none of success.
    ///
    /// # Errors
    /// What credentials, transport and keeper say.
    pub async fn ask(&self, question: Question, read: impl FnOnce(&ReplyView<'_>) -> Error) -> Result<Said> {
        let Question { endpoint, body, limit, model } = question;
        let provider = self.target.provider_id();
        let metered = model.is_some();
        let model = model.or_else(|| self.model.map(str::to_owned)).unwrap_or_default();
        let relay = Relay {
            method: endpoint.method.clone(),
            endpoint,
            headers: HeaderMap::new(),
            body,
            timeouts: self.timeouts,
            tariff: Tariff { provider: Arc::from(provider), model: Arc::from(model), ..Tariff::default() },
            metered,
        };
        let relayed = self.engine.relay(self.http, relay).await?;
        let (parts, mut from) = (relayed.parts, relayed.from);
        from.deployment = self.deployment.cloned();
        let (body, report) = relayed.body.collect(limit).await?;
        let said = Said { parts, body, from, report };
        if said.parts.status.is_success() { Ok(said) } else { Err(said.viewed(provider, read)) }
    }

    /// As [`Self::ask`], for an answer of usual size whose refusals have the provider's own type.
    async fn told(&self, endpoint: Endpoint, body: Body) -> Result<Said> {
        let question = Question { endpoint, body, limit: self.small(), model: None };
        self.ask(question, |view| refusal(self.target, view, true)).await
    }

    /// Bytes of an answer that is no file at the most.
    const fn small(&self) -> usize {
        self.engine.settings.max_reply_bytes
    }

    /// Who answers what nobody had to be asked for.
    #[must_use]
    pub fn here(&self) -> RelayHead {
        RelayHead {
            deployment: self.deployment.cloned(),
            url: Arc::from(""),
            sent: Instant::now(),
            took: Duration::ZERO,
            retries: 0,
            failed: Vec::new(),
            decision: None,
        }
    }
}

impl Said {
    /// The answer as JSON.
    ///
    /// # Errors
    /// `InvalidReply` for anything else.
    pub fn json(&self) -> Result<Json> {
        serde_json::from_slice(&self.body)
            .map_err(|e| Error::new(Kind::InvalidReply, format!("the provider's answer cannot be read: {e}")))
    }

    /// Lets somebody look at it.
    pub fn viewed<T>(&self, provider: &str, look: impl FnOnce(&ReplyView<'_>) -> T) -> T {
        let headers = crate::send::header_pairs(&self.parts.headers);
        look(&ReplyView { status: self.parts.status.as_u16(), provider, headers: &headers, body: &self.body })
    }
}

impl Told {
    /// An answer in JSON.
    #[must_use]
    pub fn json(tree: &Json, from: RelayHead, report: Box<Report>) -> Self {
        Self { content_type: "application/json", body: Bytes::from(tree.to_string()), from, report }
    }

    /// Results of a batch, a line for each.
    #[must_use]
    pub const fn lines(body: Bytes, from: RelayHead, report: Box<Report>) -> Self {
        Self { content_type: "application/jsonl", body, from, report }
    }
}

impl std::fmt::Debug for Keeper<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("target", self.target).finish_non_exhaustive()
    }
}
