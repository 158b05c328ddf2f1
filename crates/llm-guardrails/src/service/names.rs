//! Names that stand for words which a model must not see, and the words again.

use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;

use super::presidio::Finding;
use super::spans;
use crate::guardrail::{Push, TextGate};

/// What was masked on the way in: the name that stands for it, what it is of, and the words.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory(Arc<Mutex<Vec<Token>>>);

#[derive(Debug)]
struct Token {
    name: String,
    entity: String,
    words: String,
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
            let known = tokens.iter().find(|token| token.entity == entity && token.words == words);
            let name = match known {
                Some(token) => token.name.clone(),
                None => {
                    let name = format!("<{entity}_{}>", tokens.len() + 1);
                    let (entity, words) = (entity.to_owned(), words.to_owned());
                    tokens.push(Token { name: name.clone(), entity, words });
                    name
                }
            };
            parts.push((span, name));
        }
        spans::replaced(text, parts)
    }

    /// Findings that are no names of ours.
    pub(super) fn without_names<'f>(&self, text: &str, found: &'f [Finding]) -> Vec<&'f Finding> {
        let tokens = self.0.lock();
        let ours: Vec<_> = tokens
            .iter()
            .flat_map(|token| text.match_indices(&token.name))
            .map(|(at, name)| at..at + name.len())
            .collect();
        let free = |finding: &&Finding| !ours.iter().any(|name| finding.start < name.end && name.start < finding.end);
        found.iter().filter(free).collect()
    }

    /// The text with the words again that the names stand for.
    pub(super) fn restore(&self, text: &str) -> String {
        let tokens = self.0.lock();
        let parts = tokens.iter().flat_map(|token| {
            text.match_indices(&token.name).map(|(at, name)| (at..at + name.len(), token.words.clone()))
        });
        spans::replaced(text, parts.collect())
    }

    /// How much of the end of a text may be the beginning of a name, in bytes.
    fn begun(&self, text: &str) -> usize {
        let tokens = self.0.lock();
        let begins = |token: &Token| {
            let longest = token.name.len().saturating_sub(1).min(text.len());
            (1..=longest).rev().find(|n| token.name.get(..*n).is_some_and(|start| text.ends_with(start))).unwrap_or(0)
        };
        tokens.iter().map(begins).max().unwrap_or(0)
    }
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
