//! A streamed answer that may be continued by another model: what the client has of it so far, and how the events of the
//! other one are joined to it.

use llm_types::Usage;
use llm_types::stream::{Delta, Event, PartStart};

/// What the client has of an answer.
#[derive(Debug, Default)]
pub(crate) struct Partial {
    /// Visible text.
    pub(crate) text: String,
    /// It began.
    started: bool,
    /// Parts that began.
    parts: u32,
    /// The part that is growing, and whether it is text.
    open: Option<(u32, bool)>,
    /// A part was growing when the last frame came: whoever reads an error closes it first.
    growing: bool,
    /// No other model can go on here: a tool call began, a refusal, or there are several alternatives.
    unfit: bool,
    /// The answer is complete.
    finished: bool,
}

impl Partial {
    pub(crate) fn note(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(_) => self.started = true,
            Event::PartStart { choice, part, kind } => {
                self.parts = self.parts.max(part + 1);
                self.open = Some((*part, matches!(kind, PartStart::Text)));
                self.unfit |= *choice > 0 || !matches!(kind, PartStart::Text | PartStart::Thinking);
            }
            Event::PartEnd { .. } => self.open = None,
            Event::Delta { choice, delta, .. } => {
                self.unfit |=
                    *choice > 0 || !matches!(delta, Delta::Text(_) | Delta::Thinking(_) | Delta::Signature(_));
                if let Delta::Text(text) = delta {
                    self.text.push_str(text);
                }
            }
            Event::Finish { .. } => self.finished = true,
            Event::Logprobs { .. }
            | Event::Opaque { .. }
            | Event::Usage(_)
            | Event::Ping
            | Event::Error(_)
            | Event::End => {}
        }
    }

    /// A frame of the upstream is about to be read.
    pub(crate) const fn frame(&mut self) {
        self.growing = self.open.is_some();
    }

    /// Could another model go on? Not behind text that was told to be complete.
    pub(crate) const fn fit(&self) -> bool {
        let whole = !self.text.is_empty() && self.open.is_none() && !self.growing;
        !self.unfit && !self.finished && !whole
    }
}

/// Joins the events of a continuation to what the client has.
#[derive(Debug)]
pub(crate) struct Seam {
    /// Which part each part of the continuation is for the client; nothing for those that it does not see.
    parts: Vec<Option<u32>>,
    /// What was consumed before.
    before: Usage,
    /// The first text of the continuation belongs to the text that broke off.
    joins: bool,
}

impl Seam {
    pub(crate) const fn new(before: Usage) -> Self {
        Self { parts: Vec::new(), before, joins: true }
    }

    /// Tells the client's events of one of the continuation.
    pub(crate) fn join(&mut self, partial: &Partial, event: Event<'_>, out: &mut dyn FnMut(Event<'_>)) {
        let closing = |out: &mut dyn FnMut(Event<'_>)| {
            if let Some((part, _)) = partial.open {
                out(Event::PartEnd { choice: 0, part });
            }
        };
        match event {
            Event::Start(_) if partial.started => {}
            Event::PartStart { part, kind, .. } => {
                let number = match (&kind, partial.open) {
                    // Thoughts behind an answer that has begun have no place in any language.
                    (PartStart::Thinking | PartStart::RedactedThinking { .. }, _) => None,
                    (PartStart::Text, Some((open, true))) if self.joins => Some(open),
                    _ => {
                        closing(out);
                        out(Event::PartStart { choice: 0, part: partial.parts, kind: kind.clone() });
                        Some(partial.parts)
                    }
                };
                self.joins &= !matches!(kind, PartStart::Text);
                let at = part as usize;
                if self.parts.len() <= at {
                    self.parts.resize(at + 1, None);
                }
                if let Some(slot) = self.parts.get_mut(at) {
                    *slot = number;
                }
            }
            Event::Delta { part, delta, .. } => {
                if let Some(part) = self.number(part) {
                    out(Event::Delta { choice: 0, part, delta });
                }
            }
            Event::PartEnd { part, .. } => {
                if let Some(part) = self.number(part) {
                    out(Event::PartEnd { choice: 0, part });
                }
            }
            Event::Finish { choice, finish } => {
                closing(out);
                out(Event::Finish { choice, finish });
            }
            Event::Usage(mut report) => {
                report.usage.merge(&self.before);
                report.raw = None; // the upstream's own object tells its own part only
                out(Event::Usage(report));
            }
            other => out(other),
        }
    }

    fn number(&self, part: u32) -> Option<u32> {
        self.parts.get(part as usize).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use llm_types::generate::{Finish, FinishReason};
    use llm_types::stream::Start;

    use super::*;

    fn text(part: u32, text: &'static str) -> Event<'static> {
        Event::Delta { choice: 0, part, delta: Delta::Text(Cow::Borrowed(text)) }
    }

    fn begins(part: u32, kind: PartStart<'static>) -> Event<'static> {
        Event::PartStart { choice: 0, part, kind }
    }

    fn joined(before: Vec<Event<'static>>, behind: Vec<Event<'static>>) -> (Vec<String>, Partial) {
        let mut partial = Partial::default();
        before.iter().for_each(|event| partial.note(event));
        let mut seam = Seam::new(Usage { input_text: 5, ..Usage::default() });
        let mut all = Vec::new();
        for event in behind {
            let mut some = Vec::new();
            seam.join(&partial, event, &mut |e| some.push(e.into_owned()));
            for event in some {
                partial.note(&event);
                all.push(format!("{event:?}"));
            }
        }
        (all, partial)
    }

    #[test]
    fn text_goes_on_in_the_same_part() {
        let start = || Event::Start(Box::<Start>::default());
        let finish = Event::Finish { choice: 0, finish: Finish::new(FinishReason::Stop) };
        let before = vec![start(), begins(0, PartStart::Text), text(0, "one ")];
        let behind = vec![
            start(),
            begins(0, PartStart::Thinking),
            Event::Delta { choice: 0, part: 0, delta: Delta::Thinking(Cow::Borrowed("hm")) },
            Event::PartEnd { choice: 0, part: 0 },
            begins(1, PartStart::Text),
            text(1, "two"),
            Event::PartEnd { choice: 0, part: 1 },
            finish,
        ];
        let (all, partial) = joined(before, behind);
        assert_eq!(all.len(), 3, "{all:?}");
        assert!(all[0].contains("part: 0") && all[0].contains("two"), "{all:?}");
        assert!(all[1].starts_with("PartEnd") && all[2].starts_with("Finish"), "{all:?}");
        assert_eq!(partial.text, "one two");
    }

    #[test]
    fn a_tool_call_behind_text_closes_it_first() {
        let call = PartStart::ToolCall { id: "c".into(), name: "f".into() };
        let before = vec![Event::Start(Box::default()), begins(0, PartStart::Text), text(0, "one ")];
        let (all, partial) = joined(before, vec![begins(0, call), Event::PartEnd { choice: 0, part: 0 }]);
        assert!(all[0].starts_with("PartEnd { choice: 0, part: 0"), "{all:?}");
        assert!(all[1].contains("part: 1") && all[2].contains("part: 1"), "{all:?}");
        assert!(!partial.fit(), "nobody can go on inside a tool call");
        let mut whole = Partial::default();
        [begins(0, PartStart::Text), text(0, "one")].iter().for_each(|e| whole.note(e));
        assert!(whole.fit());
        whole.frame();
        whole.note(&Event::PartEnd { choice: 0, part: 0 });
        assert!(whole.fit(), "what read an error closed it");
        whole.frame();
        assert!(!whole.fit(), "the text is complete");
    }

    #[test]
    fn usage_is_the_sum() {
        let behind = vec![Event::Usage(Box::new(llm_types::generate::UsageReport {
            usage: Usage { input_text: 2, output_text: 3, ..Usage::default() },
            raw: None,
        }))];
        let (all, _) = joined(vec![], behind);
        assert!(all[0].contains("input_text: 7") && all[0].contains("output_text: 3"), "{all:?}");
    }
}
