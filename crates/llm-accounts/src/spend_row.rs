//! The row of a call, with the columns and the metadata keys that LiteLLM writes.

mod metadata;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use llm_store::{SpendCall, SpendLogRow};
use llm_types::{Json, RawJson};
use uuid::Uuid;

use crate::journal::{Alike, Own, OwnRow};
use crate::purse::usd;
use metadata::Metadata;

/// Texts of stored prompts are cut to this many characters, head and tail kept.
const STORED_TEXT: usize = 2048;

/// What tags begin with that are made from user agents.
pub(crate) const AGENT_TAG: &str = "User-Agent: ";

/// The tags that a user agent makes: its product, and all of it.
pub(crate) fn agent_tags(agent: Option<&str>) -> impl Iterator<Item = String> {
    let agent = agent.filter(|agent| !agent.is_empty());
    let product = agent.and_then(|agent| agent.split_once('/')).map(|(product, _)| product);
    [product, agent].into_iter().flatten().map(|name| format!("{AGENT_TAG}{name}"))
}

/// Tags of the request, of the key and of the team, and those made from the user agent.
pub(crate) fn tags(alike: &Alike<'_>) -> Vec<String> {
    let mut tags: Vec<String> = alike.tags.iter().map(|tag| (*tag).to_owned()).collect();
    let agent = alike.user_agent.filter(|_| !alike.agent_untagged);
    for tag in alike.caller_tags.iter().map(|tag| (*tag).to_owned()).chain(agent_tags(agent)) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// The columns that calls of one caller to one deployment share.
pub(crate) fn shared(alike: &Alike<'_>, tags: &[String], now: DateTime<Utc>) -> SpendLogRow {
    let some = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(str::to_owned);
    let own = |text: Option<&str>| text.unwrap_or_default().to_owned();
    // Of a call that nobody could tell the end of, it is known what was asked for.
    let (model, group) = if alike.told { (alike.model, alike.model_group) } else { (alike.group, alike.group) };
    SpendLogRow {
        call_type: alike.call_type.to_owned(),
        api_key: own(alike.key),
        model: model.to_owned(),
        model_id: Some(own(alike.model_id)),
        model_group: Some(group.to_owned()),
        custom_llm_provider: Some(alike.provider.to_owned()),
        api_base: Some(own(alike.api_base)),
        user: Some(own(alike.user)),
        cache_hit: Some(match alike.cache_hit {
            _ if !alike.told => String::new(),
            Some(true) => "True".to_owned(),
            Some(false) => "False".to_owned(),
            None => "None".to_owned(),
        }),
        request_tags: RawJson::of(tags).ok(),
        team_id: some(alike.team),
        organization_id: some(alike.organization),
        end_user: some(alike.end_user),
        agent_id: some(alike.agent),
        mcp_namespaced_tool_name: some(alike.mcp_tool),
        status: Some(if alike.success { "success" } else { "failure" }.to_owned()),
        created_at: now,
        updated_at: now,
        ..SpendLogRow::default()
    }
}

/// Makes what calls have of their own, and remembers what the next one may share.
#[derive(Debug)]
pub(crate) struct RowMaker {
    metadata: Metadata,
    ip: Option<Arc<str>>,
    no_cache: Arc<str>,
}

impl RowMaker {
    pub(crate) fn new(alike: &Alike<'_>) -> Self {
        let no_cache = if alike.told { "Cache OFF" } else { "" };
        Self { metadata: Metadata::new(alike), ip: None, no_cache: no_cache.into() }
    }

    pub(crate) fn call(&mut self, alike: &Alike<'_>, own: &Own<'_>, row: &OwnRow<'_>) -> SpendCall {
        // Nobody could tell the end of the others: they have no id but this.
        let call_id: Arc<str> = if alike.told { row.call_id.into() } else { Uuid::new_v4().to_string().into() };
        let response_id = row.response_id.filter(|id| !id.is_empty() && *id != &*call_id);
        if self.ip.as_deref() != row.ip {
            self.ip = row.ip.map(Arc::from);
        }
        SpendCall {
            request_id: response_id.map_or_else(|| Arc::clone(&call_id), Arc::from),
            session_id: row.session_id.or(row.trace_id).map(Arc::from),
            call_id,
            spend: usd(own.nanos),
            total_tokens: own.counts.total,
            prompt_tokens: own.counts.input,
            completion_tokens: own.counts.output,
            start_time: time(own.start_us),
            end_time: time(own.end_us),
            duration_ms: own.ms(),
            completion_start_time: row.first_byte_us.map(|us| time(us.cast_signed())),
            metadata: self.metadata.of(alike, own, row).into(),
            ip: self.ip.clone(),
            cache_key: row.cache_key.map_or_else(|| Arc::clone(&self.no_cache), Arc::from),
        }
    }
}

/// The row with what was said, long texts cut.
pub(crate) fn with_content(row: SpendLogRow, own: &OwnRow<'_>) -> SpendLogRow {
    let content = |text: Option<&str>, none: Option<RawJson>| match text.map(RawJson::parse) {
        Some(Ok(json)) => Some(shortened(&json)),
        _ => none,
    };
    SpendLogRow { messages: content(own.messages, row.messages), response: content(own.response, row.response), ..row }
}

fn time(us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(us).unwrap_or_default()
}

/// Cuts every long text inside; what is short stays as it was written.
fn shortened(json: &RawJson) -> RawJson {
    if json.get().len() <= STORED_TEXT {
        return json.clone();
    }
    let Ok(mut tree) = json.read::<Json>() else { return json.clone() };
    cut(&mut tree);
    tree.to_raw()
}

fn cut(json: &mut Json) {
    match json {
        Json::String(text) => {
            let long = text.chars().count();
            if long > STORED_TEXT {
                let head: String = text.chars().take(STORED_TEXT * 35 / 100).collect();
                let tail: String = text.chars().skip(long - STORED_TEXT * 65 / 100).collect();
                let skipped = long - head.chars().count() - tail.chars().count();
                *text = format!("{head}... (litellm_truncated {skipped} chars) ...{tail}");
            }
        }
        Json::Array(items) => items.iter_mut().for_each(cut),
        Json::Object(fields) => fields.iter_mut().for_each(|(_, value)| cut(value)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_keep_head_and_tail() {
        let text = format!("{}{}", "a".repeat(3000), "z".repeat(3000));
        let json = RawJson::of(&vec![text, "short".to_owned()]).unwrap();
        let cut = shortened(&json).read::<Vec<String>>().unwrap();
        let long = cut.first().unwrap();
        assert!(
            long.len() < 2200 && long.starts_with("aaa") && long.ends_with("zzz") && long.contains("3953 chars"),
            "{}",
            long.len()
        );
        assert_eq!(cut.get(1).map(String::as_str), Some("short"));
    }
}
