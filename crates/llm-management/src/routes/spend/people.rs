//! Who uses what, by tags: user agents put one on every call.

use chrono::{Days, NaiveDate, Utc};
use llm_accounts::Outcome;
use llm_store::{DailyFilter, PersonSum, TagFilter};
use llm_types::{Error, Json};

use super::{fresh, within};
use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/tag/distinct" Admin distinct),
    row!("GET" "/tag/dau" Admin daily),
    row!("GET" "/tag/wau" Admin weekly),
    row!("GET" "/tag/mau" Admin monthly),
    row!("GET" "/tag/summary" Admin summary),
    row!("GET" "/tag/user-agent/per-user-analytics" Admin people),
];

/// Days, weeks and months that are shown, as in LiteLLM.
const PERIODS: u64 = 7;
/// Tags of `/tag/distinct`.
const MOST_TAGS: u32 = 250;
/// People on a page.
const MOST_PEOPLE: u32 = 1000;

async fn distinct(call: Call) -> Outcome<Json> {
    let tags = fresh(&call).await?.tags_in_use(MOST_TAGS).await?;
    Ok(results(tags.into_iter().map(|tag| Json::object([("tag", tag)])).collect()))
}

async fn daily(call: Call) -> Outcome<Json> {
    let store = fresh(&call).await?;
    let (end, mut out) = (tomorrow()?, Vec::new());
    for back in 0..=PERIODS {
        let day = before(end, back)?;
        for found in store.tag_people(&tags(&call, Some((day, day)))).await? {
            out.push(Json::object([
                ("tag", Json::from(found.tag)),
                ("active_users", Json::from(found.people)),
                ("date", Json::from(day.to_string())),
                ("period_start", Json::Null),
                ("period_end", Json::Null),
            ]));
        }
    }
    Ok(results(out))
}

async fn weekly(call: Call) -> Outcome<Json> {
    periods(call, 7, "Week", "%b %d").await
}

async fn monthly(call: Call) -> Outcome<Json> {
    periods(call, 30, "Month", "%b").await
}

/// The last periods of so many days, the oldest first. The last one ends tomorrow, as in LiteLLM.
async fn periods(call: Call, length: u64, name: &str, form: &str) -> Outcome<Json> {
    let store = fresh(&call).await?;
    let (end, mut out) = (tomorrow()?, Vec::new());
    for back in (0..PERIODS).rev() {
        let until = before(end, back * length)?;
        let from = before(until, length - 1)?;
        for found in store.tag_people(&tags(&call, Some((from, until)))).await? {
            out.push(Json::object([
                ("tag", Json::from(found.tag)),
                ("active_users", Json::from(found.people)),
                ("date", Json::from(format!("{name} {} ({})", PERIODS - back, from.format(form)))),
                ("period_start", Json::from(format!("{from} 00:00:00"))),
                ("period_end", Json::from(format!("{until} 00:00:00"))),
            ]));
        }
    }
    Ok(results(out))
}

async fn summary(call: Call) -> Outcome<Json> {
    let filter = TagFilter { rows: within(&call, tags(&call, None).rows)?, ..tags(&call, None) };
    let sums = fresh(&call).await?.tag_sums(&filter).await?;
    let entry = |(tag, sum): (llm_store::TagPeople, llm_store::DailyCounters)| {
        Json::object([
            ("tag", Json::from(tag.tag)),
            ("unique_users", Json::from(tag.people)),
            ("total_requests", Json::from(sum.api_requests)),
            ("successful_requests", Json::from(sum.successful_requests)),
            ("failed_requests", Json::from(sum.failed_requests)),
            ("total_tokens", Json::from(sum.prompt_tokens + sum.completion_tokens)),
            ("total_spend", Json::from(sum.spend)),
        ])
    };
    Ok(results(sums.into_iter().map(entry).collect()))
}

/// What people used in the last 30 days.
async fn people(call: Call) -> Outcome<Json> {
    let (page, size) = (call.number("page", 1, 1)?, call.number("page_size", 50, 1)?.min(MOST_PEOPLE));
    let until = tomorrow()?;
    let found = fresh(&call).await?.tag_users(&tags(&call, Some((before(until, 30)?, until))), (page, size)).await?;
    let entry = |person: &PersonSum| {
        let sum = &person.counters;
        Json::object([
            ("user_id", Json::from(person.user_id.as_str())),
            ("user_email", Json::from(person.user_email.as_deref())),
            ("user_agent", Json::from(person.tag.as_str())),
            ("successful_requests", Json::from(sum.successful_requests)),
            ("failed_requests", Json::from(sum.failed_requests)),
            ("total_requests", Json::from(sum.api_requests)),
            ("total_tokens", Json::from(sum.prompt_tokens + sum.completion_tokens)),
            ("spend", Json::from(sum.spend)),
        ])
    };
    let mut out = results(found.rows.iter().map(entry).collect());
    out.set("total_count", found.total);
    out.set("page", page);
    out.set("page_size", size);
    out.set("total_pages", found.pages(size));
    Ok(out)
}

/// The tags that the query means: `tag_filters` by name, else `tag_filter` by a part of it.
fn tags(call: &Call, days: Option<(NaiveDate, NaiveDate)>) -> TagFilter {
    let named = call.query.iter().filter(|(name, value)| name == "tag_filters" && !value.is_empty());
    let entities: Vec<String> = named.map(|(_, value)| value.clone()).collect();
    let part = call.owned("tag_filter").filter(|_| entities.is_empty());
    let (from, until) = days.map(|(from, until)| (from.to_string(), until.to_string())).unzip();
    TagFilter { rows: DailyFilter { entities, from, until, ..DailyFilter::default() }, part }
}

fn tomorrow() -> Outcome<NaiveDate> {
    let day = Utc::now().date_naive().succ_opt();
    day.ok_or_else(|| Error::internal("the clock has no tomorrow").into())
}

fn before(day: NaiveDate, days: u64) -> Outcome<NaiveDate> {
    let day = day.checked_sub_days(Days::new(days));
    day.ok_or_else(|| Error::internal("the clock is before all days").into())
}

fn results(results: Vec<Json>) -> Json {
    Json::object([("results", Json::Array(results))])
}
