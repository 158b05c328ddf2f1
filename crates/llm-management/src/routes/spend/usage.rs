//! The daily breakdown of one kind of caller: users, teams, organizations, end users, tags, agents.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta, Utc};
use llm_accounts::Outcome;
use llm_store::{DailyCounters, DailyFilter, DailyGroup, DailyKey, DailyScope, DailySum, Listing, Store, StoreError};
use llm_types::Json;

use super::metrics::{Day, Sums, Told, keys_told, metadata, results};
use super::{days, fresh, hash};
use crate::call::Call;
use crate::pieces::{self, Answer};
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/user/daily/activity" OwnScope users),
    row!("GET" "/user/daily/activity/aggregated" OwnScope users_in_one),
    row!("GET" "/team/daily/activity" TeamAdmin teams),
    row!("GET" "/team/daily/activity/aggregated" TeamAdmin teams_in_one),
    row!("GET" "/organization/daily/activity" TeamAdmin organizations),
    row!("GET" "/customer/daily/activity" Admin end_users),
    row!("GET" "/end_user/daily/activity" Admin end_users),
    row!("GET" "/tag/daily/activity" OwnScope tags),
    row!("GET" "/agent/daily/activity" Admin agents),
];

/// Keys that an answer without pages tells one by one: the dearest.
const MOST_KEYS: u32 = 100;

/// Rows of one page at the most.
const LARGEST_PAGE: u32 = 1000;

async fn users(call: Call) -> Outcome<Json> {
    let filter = filter(&call, "user_id", None)?;
    paged(&call, DailyScope::User, filter, 50).await
}

async fn users_in_one(call: Call) -> Outcome<Answer> {
    let filter = filter(&call, "user_id", None)?;
    in_one(&call, DailyScope::User, filter).await
}

async fn teams(call: Call) -> Outcome<Json> {
    let filter = filter(&call, "team_ids", Some("exclude_team_ids"))?;
    paged(&call, DailyScope::Team, filter, 10).await
}

async fn teams_in_one(call: Call) -> Outcome<Answer> {
    let filter = filter(&call, "team_ids", Some("exclude_team_ids"))?;
    in_one(&call, DailyScope::Team, filter).await
}

async fn organizations(call: Call) -> Outcome<Json> {
    let filter = filter(&call, "organization_ids", Some("exclude_organization_ids"))?;
    paged(&call, DailyScope::Organization, filter, 10).await
}

async fn end_users(call: Call) -> Outcome<Json> {
    let filter = filter(&call, "end_user_ids", Some("exclude_end_user_ids"))?;
    paged(&call, DailyScope::EndUser, filter, 10).await
}

async fn tags(call: Call) -> Outcome<Json> {
    let filter = filter(&call, "tags", None)?;
    paged(&call, DailyScope::Tag, filter, 10).await
}

async fn agents(call: Call) -> Outcome<Json> {
    let filter = filter(&call, "agent_ids", Some("exclude_agent_ids"))?;
    paged(&call, DailyScope::Agent, filter, 10).await
}

/// What is asked for. `user_id` is one id, the others are lists with commas.
fn filter(call: &Call, ids: &'static str, without: Option<&'static str>) -> Outcome<DailyFilter> {
    let list = |name: &str| -> Vec<String> {
        let text = call.text(name).unwrap_or_default();
        let parts: Vec<&str> = if name == "user_id" { vec![text] } else { text.split(',').collect() };
        parts.into_iter().map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect()
    };
    let (from, until) = days(call)?;
    Ok(DailyFilter {
        entities: list(ids),
        without: without.map(list).unwrap_or_default(),
        from: Some(from.to_string()),
        until: Some(last_day(call, until)?.to_string()),
        api_keys: call.text("api_key").map(hash).into_iter().collect(),
        model: call.owned("model"),
    })
}

/// The last day. West of Greenwich today may be tomorrow already where days are counted: with `include_current_utc_day` a
/// range that ends today goes on to that day. `timezone` is UTC minus local time, in minutes.
fn last_day(call: &Call, until: NaiveDate) -> Outcome<NaiveDate> {
    let behind = call.text("timezone").and_then(|minutes| minutes.parse::<i32>().ok());
    let (Some(behind), true) = (behind, call.flag("include_current_utc_day", false)?) else { return Ok(until) };
    let now = Utc::now();
    let here = now.checked_sub_signed(TimeDelta::minutes(behind.into())).unwrap_or(now).date_naive();
    Ok(if until < here { until } else { until.max(now.date_naive()) })
}

fn body(results: Json, metadata: Json) -> Json {
    Json::object([("results", results), ("metadata", metadata)])
}

fn nothing() -> Json {
    body(Json::Array(Vec::new()), metadata(&DailyCounters::default(), 1, 0))
}

/// Pages of rows of the rollup; the sums are those of the page.
async fn paged(call: &Call, scope: DailyScope, filter: DailyFilter, size: u32) -> Outcome<Json> {
    let (page, size) = (call.number("page", 1, 1)?, call.number("page_size", size, 1)?.min(LARGEST_PAGE));
    let store = fresh(call).await?;
    let Some(filter) = call.accounts.visible_usage(&call.who, scope, filter).await? else { return Ok(nothing()) };
    let Listing { rows, total } = store.daily(scope, &filter, page, size).await?;
    let (mut days, mut all) = (BTreeMap::<String, Day>::new(), DailyCounters::default());
    for row in &rows {
        days.entry(row.key.date.clone()).or_default().add(&row.key, &row.counters, Sums::All);
        all.add(&row.counters);
    }
    let pages = total.div_ceil(u64::from(size));
    Ok(body(results(&days, &store, scope).await?, metadata(&all, page, pages)))
}

/// Everything at once: sums over all keys, and the dearest keys one by one. It is written day after day: at a hundred keys
/// it is a megabyte a day.
async fn in_one(call: &Call, scope: DailyScope, filter: DailyFilter) -> Outcome<Answer> {
    let store = fresh(call).await?;
    let Some(filter) = call.accounts.visible_usage(&call.who, scope, filter).await? else {
        return Ok(nothing().into());
    };
    let (from, until) = (filter.from.as_deref().unwrap_or_default(), filter.until.as_deref().unwrap_or_default());
    let dates = store.daily_dates(scope, from, until).await?;
    let dearest = store.daily_dearest_keys(scope, &filter, MOST_KEYS).await?;
    let told =
        Told { keys: keys_told(&store, &dearest.keys.iter().map(String::as_str).collect()).await?, ..Told::default() };
    Ok(pieces::written(async move |mut out| {
        let (mut all, mut told, mut lead) = (DailyCounters::default(), told, "");
        out.text("{\"results\":[").await?;
        // Every row has a key: without keys there is nothing on any day.
        for date in dates.iter().rev().filter(|_| !dearest.keys.is_empty()) {
            let day = one_day(&store, scope, &filter, &dearest.keys, date).await?;
            if day.is_empty() {
                continue;
            }
            told.learn(&store, scope, day.entities()).await?;
            all.add(&day.all);
            out.text(lead).await?;
            lead = ",";
            out.json(&day.shown(date, &told)).await?;
        }
        let mut metadata = metadata(&all, 1, 1);
        metadata.set("api_key_limit", MOST_KEYS);
        metadata.set("total_api_keys", dearest.of);
        out.text("],\"metadata\":").await?;
        out.json(&metadata).await?;
        out.text("}").await?;
        Ok(out)
    }))
}

/// The sums of one day of the filter: of everything, and of the keys given.
async fn one_day(
    store: &Store,
    scope: DailyScope,
    filter: &DailyFilter,
    keys: &[String],
    date: &str,
) -> Result<Day, StoreError> {
    let all = DailyFilter { from: Some(date.to_owned()), until: Some(date.to_owned()), ..filter.clone() };
    let of_keys = DailyFilter { api_keys: keys.to_vec(), ..all.clone() };
    let mut day = Day::default();
    // What everybody used is in a rollup of its own, where no database that was used before it came lacks it.
    let everybody = scope == DailyScope::User && filter.is_everybody();
    let mut parts = Vec::new();
    if everybody {
        parts = store.daily_groups(DailyScope::Global, &all, groups(Sums::Parts), None).await?;
    }
    if parts.is_empty() {
        parts = store.daily_groups(scope, &all, groups(Sums::Parts), None).await?;
    }
    parts.iter().for_each(|sum| day.add(&key(sum, Sums::Parts), &sum.counters, Sums::Parts));
    let mut wanted = vec![(&of_keys, Sums::Keys)];
    if scope != DailyScope::User {
        // LiteLLM does not break days down by user: there may be thousands.
        wanted.extend([(&all, Sums::Entities), (&of_keys, Sums::EntityKeys)]);
    }
    for (filter, into) in wanted {
        for sum in store.daily_groups(scope, filter, groups(into), None).await? {
            day.add(&key(&sum, into), &sum.counters, into);
        }
    }
    Ok(day)
}

const fn groups(into: Sums) -> &'static [DailyGroup] {
    use DailyGroup::{ApiKey, Endpoint, Entity, Model, ModelGroup, Provider, Tool};
    match into {
        Sums::All | Sums::Parts => &[Model, ModelGroup, Provider, Tool, Endpoint],
        Sums::Keys => &[Model, ModelGroup, Provider, Tool, Endpoint, ApiKey],
        Sums::Entities => &[Entity],
        Sums::EntityKeys => &[Entity, ApiKey],
    }
}

/// The parts of a sum in the order of [`groups`].
fn key(sum: &DailySum, into: Sums) -> DailyKey {
    let part = |at: usize| sum.part(at).to_owned();
    if matches!(into, Sums::Entities | Sums::EntityKeys) {
        return DailyKey { entity: part(0), api_key: part(1), ..DailyKey::default() };
    }
    DailyKey {
        model: part(0),
        model_group: part(1),
        custom_llm_provider: part(2),
        mcp_namespaced_tool_name: part(3),
        endpoint: part(4),
        api_key: part(5),
        ..DailyKey::default()
    }
}
