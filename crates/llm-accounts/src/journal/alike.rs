//! What a finished call has in common with others of its caller and deployment, as bytes.

use llm_types::RawJson;
use llm_types::record::{LogRecord, Status};

use super::Note;
use super::bytes::{Put, Take};
use crate::window::WindowKey;

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
    /// Its user agent makes no tags.
    pub(crate) agent_untagged: bool,
    pub(crate) tags: Vec<&'a str>,
    /// The tool of an MCP server, as `server/tool`.
    pub(crate) mcp_tool: Option<&'a str>,
    /// Windows of budgets, and when they end.
    pub(crate) windows: Vec<(WindowKey, i64)>,
}

const TOLD: u64 = 1;
const INTERRUPTED: u64 = 2;
const SUCCESS: u64 = 4;
const CACHE_KNOWN: u64 = 8;
const CACHE_HIT: u64 = 16;
const NO_AGENT_TAGS: u64 = 32;

/// Appends what `note` has in common with others.
pub(super) fn put(note: &Note, agent_tags: bool, out: &mut Vec<u8>) {
    let (caller, record) = (&note.who.caller, note.record.as_deref());
    let flag = |on: bool, bit: u64| if on { bit } else { 0 };
    out.int(
        flag(record.is_some(), TOLD)
            | flag(note.interrupted, INTERRUPTED)
            | flag(record.is_some_and(|r| r.status == Status::Success), SUCCESS)
            | flag(record.is_some_and(|r| r.cache_hit.is_some()), CACHE_KNOWN)
            | flag(record.is_some_and(|r| r.cache_hit == Some(true)), CACHE_HIT)
            | flag(!agent_tags, NO_AGENT_TAGS),
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
        // The agent that was called, where it was no agent that called.
        record.map_or(&caller.agent_id, |record| &record.caller.agent_id),
    ] {
        out.maybe(text.as_deref());
    }
    out.maybe(note.who.switches.spend_logs_metadata.as_ref().map(RawJson::get));
    out.texts(note.who.switches.tags.iter().map(String::as_str));
    out.text(note.route);
    out.text(&note.group);
    if let Some(record) = record {
        put_record(record, out);
    }
    // Last, so that segments from before there were any can be read.
    out.int(note.windows.len() as u64);
    for (key, end) in &note.windows {
        [&key.kind, &key.id, &key.duration].into_iter().for_each(|text| out.text(text));
        out.signed(*end);
    }
}

fn put_record(record: &LogRecord, out: &mut Vec<u8>) {
    out.maybe(record.caller.end_user.as_deref());
    out.text(&record.model);
    out.text(&record.model_group);
    out.maybe(record.model_id.as_deref());
    out.text(&record.provider);
    out.maybe(record.api_base.as_deref());
    out.text(record.call_type);
    out.maybe(record.user_agent.as_deref());
    out.texts(record.tags.iter().map(String::as_str));
    out.maybe(record.mcp_tool.as_deref());
}

impl<'a> Alike<'a> {
    /// Reads what [`put`] wrote.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut take = Take(bytes);
        let flags = take.int()?;
        let mut alike = Self {
            told: flags & TOLD != 0,
            interrupted: flags & INTERRUPTED != 0,
            success: flags & SUCCESS != 0,
            agent_untagged: flags & NO_AGENT_TAGS != 0,
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
            // Older segments end here.
            alike.mcp_tool = take.maybe().flatten();
        }
        let windows = if take.0.is_empty() { 0 } else { take.int()? };
        for _ in 0..windows {
            let mut text = || take.text().map(str::to_owned);
            let key = WindowKey { kind: text()?, id: text()?, duration: text()? };
            alike.windows.push((key, take.signed()?));
        }
        Some(alike)
    }
}
