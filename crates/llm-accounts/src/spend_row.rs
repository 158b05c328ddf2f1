//! The row of a call, with the columns and the metadata keys that LiteLLM writes.

use chrono::{DateTime, Utc};
use llm_store::SpendLogRow;
use llm_types::record::{Cost, ErrorInfo, LogRecord, Status};
use llm_types::{Json, RawJson, Usage};
use serde::Serialize;
use uuid::Uuid;

use crate::journal::{Entry, Note, Row};
use crate::purse::usd;
use crate::{AccountsSettings, Identity};

/// Texts of stored prompts are cut to this many characters, head and tail kept.
const STORED_TEXT: usize = 2048;

/// What the journal keeps of a finished call.
pub(crate) fn entry(note: &Note, settings: &AccountsSettings) -> Entry {
    let caller = &note.who.caller;
    let text = |t: &Option<std::sync::Arc<str>>| t.as_deref().unwrap_or_default().to_owned();
    let mut entry = Entry {
        nanos: note.nanos,
        counts: note.counts,
        key: text(&caller.key_hash),
        user: text(&caller.user_id),
        team: text(&caller.team_id),
        organization: text(&caller.organization_id),
        project: text(&caller.project_id),
        agent: text(&caller.agent_id),
        model_group: note.group.as_ref().to_owned(),
        endpoint: note.route.to_owned(),
        ..Entry::default()
    };
    let Some(record) = note.record.as_deref() else {
        entry.at = Utc::now().timestamp_millis();
        entry.tags.clone_from(&note.who.switches.tags);
        if note.interrupted && !settings.disable_spend_logs {
            entry.row = Some(Row(Box::new(interrupted(note, &entry))));
        }
        return entry;
    };
    entry.at = record.end_us / 1000;
    entry.ms = record.end_us.saturating_sub(record.start_us).max(0) / 1000;
    entry.success = record.status == Status::Success;
    entry.end_user = text(&record.caller.end_user);
    entry.tags = tags(record, &note.who);
    entry.model = record.model.as_ref().to_owned();
    entry.model_group = record.model_group.as_ref().to_owned();
    entry.provider = record.provider.as_ref().to_owned();
    if !settings.disable_spend_logs {
        entry.row = Some(Row(Box::new(row(note, record, &entry, settings))));
    }
    entry
}

/// Tags of the request, of the key and of the team, and those made from the user agent.
fn tags(record: &LogRecord, who: &Identity) -> Vec<String> {
    let mut tags = record.tags.clone();
    let agent = record.user_agent.as_deref().filter(|a| !a.is_empty());
    let product = agent.and_then(|a| a.split_once('/')).map(|(product, _)| product);
    let made = [product, agent].into_iter().flatten().map(|name| format!("User-Agent: {name}"));
    for tag in who.switches.tags.iter().cloned().chain(made) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

fn row(note: &Note, record: &LogRecord, entry: &Entry, settings: &AccountsSettings) -> SpendLogRow {
    let call_id = record.call_id.as_ref().to_owned();
    let content = |text: &Option<RawJson>| match text {
        Some(text) if settings.store_prompts_in_spend_logs => shortened(text),
        _ => llm_store::defaults::empty_object(),
    };
    SpendLogRow {
        request_id: record.response_id.clone().filter(|id| !id.is_empty()).unwrap_or_else(|| call_id.clone()),
        start_time: time(record.start_us),
        end_time: time(record.end_us),
        request_duration_ms: Some(entry.ms),
        completion_start_time: record.first_byte_us.map(time),
        call_type: record.call_type.to_owned(),
        model_id: Some(record.model_id.as_deref().unwrap_or_default().to_owned()),
        api_base: Some(record.api_base.as_deref().unwrap_or_default().to_owned()),
        metadata: Some(metadata(note, record, entry)),
        cache_hit: Some(match record.cache_hit {
            Some(true) => "True".to_owned(),
            Some(false) => "False".to_owned(),
            None => "None".to_owned(),
        }),
        cache_key: Some(record.cache_key.clone().unwrap_or_else(|| "Cache OFF".to_owned())),
        requester_ip_address: record.client_ip.clone(),
        messages: Some(content(&record.messages)),
        response: Some(content(&record.response)),
        session_id: record.session_id.clone().or_else(|| record.trace_id.clone()).or_else(|| Some(call_id.clone())),
        litellm_call_id: Some(call_id),
        ..base(entry)
    }
}

/// The columns that follow from the entry alone.
fn base(entry: &Entry) -> SpendLogRow {
    let some = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
    let now = llm_store::defaults::now();
    SpendLogRow {
        api_key: entry.key.clone(),
        spend: usd(entry.nanos),
        total_tokens: entry.counts.total,
        prompt_tokens: entry.counts.input,
        completion_tokens: entry.counts.output,
        model: entry.model.clone(),
        model_group: Some(entry.model_group.clone()),
        custom_llm_provider: Some(entry.provider.clone()),
        user: Some(entry.user.clone()),
        request_tags: RawJson::of(&entry.tags).ok(),
        team_id: some(&entry.team),
        organization_id: some(&entry.organization),
        end_user: some(&entry.end_user),
        agent_id: some(&entry.agent),
        status: Some(if entry.success { "success" } else { "failure" }.to_owned()),
        created_at: now,
        updated_at: now,
        ..SpendLogRow::default()
    }
}

/// The row of a call that nobody could tell the end of.
fn interrupted(note: &Note, entry: &Entry) -> SpendLogRow {
    let id = Uuid::new_v4().to_string();
    let at = DateTime::from_timestamp_millis(entry.at).unwrap_or_default();
    let what = Metadata { status: "failure", interrupted: true, ..Metadata::of(&note.who) };
    SpendLogRow {
        request_id: id.clone(),
        litellm_call_id: Some(id),
        start_time: at,
        end_time: at,
        metadata: RawJson::of(&what).ok(),
        ..base(entry)
    }
}

fn time(us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(us).unwrap_or_default()
}

#[derive(Debug, Default, Serialize)]
struct Metadata<'a> {
    user_api_key: Option<&'a str>,
    user_api_key_alias: Option<&'a str>,
    user_api_key_user_id: Option<&'a str>,
    user_api_key_user_email: Option<&'a str>,
    user_api_key_team_id: Option<&'a str>,
    user_api_key_team_alias: Option<&'a str>,
    user_api_key_org_id: Option<&'a str>,
    user_api_key_project_id: Option<&'a str>,
    user_api_key_end_user_id: Option<&'a str>,
    spend_logs_metadata: Option<&'a RawJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requester_metadata: Option<&'a RawJson>,
    requester_ip_address: Option<&'a str>,
    user_agent: Option<&'a str>,
    applied_guardrails: &'a [String],
    usage_object: Option<&'a RawJson>,
    additional_usage_values: Option<&'a Usage>,
    cost_breakdown: Option<Breakdown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_cost_failure_debug_info: Option<&'a str>,
    error_information: Option<ErrorInformation<'a>>,
    status: &'static str,
    attempted_retries: u32,
    attempted_fallbacks: u32,
    original_model_group: Option<&'a str>,
    litellm_overhead_time_ms: Option<f64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    interrupted: bool,
}

#[derive(Debug, Serialize)]
struct Breakdown {
    input_cost: f64,
    output_cost: f64,
    total_cost: f64,
    tool_usage_cost: f64,
    cache_read_cost: f64,
    cache_creation_cost: f64,
    original_cost: f64,
    discount_amount: f64,
    margin_total_amount: f64,
}

impl From<&Cost> for Breakdown {
    fn from(cost: &Cost) -> Self {
        Self {
            input_cost: cost.input,
            output_cost: cost.output,
            total_cost: cost.total,
            tool_usage_cost: cost.tools,
            cache_read_cost: cost.cache_read,
            cache_creation_cost: cost.cache_write,
            original_cost: cost.original,
            discount_amount: cost.discount,
            margin_total_amount: cost.margin,
        }
    }
}

#[derive(Debug, Serialize)]
struct ErrorInformation<'a> {
    error_code: String,
    error_class: &'static str,
    llm_provider: &'a str,
    error_message: &'a str,
    traceback: &'static str,
}

impl<'a> From<&'a ErrorInfo> for ErrorInformation<'a> {
    fn from(error: &'a ErrorInfo) -> Self {
        Self {
            error_code: error.status.to_string(),
            error_class: error.class,
            llm_provider: error.provider.as_deref().unwrap_or_default(),
            error_message: &error.message,
            traceback: "",
        }
    }
}

impl<'a> Metadata<'a> {
    fn of(who: &'a Identity) -> Self {
        let caller = &who.caller;
        Self {
            user_api_key: caller.key_hash.as_deref(),
            user_api_key_alias: caller.key_alias.as_deref(),
            user_api_key_user_id: caller.user_id.as_deref(),
            user_api_key_user_email: caller.user_email.as_deref(),
            user_api_key_team_id: caller.team_id.as_deref(),
            user_api_key_team_alias: caller.team_alias.as_deref(),
            user_api_key_org_id: caller.organization_id.as_deref(),
            user_api_key_project_id: caller.project_id.as_deref(),
            spend_logs_metadata: who.switches.spend_logs_metadata.as_ref(),
            status: "success",
            ..Self::default()
        }
    }
}

fn metadata(note: &Note, record: &LogRecord, entry: &Entry) -> RawJson {
    let took = record.end_us.saturating_sub(record.start_us) as f64;
    let metadata = Metadata {
        user_api_key_end_user_id: record.caller.end_user.as_deref(),
        requester_metadata: record.metadata.as_ref(),
        requester_ip_address: record.client_ip.as_deref(),
        user_agent: record.user_agent.as_deref(),
        applied_guardrails: &record.guardrails,
        usage_object: record.usage_raw.as_ref(),
        additional_usage_values: record.usage_raw.is_none().then_some(&record.usage),
        cost_breakdown: Some(Breakdown::from(&record.cost)),
        response_cost_failure_debug_info: record.cost_problem.as_deref(),
        error_information: record.error.as_ref().map(ErrorInformation::from),
        status: if entry.success { "success" } else { "failure" },
        attempted_retries: record.retries,
        attempted_fallbacks: record.fallbacks,
        original_model_group: (record.model_group.as_ref() != note.group.as_ref()).then_some(&note.group),
        litellm_overhead_time_ms: Some((took - record.upstream_us as f64).max(0.0) / 1000.0),
        ..Metadata::of(&note.who)
    };
    RawJson::of(&metadata).unwrap_or_else(|_| llm_store::defaults::empty_object())
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
