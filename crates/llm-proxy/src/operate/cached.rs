//! `GET /cost_optimization/prompt_caching/requests`: calls whose hosts read their prompt from a cache or kept it in one, newest
//! first, and what that saved.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta, Utc};
use http::Response;
use http::request::Parts;
use llm_catalog::{CostOptions, cost};
use llm_client::Target;
use llm_store::{DailyFilter, DailyGroup, DailyScope, DailySum, Filter, ListQuery, SpendFilter, SpendLogRow, Store};
use llm_types::{Error, Format, Json, Kind, RawJson, Result, Usage};

use crate::body::Reply;
use crate::core::Core;
use crate::models::answer;
use crate::pass::who::query;
use crate::snapshot::Snapshot;

/// Where LiteLLM notes that it marked the prompt itself.
const MARKER: &str = "litellm_gateway_injected_cache";
const LARGEST_PAGE: u32 = 100;
const PAGE: u32 = 50;

/// Where rows have the tokens that were read from a cache: in the words of each host, and in ours where it said nothing.
const READ: [&[&str]; 6] = [
    &["usage_object", "cache_read_input_tokens"],
    &["usage_object", "prompt_tokens_details", "cached_tokens"],
    &["usage_object", "input_tokens_details", "cached_tokens"],
    &["usage_object", "cachedContentTokenCount"],
    &["usage_object", "cacheReadInputTokens"],
    &["additional_usage_values", "cache_read"],
];
/// The same of those that were written to one.
const WRITTEN: [&[&str]; 6] = [
    &["usage_object", "cache_creation_input_tokens"],
    &["usage_object", "prompt_tokens_details", "cache_write_tokens"],
    &["usage_object", "prompt_tokens_details", "cache_creation_tokens"],
    &["usage_object", "cacheWriteInputTokens"],
    &["additional_usage_values", "cache_write_5m"],
    &["additional_usage_values", "cache_write_1h"],
];

/// Where the page before ended.
type Cursor = (DateTime<Utc>, String);

/// What is asked for.
struct Asked {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    /// Beside the times.
    which: Vec<Filter>,
    cursor: Option<Cursor>,
    size: u32,
}

impl Asked {
    /// The rows of a day that are meant; the day as the rollups write it.
    fn rows(&self, day: &str) -> Option<Filter> {
        let start = day.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN).and_utc();
        let (from, until) =
            (self.from.max(start), self.until.min(start + TimeDelta::days(1) - TimeDelta::milliseconds(1)));
        let times =
            SpendFilter { from: Some(from), until: Some(until), cache_hit: Some(false), ..SpendFilter::default() };
        let filter = Filter::from(times).one_of(self.which.clone());
        Some(match self.cursor.clone() {
            None => filter,
            Some((at, id)) => {
                let same = Filter::new().is("startTime", at).below("request_id", id);
                // The first condition is for the index.
                filter.at_most("startTime", at).one_of(vec![Filter::new().below("startTime", at), same])
            }
        })
    }

    /// One row more than fit on the page, newest first. The rollup says on which days anything was cached: looking through the
    /// rows of the others takes minutes where there are many.
    async fn found(&self, store: &Store) -> llm_store::Result<Vec<SpendLogRow>> {
        let last = self.cursor.as_ref().map_or(self.until, |(at, _)| self.until.min(*at));
        let days = DailyFilter {
            from: Some(self.from.date_naive().to_string()),
            until: Some(last.date_naive().to_string()),
            ..DailyFilter::default()
        };
        let sums = store.daily_groups(DailyScope::User, &days, &[DailyGroup::Date], None).await?;
        let cached =
            |sum: &&DailySum| sum.counters.cache_read_input_tokens + sum.counters.cache_creation_input_tokens > 0;
        let mut rows = Vec::new();
        for day in sums.iter().rev().filter(cached) {
            let left = self.size.saturating_add(1).saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
            let Some(filter) = self.rows(day.part(0)).filter(|_| left > 0) else { break };
            let list = ListQuery::page(filter, 1, left).sorted("startTime", true);
            rows.extend(store.table::<SpendLogRow>().rows(&list).await?);
        }
        Ok(rows)
    }
}

fn asked(parts: &Parts) -> Result<Asked> {
    let text = |name: &str| query(parts, name).map(|value| value.into_owned()).filter(|value| !value.is_empty());
    let bad = |name: &'static str, why: &str| Error::bad_request(format!("{name} {why}")).with_param(name);
    let time = |name: &'static str| match text(name) {
        None => Ok(None),
        Some(text) => instant(&text).map(Some).ok_or_else(|| bad(name, "is no time")),
    };
    let needed = |name: &'static str| time(name)?.ok_or_else(|| bad(name, "is missing"));
    let (from, until) = (needed("start_date")?, needed("end_date")?);
    if until < from {
        return Err(bad("end_date", "must not be earlier than start_date"));
    }
    let size = text("page_size").map_or(Ok(PAGE), |text| {
        let size = text.parse().ok().filter(|size| (1..=LARGEST_PAGE).contains(size));
        size.ok_or_else(|| bad("page_size", "must be between 1 and 100"))
    })?;
    let any = |paths: &[&'static [&'static str]]| {
        paths.iter().map(|path| Filter::new().json_positive("metadata", path)).collect::<Vec<_>>()
    };
    let marked = Filter::new().contains_text("metadata", format!("\"{MARKER}\""));
    let which = match text("filter").as_deref() {
        None | Some("all") => [any(&READ), any(&WRITTEN), vec![marked]].concat(),
        Some("hits") => any(&READ),
        Some("injected") => vec![marked],
        Some(_) => return Err(bad("filter", "must be one of: all, injected, hits")),
    };
    let cursor = match (time("cursor_start_time")?, text("cursor_request_id")) {
        (None, None) => None,
        (Some(at), Some(id)) => Some((at, id)),
        _ => {
            let why = "cursor_start_time and cursor_request_id must be provided together";
            return Err(Error::bad_request(why).with_param("cursor_start_time"));
        }
    };
    Ok(Asked { from, until, which, cursor, size })
}

/// A time as LiteLLM's clients write it; without a zone it is UTC's.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let zoned = DateTime::parse_from_rfc3339(&text.replace(' ', "+")).or_else(|_| DateTime::parse_from_rfc3339(text));
    let plain = |form| NaiveDateTime::parse_from_str(text, form).ok();
    let day = || Some(text.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN));
    let plain = || plain("%Y-%m-%dT%H:%M:%S%.f").or_else(|| plain("%Y-%m-%d %H:%M:%S%.f")).or_else(day);
    zoned.map(|time| time.with_timezone(&Utc)).ok().or_else(|| plain().map(|time| time.and_utc()))
}

/// Answers.
///
/// # Errors
/// 400 for a query that cannot be read; without a database, and when it fails.
pub(super) async fn calls(core: &Core, snapshot: &Snapshot, parts: &Parts) -> Result<Response<Reply>> {
    let asked = asked(parts)?;
    let size = asked.size;
    let store = core.app.store.clone().ok_or_else(|| Error::internal("No DB Connected"))?;
    let read = core.app.background.spawn(async move { asked.found(&store).await });
    let failed = |why: String| Error::new(Kind::Unavailable, why);
    let rows = read.await.map_err(|e| failed(e.to_string()))?.map_err(|e| failed(e.to_string()))?;
    let page: Vec<&SpendLogRow> = rows.iter().take(size as usize).collect();
    let more = page.last().filter(|_| rows.len() > page.len());
    Ok(answer(&Json::object([
        ("requests", Json::Array(page.iter().map(|row| told(snapshot, row)).collect())),
        ("page_size", Json::from(size)),
        ("has_more", Json::from(more.is_some())),
        (
            "next_cursor",
            more.map_or(Json::Null, |row| {
                Json::object([("start_time", stamp(row.start_time)), ("request_id", row.request_id.as_str().into())])
            }),
        ),
    ])))
}

fn stamp(at: DateTime<Utc>) -> Json {
    Json::from(at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

fn told(snapshot: &Snapshot, row: &SpendLogRow) -> Json {
    let metadata: Json = row.metadata.as_ref().and_then(|raw| raw.read().ok()).unwrap_or_default();
    let usage = usage(&metadata);
    let marked = metadata.text(MARKER).is_some_and(|of| of.is_empty() || Some(of) == row.model_id.as_deref());
    Json::object([
        ("request_id", Json::from(row.request_id.as_str())),
        ("start_time", stamp(row.start_time)),
        ("model", Json::from(row.model.as_str())),
        ("gateway_injected", Json::from(marked)),
        ("cache_read_tokens", Json::from(usage.total_cache_read())),
        ("cache_creation_tokens", Json::from(usage.total_cache_write())),
        ("spend", Json::from(row.spend)),
        ("net_savings", saved(snapshot, row, &usage).map_or(Json::Null, Json::from)),
    ])
}

/// What a row says was consumed, in whosever words.
fn usage(metadata: &Json) -> Usage {
    let own = || metadata.get("additional_usage_values").and_then(|usage| usage.to_raw().read().ok());
    let Some(said) = metadata.get("usage_object").filter(|said| said.as_object().is_some()) else {
        return own().unwrap_or_default();
    };
    let has = |name: &str| said.get(name).is_some();
    let format = match () {
        () if has("promptTokenCount") => Format::GeminiGenerate,
        () if has("prompt_tokens") => Format::OpenAiChat,
        () if has("input_tokens_details") => Format::OpenAiResponses,
        () if has("input_tokens") => Format::AnthropicMessages,
        () => return own().unwrap_or_default(),
    };
    llm_wire::usage::report(format, &[RawJson::of(said).unwrap_or_default()]).usage
}

/// What the same prompt would have cost more without a cache, in US dollars; below zero where it was only written. Nothing where
/// no price is known.
fn saved(snapshot: &Snapshot, row: &SpendLogRow, usage: &Usage) -> Option<f64> {
    let (prices, router) = (&snapshot.engine.prices, &snapshot.engine.router);
    let provider = row.custom_llm_provider.as_deref().unwrap_or_default();
    let deployment = row.model_id.as_deref().and_then(|id| router.deployment(id));
    let target = deployment.and_then(|deployment| deployment.payload::<Target>());
    let entry = match target {
        Some(target) => target.price(prices, &row.model)?,
        None => prices.lookup_price(provider, None, &row.model)?,
    };
    let cached = Usage {
        input_text: usage.input_text,
        cache_read: usage.total_cache_read(),
        cache_write_5m: usage.total_cache_write().saturating_sub(usage.cache_write_1h),
        cache_write_1h: usage.cache_write_1h,
        service_tier: usage.service_tier,
        inference_geo: usage.inference_geo,
        ..Usage::default()
    };
    let plain = Usage {
        input_text: cached.total_input(),
        service_tier: cached.service_tier,
        inference_geo: cached.inference_geo,
        ..Usage::default()
    };
    let options = CostOptions { at: u64::try_from(row.end_time.timestamp()).ok(), ..CostOptions::default() };
    let price = |usage: &Usage| cost(entry, provider, usage, &options).input;
    Some(price(&plain) - price(&cached))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_in_every_host_s_words() {
        let of = |text: &str| {
            let usage = usage(&serde_json::from_str(text).unwrap());
            (usage.input_text, usage.total_cache_read(), usage.total_cache_write())
        };
        for (words, told) in [
            (
                r#"{"prompt_tokens":100,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":60}}"#,
                (40, 60, 0),
            ),
            (
                r#"{"input_tokens":10,"output_tokens":1,"cache_read_input_tokens":60,"cache_creation_input_tokens":30}"#,
                (10, 60, 30),
            ),
            (r#"{"input_tokens":100,"output_tokens":1,"input_tokens_details":{"cached_tokens":60}}"#, (40, 60, 0)),
            (r#"{"promptTokenCount":100,"cachedContentTokenCount":60,"candidatesTokenCount":1}"#, (40, 60, 0)),
        ] {
            assert_eq!(of(&format!(r#"{{"usage_object":{words}}}"#)), told, "{words}");
        }
        assert_eq!(of(r#"{"usage_object":null,"additional_usage_values":{"input_text":1,"cache_read":2}}"#), (1, 2, 0));
        assert!(instant("2026-01-02").is_some() && instant("2026-01-02T03:04:05").is_some());
        assert_eq!(instant("2026-01-02T00:00:00 00:00"), instant("2026-01-02"), "a plus that became a space");
        assert_eq!(instant("soon"), None);
    }
}
