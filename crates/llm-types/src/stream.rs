//! The events of a streamed answer: a bracketed grammar with explicit choice and part numbers.
//!
//! `Start, (PartStart, Delta*, PartEnd | Usage | Ping | Finish | Error)*, End`. Formats without brackets (chat,
//! Gemini) have them invented when decoding and dropped when encoding. Tool-call fragments belong to a part by its
//! number, never by its id; part numbers are dense from 0 within a choice. Events borrow from the frame they were
//! read from: a token costs no allocation.

use std::borrow::Cow;

use crate::generate::{Finish, GenerateResponse, UsageReport};
use crate::{Error, Extra, Format, Json, RawJson};

/// One event of a stream.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// The answer begins.
    Start(Box<Start>),
    /// A part begins.
    PartStart {
        /// Which alternative
        choice: u32,
        /// Which part of it, dense from 0
        part: u32,
        /// What begins
        kind: PartStart<'a>,
    },
    /// A part grows.
    Delta {
        /// Which alternative
        choice: u32,
        /// Which part of it
        part: u32,
        /// What is added
        delta: Delta<'a>,
    },
    /// OpenAI logprobs of the tokens in the delta that follows, as they came.
    Logprobs {
        /// Which alternative
        choice: u32,
        /// The logprobs object
        json: Cow<'a, str>,
    },
    /// A field of one format's delta that the canonical form does not know (annotations, images ...).
    Opaque {
        /// Which alternative
        choice: u32,
        /// The format it is from
        format: Format,
        /// Name of the field
        key: Cow<'a, str>,
        /// Its JSON
        json: Cow<'a, str>,
    },
    /// A part is complete.
    PartEnd {
        /// Which alternative
        choice: u32,
        /// Which part of it
        part: u32,
    },
    /// What was consumed so far; a later report replaces the counts it names.
    Usage(Box<UsageReport>),
    /// The connection is alive.
    Ping,
    /// An alternative is complete.
    Finish {
        /// Which alternative
        choice: u32,
        /// Why
        finish: Finish,
    },
    /// The answer failed. Nothing but [`Event::End`] follows.
    Error(Box<Error>),
    /// The stream is over, properly.
    End,
}

/// What is known when an answer begins.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// The upstream's id of the answer.
    pub id: String,
    /// The model as the upstream named it.
    pub model: String,
    /// Seconds since 1970, where the format has it.
    pub created: Option<u64>,
    /// The tier that serves it.
    pub service_tier: Option<String>,
    /// The upstream opened its answer without a word (chat: a chunk that names the role, no more).
    pub silent: bool,
    /// Unknown fields.
    pub extra: Extra,
}

/// What kind of part begins.
#[derive(Debug, Clone)]
pub enum PartStart<'a> {
    /// Text.
    Text,
    /// Thinking.
    Thinking,
    /// Encrypted thinking, whole.
    RedactedThinking {
        /// Opaque data
        data: Cow<'a, str>,
    },
    /// A refusal.
    Refusal,
    /// A tool call; its arguments follow as [`Delta::Arguments`].
    ToolCall {
        /// Id by which the result will refer to it
        id: Cow<'a, str>,
        /// Name of the tool
        name: Cow<'a, str>,
    },
    /// A call of a tool the provider runs itself; its input follows as [`Delta::Arguments`].
    HostedCall {
        /// The format it is written in
        format: Format,
        /// The block as it began
        json: Cow<'a, str>,
    },
    /// Any other block, whole.
    Opaque {
        /// The format it is written in
        format: Format,
        /// The block
        json: Cow<'a, str>,
    },
}

/// What a part grows by.
#[derive(Debug, Clone)]
pub enum Delta<'a> {
    /// Visible text.
    Text(Cow<'a, str>),
    /// Thoughts.
    Thinking(Cow<'a, str>),
    /// The proof of the thoughts, whole.
    Signature(Cow<'a, str>),
    /// Text of a refusal.
    Refusal(Cow<'a, str>),
    /// A fragment of a tool call's JSON arguments.
    Arguments(Cow<'a, str>),
    /// A source for the text, in the format's own JSON.
    Citation {
        /// The format it is written in
        format: Format,
        /// The citation
        json: Cow<'a, str>,
    },
    /// Any other delta of one format.
    Opaque {
        /// The format it is written in
        format: Format,
        /// The delta
        json: Cow<'a, str>,
    },
}

/// Takes events, in order.
pub trait EventSink {
    /// Takes one event.
    fn event(&mut self, event: Event<'_>);
}

impl<F: FnMut(Event<'_>)> EventSink for F {
    fn event(&mut self, event: Event<'_>) {
        self(event);
    }
}

/// Stands between a reader and a writer of a stream and may change, hold or add events: provider quirks, guardrails.
pub trait EventFilter: Send + std::fmt::Debug {
    /// Takes one event and tells what comes of it.
    fn event(&mut self, event: Event<'_>, next: &mut dyn EventSink);
}

impl Event<'_> {
    /// The event with everything it borrowed copied.
    #[must_use]
    pub fn into_owned(self) -> Event<'static> {
        fn own(c: Cow<'_, str>) -> Cow<'static, str> {
            Cow::Owned(c.into_owned())
        }
        match self {
            Self::Start(s) => Event::Start(s),
            Self::PartStart { choice, part, kind } => Event::PartStart {
                choice,
                part,
                kind: match kind {
                    PartStart::Text => PartStart::Text,
                    PartStart::Thinking => PartStart::Thinking,
                    PartStart::RedactedThinking { data } => PartStart::RedactedThinking { data: own(data) },
                    PartStart::Refusal => PartStart::Refusal,
                    PartStart::ToolCall { id, name } => PartStart::ToolCall { id: own(id), name: own(name) },
                    PartStart::HostedCall { format, json } => PartStart::HostedCall { format, json: own(json) },
                    PartStart::Opaque { format, json } => PartStart::Opaque { format, json: own(json) },
                },
            },
            Self::Delta { choice, part, delta } => Event::Delta {
                choice,
                part,
                delta: match delta {
                    Delta::Text(t) => Delta::Text(own(t)),
                    Delta::Thinking(t) => Delta::Thinking(own(t)),
                    Delta::Signature(t) => Delta::Signature(own(t)),
                    Delta::Refusal(t) => Delta::Refusal(own(t)),
                    Delta::Arguments(t) => Delta::Arguments(own(t)),
                    Delta::Citation { format, json } => Delta::Citation { format, json: own(json) },
                    Delta::Opaque { format, json } => Delta::Opaque { format, json: own(json) },
                },
            },
            Self::Logprobs { choice, json } => Event::Logprobs { choice, json: own(json) },
            Self::Opaque { choice, format, key, json } => {
                Event::Opaque { choice, format, key: own(key), json: own(json) }
            }
            Self::PartEnd { choice, part } => Event::PartEnd { choice, part },
            Self::Usage(u) => Event::Usage(u),
            Self::Ping => Event::Ping,
            Self::Finish { choice, finish } => Event::Finish { choice, finish },
            Self::Error(e) => Event::Error(e),
            Self::End => Event::End,
        }
    }
}

/// Puts a streamed answer together again, for caches, logs and guardrails.
#[derive(Debug, Default)]
pub struct Assembler {
    response: GenerateResponse,
    error: Option<Error>,
    ended: bool,
}

impl Assembler {
    /// The answer so far.
    #[must_use]
    pub const fn response(&self) -> &GenerateResponse {
        &self.response
    }

    /// The answer, and the error that cut it, if one did.
    #[must_use]
    pub fn finish(self) -> (GenerateResponse, Option<Error>) {
        (self.response, self.error)
    }

    /// True once the stream ended properly.
    #[must_use]
    pub const fn ended(&self) -> bool {
        self.ended
    }

    fn choice(&mut self, index: u32) -> &mut crate::generate::Choice {
        let choices = &mut self.response.choices;
        let at = choices.iter().position(|c| c.index == index).unwrap_or_else(|| {
            choices.push(crate::generate::Choice { index, ..Default::default() });
            choices.len() - 1
        });
        #[allow(clippy::indexing_slicing, reason = "`at` was just found or pushed")]
        &mut choices[at]
    }

    fn part_start(&mut self, choice: u32, kind: PartStart<'_>) {
        use crate::generate::{Part, PartKind as K, ToolCall};
        let raw = |json: Cow<'_, str>| RawJson::parse(json.into_owned()).unwrap_or_default();
        let kind = match kind {
            PartStart::Text => K::Text { text: String::new(), citations: Vec::new() },
            PartStart::Thinking => K::Thinking { text: String::new(), signature: None },
            PartStart::RedactedThinking { data } => K::RedactedThinking { data: data.into_owned() },
            PartStart::Refusal => K::Refusal(String::new()),
            PartStart::ToolCall { id, name } => {
                K::ToolCall(ToolCall { id: id.into_owned(), name: name.into_owned(), arguments: String::new() })
            }
            PartStart::HostedCall { format, json } => K::HostedTool { format, json: raw(json) },
            PartStart::Opaque { format, json } => K::Opaque { format, json: raw(json) },
        };
        self.choice(choice).parts.push(Part::new(kind));
    }

    fn delta(&mut self, choice: u32, part: u32, delta: Delta<'_>) {
        use crate::generate::PartKind as K;
        let Some(part) = self.choice(choice).parts.get_mut(part as usize) else { return };
        match (&mut part.kind, delta) {
            (K::Text { text, .. }, Delta::Text(t))
            | (K::Thinking { text, .. }, Delta::Thinking(t))
            | (K::Refusal(text), Delta::Refusal(t)) => text.push_str(&t),
            (K::Thinking { signature, .. }, Delta::Signature(s)) => {
                signature.get_or_insert_default().push_str(&s);
            }
            (K::ToolCall(call), Delta::Arguments(a)) => call.arguments.push_str(&a),
            (K::Text { citations, .. }, Delta::Citation { json, .. }) => {
                citations.extend(RawJson::parse(json.into_owned()));
            }
            _ => {} // a delta of another kind of part: the grammar checker names it, here nothing is lost but itself
        }
    }
}

/// Two objects of lists as one: logprobs come with every piece of text.
fn append_lists(before: &RawJson, more: &str) -> RawJson {
    let (Ok(mut whole), Ok(Json::Object(more))) = (before.read::<Json>(), serde_json::from_str(more)) else {
        return before.clone();
    };
    for (key, value) in more {
        match (whole.get_mut(&key), value) {
            (Some(Json::Array(list)), Json::Array(items)) => list.extend(items),
            (_, Json::Null) => {}
            (_, value) => whole.set(&key, value),
        }
    }
    whole.to_raw()
}

impl EventSink for Assembler {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(s) => {
                let r = &mut self.response;
                (r.id, r.model, r.created, r.service_tier, r.extra) =
                    (s.id, s.model, s.created, s.service_tier, s.extra);
            }
            Event::PartStart { choice, kind, .. } => self.part_start(choice, kind),
            Event::Delta { choice, part, delta } => self.delta(choice, part, delta),
            Event::Logprobs { choice, json } => {
                let choice = self.choice(choice);
                choice.logprobs = Some(match choice.logprobs.take() {
                    Some(before) => append_lists(&before, &json),
                    None => RawJson::parse(json.into_owned()).unwrap_or_default(),
                });
            }
            Event::Opaque { choice, format, key, json } => {
                if let Ok(json) = RawJson::parse(json.into_owned()) {
                    self.choice(choice).message_extra.push(format, key, json);
                }
            }
            Event::Usage(u) => self.response.usage = Some(*u),
            Event::Finish { choice, finish } => self.choice(choice).finish = Some(finish),
            Event::Error(e) => self.error = Some(*e),
            Event::End => self.ended = true,
            Event::PartEnd { .. } | Event::Ping => {}
        }
    }
}
