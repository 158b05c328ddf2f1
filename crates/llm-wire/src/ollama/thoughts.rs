//! Models that think aloud: `<think>..</think>` inside the text.

use std::borrow::Cow;

use llm_types::stream::EventSink;

use crate::brackets::Brackets;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// The thoughts at the head of a whole text, and the rest of it.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    let (thoughts, rest) = text.trim_start().strip_prefix(OPEN)?.split_once(CLOSE)?;
    Some((thoughts, rest))
}

/// Follows the tags through the pieces of a stream; a piece holds a tag wholly or not at all.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    thinking: bool,
}

impl Tags {
    /// Tells a piece of the text, as thoughts while a tag is open.
    pub(crate) fn tell(&mut self, piece: &str, brackets: &mut Brackets, sink: &mut dyn EventSink) {
        let mut rest = piece;
        loop {
            let tag = if self.thinking { CLOSE } else { OPEN };
            let (said, after) = match rest.split_once(tag) {
                Some((said, after)) => (said, Some(after)),
                None => (rest, None),
            };
            if self.thinking {
                brackets.thinking(Cow::Borrowed(said), sink);
            } else {
                brackets.text(Cow::Borrowed(said), sink);
            }
            let Some(after) = after else { return };
            self.thinking = !self.thinking;
            rest = after;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use llm_types::stream::{Delta, Event, Start};

    #[test]
    fn tags_switch_between_thoughts_and_text() {
        let (mut brackets, mut tags, mut said) = (Brackets::default(), Tags::default(), String::new());
        let mut sink = |e: Event<'_>| {
            if let Event::Delta { delta, .. } = e {
                match delta {
                    Delta::Text(t) => said.push_str(&format!("[{t}]")),
                    Delta::Thinking(t) => said.push_str(&format!("({t})")),
                    _ => {}
                }
            }
        };
        brackets.start(Start::default, &mut sink);
        for piece in ["<think>", "so", "</think>", "yes", " <think>or", "</think>no"] {
            tags.tell(piece, &mut brackets, &mut sink);
        }
        assert_eq!(said, "(so)[yes][ ](or)[no]");
        assert_eq!(split("<think>a</think>b"), Some(("a", "b")));
        assert_eq!(split("b <think>a</think>"), None);
    }
}
