//! One entry of the journal, and how entries become a batch for the store.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use chrono::DateTime;
use llm_store::{DailyCounters, DailyKey, DailyScope, DailySpendRow, KeySpend, SettlementBatch, SpendLogRow};
use llm_types::Usage;
use serde::{Deserialize, Serialize};

use crate::PROXY_BUDGET_USER;
use crate::purse::{Owner, usd};

/// Tokens of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) input: i64,
    pub(crate) output: i64,
    pub(crate) total: i64,
    pub(crate) cache_read: i64,
    pub(crate) cache_write: i64,
}

impl Counts {
    /// The counts of a usage record.
    pub(crate) fn of(usage: &Usage) -> Self {
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        Self {
            input: whole(usage.total_input()),
            output: whole(usage.total_output()),
            total: whole(usage.total_tokens()),
            cache_read: whole(usage.total_cache_read()),
            cache_write: whole(usage.total_cache_write()),
        }
    }
}

/// A finished call, as the journal keeps it. Texts are empty where there is nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    /// Nano-dollars charged.
    pub(crate) nanos: i64,
    /// When it ended, milliseconds since 1970.
    pub(crate) at: i64,
    /// How long it took, milliseconds.
    pub(crate) ms: i64,
    pub(crate) success: bool,
    pub(crate) counts: Counts,
    /// Key hash, or the alias of the master key.
    pub(crate) key: String,
    pub(crate) user: String,
    pub(crate) team: String,
    pub(crate) organization: String,
    pub(crate) project: String,
    pub(crate) agent: String,
    pub(crate) end_user: String,
    pub(crate) tags: Vec<String>,
    pub(crate) model: String,
    pub(crate) model_group: String,
    pub(crate) provider: String,
    pub(crate) endpoint: String,
    /// The row of the call, unless rows are switched off.
    pub(crate) row: Option<Row>,
}

/// A row that can be compared, which tests want.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Row(pub(crate) Box<SpendLogRow>);

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.0.request_id == other.0.request_id && self.0.litellm_call_id == other.0.litellm_call_id
    }
}

/// A batch for the store, and what its commit takes off the purses.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) settlement: SettlementBatch,
    pub(crate) moved: Vec<(Owner, String, i64)>,
}

/// Adds up entries by an id.
#[derive(Debug, Default)]
struct Sums(HashMap<String, i64>);

impl Sums {
    fn add(&mut self, id: &str, nanos: i64) {
        if id.is_empty() || nanos == 0 {
            return;
        }
        match self.0.get_mut(id) {
            Some(sum) => *sum = sum.saturating_add(nanos),
            None => {
                self.0.insert(id.to_owned(), nanos);
            }
        }
    }

    fn usd(self) -> Vec<(String, f64)> {
        self.0.into_iter().map(|(id, nanos)| (id, usd(nanos))).collect()
    }
}

/// Entries of the same day, caller, tags and model, added up. Most entries of a batch are like another one.
#[derive(Debug)]
struct Group {
    /// The first of them.
    like: Entry,
    counters: DailyCounters,
    nanos: i64,
    last: i64,
}

const DAY_MS: i64 = 86_400_000;

impl Entry {
    fn day(&self) -> i64 {
        self.at.div_euclid(DAY_MS)
    }

    fn dimensions(&self) -> [&String; 11] {
        [
            &self.key,
            &self.user,
            &self.team,
            &self.organization,
            &self.project,
            &self.agent,
            &self.end_user,
            &self.model,
            &self.model_group,
            &self.provider,
            &self.endpoint,
        ]
    }

    fn like(&self, other: &Self) -> bool {
        self.day() == other.day() && self.dimensions() == other.dimensions() && self.tags == other.tags
    }

    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.day(), self.dimensions(), &self.tags).hash(&mut hasher);
        hasher.finish()
    }
}

/// Gathers entries.
#[derive(Debug, Default)]
struct Gatherer {
    groups: HashMap<u64, Vec<Group>>,
    rows: Vec<SpendLogRow>,
}

impl Batch {
    /// Makes the batch of a segment.
    pub(crate) fn of(id: &str, entries: Vec<Entry>) -> Self {
        let mut gatherer = Gatherer::default();
        entries.into_iter().for_each(|entry| gatherer.add(entry));
        gatherer.finish(id)
    }
}

impl Gatherer {
    fn add(&mut self, mut entry: Entry) {
        if let Some(Row(row)) = entry.row.take() {
            self.rows.push(*row);
        }
        let counters = DailyCounters {
            prompt_tokens: entry.counts.input,
            completion_tokens: entry.counts.output,
            cache_read_input_tokens: entry.counts.cache_read,
            cache_creation_input_tokens: entry.counts.cache_write,
            api_requests: 1,
            successful_requests: i64::from(entry.success),
            failed_requests: i64::from(!entry.success),
            total_response_time_ms: entry.ms,
            timed_requests: 1,
            ..DailyCounters::default()
        };
        let alike = self.groups.entry(entry.fingerprint()).or_default();
        if let Some(group) = alike.iter_mut().find(|g| g.like.like(&entry)) {
            group.counters.add(&counters);
            group.nanos = group.nanos.saturating_add(entry.nanos);
            group.last = group.last.max(entry.at);
        } else {
            alike.push(Group { nanos: entry.nanos, last: entry.at, counters, like: entry });
        }
    }

    fn finish(self, id: &str) -> Batch {
        let mut totals = Totals::default();
        self.groups.into_values().flatten().for_each(|group| totals.add(&group));
        totals.batch(id, self.rows)
    }
}

/// What the store adds to its rows.
#[derive(Debug, Default)]
struct Totals {
    keys: HashMap<String, (i64, i64)>,
    users: Sums,
    teams: Sums,
    organizations: Sums,
    projects: Sums,
    agents: Sums,
    end_users: Sums,
    tags: Sums,
    members: HashMap<(String, String), i64>,
    daily: BTreeMap<(DailyScope, DailyKey), DailyCounters>,
}

impl Totals {
    fn add(&mut self, group: &Group) {
        let (entry, nanos) = (&group.like, group.nanos);
        self.count(group);
        if !entry.key.is_empty() {
            let (sum, last) = self.keys.entry(entry.key.clone()).or_default();
            *sum = sum.saturating_add(nanos);
            *last = group.last.max(*last);
        }
        self.users.add(&entry.user, nanos);
        self.users.add(PROXY_BUDGET_USER, nanos);
        self.teams.add(&entry.team, nanos);
        self.organizations.add(&entry.organization, nanos);
        self.projects.add(&entry.project, nanos);
        self.agents.add(&entry.agent, nanos);
        self.end_users.add(&entry.end_user, nanos);
        entry.tags.iter().for_each(|tag| self.tags.add(tag, nanos));
        if nanos != 0 && !entry.team.is_empty() && !entry.user.is_empty() {
            *self.members.entry((entry.team.clone(), entry.user.clone())).or_default() += nanos;
        }
    }

    /// The daily rollups.
    fn count(&mut self, group: &Group) {
        let entry = &group.like;
        let counters = DailyCounters { spend: usd(group.nanos), ..group.counters };
        let base = DailyKey {
            date: DateTime::from_timestamp_millis(entry.at).unwrap_or_default().format("%Y-%m-%d").to_string(),
            api_key: entry.key.clone(),
            model: entry.model.clone(),
            model_group: entry.model_group.clone(),
            custom_llm_provider: entry.provider.clone(),
            endpoint: entry.endpoint.clone(),
            ..DailyKey::default()
        };
        let mut add = |scope: DailyScope, entity: &str| {
            let key = DailyKey { entity: entity.to_owned(), ..base.clone() };
            self.daily.entry((scope, key)).or_default().add(&counters);
        };
        add(DailyScope::Global, "");
        add(DailyScope::User, &entry.user);
        for (scope, id) in [
            (DailyScope::Team, &entry.team),
            (DailyScope::Organization, &entry.organization),
            (DailyScope::EndUser, &entry.end_user),
            (DailyScope::Agent, &entry.agent),
        ] {
            if !id.is_empty() {
                add(scope, id);
            }
        }
        entry.tags.iter().for_each(|tag| add(DailyScope::Tag, tag));
    }

    /// What a commit takes off the purses.
    fn moved(&self) -> Vec<(Owner, String, i64)> {
        let mut moved: Vec<(Owner, String, i64)> = Vec::new();
        moved.extend(self.keys.iter().map(|(id, (sum, _))| (Owner::Key, id.clone(), *sum)));
        moved.extend(self.users.0.iter().map(|(id, sum)| {
            if id == PROXY_BUDGET_USER { (Owner::Proxy, String::new(), *sum) } else { (Owner::User, id.clone(), *sum) }
        }));
        moved.extend(self.teams.0.iter().map(|(id, sum)| (Owner::Team, id.clone(), *sum)));
        moved.extend(self.members.iter().map(|((team, user), sum)| (Owner::Member, member(team, user), *sum)));
        moved
    }

    fn batch(self, id: &str, spend_rows: Vec<SpendLogRow>) -> Batch {
        let moved = self.moved();
        let time = DateTime::from_timestamp_millis;
        let key = |(token, (sum, last))| KeySpend { token, spend: usd(sum), last_active: time(last) };
        let daily = |((scope, key), counters)| DailySpendRow { scope, key, counters };
        let settlement = SettlementBatch {
            batch_id: id.to_owned(),
            spend_rows,
            keys: self.keys.into_iter().map(key).collect(),
            users: self.users.usd(),
            teams: self.teams.usd(),
            team_members: self.members.into_iter().map(|((team, user), sum)| (team, user, usd(sum))).collect(),
            organizations: self.organizations.usd(),
            end_users: self.end_users.usd(),
            tags: self.tags.usd(),
            projects: self.projects.usd(),
            agents: self.agents.usd(),
            daily: self.daily.into_iter().map(daily).collect(),
            ..SettlementBatch::default()
        };
        Batch { settlement, moved }
    }
}

/// The name of a member's purse.
pub(crate) fn member(team: &str, user: &str) -> String {
    format!("{team}:{user}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_add_up() {
        let entry = |key: &str, nanos: i64, at: i64| Entry {
            nanos,
            at,
            key: key.to_owned(),
            user: "u".to_owned(),
            team: "t".to_owned(),
            success: nanos > 0,
            tags: vec!["a".to_owned(), "b".to_owned()],
            ..Entry::default()
        };
        let day = 86_400_000;
        let batch = Batch::of("id", vec![entry("k", 5, 1), entry("k", 7, 3), entry("l", 0, day), entry("k", 1, 2)]);
        let s = &batch.settlement;
        let mut keys: Vec<_> = s.keys.iter().map(|k| (k.token.as_str(), k.spend, k.last_active.unwrap())).collect();
        keys.sort_by_key(|k| k.0);
        let at = |ms| DateTime::from_timestamp_millis(ms).unwrap();
        assert_eq!(keys, [("k", 13e-9, at(3)), ("l", 0.0, at(day))]);
        assert_eq!(s.teams, [("t".to_owned(), 13e-9)]);
        assert_eq!(s.team_members, [("t".to_owned(), "u".to_owned(), 13e-9)]);
        assert_eq!(s.users.len(), 2, "the user and the proxy");
        // Global, user, team and two tags, on two days or keys.
        assert_eq!(s.daily.len(), 10);
        let first = s.daily.iter().find(|d| d.scope == DailyScope::Team && d.key.date == "1970-01-01").unwrap();
        assert_eq!((first.counters.api_requests, first.counters.successful_requests), (3, 3));
        assert!(batch.moved.contains(&(Owner::Member, "t:u".to_owned(), 13)));
        assert!(batch.moved.contains(&(Owner::Proxy, String::new(), 13)));
    }
}
