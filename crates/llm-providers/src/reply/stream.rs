use llm_types::stream::{Event, EventFilter, EventSink};

use super::{fold_reasoning, tier};
use crate::quirk::{Quirk, Quirks};

/// The quirks that touch streams. LiteLLM looks for think tags in whole answers only; so do we.
pub(super) const TOUCHING: Quirks = Quirks::of(&[Quirk::ReasoningTokensApart, Quirk::OwnServiceTier]);

/// Changes events as [`super::normalise`] changes whole answers.
#[derive(Debug)]
pub(super) struct Normalise {
    quirks: Quirks,
}

impl Normalise {
    pub(super) const fn new(quirks: Quirks) -> Self {
        Self { quirks }
    }
}

impl EventFilter for Normalise {
    fn event(&mut self, event: Event<'_>, next: &mut dyn EventSink) {
        match event {
            Event::Start(mut start) if self.quirks.has(Quirk::OwnServiceTier) => {
                tier(&mut start.service_tier);
                next.event(Event::Start(start));
            }
            Event::Usage(mut report) if self.quirks.has(Quirk::ReasoningTokensApart) => {
                fold_reasoning(&mut report);
                next.event(Event::Usage(report));
            }
            other => next.event(other),
        }
    }
}
