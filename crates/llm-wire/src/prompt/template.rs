//! Templates: what stands before and behind the texts of each role.

use std::borrow::Cow;

use llm_types::Json;
use llm_types::generate::{GenerateRequest, Role, Turn};

use super::{role, said};

/// A template.
#[derive(Debug, Default)]
pub(crate) struct Template<'a> {
    /// (role, before, behind)
    pub roles: Cow<'a, [(&'a str, &'a str, &'a str)]>,
    pub initial: &'a str,
    pub last: &'a str,
    /// Begins a message of the system once an answer has ended, and the whole.
    pub bos: &'a str,
    /// Ends an answer.
    pub eos: &'a str,
}

impl Template<'_> {
    /// The conversation as one text.
    pub(crate) fn render(&self, turns: &[Turn]) -> String {
        let mut out = format!("{}{}", self.bos, self.initial);
        let mut begun = true;
        for turn in turns {
            let name = role(turn);
            if matches!(turn.role, Role::System | Role::Developer) && !begun {
                out.push_str(self.bos);
                begun = true;
            }
            let (before, behind) =
                self.roles.iter().find(|(of, ..)| *of == name).map_or(("", ""), |(_, before, behind)| (before, behind));
            out.extend([before, said(turn).as_ref(), behind]);
            if turn.role == Role::Assistant {
                out.push_str(self.eos);
                begun = false;
            }
        }
        out.push_str(self.last);
        out
    }
}

/// The values of a template that came with a request.
#[derive(Debug)]
pub(super) struct Given {
    roles: Json,
    texts: [String; 4],
}

/// The template that a request brings; nothing without any of its fields.
pub(super) fn given(req: &GenerateRequest) -> Option<Given> {
    super::FIELDS.iter().find_map(|key| req.extra.get(key))?;
    let text = |key: &str| req.extra.get(key).and_then(|v| v.as_str()).unwrap_or_default().into_owned();
    Some(Given {
        roles: req.extra.get("roles").and_then(|r| r.read().ok()).unwrap_or_default(),
        texts: ["initial_prompt_value", "final_prompt_value", "bos_token", "eos_token"].map(text),
    })
}

impl Given {
    pub(super) fn render(&self, turns: &[Turn]) -> String {
        let part = |of: &Json, key: &str| of.text(key).map(str::to_owned).unwrap_or_default();
        let roles = self.roles.as_object().unwrap_or_default();
        let owned: Vec<(&str, String, String)> =
            roles.iter().map(|(name, of)| (name.as_str(), part(of, "pre_message"), part(of, "post_message"))).collect();
        let [initial, last, bos, eos] = &self.texts;
        let roles: Vec<(&str, &str, &str)> =
            owned.iter().map(|(name, before, behind)| (*name, before.as_str(), behind.as_str())).collect();
        Template { roles: Cow::Owned(roles), initial, last, bos, eos }.render(turns)
    }
}
