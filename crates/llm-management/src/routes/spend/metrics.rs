//! The body of a daily breakdown, as LiteLLM's `SpendAnalyticsPaginatedResponse` has it.

use std::collections::{BTreeMap, BTreeSet};

use llm_accounts::Outcome;
use llm_store::{AgentRow, DailyCounters, DailyKey, DailyScope, EndUserRow, KnownKey, OrganizationRow, Store, UserRow};
use llm_types::Json;

use super::day::{DayShown, Metrics, tree};
use super::global::team_names;

/// What a day is broken down by, in the order of the body; entities come last, after the keys.
pub(super) const PARTS: [&str; 6] = ["mcp_servers", "models", "model_groups", "providers", "endpoints", ENTITIES];
pub(super) const ENTITIES: &str = "entities";

/// Sums of one model, provider ... and of the keys that used it.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) all: DailyCounters,
    pub(super) keys: BTreeMap<String, DailyCounters>,
}

/// The sums of a day.
#[derive(Debug, Default)]
pub(super) struct Day {
    /// Everything.
    pub(super) all: DailyCounters,
    pub(super) parts: [BTreeMap<String, Part>; 6],
    pub(super) keys: BTreeMap<String, DailyCounters>,
}

/// Which sums a row goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sums {
    /// All of them.
    All,
    /// Those of the day and its parts, without entities and keys.
    Parts,
    /// Those of keys in parts and in the day.
    Keys,
    /// Those of entities.
    Entities,
    /// Those of keys in entities.
    EntityKeys,
}

impl Day {
    /// Adds a row of a rollup.
    pub(super) fn add(&mut self, key: &DailyKey, counters: &DailyCounters, into: Sums) {
        if matches!(into, Sums::All | Sums::Parts) {
            self.all.add(counters);
        }
        if matches!(into, Sums::All | Sums::Keys) {
            self.keys.entry(key.api_key.clone()).or_default().add(counters);
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
        for ((parts, name), what) in self.parts.iter_mut().zip(names).zip(PARTS) {
            let entities = what == ENTITIES;
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

    /// True when no row was added.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.iter().all(BTreeMap::is_empty)
    }

    pub(super) fn entities(&self) -> impl Iterator<Item = &str> {
        self.parts
            .iter()
            .zip(PARTS)
            .filter(|(_, what)| *what == ENTITIES)
            .flat_map(|(of, _)| of.keys().map(String::as_str))
    }

    /// The day as the body has it.
    pub(super) const fn shown<'a>(&'a self, date: &'a str, told: &'a Told) -> DayShown<'a> {
        DayShown { date, day: self, told }
    }
}

/// The days of some rows, newest first.
///
/// # Errors
/// When the store cannot say who the keys and entities are.
pub(super) async fn results(days: &BTreeMap<String, Day>, store: &Store, scope: DailyScope) -> Outcome<Json> {
    let keys = days.values().flat_map(|day| day.keys.keys()).map(String::as_str).collect();
    let mut told = Told { keys: keys_told(store, &keys).await?, ..Told::default() };
    told.learn(store, scope, days.values().flat_map(Day::entities)).await?;
    let days = days.iter().rev().map(|(date, day)| tree(&day.shown(date, &told)));
    Ok(Json::Array(days.collect()))
}

/// Who keys and entities are, as far as that is known.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) keys: BTreeMap<String, Json>,
    /// Nothing for entities that nobody knows.
    pub(super) entities: BTreeMap<String, Option<Json>>,
}

impl Told {
    /// Asks who the entities are that were not asked for yet.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn learn<'i>(
        &mut self,
        store: &Store,
        scope: DailyScope,
        ids: impl Iterator<Item = &'i str>,
    ) -> Outcome<()> {
        let new: BTreeSet<&str> = ids.filter(|id| !self.entities.contains_key(*id)).collect();
        if !new.is_empty() {
            let told = entities_told(store, scope, &new).await?;
            self.entities.extend(new.into_iter().map(|id| (id.to_owned(), None)));
            self.entities.extend(told.into_iter().map(|(id, told)| (id, Some(told))));
        }
        Ok(())
    }

    /// The alias of a team that was asked for.
    pub(super) fn team_alias(&self, id: &str) -> Option<&str> {
        self.entities.get(id)?.as_ref()?.get("team_alias")?.as_str()
    }
}

/// `DailySpendMetadata`: the sums under the names of totals, and the page.
pub(super) fn metadata(of: &DailyCounters, page: u32, pages: u64) -> Json {
    let mut out = Json::Object(Vec::new());
    for (name, value) in tree(&Metrics::from(of)).as_object().unwrap_or_default() {
        // One of them is called a total already.
        let name = if name.starts_with("total_") { name.clone() } else { format!("total_{name}") };
        out.set(&name, value.clone());
    }
    out.set("page", page);
    out.set("total_pages", pages);
    out.set("has_more", u64::from(page) < pages);
    out
}

pub(super) fn key_told(alias_team_user: [Option<&str>; 3], email: Option<&str>, exists: bool) -> Json {
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
    let known = store.known_keys(&ids).await?;
    let users: BTreeSet<String> = known.values().filter_map(|key| key.user_id.clone()).collect();
    let users = store.table::<UserRow>().get_many(&users.into_iter().collect::<Vec<_>>()).await?;
    let emails: BTreeMap<&str, &str> =
        users.iter().filter_map(|user| Some((user.user_id.as_str(), user.user_email.as_deref()?))).collect();
    let told = |(hash, key): (String, KnownKey)| {
        let user = key.user_id.as_deref();
        let email = user.and_then(|user| emails.get(user).copied());
        (hash, key_told([key.key_alias.as_deref(), key.team_id.as_deref(), user], email, key.exists))
    };
    Ok(known.into_iter().map(told).collect())
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
