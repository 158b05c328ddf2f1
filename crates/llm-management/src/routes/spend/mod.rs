//! What was spent: rows of calls, and sums of them.
//!
//! | file | what |
//! |---|---|
//! | `logs` | rows of calls, one by one or by day |
//! | `sessions` | what rows are told of their sessions |
//! | `pace` | how fast models answer, and how often they fail |
//! | `edge` | how many requests the gateway answered |
//! | `tools` | what tools of MCP servers cost |
//! | `capture` | what was spent here beside what a provider billed |
//! | `global` | who and what spent how much: keys, users, teams, tags, models, providers |
//! | `report` | the report by team, customer or key |
//! | `scoped` | reports about one's own keys, users, teams, organizations |
//! | `seen` | whose calls there are |
//! | `people` | who uses what, by tags |
//! | `activity` | requests and tokens per day |
//! | `usage` | the daily breakdown of one kind of caller, with `metrics`, its sums, and `day`, its body |
//!
//! Sums come from the daily rollups, which are small and written with the rows; only what no rollup has is summed over rows.

pub(crate) mod activity;
pub(crate) mod capture;
mod day;
pub(crate) mod edge;
pub(crate) mod global;
pub(crate) mod logs;
mod metrics;
pub(crate) mod pace;
pub(crate) mod people;
pub(crate) mod report;
pub(crate) mod scoped;
pub(crate) mod seen;
mod sessions;
pub(crate) mod tools;
pub(crate) mod usage;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use llm_accounts::{KeyDigest, Outcome};
use llm_store::{DailyFilter, DailyScope, Store};
use llm_types::{Error, Json, Kind};

use crate::call::Call;

/// Rows of one answer without a page.
const MOST_ROWS: u32 = 10_000;

pub(crate) fn shown<T: llm_store::Table + serde::Serialize>(row: &T) -> Json {
    day::tree(row)
}

/// The store, with everything settled so far in it.
async fn fresh(call: &Call) -> Outcome<Store> {
    let store = call.accounts.store_or_refuse()?.clone();
    if let Err(error) = call.accounts.flush().await {
        tracing::warn!(%error, "spend is read without the latest calls");
    }
    Ok(store)
}

/// The user whose spend alone the caller may see; none: everybody's.
///
/// # Errors
/// 403 for a key that is nobody's.
fn only(call: &Call) -> Outcome<Option<String>> {
    if call.who.sees_all() {
        return Ok(None);
    }
    let own = call.who.user_id().ok_or_else(|| forbidden("A key without a user has no spend logs of its own."))?;
    Ok(Some(own.to_owned()))
}

/// The same of what is told about everybody: keys may have a permission for it.
fn whose(call: &Call) -> Outcome<Option<String>> {
    if call.who.sees_spend() { Ok(None) } else { only(call) }
}

/// The rollup that has everything the caller may see, and the filter for it.
fn visible(call: &Call) -> Outcome<(DailyScope, DailyFilter)> {
    Ok(match whose(call)? {
        None => (DailyScope::Global, DailyFilter::default()),
        Some(own) => (DailyScope::User, DailyFilter { entities: vec![own], ..DailyFilter::default() }),
    })
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

/// The days of `start_date` and `end_date`, which must be there.
fn days(call: &Call) -> Outcome<(NaiveDate, NaiveDate)> {
    let (Some(from), Some(until)) = (day_of(call, "start_date")?, day_of(call, "end_date")?) else {
        return Err(Error::bad_request("Please provide start_date and end_date").into());
    };
    Ok((from, until))
}

/// The day of a date.
fn day_of(call: &Call, name: &'static str) -> Outcome<Option<NaiveDate>> {
    Ok(date(call, name, false)?.map(|at| at.date_naive()))
}

/// The days that were asked for as a filter of a rollup.
fn within(call: &Call, filter: DailyFilter) -> Outcome<DailyFilter> {
    Ok(between(days(call)?, filter))
}

/// Days, the last one included, as a filter of a rollup.
fn between((from, until): (NaiveDate, NaiveDate), filter: DailyFilter) -> DailyFilter {
    DailyFilter { from: Some(from.to_string()), until: Some(until.to_string()), ..filter }
}

/// The last 30 days.
fn lately(filter: DailyFilter) -> DailyFilter {
    DailyFilter { from: Utc::now().date_naive().checked_sub_days(Days::new(30)).map(|day| day.to_string()), ..filter }
}
