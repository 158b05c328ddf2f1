//! How fast models answer and how often they fail: what the dashboard draws. Whole days come from the sums of the day, which
//! no caller is named in; a single key or customer is looked up among the rows, as are days from before there were sums.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, Utc};
use llm_accounts::Outcome;
use llm_store::{DailyPaceRow, Filter, ListQuery, SpendFilter, SpendLogRow, Store};
use llm_types::Json;

use super::{MOST_ROWS, date, fresh, hash};
use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/model/metrics" Admin latency),
    row!("GET" "/model/streaming_metrics" Admin first_tokens),
    row!("GET" "/model/metrics/slow_responses" Admin slow),
    row!("GET" "/model/metrics/exceptions" Admin exceptions),
];

/// Models of one answer about failures.
const MOST_MODELS: usize = 200;

/// What is asked for.
#[derive(Debug)]
struct Asked {
    group: Option<String>,
    api_key: Option<String>,
    customer: Option<String>,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

/// A text of the query; pages send these words for nothing.
fn given(call: &Call, name: &str) -> Option<String> {
    call.owned(name).filter(|text| text != "undefined" && text != "null")
}

impl Asked {
    /// The last `days` days where no times are given.
    fn read(call: &Call, days: u64) -> Outcome<Self> {
        let now = Utc::now();
        let then = now.checked_sub_days(Days::new(days)).unwrap_or(now);
        Ok(Self {
            group: given(call, "_selected_model_group"),
            api_key: given(call, "api_key").map(|key| hash(&key)),
            customer: given(call, "customer"),
            from: date(call, "startTime", false)?.unwrap_or(then),
            until: date(call, "endTime", true)?.unwrap_or(now),
        })
    }

    fn rows(&self) -> SpendFilter {
        SpendFilter {
            model_group: self.group.clone(),
            api_key: self.api_key.clone(),
            end_user: self.customer.clone(),
            from: Some(self.from),
            until: Some(self.until),
            ..SpendFilter::default()
        }
    }

    /// The sums of these days.
    async fn sums(&self, call: &Call, store: &Store) -> Outcome<Vec<DailyPaceRow>> {
        let slow = call.accounts.settings().alerting_threshold;
        let mut calls = store.table::<SpendLogRow>();
        if self.api_key.is_some() || self.customer.is_some() {
            return Ok(calls.pace(self.rows(), slow).await?);
        }
        let first = ListQuery::page(Filter::new(), 1, 1).sorted("date", false);
        let first = store.table::<DailyPaceRow>().rows(&first).await?.pop();
        let first = first.and_then(|row| NaiveDate::parse_from_str(&row.date, "%Y-%m-%d").ok());
        // Before the first day that has sums.
        let midnight = first.and_then(|day| Some(day.and_hms_opt(0, 0, 0)?.and_utc()));
        let before = midnight.and_then(|at| at.checked_sub_signed(chrono::TimeDelta::milliseconds(1)));
        let mut sums = Vec::new();
        if before.is_none_or(|before| self.from <= before) {
            let until = before.map_or(self.until, |before| self.until.min(before));
            sums = calls.pace(SpendFilter { until: Some(until), ..self.rows() }, slow).await?;
        }
        if first.is_some() {
            let filter = Filter::new()
                .maybe("model_group", self.group.clone())
                .at_least("date", self.from.date_naive().to_string())
                .at_most("date", self.until.date_naive().to_string());
            sums.extend(store.table::<DailyPaceRow>().find(filter).await?);
        }
        Ok(sums)
    }
}

/// What a line of a chart is called: the address, else the model; of Azure's addresses what stands before the deployment.
fn line(model: &str, base: &str) -> String {
    host(if base.contains("https://") { base } else { model }).to_owned()
}

/// Of Azure's addresses what stands before the deployment; others as they are.
fn host(base: &str) -> &str {
    base.split_once("/openai/").map_or(base, |(host, _)| host)
}

/// `{"data": [{"date": ..., "<line>": value}], "all_api_bases": [...]}`.
fn chart(points: BTreeMap<String, BTreeMap<String, f64>>) -> Json {
    let lines: BTreeSet<&String> = points.values().flat_map(BTreeMap::keys).collect();
    let lines = Json::Array(lines.into_iter().map(|line| Json::from(line.as_str())).collect());
    let point = |(date, values): (String, BTreeMap<String, f64>)| {
        let mut point = Json::object([("date", date)]);
        values.into_iter().for_each(|(line, value)| point.set(&line, value));
        point
    };
    Json::object([("all_api_bases", lines), ("data", Json::Array(points.into_iter().map(point).collect()))])
}

/// Means by day and line of what `part` takes from each sum: a sum, and of how many.
fn means(sums: &[DailyPaceRow], part: impl Fn(&DailyPaceRow) -> (f64, i64)) -> Json {
    let mut days: BTreeMap<String, BTreeMap<String, (f64, i64)>> = BTreeMap::new();
    for sum in sums {
        let (all, of) = part(sum);
        if of > 0 {
            let entry = days.entry(sum.date.clone()).or_default();
            let mean = entry.entry(line(&sum.model, &sum.api_base)).or_default();
            *mean = (mean.0 + all, mean.1 + of);
        }
    }
    let mean = |(line, (all, of)): (String, (f64, i64))| (line, all / of as f64);
    chart(days.into_iter().map(|(day, lines)| (day, lines.into_iter().map(mean).collect())).collect())
}

async fn latency(call: Call) -> Outcome<Json> {
    let asked = Asked::read(&call, 30)?;
    let store = fresh(&call).await?;
    Ok(means(&asked.sums(&call, &store).await?, |sum| (sum.seconds_per_token, sum.timed_requests)))
}

/// Seconds to the first token: of each call on a single day, else means of the days.
async fn first_tokens(call: Call) -> Outcome<Json> {
    let asked = Asked::read(&call, 7)?;
    let store = fresh(&call).await?;
    if asked.from.date_naive() != asked.until.date_naive() {
        return Ok(means(&asked.sums(&call, &store).await?, |sum| (sum.first_token_seconds, sum.streams)));
    }
    let mut points = BTreeMap::new();
    for first in store.table::<SpendLogRow>().first_tokens(asked.rows(), MOST_ROWS).await? {
        points.insert(first.request_id, BTreeMap::from([(line(&first.model, &first.api_base), first.seconds)]));
    }
    Ok(chart(points))
}

async fn slow(call: Call) -> Outcome<Json> {
    let asked = Asked::read(&call, 30)?;
    let store = fresh(&call).await?;
    let mut bases: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for sum in asked.sums(&call, &store).await? {
        let counts = bases.entry(host(&sum.api_base).to_owned()).or_default();
        *counts = (counts.0 + sum.slow_requests, counts.1 + sum.requests);
    }
    let mut bases: Vec<_> = bases.into_iter().collect();
    bases.sort_by_key(|(_, (slow, all))| std::cmp::Reverse((*slow, *all)));
    let entry = |(base, (slow, all)): (String, (i64, i64))| {
        let counts = [("total_count", Json::from(all)), ("slow_count", Json::from(slow))];
        Json::object([("api_base", Json::from(base))].into_iter().chain(counts))
    };
    Ok(Json::Array(bases.into_iter().map(entry).collect()))
}

/// How often which model failed, by the class of the error.
async fn exceptions(call: Call) -> Outcome<Json> {
    let asked = Asked::read(&call, 30)?;
    let store = fresh(&call).await?;
    let mut models: BTreeMap<String, (i64, BTreeMap<String, i64>)> = BTreeMap::new();
    for count in store.table::<SpendLogRow>().failure_counts(asked.rows()).await? {
        let base = &count.api_base;
        let name = if base.is_empty() { count.model } else { format!("{}-{base}", count.model) };
        let model = models.entry(name).or_default();
        model.0 += count.requests;
        *model.1.entry(count.class).or_default() += count.requests;
    }
    let types: BTreeSet<&String> = models.values().flat_map(|(_, classes)| classes.keys()).collect();
    let types = Json::Array(types.into_iter().map(|class| Json::from(class.as_str())).collect());
    let mut models: Vec<_> = models.into_iter().collect();
    models.sort_by_key(|(_, (all, _))| std::cmp::Reverse(*all));
    let entry = |(model, (all, classes)): (String, (i64, BTreeMap<String, i64>))| {
        let mut entry = Json::object([("model", Json::from(model)), ("total_exceptions", Json::from(all))]);
        classes.into_iter().for_each(|(class, count)| entry.set(&class, count));
        entry
    };
    let data = Json::Array(models.into_iter().take(MOST_MODELS).map(entry).collect());
    Ok(Json::object([("data", data), ("exception_types", types)]))
}
