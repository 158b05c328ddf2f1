//! How the frames of a segment become a batch for the store.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use llm_store::{DailyCounters, DailyPaceRow, SettlementBatch, SpendLogRow, SpendRun};

use super::alike::Alike;
use super::frame::{Frame, Frames};
use super::own::Own;
use super::totals::Totals;
use crate::AccountsSettings;
use crate::purse::{Owner, Purses};
use crate::spend_row::RowMaker;
use crate::window::WindowKey;

/// A batch for the store, and what its commit takes off the purses.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) settlement: SettlementBatch,
    pub(crate) moved: Vec<(Owner, String, i64)>,
    /// The same for windows of budgets: which one, when it ends, nano-dollars.
    pub(crate) windows: Vec<((WindowKey, i64), i64)>,
}

const DAY_US: i64 = 86_400_000_000;

/// Microseconds from which on a call counts as slow.
#[derive(Debug, Clone, Copy)]
pub(super) struct SlowAfter(i64);

impl SlowAfter {
    pub(super) fn of(settings: &AccountsSettings) -> Self {
        Self(i64::try_from(AccountsSettings::seconds(settings.alerting_threshold).as_micros()).unwrap_or(i64::MAX))
    }
}

/// Calls of one day, caller and deployment, added up. Most calls of a batch are like another one.
#[derive(Debug)]
pub(super) struct Group<'a> {
    bytes: &'a [u8],
    day: i64,
    pub(super) alike: Alike<'a>,
    pub(super) tags: Vec<String>,
    pub(super) counters: DailyCounters,
    /// How fast they were; the names stay empty.
    pub(super) pace: DailyPaceRow,
    pub(super) nanos: i64,
    /// When the last of them ended, microseconds since 1970.
    pub(super) last: i64,
    maker: Option<RowMaker>,
    run: SpendRun,
}

/// Gathers frames.
#[derive(Debug)]
struct Gatherer<'a> {
    /// None: sums of money are all that is wanted.
    rows: Option<SlowAfter>,
    now: DateTime<Utc>,
    groups: Vec<Group<'a>>,
    places: HashMap<(i64, &'a [u8]), usize>,
    /// The group of the frame before, which is often that of the next.
    last: usize,
    /// Rows with bodies.
    whole: Vec<SpendLogRow>,
}

impl Batch {
    /// The store has it: the purses in use are told.
    pub(super) fn tell(&self, purses: &Purses) {
        for (owner, id, nanos) in &self.moved {
            if let Some(purse) = purses.known(*owner, id) {
                purse.flushed(*nanos);
            }
        }
        for ((key, end), nanos) in &self.windows {
            let (owner, id) = key.purse();
            if let Some(purse) = purses.known(owner, &id) {
                purse.flushed_in(*end, *nanos);
            }
        }
    }

    /// Makes the batch of a segment; without `rows` only the sums of money.
    pub(super) fn of(id: &str, frames: &mut Frames<'_>, rows: Option<SlowAfter>) -> Self {
        let mut gatherer = Gatherer {
            rows,
            now: llm_store::defaults::now(),
            groups: Vec::new(),
            places: HashMap::new(),
            last: 0,
            whole: Vec::new(),
        };
        for frame in frames {
            if gatherer.add(frame).is_none() {
                tracing::error!(segment = id, "an entry of the journal has an unknown form; it is left out");
            }
        }
        gatherer.finish(id)
    }
}

impl<'a> Gatherer<'a> {
    fn add(&mut self, frame: Frame<'a>) -> Option<()> {
        let own = Own::read(frame.own)?;
        let place = self.place(frame.alike, own.end_us.div_euclid(DAY_US))?;
        let group = self.groups.get_mut(place)?;
        let ok = group.alike.success;
        group.counters.add(&DailyCounters {
            prompt_tokens: own.counts.input,
            completion_tokens: own.counts.output,
            cache_read_input_tokens: own.counts.cache_read,
            cache_creation_input_tokens: own.counts.cache_write,
            api_requests: 1,
            successful_requests: i64::from(ok),
            failed_requests: i64::from(!ok),
            total_response_time_ms: own.ms(),
            timed_requests: 1,
            ..DailyCounters::default()
        });
        group.nanos = group.nanos.saturating_add(own.nanos);
        group.last = group.last.max(own.end_us);
        let Some(slow) = self.rows else { return Some(()) };
        if group.alike.told && group.alike.cache_hit != Some(true) {
            time(&mut group.pace, &own, slow);
        }
        let Some(row) = &own.row else { return Some(()) };
        if group.maker.is_none() {
            group.run.shared = crate::spend_row::shared(&group.alike, &group.tags, self.now);
            group.maker = Some(RowMaker::new(&group.alike));
        }
        let call = group.maker.as_mut()?.call(&group.alike, &own, row);
        if row.messages.is_none() && row.response.is_none() {
            group.run.calls.push(call);
        } else {
            self.whole.push(crate::spend_row::with_content(group.run.row(&call), row));
        }
        Some(())
    }

    /// The group of such calls on such a day.
    fn place(&mut self, bytes: &'a [u8], day: i64) -> Option<usize> {
        if self.groups.get(self.last).is_some_and(|g| g.day == day && g.bytes == bytes) {
            return Some(self.last);
        }
        if let Some(place) = self.places.get(&(day, bytes)) {
            self.last = *place;
            return Some(*place);
        }
        let alike = Alike::read(bytes)?;
        let tags = crate::spend_row::tags(&alike);
        self.last = self.groups.len();
        self.places.insert((day, bytes), self.last);
        self.groups.push(Group {
            bytes,
            day,
            alike,
            tags,
            counters: DailyCounters::default(),
            pace: DailyPaceRow::default(),
            nanos: 0,
            last: i64::MIN,
            maker: None,
            run: SpendRun::default(),
        });
        Some(self.last)
    }

    fn finish(self, id: &str) -> Batch {
        let mut totals = Totals::default();
        self.groups.iter().for_each(|group| totals.add(group));
        let runs = self.groups.into_iter().map(|group| group.run).filter(|run| !run.calls.is_empty()).collect();
        let moved = totals.moved();
        let windows = totals.windows();
        let settlement = SettlementBatch {
            batch_id: id.to_owned(),
            spend_rows: self.whole,
            spend_runs: runs,
            ..totals.settlement()
        };
        Batch { settlement, moved, windows }
    }
}

/// Counts how long a call took.
fn time(pace: &mut DailyPaceRow, own: &Own<'_>, slow: SlowAfter) {
    let seconds = |us: i64| us.max(0) as f64 / 1e6;
    let length = own.end_us.saturating_sub(own.start_us);
    pace.requests += 1;
    pace.slow_requests += i64::from(length >= slow.0);
    if own.counts.output > 0 {
        pace.timed_requests += 1;
        pace.seconds_per_token += seconds(length) / own.counts.output as f64;
    }
    let first = own.row.as_ref().and_then(|row| row.first_byte_us).map(u64::cast_signed);
    // What is not streamed comes at once.
    if let Some(first) = first.filter(|first| *first < own.end_us) {
        pace.streams += 1;
        pace.first_token_seconds += seconds(first.saturating_sub(own.start_us));
    }
}
