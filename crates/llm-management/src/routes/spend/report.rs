//! `/global/spend/report`: by team or customer and day, or by key.

use std::collections::BTreeMap;

use llm_accounts::Outcome;
use llm_store::{DailyCounters, DailyFilter, DailyGroup, DailyScope, DailySum, SpendFilter, SpendGroup, SpendLogRow};
use llm_types::{Error, Json};

use super::global::{team_names, tokens};
use super::{date, fresh, hash, within};
use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[row!("GET" "/global/spend/report" Admin report)];

async fn report(call: Call) -> Outcome<Json> {
    let filter = within(&call, DailyFilter::default())?;
    let key = call.text("api_key").map(hash);
    let user = call.owned("internal_user_id");
    if key.is_some() || user.is_some() {
        let filter = if let Some(key) = key {
            DailyFilter { api_keys: vec![key], ..filter }
        } else {
            DailyFilter { entities: user.into_iter().collect(), ..filter }
        };
        return by_key(&call, &filter).await;
    }
    if let (Some(team), Some(customer)) = (call.owned("team_id"), call.owned("customer_id")) {
        return by_team_and_customer(&call, team, customer).await;
    }
    match call.text("group_by").unwrap_or("team") {
        "team" => by_day(&call, &filter, DailyScope::Team, "teams", "team_name").await,
        "customer" => by_day(&call, &filter, DailyScope::EndUser, "customers", "customer").await,
        "api_key" => by_key(&call, &filter).await,
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

/// Date, entity, model, key.
const BY_DAY: [DailyGroup; 4] = [DailyGroup::Date, DailyGroup::Entity, DailyGroup::Model, DailyGroup::ApiKey];

/// What entities spent per day, with their models and keys.
async fn by_day(
    call: &Call,
    filter: &DailyFilter,
    scope: DailyScope,
    list: &'static str,
    name: &'static str,
) -> Outcome<Json> {
    let store = fresh(call).await?;
    let mut sums = store.daily_groups(scope, filter, &BY_DAY, None).await?;
    let everything = [DailyGroup::Date, DailyGroup::Model, DailyGroup::ApiKey];
    let all = store.daily_groups(DailyScope::User, filter, &everything, None).await?;
    sums.extend(nobodys(&sums, all));
    sums.sort_by(|a, b| a.group.cmp(&b.group));
    let names = match scope {
        DailyScope::Team => team_names(&store, sums.iter().map(|sum| sum.part(1))).await?,
        _ => BTreeMap::new(),
    };
    let entity = |run: &[DailySum]| {
        let id = run.first().map_or("", |sum| sum.part(1));
        let shown = match scope {
            DailyScope::Team => Json::from(names.get(id).map_or("Unassigned Team", String::as_str)),
            _ => Json::from(Some(id).filter(|id| !id.is_empty())),
        };
        let parts = run.iter().map(|sum| {
            Json::object([
                ("model", Json::from(sum.part(2))),
                ("api_key", Json::from(sum.part(3))),
                ("spend", Json::from(sum.counters.spend)),
                ("total_tokens", Json::from(tokens(&sum.counters))),
            ])
        });
        Json::object([
            (name, shown),
            ("total_spend", Json::from(run.iter().map(|sum| sum.counters.spend).sum::<f64>())),
            ("metadata", Json::Array(parts.collect())),
        ])
    };
    let day = |run: &[DailySum]| {
        let date = run.first().map_or("", |sum| sum.part(0));
        let entities = run.chunk_by(|a, b| a.part(1) == b.part(1)).map(entity).collect();
        Json::object([("group_by_day", Json::from(format!("{date}T00:00:00+00:00"))), (list, Json::Array(entities))])
    };
    Ok(Json::Array(sums.chunk_by(|a, b| a.part(0) == b.part(0)).map(day).collect()))
}

/// What is in the sums of everything and in nobody's.
fn nobodys(named: &[DailySum], all: Vec<DailySum>) -> Vec<DailySum> {
    let mut of: BTreeMap<(&str, &str, &str), DailyCounters> = BTreeMap::new();
    for sum in named {
        of.entry((sum.part(0), sum.part(2), sum.part(3))).or_default().add(&sum.counters);
    }
    let rest = |sum: DailySum| {
        let named = of.get(&(sum.part(0), sum.part(1), sum.part(2))).copied().unwrap_or_default();
        let counters = DailyCounters {
            spend: sum.counters.spend - named.spend,
            prompt_tokens: sum.counters.prompt_tokens - named.prompt_tokens,
            completion_tokens: sum.counters.completion_tokens - named.completion_tokens,
            api_requests: sum.counters.api_requests - named.api_requests,
            ..DailyCounters::default()
        };
        let group = vec![sum.part(0).into(), String::new(), sum.part(1).into(), sum.part(2).into()];
        (counters.api_requests > 0).then_some(DailySum { group, counters })
    };
    all.into_iter().filter_map(rest).collect()
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
