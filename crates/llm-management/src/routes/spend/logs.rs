//! Rows of calls.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use llm_accounts::Outcome;
use llm_store::{
    COUNTED, DailyFilter, DailyGroup, DailyScope, DailySum, Filter, ListQuery, Listing, SpendFilter, SpendLogRow,
    SpendSpan, Store, StoreError,
};
use llm_types::{Error, Json, Kind};

use super::{MOST_ROWS, date, forbidden, fresh, hash, only, sessions, shown};
use crate::call::Call;
use crate::pieces::{self, Answer};
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/spend/logs" OwnScope logs),
    row!("GET" "/spend/logs/v2" OwnScope pages),
    row!("GET" "/spend/logs/ui" OwnScope dashboard),
    row!("GET" "/spend/logs/ui/{request_id}" OwnScope content),
    row!("GET" "/spend/logs/session/ui" OwnScope session),
];

/// The order of lists that name none.
const STARTED: &str = "startTime";

/// Days of one summary.
const MOST_DAYS: i64 = 3660;

/// The filter of a query, narrowed to what the caller may see.
fn filter(call: &Call) -> Outcome<SpendFilter> {
    let mut filter = SpendFilter {
        api_key: call.text("api_key").map(hash),
        user: call.owned("user_id"),
        request_id: call.owned("request_id"),
        ..SpendFilter::default()
    };
    let Some(own) = only(call)? else { return Ok(filter) };
    if filter.user.as_ref().is_some_and(|user| *user != own) {
        return Err(forbidden("You are not allowed to see another user's spend.").into());
    }
    filter.user = Some(own);
    Ok(filter)
}

async fn logs(call: Call) -> Outcome<Answer> {
    let mut filter = filter(&call)?;
    filter.from = date(&call, "start_date", false)?;
    filter.until = date(&call, "end_date", true)?;
    let summarize = call.flag("summarize", true)?;
    let store = fresh(&call).await?;
    if let Some(id) = filter.request_id.take() {
        let rows = store.table::<SpendLogRow>().by_request_id(&id).await?;
        let own = |row: &&SpendLogRow| filter.user.is_none() || row.user == filter.user;
        return Ok(Json::Array(rows.iter().filter(own).map(shown).collect()).into());
    }
    if let (Some(from), Some(until), true) = (filter.from, filter.until, summarize) {
        let (first, last) = (from.date_naive(), until.date_naive());
        if filter.user.is_none() && filter.api_key.is_none() {
            return day_by_day(store, first, last).await;
        }
        return Ok(summary(&by_day(&store, filter, first, last).await?, first, last).into());
    }
    let query = ListQuery::page(filter.into(), 1, MOST_ROWS).sorted("startTime", true);
    let rows = store.table::<SpendLogRow>().rows(&query).await?;
    Ok(Json::Array(rows.iter().map(shown).collect()).into())
}

/// Sums by day, key, user and model: from the rollup, which has them, for whole days.
async fn by_day(store: &Store, filter: SpendFilter, first: NaiveDate, last: NaiveDate) -> Outcome<Vec<DailySum>> {
    use DailyGroup::{ApiKey, Date, Entity, Model};
    let filter = DailyFilter {
        entities: filter.user.into_iter().collect(),
        api_keys: filter.api_key.into_iter().collect(),
        from: Some(first.to_string()),
        until: Some(last.to_string()),
        ..DailyFilter::default()
    };
    Ok(store.daily_groups(DailyScope::User, &filter, &[Date, ApiKey, Entity, Model], None).await?)
}

/// What was spent by day, key, user and model; days without spend behind the last one are filled in, as LiteLLM does.
fn summary(sums: &[DailySum], from: NaiveDate, until: NaiveDate) -> Json {
    let mut days: BTreeMap<String, Day> = BTreeMap::new();
    for sum in sums {
        let day = days.entry(sum.part(0).to_owned()).or_default();
        day.add((sum.part(1), sum.part(2), sum.part(3)), sum.counters.spend);
    }
    let last = days.keys().next_back().cloned();
    days.extend(behind(last.as_deref(), (from, until)).map(|day| (day, Day::default())));
    Json::Array(days.into_iter().map(|(date, day)| day.json(&date)).collect())
}

/// The days behind the last one with spend.
fn behind(last: Option<&str>, (from, until): (NaiveDate, NaiveDate)) -> impl Iterator<Item = String> {
    let last = last.and_then(|day| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok());
    let last = last.filter(|_| (until - from).num_days() <= MOST_DAYS);
    let next = move |day: &NaiveDate| day.checked_add_days(Days::new(1)).filter(|next| *next <= until);
    std::iter::successors(last, next).skip(1).map(|day| day.to_string())
}

/// The same of everybody: one day after the other, for it names every key of every day.
async fn day_by_day(store: Store, from: NaiveDate, until: NaiveDate) -> Outcome<Answer> {
    let dates = store.daily_dates(DailyScope::User, &from.to_string(), &until.to_string()).await?;
    let idle: Vec<String> = behind(dates.last().map(String::as_str), (from, until)).collect();
    Ok(pieces::written(async move |mut out| {
        let mut lead = "[";
        for date in dates {
            let mut day = Day::default();
            for part in store.daily_parts(DailyScope::User, &date).await? {
                day.add((&part.api_key, &part.entity, &part.model), part.spend);
            }
            out.text(lead).await?;
            out.json(&day.json(&date)).await?;
            lead = ",";
        }
        for date in idle {
            out.text(lead).await?;
            out.json(&Day::default().json(&date)).await?;
        }
        out.text(if lead == "[" { "[]" } else { "]" }).await?;
        Ok(out)
    }))
}

#[derive(Debug, Default)]
struct Day {
    spend: f64,
    keys: BTreeMap<String, f64>,
    users: BTreeMap<String, f64>,
    models: BTreeMap<String, f64>,
}

impl Day {
    /// What a key, a user and a model spent.
    fn add(&mut self, (key, user, model): (&str, &str, &str), spend: f64) {
        self.spend += spend;
        for (of, name) in [(&mut self.keys, key), (&mut self.users, user), (&mut self.models, model)] {
            match of.get_mut(name) {
                Some(sum) => *sum += spend,
                None => {
                    of.insert(name.to_owned(), spend);
                }
            }
        }
    }

    fn json(self, date: &str) -> Json {
        let map = |of: BTreeMap<String, f64>| Json::object(of);
        let sums = [("users", map(self.users)), ("models", map(self.models)), ("spend", Json::from(self.spend))];
        let sums = sums.map(|(name, sum)| (name.to_owned(), sum));
        // Keys are hashes, and many: nothing has their names.
        let keys = self.keys.into_iter().map(|(key, spend)| (key, Json::from(spend)));
        Json::object(sums.into_iter().chain(keys).chain([("startTime".to_owned(), Json::from(date))]))
    }
}

/// Keys that an alias may stand for until rows are looked through instead: with more of them most rows are what is meant.
const MOST_KEYS: u32 = 1000;

/// Puts the keys that are meant in place of their alias; `false` when there are none.
async fn by_alias(store: &Store, filter: &mut SpendFilter) -> Outcome<bool> {
    let Some(alias) = &filter.key_alias else { return Ok(true) };
    let hashes = store.keys().hashes_by_alias(alias, MOST_KEYS + 1).await?;
    if hashes.len() > MOST_KEYS as usize {
        return Ok(true);
    }
    filter.key_alias = None;
    filter.api_keys = hashes;
    Ok(!filter.api_keys.is_empty())
}

const SPANS: [(&str, SpendSpan); 4] =
    [("llm", SpendSpan::Llm), ("agent", SpendSpan::Agent), ("mcp", SpendSpan::Mcp), ("batch", SpendSpan::Batch)];

/// The key that LiteLLM's health checks call with, as rows name it.
const HEALTH_CHECKS: &str = "litellm-internal-health-check";

fn health_keys() -> Vec<String> {
    vec![HEALTH_CHECKS.to_owned(), llm_accounts::KeyDigest::of(HEALTH_CHECKS).hex()]
}

/// A word of the query, one of these.
fn one_of<T: Copy>(call: &Call, name: &'static str, words: &[(&str, T)]) -> Outcome<Option<T>> {
    let Some(text) = call.text(name).map(str::to_ascii_lowercase) else { return Ok(None) };
    if let Some((_, meant)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(Some(*meant));
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let why = format!("Invalid {name}: {text}. Must be one of: {}", known.join(", "));
    Err(Error::bad_request(why).with_param(name).into())
}

/// Which rows a list asks for.
fn listed(call: &Call) -> Outcome<SpendFilter> {
    Ok(SpendFilter {
        session_id: call.owned("session_id"),
        team_id: call.owned("team_id"),
        end_user: call.owned("end_user"),
        model: call.owned("model"),
        model_id: call.owned("model_id"),
        model_group: call.owned("model_group"),
        status: call.owned("status_filter"),
        cache_hit: one_of(call, "cache_hit_filter", &[("hit", true), ("miss", false)])?,
        span: one_of(call, "span_type", &SPANS)?,
        without_keys: if call.flag("exclude_internal_health_checks", false)? { health_keys() } else { Vec::new() },
        search: call.owned("search"),
        error_message: call.owned("error_message"),
        key_alias: call.owned("key_alias"),
        error_code: call.owned("error_code"),
        min_spend: call.amount("min_spend")?,
        max_spend: call.amount("max_spend")?,
        from: date(call, "start_date", false)?,
        until: date(call, "end_date", true)?,
        ..filter(call)?
    })
}

async fn pages(call: Call) -> Outcome<Json> {
    list(&call, false).await
}

/// The dashboard's list; it always asks for a range, and is told of the sessions that its rows belong to.
async fn dashboard(call: Call) -> Outcome<Json> {
    if call.text("start_date").is_none() || call.text("end_date").is_none() {
        return Err(Error::bad_request("Start date and end date are required").into());
    }
    list(&call, true).await
}

async fn list(call: &Call, dashboard: bool) -> Outcome<Json> {
    let mut filter = listed(call)?;
    let (page, size) = (call.number("page", 1, 1)?, call.number("page_size", 50, 1)?.min(100));
    let column = call.text("sort_by").unwrap_or(STARTED);
    let falls = one_of(call, "sort_order", &[("asc", false), ("desc", true)])?.unwrap_or(true);
    let exact = filter.search.is_some() || filter.request_id.is_some();
    let grouped = call.flag("group_by_session", false)? && !exact;
    let after = sessions::mark(call)?;
    let store = fresh(call).await?;
    let known = by_alias(&store, &mut filter).await?;
    let nothing = || Listing { rows: Vec::new(), total: 0 };
    let mut rest = Vec::new();
    let listing = if !known {
        nothing()
    } else if grouped && column == STARTED {
        let found = store.table::<SpendLogRow>().session_page(filter, page, size, falls, after.as_ref()).await?;
        rest = sessions::onward(found.next);
        Listing { rows: found.rows, total: found.total }
    } else {
        let query = ListQuery::page(Filter::from(filter), page, size).sorted(column, falls);
        let mut rows = store.table::<SpendLogRow>();
        let listing = if grouped { rows.sessions_by(&query).await } else { rows.page(&query).await };
        match listing {
            Err(StoreError::Column { column, .. }) => {
                return Err(Error::bad_request(format!("Invalid sort_by: {column}")).with_param("sort_by").into());
            }
            listing => listing?,
        }
    };
    let rows = if dashboard { sessions::told(&store, &listing.rows).await? } else { all(&listing.rows) };
    let mut body = page_of(rows, &listing, page, size);
    rest.into_iter().for_each(|(name, value)| body.set(name, value));
    Ok(body)
}

/// What one call said and was answered, where that is kept.
async fn content(call: Call) -> Outcome<Json> {
    let own = only(&call)?;
    let id = call.segment().map(str::to_owned).unwrap_or_default();
    let store = fresh(&call).await?;
    let rows = store.table::<SpendLogRow>().by_request_id(&id).await?;
    let row = rows.iter().find(|row| own.is_none() || row.user == own);
    let row = row.ok_or_else(|| Error::new(Kind::NotFound, format!("No call has the id {id}.")))?;
    let body = |part: &Option<llm_types::RawJson>| part.as_ref().map(Json::from).unwrap_or_default();
    Ok(Json::object([
        ("request_id", Json::from(row.request_id.as_str())),
        ("messages", body(&row.messages)),
        ("response", body(&row.response)),
        ("proxy_server_request", body(&row.proxy_server_request)),
    ]))
}

/// The calls of a conversation, oldest first.
async fn session(call: Call) -> Outcome<Json> {
    let filter = SpendFilter { session_id: Some(call.needed("session_id")?.to_owned()), ..filter(&call)? };
    let (page, size) = (call.number("page", 1, 1)?, call.number("page_size", 50, 1)?.min(100));
    let query = ListQuery::page(Filter::from(filter), page, size).sorted("startTime", false);
    let listing = fresh(&call).await?.table::<SpendLogRow>().page(&query).await?;
    Ok(page_of(all(&listing.rows), &listing, page, size))
}

fn all(rows: &[SpendLogRow]) -> Vec<Json> {
    rows.iter().map(shown).collect()
}

fn page_of(rows: Vec<Json>, listing: &Listing<SpendLogRow>, page: u32, size: u32) -> Json {
    Json::object([
        ("data", Json::Array(rows)),
        ("total", Json::from(listing.total)),
        ("page", Json::from(page)),
        ("page_size", Json::from(size)),
        ("total_pages", Json::from(listing.pages(size))),
        ("total_is_capped", Json::from(listing.total > u64::from(COUNTED))),
    ])
}
