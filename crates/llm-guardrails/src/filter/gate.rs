//! The filter on a growing text.
//!
//! A match is decided on when everything it could extend over has come: `window` bytes from its beginning, and one
//! more character for a word boundary. Until then its text is held. So the result does not depend on how the text
//! is cut, and nothing of a blocked match is sent.

use std::sync::Arc;

use super::rules::Rules;
use crate::guardrail::{Push, TextGate};

#[derive(Debug)]
pub(super) struct FilterGate {
    rules: Arc<Rules>,
    /// The last character that is decided on, for word boundaries, then what is held.
    text: String,
    /// Where the held text begins.
    held: usize,
    /// Where the text begins that was neither sent nor masked: behind `held` when a masked match reaches into it.
    unsent: usize,
}

impl FilterGate {
    pub(super) const fn new(rules: Arc<Rules>) -> Self {
        Self { rules, text: String::new(), held: 0, unsent: 0 }
    }

    /// Decides on matches that begin before `cut`, and lets the text before `cut` go.
    fn decide(&mut self, cut: usize) -> Push {
        if cut <= self.held {
            return Push::Hold;
        }
        if let Some(found) = self.rules.block(&self.text, self.held).first().filter(|f| f.start < cut) {
            let stop = self.rules.stop(found.rule);
            self.text.clear();
            (self.held, self.unsent) = (0, 0);
            return Push::Stop(stop);
        }
        let (mut out, mut masked) = (String::new(), Vec::new());
        let done = self.rules.mask_until(&self.text, self.unsent, cut, &mut out, |name| count(&mut masked, name));
        out.push_str(self.text.get(done..cut).unwrap_or_default());
        // Keep one character before the cut.
        let kept = self.text.get(..cut).and_then(|t| t.char_indices().next_back()).map_or(0, |(at, _)| at);
        self.text.drain(..kept);
        self.held = cut - kept;
        self.unsent = done.max(cut) - kept;
        match (out.is_empty(), masked.is_empty()) {
            (true, true) => Push::Hold,
            (false, true) => Push::Release(out),
            (_, false) => Push::Replace { text: out, masked },
        }
    }
}

impl TextGate for FilterGate {
    fn push(&mut self, piece: &str) -> Push {
        self.text.push_str(piece);
        let cut = self.text.len().saturating_sub(self.rules.window);
        self.decide(self.text.floor_char_boundary(cut))
    }

    fn finish(&mut self) -> Push {
        self.decide(self.text.len())
    }
}

/// Counts a masked match.
pub(super) fn count(masked: &mut Vec<(String, u32)>, name: &str) {
    match masked.iter_mut().find(|(n, _)| n == name) {
        Some((_, sum)) => *sum = sum.saturating_add(1),
        None => masked.push((name.to_owned(), 1)),
    }
}
