//! Who and what spent how much.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use llm_accounts::Outcome;
use llm_store::{
    DailyCounters, DailyFilter, DailyGroup, DailyScope, DailySum, Filter, ListQuery, Store, TeamRow, UserRow,
    VerificationToken,
};
use llm_types::{Error, Json};

use super::{MOST_ROWS, fresh, hash, lately, shown, within};
use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/spend/keys" Admin keys),
    row!("GET" "/spend/users" Admin users),
    row!("GET" "/spend/tags" OwnScope tags),
    row!("GET" "/global/spend" Admin total),
    row!("GET" "/global/spend/logs" Admin by_day),
    row!("GET" "/global/spend/keys" Admin top_keys),
    row!("GET" "/global/spend/teams" Admin teams),
    row!("GET" "/global/spend/models" Admin models),
    row!("GET" "/global/spend/provider" Admin providers),
    row!("GET" "/global/spend/tags" Admin tags_in_range),
    row!("GET" "/global/spend/all_tag_names" Admin tag_names),
    row!("POST" "/global/spend/end_users" Admin end_users),
    row!("GET" "/global/all_end_users" Admin end_user_ids),
    row!("POST" "/global/spend/reset" MasterKey reset),
    row!("POST" "/global/spend/refresh" Admin refresh),
];

/// End users of one list.
const MOST_END_USERS: u32 = 100;

async fn keys(call: Call) -> Outcome<Json> {
    let store = fresh(&call).await?;
    let query = ListQuery::page(Filter::new(), 1, MOST_ROWS).sorted("spend", true);
    Ok(Json::Array(store.keys().rows(&query).await?.iter().map(shown).collect()))
}

async fn users(call: Call) -> Outcome<Json> {
    let store = fresh(&call).await?;
    let query =
        ListQuery::page(Filter::new().maybe("user_id", call.owned("user_id")), 1, MOST_ROWS).sorted("spend", true);
    Ok(Json::Array(store.table::<UserRow>().rows(&query).await?.iter().map(shown).collect()))
}

/// What everybody spent in the last 30 days, and the budget of the whole proxy.
async fn total(call: Call) -> Outcome<Json> {
    let store = fresh(&call).await?;
    let sums = store.daily_groups(DailyScope::Global, &lately(DailyFilter::default()), &[], None).await?;
    let spend: f64 = sums.iter().map(|sum| sum.counters.spend).sum();
    Ok(Json::object([("spend", spend), ("max_budget", call.accounts.settings().max_budget)]))
}

/// Spend per day of the last 30, of everybody or of one key.
async fn by_day(call: Call) -> Outcome<Json> {
    let key = call.text("api_key").map(hash);
    // Only the rollup by caller knows keys.
    let scope = if key.is_some() { DailyScope::User } else { DailyScope::Global };
    let filter = DailyFilter { api_keys: key.iter().cloned().collect(), ..DailyFilter::default() };
    let store = fresh(&call).await?;
    let sums = store.daily_groups(scope, &lately(filter), &[DailyGroup::Date], None).await?;
    let day = |sum: &DailySum| {
        let mut out = Json::object([("date", Json::from(sum.part(0))), ("spend", Json::from(sum.counters.spend))]);
        if let Some(key) = &key {
            out.set("api_key", key.as_str());
        }
        out
    };
    Ok(Json::Array(sums.iter().map(day).collect()))
}

async fn top_keys(call: Call) -> Outcome<Json> {
    let limit = call.number("limit", MOST_ROWS, 1)?.min(MOST_ROWS);
    let (store, filter) = (fresh(&call).await?, lately(DailyFilter::default()));
    let sums = store.daily_groups(DailyScope::User, &filter, &[DailyGroup::ApiKey], Some(limit)).await?;
    let ids: Vec<String> = sums.iter().map(|sum| sum.part(0).to_owned()).collect();
    let known = store.keys().get_many(&ids).await?;
    let known: HashMap<&str, &VerificationToken> = known.iter().map(|key| (key.token.as_str(), key)).collect();
    let entry = |sum: &DailySum| {
        let key = known.get(sum.part(0));
        Json::object([
            ("api_key", Json::from(sum.part(0))),
            ("key_alias", Json::from(key.and_then(|key| key.key_alias.as_deref()))),
            ("key_name", Json::from(key.and_then(|key| key.key_name.as_deref()))),
            ("total_spend", Json::from(sum.counters.spend)),
        ])
    };
    Ok(Json::Array(sums.iter().map(entry).collect()))
}

async fn models(call: Call) -> Outcome<Json> {
    let limit = call.number("limit", 10, 1)?.min(MOST_ROWS);
    let (store, filter) = (fresh(&call).await?, lately(DailyFilter::default()));
    let sums = store.daily_groups(DailyScope::Global, &filter, &[DailyGroup::Model], Some(limit)).await?;
    let entry = |sum: &DailySum| {
        Json::object([
            ("model", Json::from(sum.part(0))),
            ("total_spend", Json::from(sum.counters.spend)),
            ("total_tokens", Json::from(tokens(&sum.counters))),
        ])
    };
    Ok(Json::Array(sums.iter().filter(|sum| !sum.part(0).is_empty()).map(entry).collect()))
}

async fn providers(call: Call) -> Outcome<Json> {
    let filter = within(&call, DailyFilter::default())?;
    let store = fresh(&call).await?;
    let sums = store.daily_groups(DailyScope::Global, &filter, &[DailyGroup::Provider], Some(MOST_ROWS)).await?;
    let entry = |sum: &DailySum| {
        let provider = if sum.part(0).is_empty() { "Unknown" } else { sum.part(0) };
        Json::object([("provider", Json::from(provider)), ("spend", Json::from(sum.counters.spend))])
    };
    Ok(Json::Array(sums.iter().map(entry).collect()))
}

/// All tokens of some requests.
pub(super) const fn tokens(counters: &DailyCounters) -> i64 {
    counters.prompt_tokens + counters.completion_tokens
}

/// Daily spend by team, with what no team spent as `Unassigned`.
async fn teams(call: Call) -> Outcome<Json> {
    let store = fresh(&call).await?;
    let filter = lately(DailyFilter::default());
    let named = store.daily_groups(DailyScope::Team, &filter, &[DailyGroup::Date, DailyGroup::Entity], None).await?;
    let all = store.daily_groups(DailyScope::Global, &filter, &[DailyGroup::Date], None).await?;
    let names = team_names(&store, named.iter().map(|sum| sum.part(1))).await?;
    let mut days: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    let mut totals: BTreeMap<&str, f64> = BTreeMap::new();
    let mut add = |day, team, spend: f64| {
        let spend = cents(spend);
        *days.entry(day).or_default().entry(team).or_default() += spend;
        *totals.entry(team).or_default() += spend;
    };
    for sum in &named {
        add(sum.part(0), names.get(sum.part(1)).map_or(UNASSIGNED, String::as_str), sum.counters.spend);
    }
    for sum in &all {
        let of_teams = named.iter().filter(|team| team.part(0) == sum.part(0));
        let named = of_teams.fold(DailyCounters::default(), |mut all, team| {
            all.add(&team.counters);
            all
        });
        if sum.counters.api_requests > named.api_requests {
            add(sum.part(0), UNASSIGNED, sum.counters.spend - named.spend);
        }
    }
    let teams: BTreeSet<&str> = totals.keys().copied().collect();
    let mut top: Vec<(&str, f64)> = totals.iter().map(|(team, spend)| (*team, *spend)).collect();
    top.sort_by(|a, b| b.1.total_cmp(&a.1));
    let day = |(date, teams): (&&str, &BTreeMap<&str, f64>)| {
        let mut out = Json::object([("date", *date)]);
        teams.iter().for_each(|(team, spend)| out.set(team, *spend));
        out
    };
    let top = top
        .into_iter()
        .take(10)
        .map(|(team, spend)| Json::object([("team_id", Json::from(team)), ("total_spend", Json::from(spend))]));
    Ok(Json::object([
        ("daily_spend", Json::Array(days.iter().map(day).collect())),
        ("teams", Json::Array(teams.into_iter().map(Json::from).collect())),
        ("total_spend_per_team", Json::Array(top.collect())),
    ]))
}

const UNASSIGNED: &str = "Unassigned";

fn cents(spend: f64) -> f64 {
    (spend * 100.0).round() / 100.0
}

/// The aliases of teams that have one, by id.
pub(super) async fn team_names(store: &Store, ids: impl Iterator<Item = &str>) -> Outcome<BTreeMap<String, String>> {
    let ids: BTreeSet<String> = ids.map(str::to_owned).collect();
    let rows = store.table::<TeamRow>().get_many(&ids.into_iter().collect::<Vec<_>>()).await?;
    Ok(rows.into_iter().filter_map(|team| Some((team.team_id, team.team_alias?))).collect())
}

/// The sums of tags, dearest first.
async fn tag_sums(call: &Call, filter: &DailyFilter, most: u32) -> Outcome<Vec<DailySum>> {
    let store = fresh(call).await?;
    Ok(store.daily_groups(DailyScope::Tag, filter, &[DailyGroup::Entity], Some(most)).await?)
}

async fn tags(call: Call) -> Outcome<Json> {
    let filter = if call.text("start_date").is_some() || call.text("end_date").is_some() {
        within(&call, DailyFilter::default())?
    } else {
        DailyFilter::default()
    };
    let Some(filter) = call.accounts.visible_usage(&call.who, DailyScope::Tag, filter).await? else {
        return Ok(Json::Array(Vec::new()));
    };
    let entry = |sum: &DailySum| {
        Json::object([
            ("individual_request_tag", Json::from(sum.part(0))),
            ("log_count", Json::from(sum.counters.api_requests)),
            ("total_spend", Json::from(sum.counters.spend)),
        ])
    };
    Ok(Json::Array(tag_sums(&call, &filter, MOST_ROWS).await?.iter().map(entry).collect()))
}

async fn tags_in_range(call: Call) -> Outcome<Json> {
    let mut filter = within(&call, DailyFilter::default())?;
    let tags: Vec<String> = call.text("tags").into_iter().flat_map(|t| t.split(',')).map(str::to_owned).collect();
    if !tags.iter().any(|tag| tag == "all-tags") {
        filter.entities = tags;
    }
    let entry = |sum: &DailySum| {
        Json::object([
            ("name", Json::from(sum.part(0))),
            ("spend", Json::from((sum.counters.spend * 1e4).round() / 1e4)),
            ("log_count", Json::from(sum.counters.api_requests)),
        ])
    };
    let tags = tag_sums(&call, &filter, MOST_ROWS).await?;
    Ok(Json::object([("spend_per_tag", Json::Array(tags.iter().map(entry).collect()))]))
}

/// The entities of a rollup.
async fn names(call: &Call, scope: DailyScope) -> Outcome<Json> {
    let ids = fresh(call).await?.daily_entities(scope, &DailyFilter::default()).await?;
    Ok(Json::Array(ids.into_iter().filter(|id| !id.is_empty()).map(Json::from).collect()))
}

async fn tag_names(call: Call) -> Outcome<Json> {
    Ok(Json::object([("tag_names", names(&call, DailyScope::Tag).await?)]))
}

async fn end_user_ids(call: Call) -> Outcome<Json> {
    Ok(Json::object([("end_users", names(&call, DailyScope::EndUser).await?)]))
}

/// Spend by end user, of whole days, with what had none under null.
async fn end_users(call: Call) -> Outcome<Json> {
    let field = |name: &str| call.body.text(name).filter(|text| !text.is_empty());
    let mut filter =
        lately(DailyFilter { api_keys: field("api_key").map(hash).into_iter().collect(), ..DailyFilter::default() });
    for (name, slot) in [("startTime", &mut filter.from), ("endTime", &mut filter.until)] {
        let Some(text) = field(name) else { continue };
        let day = text.get(..10).and_then(|day| day.parse::<chrono::NaiveDate>().ok());
        let day = day.ok_or_else(|| Error::bad_request(format!("{name}: `{text}` is not a time")).with_param(name))?;
        *slot = Some(day.to_string());
    }
    let store = fresh(&call).await?;
    let named = store.daily_groups(DailyScope::EndUser, &filter, &[DailyGroup::Entity], Some(MOST_END_USERS)).await?;
    let of_all = store.daily_groups(DailyScope::EndUser, &filter, &[], None).await?;
    let all = store.daily_groups(DailyScope::User, &filter, &[], None).await?;
    let sum = |of: &[DailySum]| of.first().map(|sum| sum.counters).unwrap_or_default();
    let (all, of_all) = (sum(&all), sum(&of_all));
    let mut rows: Vec<(Option<&str>, i64, f64)> =
        named.iter().map(|s| (Some(s.part(0)), s.counters.api_requests, s.counters.spend)).collect();
    if all.api_requests > of_all.api_requests {
        rows.push((None, all.api_requests - of_all.api_requests, all.spend - of_all.spend));
    }
    rows.sort_by(|a, b| b.2.total_cmp(&a.2));
    let entry = |(id, count, spend): (Option<&str>, i64, f64)| {
        Json::object([
            ("end_user", Json::from(id)),
            ("total_count", Json::from(count)),
            ("total_spend", Json::from(spend)),
        ])
    };
    Ok(Json::Array(rows.into_iter().map(entry).collect()))
}

async fn reset(call: Call) -> Outcome<Json> {
    call.accounts.forget_spend().await?;
    Ok(Json::object([("message", "Spend for all API Keys and Teams reset successfully"), ("status", "success")]))
}

/// There is no view that could be old: what is settled is in the sums. This settles what is on its way.
async fn refresh(call: Call) -> Outcome<Json> {
    fresh(&call).await?;
    Ok(Json::object([("message", "MonthlyGlobalSpend view refreshed"), ("status", "success")]))
}
