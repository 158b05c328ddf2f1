//! What a finished call has of its own, as bytes. Nothing is made from it before the store wants it.

use llm_types::record::{Cost, LogRecord};
use llm_types::{RawJson, Usage};

use super::Note;
use super::bytes::{Put, Take};
use super::counts::Counts;

/// What is kept besides the sums.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keep {
    /// What a row needs.
    pub(super) rows: bool,
    /// Messages and answers too.
    pub(super) content: bool,
    /// The user agent makes tags.
    pub(super) agent_tags: bool,
}

/// What a call has of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Own<'a> {
    /// Nano-dollars charged.
    pub(crate) nanos: i64,
    pub(crate) counts: Counts,
    /// Microseconds since 1970.
    pub(crate) start_us: i64,
    pub(crate) end_us: i64,
    /// What a row needs besides.
    pub(crate) row: Option<OwnRow<'a>>,
}

/// What only the row of a call shows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct OwnRow<'a> {
    pub(crate) call_id: &'a str,
    pub(crate) response_id: Option<&'a str>,
    pub(crate) trace_id: Option<&'a str>,
    pub(crate) session_id: Option<&'a str>,
    pub(crate) first_byte_us: Option<u64>,
    pub(crate) upstream_us: u64,
    pub(crate) retries: u64,
    pub(crate) fallbacks: u64,
    pub(crate) cost: Cost,
    pub(crate) cost_problem: Option<&'a str>,
    pub(crate) cache_key: Option<&'a str>,
    pub(crate) ip: Option<&'a str>,
    /// The upstream's words.
    pub(crate) usage_raw: Option<&'a str>,
    /// Ours, when there are none.
    pub(crate) usage: Option<&'a str>,
    pub(crate) metadata: Option<&'a str>,
    /// A JSON list.
    pub(crate) guardrails: Option<&'a str>,
    /// What they did, a JSON list.
    pub(crate) guardrail_information: Option<&'a str>,
    pub(crate) error: Option<OwnError<'a>>,
    pub(crate) messages: Option<&'a str>,
    pub(crate) response: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct OwnError<'a> {
    pub(crate) status: u64,
    pub(crate) class: &'a str,
    pub(crate) provider: Option<&'a str>,
    pub(crate) message: &'a str,
}

/// Appends what `note` has of its own. `now`: microseconds since 1970, for calls nobody tells the times of.
pub(super) fn put(note: &Note, keep: Keep, now: impl FnOnce() -> i64, out: &mut Vec<u8>) {
    out.signed(note.nanos);
    let Counts { input, output, total, cache_read, cache_write } = note.counts;
    [input, output, total, cache_read, cache_write].into_iter().for_each(|count| out.signed(count));
    let (start, end) = note.record.as_ref().map_or_else(
        || {
            let now = now();
            (now, now)
        },
        |record| (record.start_us, record.end_us),
    );
    out.signed(start);
    out.signed(end.saturating_sub(start));
    match note.record.as_deref() {
        Some(record) if keep.rows => {
            out.push(1);
            put_row(record, keep.content, out);
        }
        None if keep.rows && note.interrupted => out.push(2),
        _ => out.push(0),
    }
}

fn put_row(record: &LogRecord, content: bool, out: &mut Vec<u8>) {
    out.text(&record.call_id);
    out.maybe(record.response_id.as_deref());
    out.maybe(record.trace_id.as_deref());
    out.maybe(record.session_id.as_deref());
    out.maybe_int(record.first_byte_us.map(i64::cast_unsigned));
    out.int(record.upstream_us);
    out.int(record.retries.into());
    out.int(record.fallbacks.into());
    put_cost(&record.cost, out);
    out.maybe(record.cost_problem.as_deref());
    out.maybe(record.cache_key.as_deref());
    out.maybe(record.client_ip.as_deref());
    out.maybe(record.usage_raw.as_ref().map(RawJson::get));
    match &record.usage_raw {
        Some(_) => out.maybe(None),
        None => out.maybe(Some(&usage_json(&record.usage))),
    }
    out.maybe(record.metadata.as_ref().map(RawJson::get));
    out.maybe(guardrails_json(&record.guardrails).as_deref());
    out.push(u8::from(record.error.is_some()));
    if let Some(error) = &record.error {
        out.int(error.status.into());
        out.text(error.class);
        out.maybe(error.provider.as_deref());
        out.text(&error.message);
    }
    let content = |text: &'_ Option<RawJson>, out: &mut Vec<u8>| {
        out.maybe(text.as_ref().filter(|_| content).map(RawJson::get));
    };
    content(&record.messages, out);
    content(&record.response, out);
    // Last, for older entries end before it.
    if let Some(information) = &record.guardrail_information {
        out.maybe(Some(information.get()));
    }
}

fn usage_json(usage: &Usage) -> String {
    // Numbers and words of ours: it can be written. The row would say `null` for what cannot.
    serde_json::to_string(usage).unwrap_or_else(|_| "null".to_owned())
}

fn guardrails_json(names: &[String]) -> Option<String> {
    if names.is_empty() { None } else { serde_json::to_string(names).ok() }
}

fn costs(cost: &Cost) -> [f64; 10] {
    let Cost { total, input, output, cache_read, cache_write, reasoning, tools, original, discount, margin } = *cost;
    [total, input, output, cache_read, cache_write, reasoning, tools, original, discount, margin]
}

/// Which parts there are, then those: most calls have three of ten.
fn put_cost(cost: &Cost, out: &mut Vec<u8>) {
    let parts = costs(cost);
    out.int(parts.iter().rev().fold(0, |mask, part| mask << 1 | u64::from(part.to_bits() != 0)));
    parts.into_iter().filter(|part| part.to_bits() != 0).for_each(|part| out.float(part));
}

fn take_cost(take: &mut Take<'_>) -> Option<Cost> {
    let mut mask = take.int()?;
    let mut part = || {
        let there = mask & 1 == 1;
        mask >>= 1;
        if there { take.float() } else { Some(0.0) }
    };
    Some(Cost {
        total: part()?,
        input: part()?,
        output: part()?,
        cache_read: part()?,
        cache_write: part()?,
        reasoning: part()?,
        tools: part()?,
        original: part()?,
        discount: part()?,
        margin: part()?,
    })
}

impl<'a> Own<'a> {
    /// Reads what [`put`] wrote.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut take = Take(bytes);
        let nanos = take.signed()?;
        let mut count = || take.signed();
        let counts =
            Counts { input: count()?, output: count()?, total: count()?, cache_read: count()?, cache_write: count()? };
        let start_us = take.signed()?;
        let end_us = start_us.saturating_add(take.signed()?);
        let row = match take.byte()? {
            0 => None,
            1 => Some(OwnRow::read(&mut take)?),
            _ => Some(OwnRow::default()),
        };
        Some(Self { nanos, counts, start_us, end_us, row })
    }

    /// How long the call took, in milliseconds.
    pub(crate) fn ms(&self) -> i64 {
        self.end_us.saturating_sub(self.start_us).max(0) / 1000
    }
}

impl<'a> OwnRow<'a> {
    fn read(take: &mut Take<'a>) -> Option<Self> {
        Some(Self {
            call_id: take.text()?,
            response_id: take.maybe()?,
            trace_id: take.maybe()?,
            session_id: take.maybe()?,
            first_byte_us: take.maybe_int()?,
            upstream_us: take.int()?,
            retries: take.int()?,
            fallbacks: take.int()?,
            cost: take_cost(take)?,
            cost_problem: take.maybe()?,
            cache_key: take.maybe()?,
            ip: take.maybe()?,
            usage_raw: take.maybe()?,
            usage: take.maybe()?,
            metadata: take.maybe()?,
            guardrails: take.maybe()?,
            error: match take.byte()? {
                0 => None,
                _ => Some(OwnError {
                    status: take.int()?,
                    class: take.text()?,
                    provider: take.maybe()?,
                    message: take.text()?,
                }),
            },
            messages: take.maybe()?,
            response: take.maybe()?,
            guardrail_information: if take.0.is_empty() { None } else { take.maybe()? },
        })
    }
}
