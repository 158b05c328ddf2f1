//! What a guardrail is.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::HeaderMap;
use llm_types::generate::Role;
use llm_types::record::Caller;
use llm_types::{Error, Json, Kind, Result};
use serde::Serialize;

use crate::service::Wire;
use crate::sessions::SessionRules;

/// When a guardrail runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Before the call; may edit or stop the request.
    PreCall,
    /// Beside the call; may stop it, edits nothing.
    DuringCall,
    /// On the answer, whole or streamed; may edit or stop it.
    PostCall,
    /// On what is logged; may edit it, stops nothing.
    LoggingOnly,
    /// On the arguments of an MCP tool; may edit or stop the call.
    PreMcpCall,
    /// Beside the call of an MCP tool; may stop it, edits nothing.
    DuringMcpCall,
    /// On the result of an MCP tool; may edit or stop it.
    PostMcpCall,
    /// On what a host heard a person say in a realtime session; may stop the turn, edits nothing.
    RealtimeInput,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 8] = [
        Self::PreCall,
        Self::DuringCall,
        Self::PostCall,
        Self::LoggingOnly,
        Self::PreMcpCall,
        Self::DuringMcpCall,
        Self::PostMcpCall,
        Self::RealtimeInput,
    ];

    /// LiteLLM's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PreCall => "pre_call",
            Self::DuringCall => "during_call",
            Self::PostCall => "post_call",
            Self::LoggingOnly => "logging_only",
            Self::PreMcpCall => "pre_mcp_call",
            Self::DuringMcpCall => "during_mcp_call",
            Self::PostMcpCall => "post_mcp_call",
            Self::RealtimeInput => "realtime_input_transcription",
        }
    }

    /// False where what is judged is under way already, or was heard.
    pub(crate) const fn edits(self) -> bool {
        !matches!(self, Self::DuringCall | Self::DuringMcpCall | Self::RealtimeInput)
    }

    /// The mode of LiteLLM's name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.name() == name)
    }
}

/// A set of modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Modes(u8);

impl Modes {
    /// True when the mode is in the set.
    #[must_use]
    pub const fn has(self, mode: Mode) -> bool {
        self.0 & (1 << mode as u8) != 0
    }

    /// True without any mode.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The modes of the set.
    pub fn iter(self) -> impl Iterator<Item = Mode> {
        Mode::ALL.into_iter().filter(move |m| self.has(*m))
    }
}

impl FromIterator<Mode> for Modes {
    fn from_iter<I: IntoIterator<Item = Mode>>(modes: I) -> Self {
        Self(modes.into_iter().fold(0, |bits, m| bits | 1 << m as u8))
    }
}

/// What a guardrail may know of the call it judges.
#[derive(Debug, Clone, Copy)]
pub struct CallContext<'a> {
    /// Our id of the call.
    pub call_id: &'a str,
    /// The model as the client named it.
    pub model: &'a str,
    /// Who calls.
    pub caller: &'a Caller,
    /// The way to services; without one a guardrail that needs it fails.
    pub wire: Option<&'a Arc<dyn Wire>>,
    /// Headers of the client's request.
    pub headers: Option<&'a HeaderMap>,
    /// The header that carries the caller's key, where it is one of the operator's choice: its value is told to nobody.
    pub key_header: Option<&'a str>,
    /// What the client gives to this guardrail (`extra_body` of its entry in `guardrails`).
    pub extra: Option<&'a Json>,
}

impl<'a> CallContext<'a> {
    /// A call of which nothing else is known.
    #[must_use]
    pub const fn new(call_id: &'a str, model: &'a str, caller: &'a Caller) -> Self {
        Self { call_id, model, caller, wire: None, headers: None, key_header: None, extra: None }
    }

    /// The same, with a way to services.
    #[must_use]
    pub const fn through(mut self, wire: &'a Arc<dyn Wire>) -> Self {
        self.wire = Some(wire);
        self
    }
}

/// Which way the content goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To the model.
    Request,
    /// To the client.
    Response,
}

/// All texts of a request or an answer.
#[derive(Debug, Clone, Copy)]
pub struct Content<'a> {
    /// Which way it goes.
    pub direction: Direction,
    /// The texts, in order.
    pub texts: &'a [String],
    /// Who says each of them; nothing for texts that are no part of a conversation.
    pub roles: &'a [Option<Role>],
}

/// Why content may not pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Stop {
    /// For the client.
    pub message: String,
    /// Status of the answer; 400 unless the guardrail says otherwise.
    pub status: u16,
    /// More for the client, an object: LiteLLM's `provider_specific_fields` of the error.
    pub detail: Option<Json>,
}

impl Stop {
    /// A stop with status 400.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), status: 400, detail: None }
    }
}

impl From<Stop> for Error {
    fn from(stop: Stop) -> Self {
        let mut error = Self::new(Kind::Guardrail, stop.message).with_status(stop.status);
        error.detail = stop.detail.map(Box::new);
        error
    }
}

/// What a guardrail thinks of content.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It may pass.
    Pass,
    /// It may pass with these texts replaced.
    Replace {
        /// Numbers of texts, and what they become
        texts: Vec<(usize, String)>,
        /// What was masked how often
        masked: Vec<(String, u32)>,
    },
    /// It may not pass.
    Stop(Stop),
}

/// A configured guardrail. It lives as long as the configuration and opens one session per call.
pub trait Guardrail: Send + Sync + fmt::Debug {
    /// Its name in requests, keys and logs.
    fn name(&self) -> &str;

    /// LiteLLM's name of the kind of guardrail (`litellm_content_filter`).
    fn provider(&self) -> &str;

    /// When it runs.
    fn modes(&self) -> Modes;

    /// It runs unless a key or team opts out; otherwise only where it is asked for.
    fn default_on(&self) -> bool;

    /// When it fails itself with this error, content passes (true) or is stopped (false).
    fn fail_open(&self, _error: &Error) -> bool {
        false
    }

    /// What becomes of a realtime session in which it stops something.
    fn session_rules(&self) -> SessionRules {
        SessionRules::default()
    }

    /// The session of one call.
    fn open(&self, call: &CallContext<'_>) -> Arc<dyn GuardrailSession>;
}

/// A guardrail's work on one call. It may keep state between request and answer.
pub trait GuardrailSession: Send + Sync + fmt::Debug {
    /// Judges whole texts.
    ///
    /// # Errors
    /// When the guardrail itself fails; whether content passes then is [`Guardrail::fail_open`]'s to say.
    fn check<'a>(&'a self, content: Content<'a>) -> BoxFuture<'a, Result<Verdict>>;

    /// What it did to the request may come back in the answer: the answer is this caller's alone, and nobody else may be told it
    /// for the same request.
    fn personal(&self) -> bool {
        false
    }

    /// Of answers it judges nothing: it puts back into them what it took out of the request.
    fn only_restores(&self) -> bool {
        false
    }

    /// A text of an answer without what it put back into it, for logs; nothing when it put nothing back.
    fn hidden(&self, text: &str) -> Option<String> {
        let _ = text;
        None
    }

    /// A gate for one text of a streamed answer. Nothing when the guardrail can only judge whole texts.
    fn gate(&self) -> Option<Box<dyn TextGate>>;
}

/// What comes of a piece of a streamed text.
#[derive(Debug, Clone, PartialEq)]
pub enum Push {
    /// Nothing goes on yet.
    Hold,
    /// This goes on, unchanged: it was held before, or just came.
    Release(String),
    /// This goes on in place of what came.
    Replace {
        /// The new text
        text: String,
        /// What was masked how often
        masked: Vec<(String, u32)>,
    },
    /// The stream ends here. What is held is never sent.
    Stop(Stop),
}

/// Judges one text of a stream while it grows. However the text is cut into pieces, what goes on is the same.
pub trait TextGate: Send + fmt::Debug {
    /// Takes the next piece.
    fn push(&mut self, piece: &str) -> Push;

    /// The text is complete: decides on what is held.
    fn finish(&mut self) -> Push;
}
