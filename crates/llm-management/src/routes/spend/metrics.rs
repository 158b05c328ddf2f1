//! The body of a daily breakdown, as LiteLLM's `SpendAnalyticsPaginatedResponse` has it.

use std::collections::{BTreeMap, BTreeSet};

use llm_accounts::Outcome;
use llm_store::{
    AgentRow, DailyCounters, DailyKey, DailyScope, DeletedTokenRow, EndUserRow, Filter, OrganizationRow, Store, UserRow,
};
use llm_types::Json;

use super::global::team_names;

/// What a day is broken down by, in the order of the body; entities come last, after the keys.
const PARTS: [&str; 6] = ["mcp_servers", "models", "model_groups", "providers", "endpoints", "entities"];

/// Sums of one model, provider ... and of the keys that used it.
#[derive(Debug, Default)]
struct Part {
    all: DailyCounters,
    keys: BTreeMap<String, DailyCounters>,
}

#[derive(Debug, Default)]
struct Day {
    all: DailyCounters,
    parts: [BTreeMap<String, Part>; 6],
    keys: BTreeMap<String, DailyCounters>,
}

/// Which sums a row goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sums {
    /// All of them.
    All,
    /// Those of days and their parts, without entities and keys.
    Parts,
    /// Those of keys in parts and days.
    Keys,
    /// Those of entities.
    Entities,
    /// Those of keys in entities.
    EntityKeys,
}

/// A breakdown under construction.
#[derive(Debug, Default)]
pub(super) struct Breakdown {
    days: BTreeMap<String, Day>,
    /// Everything.
    pub(super) all: DailyCounters,
}

impl Breakdown {
    /// Adds a row of a rollup.
    pub(super) fn add(&mut self, key: &DailyKey, counters: &DailyCounters, into: Sums) {
        let day = self.days.entry(key.date.clone()).or_default();
        if matches!(into, Sums::All | Sums::Parts) {
            self.all.add(counters);
            day.all.add(counters);
        }
        if matches!(into, Sums::All | Sums::Keys) {
            day.keys.entry(key.api_key.clone()).or_default().add(counters);
        }
        let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
        let names = [
            key.mcp_namespaced_tool_name.clone(),
            key.model.clone(),
            or(&key.model_group, &key.model),
            or(&key.custom_llm_provider, "unknown"),
            key.endpoint.clone(),
            or(&key.entity, "Unassigned"),
        ];
        for ((parts, name), what) in day.parts.iter_mut().zip(names).zip(PARTS) {
            let entities = what == "entities";
            let wanted = match into {
                Sums::All => true,
                Sums::Parts | Sums::Keys => !entities,
                Sums::Entities | Sums::EntityKeys => entities,
            };
            if !wanted || name.is_empty() {
                continue;
            }
            let part = parts.entry(name).or_default();
            if matches!(into, Sums::All | Sums::Parts | Sums::Entities) {
                part.all.add(counters);
            }
            if matches!(into, Sums::All | Sums::Keys | Sums::EntityKeys) {
                part.keys.entry(key.api_key.clone()).or_default().add(counters);
            }
        }
    }

    /// The list of days, newest first.
    ///
    /// # Errors
    /// When the store cannot say who the keys and entities are.
    pub(super) async fn results(&self, store: &Store, scope: DailyScope) -> Outcome<Json> {
        let keys: BTreeSet<&str> = self.days.values().flat_map(|day| day.keys.keys()).map(String::as_str).collect();
        let keys = keys_told(store, &keys).await?;
        let entities: BTreeSet<&str> = self
            .days
            .values()
            .flat_map(|day| day.parts.iter().rev().take(1))
            .flat_map(BTreeMap::keys)
            .map(String::as_str)
            .collect();
        let entities = entities_told(store, scope, &entities).await?;
        Ok(Json::Array(self.days.iter().rev().map(|(date, day)| day.json(date, &keys, &entities)).collect()))
    }
}

impl Day {
    fn json(&self, date: &str, keys: &BTreeMap<String, Json>, entities: &BTreeMap<String, Json>) -> Json {
        let mut breakdown = Json::Object(Vec::new());
        for (name, parts) in PARTS.into_iter().zip(&self.parts) {
            if name == "entities" {
                breakdown.set("api_keys", keys_json(&self.keys, keys));
            }
            let told = |id: &str| {
                let known = (name == "entities").then(|| entities.get(id).cloned()).flatten();
                known.unwrap_or(Json::Object(Vec::new()))
            };
            let part = |(id, part): (&String, &Part)| {
                let body = Json::object([
                    ("metrics", metrics(&part.all)),
                    ("metadata", told(id)),
                    ("api_key_breakdown", keys_json(&part.keys, keys)),
                ]);
                (id.clone(), body)
            };
            breakdown.set(name, Json::object(parts.iter().map(part)));
        }
        Json::object([("date", Json::from(date)), ("metrics", metrics(&self.all)), ("breakdown", breakdown)])
    }
}

fn keys_json(sums: &BTreeMap<String, DailyCounters>, told: &BTreeMap<String, Json>) -> Json {
    let entry = |(id, counters): (&String, &DailyCounters)| {
        let metadata = told.get(id).cloned().unwrap_or_else(|| key_told([None; 3], None, false));
        (id.clone(), Json::object([("metrics", metrics(counters)), ("metadata", metadata)]))
    };
    Json::object(sums.iter().map(entry))
}

/// `SpendMetrics`.
fn metrics(of: &DailyCounters) -> Json {
    Json::object([
        ("spend", Json::from(of.spend)),
        ("flat_cost", Json::from(0.0)),
        ("prompt_tokens", Json::from(of.prompt_tokens)),
        ("completion_tokens", Json::from(of.completion_tokens)),
        ("cache_read_input_tokens", Json::from(of.cache_read_input_tokens)),
        ("cache_creation_input_tokens", Json::from(of.cache_creation_input_tokens)),
        ("compression_saved_tokens", Json::from(of.compression_saved_tokens)),
        ("compression_savings_spend", Json::from(of.compression_savings_spend)),
        ("prompt_caching_savings_spend", Json::from(of.prompt_caching_savings_spend)),
        ("gateway_injected_caching_savings_spend", Json::from(of.gateway_injected_caching_savings_spend)),
        ("autorouter_savings_spend", Json::from(of.autorouter_savings_spend)),
        ("total_tokens", Json::from(of.prompt_tokens + of.completion_tokens)),
        ("successful_requests", Json::from(of.successful_requests)),
        ("failed_requests", Json::from(of.failed_requests)),
        ("api_requests", Json::from(of.api_requests)),
        ("total_response_time_ms", Json::from(of.total_response_time_ms)),
        ("timed_requests", Json::from(of.timed_requests)),
    ])
}

/// `DailySpendMetadata`: the sums under the names of totals, and the page.
pub(super) fn metadata(of: &DailyCounters, page: u32, pages: u64) -> Json {
    let mut out = Json::Object(Vec::new());
    for (name, value) in metrics(of).as_object().unwrap_or_default() {
        // One of them is called a total already.
        let name = if name.starts_with("total_") { name.clone() } else { format!("total_{name}") };
        out.set(&name, value.clone());
    }
    out.set("page", page);
    out.set("total_pages", pages);
    out.set("has_more", u64::from(page) < pages);
    out
}

fn key_told(alias_team_user: [Option<&str>; 3], email: Option<&str>, exists: bool) -> Json {
    let [alias, team, user] = alias_team_user.map(Json::from);
    Json::object([
        ("key_alias", alias),
        ("team_id", team),
        ("user_id", user),
        ("user_email", Json::from(email)),
        ("key_exists", Json::from(exists)),
    ])
}

/// What is known of keys, those that are deleted included.
pub(super) async fn keys_told(store: &Store, keys: &BTreeSet<&str>) -> Outcome<BTreeMap<String, Json>> {
    let ids: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    let known = store.keys().get_many(&ids).await?;
    let gone: Vec<String> = ids.into_iter().filter(|id| !known.iter().any(|key| key.token == *id)).collect();
    let gone = if gone.is_empty() {
        Vec::new()
    } else {
        store.table::<DeletedTokenRow>().find(Filter::new().any_of("token", gone)).await?
    };
    let users: BTreeSet<String> = known
        .iter()
        .filter_map(|key| key.user_id.clone())
        .chain(gone.iter().filter_map(|key| key.user_id.clone()))
        .collect();
    let users = store.table::<UserRow>().get_many(&users.into_iter().collect::<Vec<_>>()).await?;
    let emails: BTreeMap<&str, &str> =
        users.iter().filter_map(|user| Some((user.user_id.as_str(), user.user_email.as_deref()?))).collect();
    let email = |user: Option<&str>| user.and_then(|user| emails.get(user).copied());
    let mut out = BTreeMap::new();
    for key in &gone {
        let user = key.user_id.as_deref();
        let told = key_told([key.key_alias.as_deref(), key.team_id.as_deref(), user], email(user), false);
        out.insert(key.token.clone(), told);
    }
    for key in &known {
        let user = key.user_id.as_deref();
        let told = key_told([key.key_alias.as_deref(), key.team_id.as_deref(), user], email(user), true);
        out.insert(key.token.clone(), told);
    }
    Ok(out)
}

/// What is known of entities.
async fn entities_told(store: &Store, scope: DailyScope, ids: &BTreeSet<&str>) -> Outcome<BTreeMap<String, Json>> {
    let list: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    let one = |name: &'static str, value: Option<&str>| Json::object([(name, value)]);
    Ok(match scope {
        DailyScope::Team => {
            let names = team_names(store, ids.iter().copied()).await?;
            names.into_iter().map(|(id, alias)| (id, one("team_alias", Some(&alias)))).collect()
        }
        DailyScope::Organization => {
            let rows = store.table::<OrganizationRow>().get_many(&list).await?;
            let told = |row: OrganizationRow| {
                let body = one("organization_alias", Some(&row.organization_alias));
                (row.organization_id, body)
            };
            rows.into_iter().map(told).collect()
        }
        DailyScope::EndUser => {
            let rows = store.table::<EndUserRow>().get_many(&list).await?;
            rows.into_iter().map(|row| (row.user_id, one("alias", row.alias.as_deref()))).collect()
        }
        DailyScope::Agent => {
            let rows = store.table::<AgentRow>().get_many(&list).await?;
            rows.into_iter().map(|row| (row.agent_id, one("agent_name", Some(&row.agent_name)))).collect()
        }
        DailyScope::User => {
            let rows = store.table::<UserRow>().get_many(&list).await?;
            let told = |row: UserRow| {
                let body = Json::object([("user_alias", row.user_alias), ("user_email", row.user_email)]);
                (row.user_id, body)
            };
            rows.into_iter().map(told).collect()
        }
        DailyScope::Tag | DailyScope::Global => BTreeMap::new(),
    })
}
