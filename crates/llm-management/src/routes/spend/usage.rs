//! The daily breakdown of one kind of caller: users, teams, organizations, end users, tags, agents.

use chrono::{NaiveDate, TimeDelta, Utc};
use llm_accounts::Outcome;
use llm_store::{DailyFilter, DailyGroup, DailyKey, DailyScope, DailySum, Listing, Store};
use llm_types::Json;

use super::metrics::{Breakdown, Sums, metadata};
use super::{days, fresh, hash};
use crate::call::Call;
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

async fn users_in_one(call: Call) -> Outcome<Json> {
    let filter = filter(&call, "user_id", None)?;
    in_one(&call, DailyScope::User, filter).await
}

async fn teams(call: Call) -> Outcome<Json> {
    let filter = filter(&call, "team_ids", Some("exclude_team_ids"))?;
    paged(&call, DailyScope::Team, filter, 10).await
}

async fn teams_in_one(call: Call) -> Outcome<Json> {
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
    body(Json::Array(Vec::new()), metadata(&Breakdown::default().all, 1, 0))
}

/// Pages of rows of the rollup; the sums are those of the page.
async fn paged(call: &Call, scope: DailyScope, filter: DailyFilter, size: u32) -> Outcome<Json> {
    let (page, size) = (call.number("page", 1, 1)?, call.number("page_size", size, 1)?.min(LARGEST_PAGE));
    let store = fresh(call).await?;
    let Some(filter) = call.accounts.visible_usage(&call.who, scope, filter).await? else { return Ok(nothing()) };
    let Listing { rows, total } = store.daily(scope, &filter, page, size).await?;
    let mut out = Breakdown::default();
    rows.iter().for_each(|row| out.add(&row.key, &row.counters, Sums::All));
    let pages = total.div_ceil(u64::from(size));
    Ok(body(out.results(&store, scope).await?, metadata(&out.all, page, pages)))
}

/// Everything at once: sums over all keys, and the dearest keys one by one.
async fn in_one(call: &Call, scope: DailyScope, filter: DailyFilter) -> Outcome<Json> {
    let store = fresh(call).await?;
    let Some(filter) = call.accounts.visible_usage(&call.who, scope, filter).await? else { return Ok(nothing()) };
    let dearest = store.daily_groups(scope, &filter, &[DailyGroup::ApiKey], Some(MOST_KEYS)).await?;
    let keys = DailyFilter { api_keys: dearest.iter().map(|sum| sum.part(0).to_owned()).collect(), ..filter.clone() };
    let mut out = Breakdown::default();
    for (filter, into) in
        [(&filter, Sums::Parts), (&keys, Sums::Keys), (&filter, Sums::Entities), (&keys, Sums::EntityKeys)]
    {
        for sum in sums(&store, scope, filter, into).await? {
            out.add(&key(&sum, into), &sum.counters, into);
        }
    }
    let mut metadata = metadata(&out.all, 1, 1);
    metadata.set("api_key_limit", MOST_KEYS);
    metadata.set("total_api_keys", store.daily_keys(scope, &filter).await?);
    Ok(body(out.results(&store, scope).await?, metadata))
}

async fn sums(store: &Store, scope: DailyScope, filter: &DailyFilter, into: Sums) -> Outcome<Vec<DailySum>> {
    use DailyGroup::{ApiKey, Date, Endpoint, Entity, Model, ModelGroup, Provider, Tool};
    let groups: &[DailyGroup] = match into {
        Sums::All | Sums::Parts => &[Date, Model, ModelGroup, Provider, Tool, Endpoint],
        Sums::Keys => &[Date, Model, ModelGroup, Provider, Tool, Endpoint, ApiKey],
        Sums::Entities => &[Date, Entity],
        Sums::EntityKeys => &[Date, Entity, ApiKey],
    };
    Ok(store.daily_groups(scope, filter, groups, None).await?)
}

/// The parts of a sum in the order of [`sums`].
fn key(sum: &DailySum, into: Sums) -> DailyKey {
    let part = |at: usize| sum.part(at).to_owned();
    let date = part(0);
    match into {
        Sums::Entities | Sums::EntityKeys => {
            DailyKey { date, entity: part(1), api_key: part(2), ..DailyKey::default() }
        }
        _ => DailyKey {
            date,
            model: part(1),
            model_group: part(2),
            custom_llm_provider: part(3),
            mcp_namespaced_tool_name: part(4),
            endpoint: part(5),
            api_key: part(6),
            entity: String::new(),
        },
    }
}
