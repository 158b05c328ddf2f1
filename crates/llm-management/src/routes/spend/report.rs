//! `/global/spend/report`: by team or customer and day, or by key.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use llm_accounts::Outcome;
use llm_store::{
    DailyCounters, DailyFilter, DailyGroup, DailyPart, DailyScope, DailySum, SpendFilter, SpendGroup, SpendLogRow,
};
use llm_types::{Error, Json};
use serde::Serialize;

use super::global::team_names;
use super::metrics::Told;
use super::{date, days, fresh, hash, within};
use crate::call::Call;
use crate::pieces::{self, Answer, Stop, Writer};
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[row!("GET" "/global/spend/report" Admin report)];

async fn report(call: Call) -> Outcome<Answer> {
    let filter = within(&call, DailyFilter::default())?;
    let key = call.text("api_key").map(hash);
    let user = call.owned("internal_user_id");
    if key.is_some() || user.is_some() {
        let filter = if let Some(key) = key {
            DailyFilter { api_keys: vec![key], ..filter }
        } else {
            DailyFilter { entities: user.into_iter().collect(), ..filter }
        };
        return Ok(by_key(&call, &filter).await?.into());
    }
    if let (Some(team), Some(customer)) = (call.owned("team_id"), call.owned("customer_id")) {
        return Ok(by_team_and_customer(&call, team, customer).await?.into());
    }
    match call.text("group_by").unwrap_or("team") {
        "team" => by_day(&call, days(&call)?, TEAMS).await,
        "customer" => by_day(&call, days(&call)?, CUSTOMERS).await,
        "api_key" => Ok(by_key(&call, &filter).await?.into()),
        other => Err(Error::bad_request(format!("group_by: `{other}` is not one of team, customer, api_key"))
            .with_param("group_by")
            .into()),
    }
}

/// What keys spent, dearest first, with their models.
async fn by_key(call: &Call, filter: &DailyFilter) -> Outcome<Json> {
    let groups = [DailyGroup::ApiKey, DailyGroup::Model];
    let sums = fresh(call).await?.daily_groups(DailyScope::User, filter, &groups, None).await?;
    Ok(keys(&sums, |_| None))
}

/// The body of a report by key, from sums whose first two parts are key and model. `team` says whose team a sum is of; none
/// leaves it out.
pub(super) fn keys(sums: &[DailySum], team: impl Fn(&DailySum) -> Option<Json>) -> Json {
    let figures = |counters: &DailyCounters| {
        [
            ("total_cost", Json::from(counters.spend)),
            ("total_input_tokens", Json::from(counters.prompt_tokens)),
            ("total_output_tokens", Json::from(counters.completion_tokens)),
        ]
    };
    let mut keys: Vec<(f64, Json)> = Vec::new();
    for run in sums.chunk_by(|a, b| a.part(0) == b.part(0)) {
        let mut all = DailyCounters::default();
        run.iter().for_each(|sum| all.add(&sum.counters));
        let models = run.iter().map(|sum| {
            let mut fields = vec![("model", Json::from(sum.part(1)))];
            fields.extend(figures(&sum.counters));
            fields.extend(team(sum).map(|team| ("team_id", team)));
            Json::object(fields)
        });
        let mut fields = vec![("api_key", Json::from(run.first().map(|sum| sum.part(0))))];
        fields.extend(figures(&all));
        fields.push(("model_details", Json::Array(models.collect())));
        keys.push((all.spend, Json::object(fields)));
    }
    keys.sort_by(|a, b| b.0.total_cmp(&a.0));
    Json::Array(keys.into_iter().map(|(_, json)| json).collect())
}

/// A report by entity and day.
#[derive(Debug, Clone, Copy)]
struct ByDay {
    scope: DailyScope,
    /// Under which name the entities of a day stand.
    list: &'static str,
    /// Under which name an entity says who it is.
    name: &'static str,
}

const TEAMS: ByDay = ByDay { scope: DailyScope::Team, list: "teams", name: "team_name" };
const CUSTOMERS: ByDay = ByDay { scope: DailyScope::EndUser, list: "customers", name: "customer" };

/// What one key spent with one model, for one entity in one day.
#[derive(Debug, Serialize)]
struct Spent<'a> {
    model: &'a str,
    api_key: &'a str,
    spend: f64,
    total_tokens: i64,
}

/// What entities spent per day, with their models and keys: one day after the other, for it names every key of every day.
async fn by_day(call: &Call, (from, until): (NaiveDate, NaiveDate), what: ByDay) -> Outcome<Answer> {
    let store = fresh(call).await?;
    let (from, until) = (from.to_string(), until.to_string());
    let mut days: BTreeSet<String> = store.daily_dates(DailyScope::User, &from, &until).await?.into_iter().collect();
    days.extend(store.daily_dates(what.scope, &from, &until).await?);
    Ok(pieces::written(async move |mut out| {
        let (mut told, mut lead) = (Told::default(), "[");
        for date in days {
            let parts = store.daily_parts(what.scope, &date).await?;
            if what.scope == DailyScope::Team {
                told.learn(&store, what.scope, parts.iter().map(|part| part.entity.as_str())).await?;
            }
            out.text(&format!("{lead}{{\"group_by_day\":\"{date}T00:00:00+00:00\",\"{}\":[", what.list)).await?;
            lead = ",";
            for (at, run) in parts.chunk_by(|a, b| a.entity == b.entity).enumerate() {
                out.text(if at == 0 { "{" } else { ",{" }).await?;
                entity(&mut out, what, run, &told).await?;
                out.text("}").await?;
            }
            out.text("]}").await?;
        }
        out.text(if lead == "[" { "[]" } else { "]" }).await?;
        Ok(out)
    }))
}

/// The fields of an entity, from its parts.
async fn entity(out: &mut Writer, what: ByDay, parts: &[DailyPart], told: &Told) -> Result<(), Stop> {
    let id = parts.first().map_or("", |part| part.entity.as_str());
    let shown = match what.scope {
        DailyScope::Team => Some(told.team_alias(id).unwrap_or("Unassigned Team")),
        _ => Some(id).filter(|id| !id.is_empty()),
    };
    out.text(&format!("\"{}\":", what.name)).await?;
    out.json(&shown).await?;
    out.text(",\"total_spend\":").await?;
    out.json(&parts.iter().map(|part| part.spend).sum::<f64>()).await?;
    out.text(",\"metadata\":[").await?;
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.text(",").await?;
        }
        let DailyPart { model, api_key, spend, tokens, .. } = part;
        out.json(&Spent { model, api_key, spend: *spend, total_tokens: *tokens }).await?;
    }
    out.text("]").await
}

/// What one customer of one team spent per day; no rollup knows both, so the rows are summed.
async fn by_team_and_customer(call: &Call, team: String, customer: String) -> Outcome<Json> {
    let filter = SpendFilter {
        team_id: Some(team.clone()),
        end_user: Some(customer.clone()),
        from: date(call, "start_date", false)?,
        until: date(call, "end_date", true)?,
        ..SpendFilter::default()
    };
    let store = fresh(call).await?;
    let groups = [SpendGroup::Day, SpendGroup::Model, SpendGroup::ApiKey];
    let sums = store.table::<SpendLogRow>().sums(filter, &groups, None).await?;
    let names = team_names(&store, std::iter::once(team.as_str())).await?;
    let text = |sum: &llm_store::SpendSum, at: usize| sum.group.get(at).cloned().flatten().unwrap_or_default();
    let day = |run: &[llm_store::SpendSum]| {
        let parts = run.iter().map(|sum| {
            Json::object([
                ("model", Json::from(text(sum, 1))),
                ("api_key", Json::from(text(sum, 2))),
                ("spend", Json::from(sum.spend)),
                ("total_tokens", Json::from(sum.total_tokens)),
            ])
        });
        let spend: f64 = run.iter().map(|sum| sum.spend).sum();
        let customer = Json::object([
            ("customer", Json::from(customer.as_str())),
            ("team_name", Json::from(names.get(&team).map_or("Unassigned Team", String::as_str))),
            ("total_spend", Json::from(spend)),
            ("metadata", Json::Array(parts.collect())),
        ]);
        let date = run.first().map(|sum| text(sum, 0)).unwrap_or_default();
        Json::object([
            ("group_by_day", Json::from(format!("{date}T00:00:00+00:00"))),
            ("customers", Json::Array(vec![customer])),
        ])
    };
    Ok(Json::Array(sums.chunk_by(|a, b| text(a, 0) == text(b, 0)).map(day).collect()))
}
