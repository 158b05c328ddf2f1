//! What the rows of a list are told of their sessions.

use std::collections::{BTreeMap, BTreeSet};

use llm_accounts::Outcome;
use llm_store::{SessionMark, SessionSum, SpendLogRow, Store};
use llm_types::{Error, Json};

use super::shown;
use crate::call::Call;

/// Models of a session that are named.
const MOST_MODELS: usize = 10;

/// Characters of a model's name.
const LONGEST_NAME: usize = 256;

/// Where a page of sessions goes on.
///
/// # Errors
/// 400 for what no page gave.
pub(super) fn mark(call: &Call) -> Outcome<Option<SessionMark>> {
    let Some(text) = call.text("session_cursor") else { return Ok(None) };
    let why = "session_cursor: use the next_session_cursor of the page before.";
    let mark = SessionMark::read(text).ok_or_else(|| Error::bad_request(why).with_param("session_cursor"))?;
    Ok(Some(mark))
}

/// The fields of a page of sessions that say whether there is another.
pub(super) fn onward(next: Option<SessionMark>) -> Vec<(&'static str, Json)> {
    let more = Json::from(next.is_some());
    vec![("next_session_cursor", Json::from(next.map(|mark| mark.to_string()))), ("has_more", more)]
}

/// The sums of one session.
#[derive(Debug, Default)]
struct Session {
    all: SessionSum,
    models: BTreeSet<String>,
}

impl Session {
    fn add(&mut self, sum: &SessionSum) {
        let all = &mut self.all;
        all.requests += sum.requests;
        all.spend += sum.spend;
        all.duration_ms += sum.duration_ms;
        all.tool_calls += sum.tool_calls;
        all.tool_spend += sum.tool_spend;
        all.agent_calls += sum.agent_calls;
        all.cache_hits += sum.cache_hits;
        all.prompt_tokens += sum.prompt_tokens;
        all.completion_tokens += sum.completion_tokens;
        all.total_tokens += sum.total_tokens;
        if !sum.model.is_empty() {
            self.models.insert(sum.model.chars().take(LONGEST_NAME).collect());
        }
    }

    fn tell(&self, row: &mut Json) {
        let all = &self.all;
        row.set("session_total_count", all.requests);
        row.set("session_total_spend", all.spend);
        row.set("session_total_duration_ms", all.duration_ms);
        if all.tool_calls > 0 {
            row.set("mcp_tool_call_count", all.tool_calls);
            row.set("mcp_tool_call_spend", all.tool_spend);
        }
        row.set("session_cache_hit_count", all.cache_hits);
        row.set("session_llm_count", all.requests - all.tool_calls - all.agent_calls);
        row.set("session_agent_count", all.agent_calls);
        row.set("session_total_prompt_tokens", all.prompt_tokens);
        row.set("session_total_completion_tokens", all.completion_tokens);
        row.set("session_total_tokens", all.total_tokens);
        let named = self.models.iter().take(MOST_MODELS).map(|model| Json::from(model.as_str()));
        row.set("session_models", Json::Array(named.collect()));
        row.set("session_models_truncated", self.models.len() > MOST_MODELS);
    }
}

/// The rows, each with the sums of its session. They are those of the row's own key: others may use the same name.
///
/// # Errors
/// When the store fails.
pub(super) async fn told(store: &Store, rows: &[SpendLogRow]) -> Outcome<Vec<Json>> {
    let named = |row: &SpendLogRow| row.session_id.clone().filter(|id| !id.is_empty());
    let ids: BTreeSet<String> = rows.iter().filter_map(named).collect();
    let keys: BTreeSet<String> = rows.iter().map(|row| row.api_key.clone()).collect();
    let (ids, keys): (Vec<_>, Vec<_>) = (ids.into_iter().collect(), keys.into_iter().collect());
    let mut sessions: BTreeMap<(String, String), Session> = BTreeMap::new();
    for sum in store.table::<SpendLogRow>().session_sums(&ids, &keys).await? {
        sessions.entry((sum.session.clone(), sum.api_key.clone())).or_default().add(&sum);
    }
    let row = |row: &SpendLogRow| {
        let mut json = shown(row);
        match named(row).and_then(|id| sessions.get(&(id, row.api_key.clone()))) {
            Some(session) => session.tell(&mut json),
            None => json.set("session_total_count", 1_u32),
        }
        json
    };
    Ok(rows.iter().map(row).collect())
}
