//! A list of entries in the order of their last use.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use crate::Entry;

/// Entries by key, linked from the most to the least recently used. Links are positions in `nodes`.
#[derive(Debug, Default)]
pub(super) struct Lru {
    places: HashMap<Arc<str>, usize>,
    nodes: Vec<Option<Node>>,
    free: Vec<usize>,
    newest: Option<usize>,
    oldest: Option<usize>,
    bytes: usize,
}

#[derive(Debug)]
struct Node {
    key: Arc<str>,
    entry: Entry,
    expires: Instant,
    newer: Option<usize>,
    older: Option<usize>,
}

impl Node {
    fn size(&self) -> usize {
        self.key.len() + self.entry.response.len()
    }
}

impl Lru {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn get(&mut self, key: &str, now: Instant) -> Option<Entry> {
        let at = *self.places.get(key)?;
        if self.node(at)?.expires <= now {
            self.take(at);
            return None;
        }
        if self.newest != Some(at) {
            self.unlink(at);
            self.link_newest(at);
        }
        self.node(at).map(|n| n.entry.clone())
    }

    /// Adds an entry whose key is not there.
    pub(super) fn insert(&mut self, key: &str, entry: Entry, expires: Instant) {
        let key: Arc<str> = key.into();
        let node = Node { key: Arc::clone(&key), entry, expires, newer: None, older: None };
        self.bytes += node.size();
        let at = self.free.pop().unwrap_or_else(|| {
            self.nodes.push(None);
            self.nodes.len() - 1
        });
        if let Some(slot) = self.nodes.get_mut(at) {
            *slot = Some(node);
        }
        self.places.insert(key, at);
        self.link_newest(at);
    }

    pub(super) fn remove(&mut self, key: &str) -> bool {
        match self.places.get(key) {
            Some(&at) => {
                self.take(at);
                true
            }
            None => false,
        }
    }

    /// Drops the least recently used entries until the bounds hold, and those of them that have expired anyway.
    pub(super) fn shrink(&mut self, entries: usize, bytes: usize, now: Instant) {
        while let Some(at) = self.oldest {
            let expired = self.node(at).is_none_or(|n| n.expires <= now);
            if self.places.len() <= entries && self.bytes <= bytes && !expired {
                return;
            }
            self.take(at);
        }
    }

    pub(super) fn purge(&mut self, now: Instant) {
        let expired = self.nodes.iter().enumerate().filter(|(_, n)| n.as_ref().is_some_and(|n| n.expires <= now));
        for at in expired.map(|(at, _)| at).collect::<Vec<_>>() {
            self.take(at);
        }
        if self.places.is_empty() {
            *self = Self::default();
        }
    }

    fn node(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at)?.as_ref()
    }

    fn node_mut(&mut self, at: usize) -> Option<&mut Node> {
        self.nodes.get_mut(at)?.as_mut()
    }

    fn take(&mut self, at: usize) {
        self.unlink(at);
        if let Some(node) = self.nodes.get_mut(at).and_then(Option::take) {
            self.bytes -= node.size();
            self.places.remove(&node.key);
            self.free.push(at);
        }
    }

    fn unlink(&mut self, at: usize) {
        let Some((newer, older)) = self.node(at).map(|n| (n.newer, n.older)) else { return };
        match newer.and_then(|n| self.node_mut(n)) {
            Some(n) => n.older = older,
            None => self.newest = older,
        }
        match older.and_then(|n| self.node_mut(n)) {
            Some(n) => n.newer = newer,
            None => self.oldest = newer,
        }
    }

    fn link_newest(&mut self, at: usize) {
        let before = self.newest.replace(at);
        if let Some(node) = self.node_mut(at) {
            (node.newer, node.older) = (None, before);
        }
        match before.and_then(|n| self.node_mut(n)) {
            Some(n) => n.newer = Some(at),
            None => self.oldest = Some(at),
        }
    }
}
