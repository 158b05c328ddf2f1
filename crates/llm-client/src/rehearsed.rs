//! Filters of a continuation, which have to know what the client has read already: what they look for may begin in it.

use std::borrow::Cow;

use llm_types::stream::{Delta, Event, EventFilter, EventSink, PartStart};
use llm_types::{Error, Kind};

/// What the client is told when what it has read would have had to be changed.
const TOO_LATE: &str = "a guardrail objects to text of which a part was already delivered";

/// Filters that are told the text before the first text of a continuation. What they let through of it is kept back again; if
/// that is not the text itself, something would have to be unsaid, and the answer ends.
#[derive(Debug)]
pub(crate) struct Rehearsed {
    filters: Vec<Box<dyn EventFilter>>,
    /// Told before the first text; empty once it was.
    said: String,
    /// What the filters have not let through yet of what they were told.
    due: Due,
}

#[derive(Debug, Default)]
struct Due {
    /// The part of the continuation that goes on with the text.
    part: Option<u32>,
    left: String,
    failed: bool,
}

impl Rehearsed {
    pub(crate) fn new(filters: Vec<Box<dyn EventFilter>>, said: &str) -> Self {
        Self { filters, said: said.to_owned(), due: Due::default() }
    }

    fn send(&mut self, event: Event<'_>, next: &mut dyn EventSink) {
        let Self { filters, due, .. } = self;
        each(filters, event, &mut |e: Event<'_>| due.pass(e, next));
    }
}

fn each(filters: &mut [Box<dyn EventFilter>], event: Event<'_>, end: &mut dyn EventSink) {
    match filters.split_first_mut() {
        None => end.event(event),
        Some((first, rest)) => first.event(event, &mut |e: Event<'_>| each(rest, e, end)),
    }
}

impl EventFilter for Rehearsed {
    fn event(&mut self, event: Event<'_>, next: &mut dyn EventSink) {
        if self.due.failed {
            return;
        }
        let begins = match &event {
            Event::PartStart { choice: 0, part, kind: PartStart::Text } => Some(*part),
            _ => None,
        };
        self.send(event, next);
        if let Some(part) = begins.filter(|_| !self.said.is_empty()) {
            let said = std::mem::take(&mut self.said);
            self.due = Due { part: Some(part), left: said.clone(), failed: self.due.failed };
            self.send(Event::Delta { choice: 0, part, delta: Delta::Text(Cow::Owned(said)) }, next);
        }
    }
}

impl Due {
    /// What the filters let through.
    fn pass(&mut self, event: Event<'_>, next: &mut dyn EventSink) {
        if self.failed {
            return;
        }
        match event {
            Event::Delta { choice: 0, part, delta: Delta::Text(text) }
                if self.part == Some(part) && !self.left.is_empty() =>
            {
                let known = text.len().min(self.left.len());
                if text.as_bytes().get(..known) != self.left.as_bytes().get(..known) {
                    return self.fail(next);
                }
                self.left.drain(..known);
                let fresh = text.get(known..).unwrap_or_default();
                if !fresh.is_empty() {
                    next.event(Event::Delta { choice: 0, part, delta: Delta::Text(Cow::Borrowed(fresh)) });
                }
            }
            Event::PartEnd { choice: 0, part } if self.part == Some(part) && !self.left.is_empty() => self.fail(next),
            other => next.event(other),
        }
    }

    fn fail(&mut self, next: &mut dyn EventSink) {
        self.failed = true;
        next.event(Event::Error(Box::new(Error::new(Kind::Guardrail, TOO_LATE))));
        next.event(Event::End);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Holds the last `held` bytes back, and changes `from` into `to`.
    #[derive(Debug)]
    struct Window {
        text: String,
        held: usize,
        change: (&'static str, &'static str),
    }

    impl Window {
        fn release(&mut self, bytes: usize, part: u32, next: &mut dyn EventSink) {
            self.text = self.text.replace(self.change.0, self.change.1);
            let out: String = self.text.drain(..bytes.min(self.text.len())).collect();
            if !out.is_empty() {
                next.event(Event::Delta { choice: 0, part, delta: Delta::Text(Cow::Owned(out)) });
            }
        }
    }

    impl EventFilter for Window {
        fn event(&mut self, event: Event<'_>, next: &mut dyn EventSink) {
            match event {
                Event::Delta { part, delta: Delta::Text(text), .. } => {
                    self.text.push_str(&text);
                    let ready = self.text.len().saturating_sub(self.held);
                    self.release(ready, part, next);
                }
                Event::PartEnd { part, .. } => {
                    self.release(usize::MAX, part, next);
                    next.event(event);
                }
                other => next.event(other),
            }
        }
    }

    /// What the client hears of a continuation that comes in these pieces.
    fn heard(said: &str, pieces: &[&'static str], change: (&'static str, &'static str)) -> (String, bool) {
        let window = Window { text: String::new(), held: 8, change };
        let mut filter = Rehearsed::new(vec![Box::new(window)], said);
        let mut events = vec![
            Event::PartStart { choice: 0, part: 0, kind: PartStart::Thinking },
            Event::Delta { choice: 0, part: 0, delta: Delta::Thinking(Cow::Borrowed("hm")) },
            Event::PartEnd { choice: 0, part: 0 },
            Event::PartStart { choice: 0, part: 1, kind: PartStart::Text },
        ];
        let text = |t: &&'static str| Event::Delta { choice: 0, part: 1, delta: Delta::Text(Cow::Borrowed(*t)) };
        events.extend(pieces.iter().map(text));
        events.push(Event::PartEnd { choice: 0, part: 1 });
        let (mut out, mut failed) = (String::new(), false);
        for event in events {
            filter.event(event, &mut |e: Event<'_>| match e {
                Event::Delta { delta: Delta::Text(t), .. } => out.push_str(&t),
                Event::Error(_) => failed = true,
                _ => {}
            });
        }
        (out, failed)
    }

    #[test]
    fn what_was_said_is_not_said_again() {
        assert_eq!(heard("one two ", &["thr", "ee four"], ("x", "y")), ("three four".into(), false));
        assert_eq!(heard("", &["all of it"], ("x", "y")), ("all of it".into(), false));
        assert_eq!(heard("ein Wörtch", &["en mit Ü"], ("x", "y")), ("en mit Ü".into(), false));
        assert_eq!(heard("one ", &["bad end"], ("bad", "***")), ("*** end".into(), false), "masked behind it");
    }

    #[test]
    fn what_reaches_into_what_was_said_ends_the_answer() {
        for pieces in [&["ject is on"][..], &["j", "e", "c", "t"][..]] {
            let (out, failed) = heard("the pro", pieces, ("project", "*******"));
            assert!(failed && !out.contains("ject"), "{out:?}");
        }
    }
}
