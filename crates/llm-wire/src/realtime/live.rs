//! What Gemini's Live API says of usage: `usageMetadata` with each turn, of all that the model read for it. Google bills
//! every turn for the whole conversation, so the turns add up.
//! <https://ai.google.dev/api/live>, <https://cloud.google.com/vertex-ai/generative-ai/pricing>

use llm_types::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::gemini::{Grounding, grounded_report};

#[derive(Debug, Deserialize)]
struct Message<'a> {
    #[serde(default, borrow, rename = "usageMetadata")]
    usage: Option<&'a RawValue>,
    #[serde(default, borrow, rename = "serverContent")]
    content: Option<Content<'a>>,
    #[serde(default, rename = "setupComplete")]
    ready: Option<Ready>,
}

#[derive(Debug, Deserialize)]
struct Content<'a> {
    #[serde(default, borrow, rename = "groundingMetadata")]
    grounding: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct Ready {
    #[serde(default, rename = "sessionId")]
    session: Option<String>,
}

/// The session so far.
#[derive(Debug, Default)]
pub(super) struct Turns {
    usage: Option<Usage>,
    /// What the turn looked up, until its usage comes.
    grounding: Grounding,
    pub(super) turns: u64,
}

impl Turns {
    /// Takes in a message and tells the id of the session, where it names it.
    pub(super) fn message(&mut self, message: &[u8]) -> Option<String> {
        let message: Message<'_> = serde_json::from_slice(message).ok()?;
        if let Some(metadata) = message.content.and_then(|c| c.grounding) {
            self.grounding.add(metadata.get());
        }
        if let Some(raw) = message.usage {
            let more = grounded_report(raw.get(), std::mem::take(&mut self.grounding)).usage;
            match &mut self.usage {
                Some(usage) => usage.merge(&more),
                None => self.usage = Some(more),
            }
            self.turns += 1;
        }
        message.ready?.session
    }

    /// What all turns consumed.
    pub(super) fn usage(&self) -> Usage {
        self.usage.unwrap_or_default()
    }
}
