//! Names that stand for words which a model must not see, and the words again.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;

use super::presidio::Finding;
use super::spans;
use crate::guardrail::{Push, TextGate};

/// What was masked on the way in: the name that stands for it, what it is of, and the words.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory(Arc<Mutex<Names>>);

/// A name is `<…>` with neither sign inside, so that one look at a text finds all of them.
#[derive(Debug, Default)]
struct Names {
    /// By kind and words.
    names: HashMap<(String, String), String>,
    /// By name.
    words: HashMap<String, String>,
}

impl Names {
    fn of(&mut self, entity: &str, words: &str) -> String {
        let number = self.words.len() + 1;
        let known = self.names.entry((entity.to_owned(), words.to_owned()));
        let name = known.or_insert_with(|| format!("<{}_{number}>", entity.replace(['<', '>'], "_")));
        self.words.entry(name.clone()).or_insert_with(|| words.to_owned());
        name.clone()
    }

    /// Where names stand in a text, and the words that they stand for.
    fn within<'t>(&'t self, text: &'t str) -> impl Iterator<Item = (Range<usize>, &'t str)> {
        let ends = text.match_indices('>').map(|(at, _)| at + 1);
        ends.scan(0, move |begin, end| {
            let from = std::mem::replace(begin, end);
            Some((from, end))
        })
        .filter_map(move |(from, end)| {
            let start = from + text.get(from..end)?.rfind('<')?;
            Some((start..end, self.words.get(text.get(start..end)?)?.as_str()))
        })
    }
}

impl Memory {
    /// The text with a numbered name in the place of each finding; the same words have the same name in the whole call.
    pub(super) fn name(&self, text: &str, found: &[Finding]) -> String {
        let mut tokens = self.0.lock();
        let mut in_order: Vec<&Finding> = found.iter().collect();
        in_order.sort_by_key(|finding| (finding.start, std::cmp::Reverse(finding.end)));
        // Findings that overlap are one, under the name of the first: an address of mail has an address of a page in it.
        let mut whole: Vec<(&str, Range<usize>)> = Vec::new();
        for finding in in_order {
            match whole.last_mut() {
                Some((_, span)) if finding.start < span.end => span.end = span.end.max(finding.end),
                _ => whole.push((&finding.entity, finding.start..finding.end)),
            }
        }
        let mut parts = Vec::new();
        for (entity, span) in whole {
            let words = text.get(span.clone()).unwrap_or_default();
            let name = tokens.of(entity, words);
            parts.push((span, name));
        }
        spans::replaced(text, parts)
    }

    /// Findings without what is a name of ours: one that reaches into a name is what is left of it on both sides.
    pub(super) fn without_names(&self, text: &str, found: &[Finding]) -> Vec<Finding> {
        let tokens = self.0.lock();
        let ours: Vec<Range<usize>> = tokens.within(text).map(|(span, _)| span).collect();
        let mut out = Vec::new();
        for finding in found {
            let first = ours.partition_point(|name| name.end <= finding.start);
            let inside = ours.get(first..).unwrap_or_default().iter().take_while(|name| name.start < finding.end);
            let (mut from, mut cut) = (finding.start, false);
            for name in inside {
                out.extend(left(text, finding, from..name.start));
                (from, cut) = (name.end, true);
            }
            match cut {
                true => out.extend(left(text, finding, from..finding.end)),
                false => out.push(finding.clone()),
            }
        }
        out
    }

    /// The text with the words again that the names stand for.
    pub(super) fn restore(&self, text: &str) -> String {
        let tokens = self.0.lock();
        let parts = tokens.within(text).map(|(span, words)| (span, words.to_owned())).collect();
        spans::replaced(text, parts)
    }

    /// The text with the names again in the place of the words; nothing when none of them stands there. Words that overlap are
    /// one, under the name of the first.
    pub(super) fn hide(&self, text: &str) -> Option<String> {
        let names = self.0.lock();
        let told = names.words.iter().filter(|(_, words)| !words.is_empty());
        let mut found: Vec<(Range<usize>, &String)> = told
            .flat_map(|(name, words)| text.match_indices(words.as_str()).map(move |(at, w)| (at..at + w.len(), name)))
            .collect();
        found.sort_by_key(|(span, _)| (span.start, std::cmp::Reverse(span.end)));
        let mut parts: Vec<(Range<usize>, String)> = Vec::new();
        for (span, name) in found {
            match parts.last_mut() {
                Some((last, _)) if span.start < last.end => last.end = last.end.max(span.end),
                _ => parts.push((span, name.clone())),
            }
        }
        (!parts.is_empty()).then(|| spans::replaced(text, parts))
    }

    /// How much of the end of a text may be the beginning of a name, in bytes.
    fn begun(&self, text: &str) -> usize {
        let Some(end) = text.rfind('<').and_then(|at| text.get(at..)) else { return 0 };
        let begins = |name: &String| name.len() > end.len() && name.starts_with(end);
        if self.0.lock().words.keys().any(begins) { end.len() } else { 0 }
    }
}

/// What is left of a finding, unless it is white space.
fn left(text: &str, finding: &Finding, part: Range<usize>) -> Option<Finding> {
    let words = text.get(part.clone())?;
    let start = part.start + (words.len() - words.trim_start().len());
    let end = start + words.trim().len();
    if start < end { finding.part(text, start..end) } else { None }
}

/// Puts words back into a stream.
#[derive(Debug)]
pub(super) struct Restoring {
    memory: Memory,
    held: String,
}

impl Restoring {
    pub(super) fn new(memory: &Memory) -> Self {
        Self { memory: memory.clone(), held: String::new() }
    }

    fn release(&mut self, until: usize) -> Push {
        let ready: String = self.held.drain(..until).collect();
        match self.memory.restore(&ready) {
            text if text.is_empty() => Push::Hold,
            text if text == ready => Push::Release(text),
            text => Push::Replace { text, masked: Vec::new() },
        }
    }
}

impl TextGate for Restoring {
    fn push(&mut self, piece: &str) -> Push {
        self.held.push_str(piece);
        let until = self.held.len() - self.memory.begun(&self.held);
        self.release(until)
    }

    fn finish(&mut self) -> Push {
        let until = self.held.len();
        self.release(until)
    }
}
