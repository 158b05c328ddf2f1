//! Reports that people may ask about what is theirs: keys, users, teams, organizations.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use llm_accounts::Outcome;
use llm_store::{DailyFilter, DailyGroup, DailyScope, DailySum, UserRow};
use llm_types::Json;

use super::global::{team_names, tokens};
use super::metrics::keys_told;
use super::report::keys;
use super::{days, forbidden, fresh, hash, within};
use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/key/spend/report" OwnScope of_keys),
    row!("GET" "/user/spend/report" OwnScope of_users),
    row!("GET" "/team/spend/report" TeamAdmin of_teams),
    row!("GET" "/organization/spend/report" TeamAdmin of_organizations),
    row!("GET" "/team/spend/by_user" TeamAdmin teams_by_user),
];

async fn of_keys(call: Call) -> Outcome<Json> {
    let api_keys = call.text("api_key").map(hash).into_iter().collect();
    let filter = within(&call, DailyFilter { api_keys, ..DailyFilter::default() })?;
    let filter = call.accounts.visible_keys(&call.who, filter).await?;
    report(&call, DailyScope::User, filter).await
}

async fn of_users(call: Call) -> Outcome<Json> {
    let filter = visible(&call, DailyScope::User, "internal_user_id").await?;
    report(&call, DailyScope::User, filter).await
}

async fn of_teams(call: Call) -> Outcome<Json> {
    let filter = visible(&call, DailyScope::Team, "team_id").await?;
    report(&call, DailyScope::Team, filter).await
}

async fn of_organizations(call: Call) -> Outcome<Json> {
    let filter = visible(&call, DailyScope::Organization, "organization_id").await?;
    if filter.is_none() {
        return Err(forbidden("You do not have access to this organization").into());
    }
    report(&call, DailyScope::Organization, filter).await
}

/// The one entity of the query, or all that the caller may see.
async fn visible(call: &Call, scope: DailyScope, id: &str) -> Outcome<Option<DailyFilter>> {
    let entities = call.owned(id).into_iter().collect();
    let filter = within(call, DailyFilter { entities, ..DailyFilter::default() })?;
    call.accounts.visible_usage(&call.who, scope, filter).await
}

/// What keys spent, dearest first, with their models and teams. Only the rollup of teams knows whose a call was; elsewhere it
/// is the key's team.
async fn report(call: &Call, scope: DailyScope, filter: Option<DailyFilter>) -> Outcome<Json> {
    let store = fresh(call).await?;
    let Some(filter) = filter else { return Ok(Json::Array(Vec::new())) };
    let groups = [DailyGroup::ApiKey, DailyGroup::Model, DailyGroup::Entity];
    if scope == DailyScope::Team {
        let sums = store.daily_groups(scope, &filter, &groups, None).await?;
        return Ok(keys(&sums, |sum| Some(Json::from(sum.part(2)))));
    }
    let sums = store.daily_groups(scope, &filter, &[DailyGroup::ApiKey, DailyGroup::Model], None).await?;
    let told = keys_told(&store, &sums.iter().map(|sum| sum.part(0)).collect()).await?;
    let team = |sum: &DailySum| told.get(sum.part(0)).and_then(|key| key.get("team_id")).cloned().unwrap_or_default();
    Ok(keys(&sums, |sum| Some(team(sum))))
}

/// What the people of teams spent there: the keys' spend, summed by their users. What keys of nobody spent stands under an
/// empty id.
async fn teams_by_user(call: Call) -> Outcome<Json> {
    let (from, until) = days(&call)?;
    let filter = within(&call, DailyFilter { entities: call.list("team_ids"), ..DailyFilter::default() })?;
    let store = fresh(&call).await?;
    let sums = match call.accounts.visible_usage(&call.who, DailyScope::Team, filter).await? {
        Some(filter) => {
            let groups = [DailyGroup::Entity, DailyGroup::ApiKey];
            store.daily_groups(DailyScope::Team, &filter, &groups, None).await?
        }
        None => Vec::new(),
    };
    let told = keys_told(&store, &sums.iter().map(|sum| sum.part(1)).collect()).await?;
    let user = |key: &str| told.get(key).and_then(|key| key.get("user_id")).and_then(Json::as_str).unwrap_or_default();
    let mut spent: BTreeMap<(&str, &str), llm_store::DailyCounters> = BTreeMap::new();
    for sum in &sums {
        spent.entry((sum.part(0), user(sum.part(1)))).or_default().add(&sum.counters);
    }
    let names = team_names(&store, sums.iter().map(|sum| sum.part(0))).await?;
    let ids: BTreeSet<String> = spent.keys().map(|(_, user)| (*user).to_owned()).collect();
    let users = store.table::<UserRow>().get_many(&ids.into_iter().collect::<Vec<_>>()).await?;
    let users: HashMap<&str, &UserRow> = users.iter().map(|user| (user.user_id.as_str(), user)).collect();
    let mut rows: Vec<_> = spent.into_iter().collect();
    rows.sort_by(|a, b| b.1.spend.total_cmp(&a.1.spend));
    let row = |((team, id), of): ((&str, &str), llm_store::DailyCounters)| {
        let user = users.get(id);
        Json::object([
            ("team_id", Json::from(team)),
            ("team_alias", Json::from(names.get(team).map(String::as_str))),
            ("user_id", Json::from(id)),
            ("user_email", Json::from(user.and_then(|user| user.user_email.as_deref()))),
            ("user_alias", Json::from(user.and_then(|user| user.user_alias.as_deref()))),
            ("spend", Json::from(of.spend)),
            ("prompt_tokens", Json::from(of.prompt_tokens)),
            ("completion_tokens", Json::from(of.completion_tokens)),
            ("total_tokens", Json::from(tokens(&of))),
            ("api_requests", Json::from(of.api_requests)),
            ("successful_requests", Json::from(of.successful_requests)),
            ("failed_requests", Json::from(of.failed_requests)),
        ])
    };
    Ok(Json::object([
        ("start_date", Json::from(from.to_string())),
        ("end_date", Json::from(until.to_string())),
        ("results", Json::Array(rows.into_iter().map(row).collect())),
    ]))
}
