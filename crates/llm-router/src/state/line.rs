//! Requests that wait for a place, by priority: LiteLLM's scheduler, and the queue before deployments that are full.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

/// The requests that wait, per group: the lowest priority first, then who came first.
#[derive(Debug, Default)]
pub(crate) struct Line {
    groups: Mutex<HashMap<Arc<str>, BTreeSet<(i64, u64)>>>,
    next: AtomicU64,
    /// All that wait: usually nobody, which is told without a lock.
    all: AtomicUsize,
}

/// A place in a line; it is given up when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    line: Arc<Line>,
    group: Arc<str>,
    ticket: (i64, u64),
}

impl Line {
    /// Stands in line for a group. Lower priorities go first.
    pub(crate) fn stand(self: &Arc<Self>, group: &Arc<str>, priority: i64) -> Place {
        let ticket = (priority, self.next.fetch_add(1, Ordering::Relaxed));
        self.groups.lock().entry(Arc::clone(group)).or_default().insert(ticket);
        self.all.fetch_add(1, Ordering::Relaxed);
        Place { line: Arc::clone(self), group: Arc::clone(group), ticket }
    }

    /// How many wait for a group.
    pub(crate) fn waiting(&self, group: &str) -> usize {
        if self.all.load(Ordering::Relaxed) == 0 {
            return 0;
        }
        self.groups.lock().get(group).map_or(0, BTreeSet::len)
    }
}

impl Place {
    /// True for the first in line.
    pub(crate) fn is_first(&self) -> bool {
        self.line.groups.lock().get(&self.group).and_then(BTreeSet::first) == Some(&self.ticket)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.line.all.fetch_sub(1, Ordering::Relaxed);
        let mut groups = self.line.groups.lock();
        if let Some(line) = groups.get_mut(&self.group) {
            line.remove(&self.ticket);
            if line.is_empty() {
                groups.remove(&self.group);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_priority_goes_first_then_who_came_first() {
        let line = Arc::new(Line::default());
        let group: Arc<str> = "g".into();
        let late = line.stand(&group, 5);
        let first = line.stand(&group, 0);
        let second = line.stand(&group, 0);
        assert_eq!([&late, &first, &second].map(Place::is_first), [false, true, false]);
        drop(first);
        assert!(second.is_first());
        assert_eq!(line.waiting("g"), 2);
        drop((second, late));
        assert_eq!(line.waiting("g"), 0);
    }
}
