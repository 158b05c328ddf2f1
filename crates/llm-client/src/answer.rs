//! What comes back from a call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use llm_router::{Attempt, AutoChoice, Consumed, DecisionId, Deployment};
use llm_types::generate::GenerateResponse;
use llm_types::record::Cost;
use llm_types::{Error, RawJson, Trail, Usage};

use crate::StreamBody;
use crate::bytes_out::ByteStream;
use crate::count::Counter;
use crate::send::Sent;
use crate::target::Address;

/// The answer to a call: whole, or a stream that reports when it is over.
#[derive(Debug)]
pub enum Answer {
    /// A JSON body, and what it consumed.
    Whole {
        /// Who answered, and how it went
        head: Head,
        /// The body in the client's format
        body: Bytes,
        /// What it consumed
        report: Box<Report>,
    },
    /// Bytes that go on as they come: sound, or events that nobody looks into.
    Bytes {
        /// Who answers
        head: Head,
        /// The bytes; give it a tail to learn what it consumed
        body: Box<ByteStream>,
    },
    /// A stream of events in the client's format.
    Stream {
        /// Who answers
        head: Head,
        /// The bytes; give it a tail to learn what it consumed
        body: Box<StreamBody>,
    },
}

impl Answer {
    /// Who answered.
    pub const fn head_mut(&mut self) -> &mut Head {
        match self {
            Self::Whole { head, .. } | Self::Bytes { head, .. } | Self::Stream { head, .. } => head,
        }
    }

    /// What it consumed, when that is known already.
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        match self {
            Self::Whole { report, .. } => Some(report),
            Self::Bytes { .. } | Self::Stream { .. } => None,
        }
    }
}

/// Who answered, and how it went until then.
#[derive(Debug, Clone)]
pub struct Head {
    /// The deployment.
    pub deployment: Arc<Deployment>,
    /// The model as the provider knows it.
    pub model: Arc<str>,
    /// The provider's id.
    pub provider: &'static str,
    /// Its address, without query.
    pub api_base: Option<Arc<str>>,
    /// The upstream's response headers.
    pub upstream_headers: HeaderMap,
    /// Media type of the body, where it is not the usual one of the client's format.
    pub content_type: Option<HeaderValue>,
    /// Retries that were needed.
    pub retries: u32,
    /// Retries that were allowed.
    pub max_retries: u32,
    /// Fallbacks to other groups that were needed.
    pub fallbacks: u32,
    /// When the last attempt was sent.
    pub sent: Instant,
    /// How long the upstream took until its head was there.
    pub upstream: Duration,
    /// Fields that were left out or bent on the way to the provider.
    pub lost: Vec<String>,
    /// The timeout that applied, in seconds.
    pub timeout: Option<f64>,
    /// Under which the router's decisions can be read back.
    pub decision: Option<DecisionId>,
    /// What an auto router chose.
    pub auto: Option<AutoChoice>,
    /// What happened on the way.
    pub trail: Trail,
}

impl Head {
    pub(crate) fn new(
        at: &Attempt,
        model: Arc<str>,
        counter: &Counter,
        address: &Address,
        sent: &mut Sent,
        lost: Vec<String>,
    ) -> Self {
        Self {
            deployment: Arc::clone(&at.deployment),
            model,
            provider: counter.provider(),
            api_base: Some(Arc::clone(&address.base)),
            upstream_headers: std::mem::take(&mut sent.parts.headers),
            content_type: None,
            retries: 0,
            max_retries: 0,
            fallbacks: at.fallbacks,
            sent: sent.at,
            upstream: sent.took,
            lost,
            timeout: Some(at.timeouts.limit.as_secs_f64()),
            decision: None,
            auto: None,
            trail: Trail::default(),
        }
    }
}

/// What a call consumed and how it ended.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The upstream's id of the answer.
    pub response_id: Option<String>,
    /// What was consumed, in buckets.
    pub usage: Usage,
    /// The upstream's own usage object.
    pub usage_raw: Option<RawJson>,
    /// The counts are ours: the upstream reported none.
    pub estimated: bool,
    /// What it cost.
    pub cost: Cost,
    /// Why there is no cost.
    pub cost_problem: Option<String>,
    /// When the first byte of the answer was there.
    pub first_byte: Option<Instant>,
    /// When the upstream was done.
    pub upstream_done: Option<Instant>,
    /// The error that ended it, if one did.
    pub error: Option<Error>,
    /// The client hung up before the end.
    pub interrupted: bool,
    /// A content filter cut the answer, and there is another model to ask.
    pub filtered: bool,
    /// Hops from group to group behind the first content: other models went on with the answer.
    pub hops: u32,
    /// The answer in canonical form, when somebody asked for content.
    pub content: Option<Box<GenerateResponse>>,
}

impl Report {
    /// Adds what another call for the same answer consumed.
    pub(crate) fn add(&mut self, other: &Self) {
        if self.usage.is_empty() {
            self.usage = other.usage;
        } else if !other.usage.is_empty() {
            self.usage.merge(&other.usage);
        }
        self.usage_raw = None;
        self.estimated |= other.estimated;
        let (a, b) = (&mut self.cost, &other.cost);
        for (sum, more) in [
            (&mut a.total, b.total),
            (&mut a.input, b.input),
            (&mut a.output, b.output),
            (&mut a.cache_read, b.cache_read),
            (&mut a.cache_write, b.cache_write),
            (&mut a.reasoning, b.reasoning),
            (&mut a.tools, b.tools),
            (&mut a.original, b.original),
            (&mut a.discount, b.discount),
            (&mut a.margin, b.margin),
        ] {
            *sum += more;
        }
        self.cost_problem = self.cost_problem.take().or_else(|| other.cost_problem.clone());
    }

    /// What the router wants to know of it.
    #[must_use]
    pub fn consumed(&self) -> Consumed {
        let (tokens, output_tokens) = (self.usage.total_tokens(), self.usage.total_output());
        Consumed { tokens, output_tokens, cost: self.cost.total }
    }
}
