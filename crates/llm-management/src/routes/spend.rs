//! What was spent.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use llm_accounts::{KeyDigest, Outcome, Role};
use llm_store::{
    DailyFilter, DailyScope, Filter, ListQuery, SpendFilter, SpendLogRow, SpendSum, Store, StoreError, UserRow,
};
use llm_types::{Error, Json, Kind, RawJson};

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/spend/logs" OwnScope logs),
    row!("GET" "/spend/logs/v2" OwnScope pages),
    row!("GET" "/spend/keys" Admin keys),
    row!("GET" "/spend/users" Admin users),
    row!("GET" "/global/spend" Admin total),
    row!("POST" "/global/spend/reset" MasterKey reset),
];

/// Rows of one answer without a page.
const MOST_ROWS: u32 = 10_000;

/// Days of one summary.
const MOST_DAYS: i64 = 3660;

fn shown<T: llm_store::Table + serde::Serialize>(row: &T) -> Json {
    RawJson::of(row).map(|raw| Json::from(&raw)).unwrap_or_default()
}

/// The store, with everything settled so far in it.
async fn fresh(call: &Call) -> Outcome<Store> {
    let store = call.accounts.store_or_refuse()?.clone();
    if let Err(error) = call.accounts.flush().await {
        tracing::warn!(%error, "spend is read without the latest calls");
    }
    Ok(store)
}

/// The filter of a query, narrowed to what the caller may see.
fn filter(call: &Call) -> Outcome<SpendFilter> {
    let mut filter = SpendFilter {
        api_key: call.text("api_key").map(hash),
        user: call.owned("user_id"),
        request_id: call.owned("request_id"),
        ..SpendFilter::default()
    };
    if matches!(call.who.role(), Some(Role::ProxyAdmin | Role::ProxyAdminViewer)) {
        return Ok(filter);
    }
    let own = call.who.user_id().ok_or_else(|| forbidden("A key without a user has no spend logs of its own."))?;
    if filter.user.as_deref().is_some_and(|user| user != own) {
        return Err(forbidden("You are not allowed to see another user's spend.").into());
    }
    filter.user = Some(own.to_owned());
    Ok(filter)
}

fn forbidden(why: &str) -> Error {
    Error::new(Kind::PermissionDenied, why).with_type("auth_error")
}

/// Rows name the master key by its alias and other keys by their hash.
fn hash(key: &str) -> String {
    if key == llm_accounts::MASTER_KEY_ALIAS { key.to_owned() } else { KeyDigest::of_key_or_hash(key).hex() }
}

/// Reads `YYYY-MM-DD`, with or without a time. A date alone means its start, or with `end` its last moment.
pub(super) fn date(call: &Call, name: &'static str, end: bool) -> Outcome<Option<DateTime<Utc>>> {
    let Some(text) = call.text(name) else { return Ok(None) };
    let forms = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.fZ"];
    let exact = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let day = || {
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(if end { day.and_hms_milli_opt(23, 59, 59, 999)? } else { day.and_time(NaiveTime::MIN) })
    };
    let time = exact.or_else(day).ok_or_else(|| {
        Error::bad_request(format!("{name}: `{text}` is not a date. Use YYYY-MM-DD.")).with_param(name)
    })?;
    Ok(Some(time.and_utc()))
}

async fn logs(call: Call) -> Outcome<Json> {
    let mut filter = filter(&call)?;
    filter.from = date(&call, "start_date", false)?;
    filter.until = date(&call, "end_date", true)?;
    let summarize = call.flag("summarize", true)?;
    let store = fresh(&call).await?;
    if let Some(id) = filter.request_id.take() {
        let rows = store.table::<SpendLogRow>().by_request_id(&id).await?;
        let own = |row: &&SpendLogRow| filter.user.is_none() || row.user == filter.user;
        return Ok(Json::Array(rows.iter().filter(own).map(shown).collect()));
    }
    if let (Some(from), Some(until), true) = (filter.from, filter.until, summarize) {
        let sums = store.table::<SpendLogRow>().by_day(filter).await?;
        return Ok(summary(&sums, from.date_naive(), until.date_naive()));
    }
    let query = ListQuery::page(filter.into(), 1, MOST_ROWS).sorted("startTime", true);
    let rows = store.table::<SpendLogRow>().list(&query).await?.rows;
    Ok(Json::Array(rows.iter().map(shown).collect()))
}

/// What was spent by day, key, user and model; days without spend behind the last one are filled in, as LiteLLM does.
fn summary(sums: &[SpendSum], from: NaiveDate, until: NaiveDate) -> Json {
    let mut days: BTreeMap<String, Day> = BTreeMap::new();
    for sum in sums {
        let part = |at: usize| sum.group.get(at).cloned().flatten().unwrap_or_default();
        let day = days.entry(part(0)).or_default();
        day.spend += sum.spend;
        *day.keys.entry(part(1)).or_default() += sum.spend;
        *day.users.entry(part(2)).or_default() += sum.spend;
        *day.models.entry(part(3)).or_default() += sum.spend;
    }
    let last = days.keys().next_back().and_then(|day| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok());
    if let Some(last) = last.filter(|_| (until - from).num_days() <= MOST_DAYS) {
        let mut day = last;
        while let Some(next) = day.checked_add_days(Days::new(1)).filter(|next| *next <= until) {
            days.entry(next.to_string()).or_default();
            day = next;
        }
    }
    Json::Array(days.into_iter().map(|(date, day)| day.json(&date)).collect())
}

#[derive(Debug, Default)]
struct Day {
    spend: f64,
    keys: BTreeMap<String, f64>,
    users: BTreeMap<String, f64>,
    models: BTreeMap<String, f64>,
}

impl Day {
    fn json(self, date: &str) -> Json {
        let map = |of: BTreeMap<String, f64>| Json::object(of);
        let mut out =
            Json::object([("users", map(self.users)), ("models", map(self.models)), ("spend", Json::from(self.spend))]);
        for (key, spend) in self.keys {
            out.set(&key, spend);
        }
        out.set("startTime", date);
        out
    }
}

async fn pages(call: Call) -> Outcome<Json> {
    let filter = SpendFilter {
        session_id: call.owned("session_id"),
        team_id: call.owned("team_id"),
        end_user: call.owned("end_user"),
        model: call.owned("model"),
        model_id: call.owned("model_id"),
        model_group: call.owned("model_group"),
        status: call.owned("status_filter"),
        cache_hit: call.owned("cache_hit_filter"),
        key_alias: call.owned("key_alias"),
        error_code: call.owned("error_code"),
        min_spend: call.amount("min_spend")?,
        max_spend: call.amount("max_spend")?,
        from: date(&call, "start_date", false)?,
        until: date(&call, "end_date", true)?,
        ..filter(&call)?
    };
    let (page, size) = (call.number("page", 1, 1)?, call.number("page_size", 50, 1)?.min(100));
    let column = call.owned("sort_by").unwrap_or_else(|| "startTime".to_owned());
    let falls = call.text("sort_order") != Some("asc");
    let store = fresh(&call).await?;
    let query = ListQuery::page(Filter::from(filter), page, size).sorted(&column, falls);
    let listing = match store.table::<SpendLogRow>().page(&query).await {
        Err(StoreError::Column { column, .. }) => {
            return Err(Error::bad_request(format!("Invalid sort_by: {column}")).with_param("sort_by").into());
        }
        listing => listing?,
    };
    Ok(Json::object([
        ("data", Json::Array(listing.rows.iter().map(shown).collect())),
        ("total", Json::from(listing.total)),
        ("page", Json::from(page)),
        ("page_size", Json::from(size)),
        ("total_pages", Json::from(listing.pages(size))),
    ]))
}

async fn keys(call: Call) -> Outcome<Json> {
    let store = fresh(&call).await?;
    let query = ListQuery::page(Filter::new(), 1, MOST_ROWS).sorted("spend", true);
    Ok(Json::Array(store.keys().list(&query).await?.rows.iter().map(shown).collect()))
}

async fn users(call: Call) -> Outcome<Json> {
    let store = fresh(&call).await?;
    let query =
        ListQuery::page(Filter::new().maybe("user_id", call.owned("user_id")), 1, MOST_ROWS).sorted("spend", true);
    Ok(Json::Array(store.table::<UserRow>().list(&query).await?.rows.iter().map(shown).collect()))
}

/// What everybody spent in the last 30 days, and the budget of the whole proxy.
async fn total(call: Call) -> Outcome<Json> {
    let store = fresh(&call).await?;
    let from = Utc::now().date_naive().checked_sub_days(Days::new(30)).map(|day| day.to_string());
    let days = store.daily_sums(DailyScope::Global, &DailyFilter { from, ..DailyFilter::default() }).await?;
    let spend: f64 = days.iter().map(|(_, counters)| counters.spend).sum();
    Ok(Json::object([("spend", spend), ("max_budget", call.accounts.settings().max_budget)]))
}

async fn reset(call: Call) -> Outcome<Json> {
    call.accounts.forget_spend().await?;
    Ok(Json::object([("message", "Spend for all API Keys and Teams reset successfully"), ("status", "success")]))
}
