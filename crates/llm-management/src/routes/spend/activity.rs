//! Requests and tokens per day.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use llm_accounts::Outcome;
use llm_store::{DailyGroup, DailySum, SpendFilter, SpendGroup, SpendLogRow, SpendSum, Store};
use llm_types::Json;

use super::global::tokens;
use super::{date, days, fresh, visible, whose, within};
use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/global/activity" OwnScope all),
    row!("GET" "/global/activity/model" OwnScope by_model),
    row!("GET" "/global/activity/cache_hits" OwnScope cache_hits),
    row!("GET" "/global/activity/exceptions" OwnScope exceptions),
    row!("GET" "/global/activity/exceptions/deployment" OwnScope exceptions_by_deployment),
];

/// Models and deployments of one answer: the busiest.
const MOST: usize = 10;

/// `2026-01-22` as `Jan 22`.
fn short(day: &str) -> String {
    day.parse::<NaiveDate>().map_or_else(|_| day.to_owned(), |day| day.format("%b %d").to_string())
}

/// Requests and tokens of some days.
fn activity<'a>(days: impl Iterator<Item = (&'a str, &'a DailySum)>) -> Vec<(&'static str, Json)> {
    let (mut requests, mut all, mut list) = (0, 0, Vec::new());
    for (day, sum) in days {
        requests += sum.counters.api_requests;
        all += tokens(&sum.counters);
        list.push(Json::object([
            ("date", Json::from(short(day))),
            ("api_requests", Json::from(sum.counters.api_requests)),
            ("total_tokens", Json::from(tokens(&sum.counters))),
        ]));
    }
    vec![
        ("daily_data", Json::Array(list)),
        ("sum_api_requests", Json::from(requests)),
        ("sum_total_tokens", Json::from(all)),
    ]
}

async fn all(call: Call) -> Outcome<Json> {
    let (scope, filter) = visible(&call)?;
    let filter = within(&call, filter)?;
    let sums = fresh(&call).await?.daily_groups(scope, &filter, &[DailyGroup::Date], None).await?;
    Ok(Json::object(activity(sums.iter().map(|sum| (sum.part(0), sum)))))
}

async fn by_model(call: Call) -> Outcome<Json> {
    let (scope, filter) = visible(&call)?;
    let filter = within(&call, filter)?;
    let groups = [DailyGroup::ModelGroup, DailyGroup::Date];
    let sums = fresh(&call).await?.daily_groups(scope, &filter, &groups, None).await?;
    let mut models: Vec<(&str, &[DailySum])> =
        sums.chunk_by(|a, b| a.part(0) == b.part(0)).filter_map(|run| Some((run.first()?.part(0), run))).collect();
    models.sort_by_key(|(_, run)| std::cmp::Reverse(run.iter().map(|sum| sum.counters.api_requests).sum::<i64>()));
    let entry = |(model, run): (&str, &[DailySum])| {
        let mut fields = vec![("model", Json::from(model))];
        fields.extend(activity(run.iter().map(|sum| (sum.part(1), sum))));
        Json::object(fields)
    };
    Ok(Json::Array(models.into_iter().take(MOST).map(entry).collect()))
}

/// Rows of calls that the caller may see, in the range asked for. No rollup counts what these questions are about.
async fn rows(call: &Call, filter: SpendFilter, groups: &[SpendGroup]) -> Outcome<(Store, Vec<SpendSum>)> {
    days(call)?;
    let filter = SpendFilter {
        user: whose(call)?,
        from: date(call, "start_date", false)?,
        until: date(call, "end_date", true)?,
        ..filter
    };
    let store = fresh(call).await?;
    let sums = store.table::<SpendLogRow>().sums(filter, groups, None).await?;
    Ok((store, sums))
}

#[derive(Debug, Default)]
struct Hits {
    rows: i64,
    hits: i64,
    cached: i64,
    generated: i64,
}

/// How many answers came from the cache, by key, kind of call and model.
async fn cache_hits(call: Call) -> Outcome<Json> {
    use SpendGroup::{ApiKey, CacheHit, CallType, Model};
    let (store, sums) = rows(&call, SpendFilter::default(), &[ApiKey, CallType, Model, CacheHit]).await?;
    let part = |sum: &SpendSum, at: usize| sum.group.get(at).cloned().flatten().unwrap_or_default();
    let ids: BTreeSet<String> = sums.iter().map(|sum| part(sum, 0)).collect();
    let known = store.keys().get_many(&ids.into_iter().collect::<Vec<_>>()).await?;
    let aliases: HashMap<String, Option<String>> = known.into_iter().map(|key| (key.token, key.key_alias)).collect();
    let mut all: BTreeMap<(String, String, String), Hits> = BTreeMap::new();
    for sum in &sums {
        let alias = aliases.get(&part(sum, 0)).cloned().flatten();
        let name = alias.unwrap_or_else(|| "Unnamed Key".to_owned());
        let entry = all.entry((name, part(sum, 1), part(sum, 2))).or_default();
        let hit = part(sum, 3).eq_ignore_ascii_case("true");
        entry.rows += sum.requests;
        *(if hit { &mut entry.cached } else { &mut entry.generated }) += sum.completion_tokens;
        entry.hits += if hit { sum.requests } else { 0 };
    }
    let entry = |((key, kind, model), hits): ((String, String, String), Hits)| {
        Json::object([
            ("api_key", Json::from(key)),
            ("call_type", Json::from(kind)),
            ("model", Json::from(model)),
            ("total_rows", Json::from(hits.rows)),
            ("cache_hit_true_rows", Json::from(hits.hits)),
            ("cached_completion_tokens", Json::from(hits.cached)),
            ("generated_completion_tokens", Json::from(hits.generated)),
        ])
    };
    Ok(Json::Array(all.into_iter().map(entry).collect()))
}

/// Calls of a model group that a rate limit refused.
async fn limited(call: &Call, groups: &[SpendGroup]) -> Outcome<Vec<SpendSum>> {
    let filter = SpendFilter {
        model_group: Some(call.needed("model_group")?.to_owned()),
        status: Some("failure".to_owned()),
        error_code: Some("429".to_owned()),
        ..SpendFilter::default()
    };
    Ok(rows(call, filter, groups).await?.1)
}

fn refusals<'a>(days: impl Iterator<Item = (&'a str, i64)>) -> (i64, Vec<(&'static str, Json)>) {
    let (mut all, mut list) = (0, Vec::new());
    for (day, count) in days {
        all += count;
        list.push(Json::object([("date", Json::from(short(day))), ("num_rate_limit_exceptions", Json::from(count))]));
    }
    (all, vec![("daily_data", Json::Array(list)), ("sum_num_rate_limit_exceptions", Json::from(all))])
}

fn text(sum: &SpendSum, at: usize) -> &str {
    sum.group.get(at).and_then(Option::as_deref).unwrap_or_default()
}

async fn exceptions(call: Call) -> Outcome<Json> {
    let sums = limited(&call, &[SpendGroup::Day]).await?;
    Ok(Json::object(refusals(sums.iter().map(|sum| (text(sum, 0), sum.requests))).1))
}

async fn exceptions_by_deployment(call: Call) -> Outcome<Json> {
    let sums = limited(&call, &[SpendGroup::ApiBase, SpendGroup::Day]).await?;
    let mut bases: Vec<(i64, Json)> = Vec::new();
    for run in sums.chunk_by(|a, b| text(a, 0) == text(b, 0)) {
        let (count, days) = refusals(run.iter().map(|sum| (text(sum, 1), sum.requests)));
        let mut fields = vec![("api_base", Json::from(run.first().map(|sum| text(sum, 0))))];
        fields.extend(days);
        bases.push((count, Json::object(fields)));
    }
    bases.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    Ok(Json::Array(bases.into_iter().take(MOST).map(|(_, json)| json).collect()))
}
