//! The services, and what differs between them.

use std::borrow::Cow;

use http::HeaderMap;
use llm_types::generate::Role;
use llm_types::record::Caller;
use llm_types::{Json, Result};

use super::settings::Settings;
use super::{aporia, azure, bedrock, generic, lakera, openai, presidio};
use crate::guardrail::{CallContext, Content, Direction, Mode, Stop};

/// A kind of service.
#[derive(Debug)]
pub(super) struct Shape {
    /// LiteLLM's name of it.
    pub(super) kind: &'static str,
    /// Where it is when nobody says.
    pub(super) base: Option<&'static str>,
    /// Behind the address; other parameters stand in it in braces.
    pub(super) path: &'static str,
    /// The header that shows the key, and what stands before the key.
    pub(super) key: Option<(&'static str, &'static str)>,
    /// The key must be there.
    pub(super) needs_key: bool,
    /// When it can run; all modes where nothing is said.
    pub(super) modes: &'static [Mode],
    /// Parameters and the variables that hold them, the first that is set.
    pub(super) variables: &'static [(&'static str, &'static [&'static str])],
    /// Its own parameters.
    pub(super) own: &'static [&'static str],
    /// Looks at its own parameters and adds to the settings: what is wrong, by parameter.
    pub(super) set_up: fn(&mut Settings) -> Vec<(&'static str, String)>,
    /// What is asked.
    pub(super) ask: fn(&Settings, &Heard<'_>, &Facts) -> Vec<Ask>,
    /// What an answer means.
    pub(super) read: fn(&Settings, &Heard<'_>, &Ask, &Json) -> Result<Said>,
}

static SHAPES: [&Shape; 8] = [
    &aporia::APORIA,
    &azure::PROMPT_SHIELD,
    &azure::TEXT_MODERATION,
    &bedrock::BEDROCK,
    &generic::GENERIC,
    &lakera::LAKERA,
    &openai::MODERATION,
    &presidio::PRESIDIO,
];

pub(super) fn shape(kind: &str) -> Option<&'static Shape> {
    SHAPES.iter().copied().find(|shape| shape.kind == kind)
}

/// True for the kinds of guardrails that ask a service and are served.
pub(crate) fn is_served(kind: &str) -> bool {
    shape(kind).is_some()
}

/// Every kind of guardrail that can run.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    ["litellm_content_filter", "custom_regex"].into_iter().chain(SHAPES.iter().map(|shape| shape.kind))
}

/// Parameters of a kind of guardrail that may stand in variables of the environment instead: the parameter, and the variables
/// in the order in which they count.
#[must_use]
pub fn defaults(kind: &str) -> &'static [(&'static str, &'static [&'static str])] {
    shape(kind).map(|shape| shape.variables).unwrap_or_default()
}

/// What is known of the call.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) call_id: String,
    pub(super) model: String,
    pub(super) caller: Caller,
    pub(super) headers: Option<HeaderMap>,
    /// The header that carries the caller's key.
    pub(super) key_header: Option<String>,
    pub(super) extra: Option<Json>,
}

impl Facts {
    pub(super) fn of(call: &CallContext<'_>) -> Self {
        Self {
            call_id: call.call_id.to_owned(),
            model: call.model.to_owned(),
            caller: call.caller.clone(),
            headers: call.headers.cloned(),
            key_header: call.key_header.map(str::to_owned),
            extra: call.extra.cloned(),
        }
    }
}

/// Which texts of a request are looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Only {
    pub(super) skip_system: bool,
    pub(super) skip_tool: bool,
    pub(super) tools: bool,
    pub(super) latest: bool,
}

/// A text that is judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    /// Its number in the content.
    pub(super) at: usize,
    pub(super) role: Option<Role>,
    pub(super) text: &'a str,
}

/// What is judged. Texts of nothing but white space are not.
#[derive(Debug)]
pub(super) struct Heard<'a> {
    pub(super) direction: Direction,
    pub(super) texts: Vec<Text<'a>>,
}

impl<'a> Heard<'a> {
    pub(super) fn new(content: &Content<'a>, only: &Only) -> Self {
        let all = content.texts.iter().enumerate().map(|(at, text)| {
            let role = content.roles.get(at).copied().flatten();
            Text { at, role, text }
        });
        let seen = |text: &Text<'_>| match text.role {
            _ if text.text.trim().is_empty() => false,
            None => true,
            Some(Role::System | Role::Developer) => !only.skip_system && !only.tools,
            Some(Role::Tool) => !only.skip_tool,
            Some(Role::User | Role::Assistant) => !only.tools || content.direction == Direction::Response,
        };
        let mut heard = Self { direction: content.direction, texts: all.filter(seen).collect() };
        if only.latest && content.direction == Direction::Request {
            heard.texts = heard.last_said();
        }
        heard
    }

    /// The last texts of the user that stand together, and what is no part of a conversation; of an answer, all of it.
    pub(super) fn last_said(&self) -> Vec<Text<'a>> {
        let user = |text: &Text<'_>| matches!(text.role, Some(Role::User) | None);
        if self.direction == Direction::Response || !self.texts.iter().any(user) {
            return self.texts.clone();
        }
        let end = self.texts.iter().rposition(user).map_or(0, |last| last + 1);
        let before = self.texts.get(..end).unwrap_or_default();
        let start = before.iter().rposition(|text| !user(text)).map_or(0, |other| other + 1);
        before.get(start..).unwrap_or_default().to_vec()
    }

    /// The texts as messages.
    pub(super) fn messages(&self, name: fn(Role) -> &'static str) -> Json {
        let role = |text: &Text<'_>| match (text.role, self.direction) {
            (Some(role), _) => name(role),
            (None, Direction::Request) => "user",
            (None, Direction::Response) => "assistant",
        };
        Json::Array(self.texts.iter().map(|t| Json::object([("role", role(t)), ("content", t.text)])).collect())
    }
}

/// OpenAI's name of a role.
pub(super) const fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::Developer => "developer",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

/// Texts as one, a line each.
pub(super) fn lines(texts: &[Text<'_>]) -> String {
    texts.iter().map(|text| text.text).collect::<Vec<_>>().join("\n")
}

/// One request.
#[derive(Debug, Default)]
pub(super) struct Ask {
    pub(super) body: Json,
    /// The numbers (in `Heard`) of the texts in it, where that matters for the answer; a text may be in several requests.
    pub(super) of: Vec<usize>,
}

/// What a service says.
#[derive(Debug)]
pub(super) enum Said {
    Fine,
    Edited {
        texts: Vec<(usize, String)>,
        masked: Vec<(String, u32)>,
    },
    /// Every part that was asked about as it is now, in order, with the number of its text: those of one text make it up.
    Parts {
        parts: Vec<(usize, String)>,
        masked: Vec<(String, u32)>,
    },
    Stop(Stop),
}

impl Said {
    /// A stop with what LiteLLM tells of it.
    pub(super) fn stop(message: impl Into<String>, more: Vec<(&'static str, Json)>) -> Self {
        let message = message.into();
        let first = [("error", Json::from(message.as_str()))];
        let detail = Json::object(first.into_iter().chain(more));
        Self::Stop(Stop { detail: Some(detail), ..Stop::new(message) })
    }
}

/// Texts of at most so many characters, cut between words where that goes.
pub(super) fn cut(text: &str, most: usize) -> Vec<Cow<'_, str>> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((limit, _)) = rest.char_indices().nth(most) {
        let piece = rest.get(..limit).unwrap_or(rest);
        let at = piece.rfind(char::is_whitespace).filter(|at| *at > 0).unwrap_or(limit);
        out.push(Cow::Borrowed(rest.get(..at).unwrap_or(rest)));
        rest = rest.get(at..).unwrap_or_default();
    }
    out.push(Cow::Borrowed(rest));
    out
}
