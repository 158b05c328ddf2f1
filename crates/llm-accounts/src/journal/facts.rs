//! What the journal keeps of a finished call, as bytes: first what it has in common with others of its caller and
//! deployment, then its own. Nothing is made from it before the store wants it.

use llm_types::record::{Cost, LogRecord, Status};
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
}

/// What calls of one caller to one deployment have in common. Empty texts: there is none.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Alike<'a> {
    /// How the call ended is known.
    pub(crate) told: bool,
    pub(crate) interrupted: bool,
    pub(crate) success: bool,
    pub(crate) cache_hit: Option<bool>,
    /// Key hash, or the alias of the master key.
    pub(crate) key: Option<&'a str>,
    pub(crate) key_alias: Option<&'a str>,
    pub(crate) user: Option<&'a str>,
    pub(crate) user_email: Option<&'a str>,
    pub(crate) team: Option<&'a str>,
    pub(crate) team_alias: Option<&'a str>,
    pub(crate) organization: Option<&'a str>,
    pub(crate) project: Option<&'a str>,
    pub(crate) agent: Option<&'a str>,
    pub(crate) spend_logs_metadata: Option<&'a str>,
    pub(crate) caller_tags: Vec<&'a str>,
    /// The path that was called.
    pub(crate) endpoint: &'a str,
    /// The group that was asked for.
    pub(crate) group: &'a str,
    pub(crate) end_user: Option<&'a str>,
    pub(crate) model: &'a str,
    /// The group that answered.
    pub(crate) model_group: &'a str,
    pub(crate) model_id: Option<&'a str>,
    pub(crate) provider: &'a str,
    pub(crate) api_base: Option<&'a str>,
    pub(crate) call_type: &'a str,
    pub(crate) user_agent: Option<&'a str>,
    pub(crate) tags: Vec<&'a str>,
}

const TOLD: u64 = 1;
const INTERRUPTED: u64 = 2;
const SUCCESS: u64 = 4;
const CACHE_KNOWN: u64 = 8;
const CACHE_HIT: u64 = 16;

/// Appends what `note` has in common with others.
pub(super) fn put_alike(note: &Note, out: &mut Vec<u8>) {
    let (caller, record) = (&note.who.caller, note.record.as_deref());
    let flag = |on: bool, bit: u64| if on { bit } else { 0 };
    out.int(
        flag(record.is_some(), TOLD)
            | flag(note.interrupted, INTERRUPTED)
            | flag(record.is_some_and(|r| r.status == Status::Success), SUCCESS)
            | flag(record.is_some_and(|r| r.cache_hit.is_some()), CACHE_KNOWN)
            | flag(record.is_some_and(|r| r.cache_hit == Some(true)), CACHE_HIT),
    );
    for text in [
        &caller.key_hash,
        &caller.key_alias,
        &caller.user_id,
        &caller.user_email,
        &caller.team_id,
        &caller.team_alias,
        &caller.organization_id,
        &caller.project_id,
        &caller.agent_id,
    ] {
        out.maybe(text.as_deref());
    }
    out.maybe(note.who.switches.spend_logs_metadata.as_ref().map(RawJson::get));
    out.texts(note.who.switches.tags.iter().map(String::as_str));
    out.text(note.route);
    out.text(&note.group);
    let Some(record) = record else { return };
    out.maybe(record.caller.end_user.as_deref());
    out.text(&record.model);
    out.text(&record.model_group);
    out.maybe(record.model_id.as_deref());
    out.text(&record.provider);
    out.maybe(record.api_base.as_deref());
    out.text(record.call_type);
    out.maybe(record.user_agent.as_deref());
    out.texts(record.tags.iter().map(String::as_str));
}

impl<'a> Alike<'a> {
    /// Reads what [`put_alike`] wrote.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut take = Take(bytes);
        let flags = take.int()?;
        let mut alike = Self {
            told: flags & TOLD != 0,
            interrupted: flags & INTERRUPTED != 0,
            success: flags & SUCCESS != 0,
            cache_hit: (flags & CACHE_KNOWN != 0).then_some(flags & CACHE_HIT != 0),
            key: take.maybe()?,
            key_alias: take.maybe()?,
            user: take.maybe()?,
            user_email: take.maybe()?,
            team: take.maybe()?,
            team_alias: take.maybe()?,
            organization: take.maybe()?,
            project: take.maybe()?,
            agent: take.maybe()?,
            spend_logs_metadata: take.maybe()?,
            caller_tags: take.texts()?,
            endpoint: take.text()?,
            group: take.text()?,
            ..Self::default()
        };
        alike.model_group = alike.group;
        if alike.told {
            alike.end_user = take.maybe()?;
            alike.model = take.text()?;
            alike.model_group = take.text()?;
            alike.model_id = take.maybe()?;
            alike.provider = take.text()?;
            alike.api_base = take.maybe()?;
            alike.call_type = take.text()?;
            alike.user_agent = take.maybe()?;
            alike.tags = take.texts()?;
        }
        Some(alike)
    }
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
pub(super) fn put_own(note: &Note, keep: Keep, now: impl FnOnce() -> i64, out: &mut Vec<u8>) {
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
    /// Reads what [`put_own`] wrote.
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
        })
    }
}
