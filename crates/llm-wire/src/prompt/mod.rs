//! Conversations as one prompt, for hosts that only complete texts.
//!
//! A client or deployment may bring a template of its own (LiteLLM's `roles`, `initial_prompt_value`,
//! `final_prompt_value`, `bos_token`, `eos_token`); else the model's family decides; else the texts are joined by
//! spaces. Templates that lie with a model on a hub are not fetched.

mod family;
mod template;

use std::borrow::Cow;

use llm_types::Format;
use llm_types::generate::{GenerateRequest, Part, PartKind, Role, Turn};

use crate::turns::texts;
pub(crate) use template::Template;

/// Fields of a request that hold a template. They are not for the host.
pub(crate) const FIELDS: [&str; 5] = ["roles", "initial_prompt_value", "final_prompt_value", "bos_token", "eos_token"];

/// True for a prompt of a text completion: it is a prompt already.
pub(crate) fn is_prompt(req: &GenerateRequest) -> bool {
    matches!(req.turns.as_slice(), [turn] if turn.extra.format() == Some(Format::OpenAiCompletions))
}

/// The prompt of a request: as it came, by the request's own template, or by the model's family.
pub(crate) fn of(req: &GenerateRequest, model: &str) -> String {
    if is_prompt(req) {
        return texts(req.turns.iter().flat_map(|t| &t.parts));
    }
    own(req).unwrap_or_else(|| family::render(&req.turns, model))
}

/// The prompt by the request's own template, when it brings one.
pub(crate) fn own(req: &GenerateRequest) -> Option<String> {
    template::given(req).map(|t| t.render(&req.turns))
}

/// Chat's name of the role.
pub(crate) const fn role(turn: &Turn) -> &'static str {
    match turn.role {
        Role::System | Role::Developer => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

/// What a turn says, results of tools included.
pub(crate) fn said(turn: &Turn) -> Cow<'_, str> {
    let mut texts = turn.parts.iter().flat_map(|part| match &part.kind {
        PartKind::ToolResult(result) => result.parts.iter().filter_map(Part::as_text).collect::<Vec<_>>(),
        PartKind::Text { text, .. } => vec![text.as_str()],
        _ => Vec::new(),
    });
    match (texts.next(), texts.next()) {
        (None, _) => Cow::Borrowed(""),
        (Some(one), None) => Cow::Borrowed(one),
        (Some(a), Some(b)) => Cow::Owned([a, b].into_iter().chain(texts).collect()),
    }
}
