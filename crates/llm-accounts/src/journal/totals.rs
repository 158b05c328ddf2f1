//! What the store adds to its rows: sums by caller and by day.

use std::collections::{BTreeMap, HashMap};

use chrono::DateTime;
use llm_store::{DailyCounters, DailyKey, DailyPaceRow, DailyScope, DailySpendRow, KeySpend, SettlementBatch};

use super::batch::Group;
use crate::PROXY_BUDGET_USER;
use crate::purse::{Owner, usd};
use crate::window::WindowKey;

/// Adds up nano-dollars by an id.
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

/// The sums of a batch.
#[derive(Debug, Default)]
pub(super) struct Totals {
    keys: HashMap<String, (i64, i64)>,
    users: Sums,
    teams: Sums,
    organizations: Sums,
    projects: Sums,
    agents: Sums,
    end_users: Sums,
    tags: Sums,
    members: HashMap<(String, String), i64>,
    organization_members: HashMap<(String, String), i64>,
    windows: BTreeMap<(WindowKey, i64), i64>,
    daily: BTreeMap<(DailyScope, DailyKey), DailyCounters>,
    pace: Vec<DailyPaceRow>,
}

impl Totals {
    pub(super) fn add(&mut self, group: &Group<'_>) {
        let (alike, nanos) = (&group.alike, group.nanos);
        self.count(group);
        let [key, user, team] = [alike.key, alike.user, alike.team].map(Option::unwrap_or_default);
        if !key.is_empty() {
            let (sum, last) = self.keys.entry(key.to_owned()).or_insert((0, i64::MIN));
            *sum = sum.saturating_add(nanos);
            *last = group.last.max(*last);
        }
        self.users.add(user, nanos);
        self.users.add(PROXY_BUDGET_USER, nanos);
        self.teams.add(team, nanos);
        for (sums, id) in [
            (&mut self.organizations, alike.organization),
            (&mut self.projects, alike.project),
            (&mut self.agents, alike.agent),
            (&mut self.end_users, alike.end_user),
        ] {
            sums.add(id.unwrap_or_default(), nanos);
        }
        group.tags.iter().for_each(|tag| self.tags.add(tag, nanos));
        for window in &alike.windows {
            let sum = self.windows.entry(window.clone()).or_default();
            *sum = sum.saturating_add(nanos);
        }
        let organization = alike.organization.unwrap_or_default();
        for (members, of) in [(&mut self.members, team), (&mut self.organization_members, organization)] {
            if nanos != 0 && !of.is_empty() && !user.is_empty() {
                *members.entry((of.to_owned(), user.to_owned())).or_default() += nanos;
            }
        }
    }

    /// The daily rollups.
    fn count(&mut self, group: &Group<'_>) {
        let alike = &group.alike;
        let counters = DailyCounters { spend: usd(group.nanos), ..group.counters };
        let base = DailyKey {
            date: DateTime::from_timestamp_micros(group.last).unwrap_or_default().format("%Y-%m-%d").to_string(),
            api_key: alike.key.unwrap_or_default().to_owned(),
            model: alike.model.to_owned(),
            model_group: alike.model_group.to_owned(),
            custom_llm_provider: alike.provider.to_owned(),
            endpoint: alike.endpoint.to_owned(),
            mcp_namespaced_tool_name: alike.mcp_tool.unwrap_or_default().to_owned(),
            ..DailyKey::default()
        };
        let mut add = |scope: DailyScope, entity: &str| {
            let key = DailyKey { entity: entity.to_owned(), ..base.clone() };
            self.daily.entry((scope, key)).or_default().add(&counters);
        };
        add(DailyScope::Global, "");
        add(DailyScope::User, alike.user.unwrap_or_default());
        for (scope, id) in [
            (DailyScope::Team, alike.team),
            (DailyScope::Organization, alike.organization),
            (DailyScope::EndUser, alike.end_user),
            (DailyScope::Agent, alike.agent),
        ] {
            if let Some(id) = id.filter(|id| !id.is_empty()) {
                add(scope, id);
            }
        }
        group.tags.iter().for_each(|tag| add(DailyScope::Tag, tag));
        if group.pace.requests > 0 {
            self.pace.push(DailyPaceRow {
                model_group: base.model_group,
                date: base.date,
                model: base.model,
                api_base: alike.api_base.unwrap_or_default().to_owned(),
                ..group.pace.clone()
            });
        }
    }

    /// What a commit takes off the purses.
    pub(super) fn moved(&self) -> Vec<(Owner, String, i64)> {
        let mut moved: Vec<(Owner, String, i64)> = Vec::new();
        moved.extend(self.keys.iter().map(|(id, (sum, _))| (Owner::Key, id.clone(), *sum)));
        moved.extend(self.users.0.iter().map(|(id, sum)| {
            if id == PROXY_BUDGET_USER { (Owner::Proxy, String::new(), *sum) } else { (Owner::User, id.clone(), *sum) }
        }));
        moved.extend(self.teams.0.iter().map(|(id, sum)| (Owner::Team, id.clone(), *sum)));
        for (owner, sums) in [(Owner::Organization, &self.organizations), (Owner::Project, &self.projects)] {
            moved.extend(sums.0.iter().map(|(id, sum)| (owner, id.clone(), *sum)));
        }
        for (owner, members) in
            [(Owner::Member, &self.members), (Owner::OrganizationMember, &self.organization_members)]
        {
            moved.extend(members.iter().map(|((of, user), sum)| (owner, member(of, user), *sum)));
        }
        moved
    }

    /// What a commit takes off the purses of windows. Groups of models have purses of their own kind.
    pub(super) fn windows(&self) -> Vec<((WindowKey, i64), i64)> {
        let windows = self.windows.iter().filter(|((key, _), _)| key.access_group().is_none());
        windows.map(|(window, sum)| (window.clone(), *sum)).collect()
    }

    /// The sums as the store takes them.
    pub(super) fn settlement(self) -> SettlementBatch {
        let time = |us: i64| DateTime::from_timestamp_millis(us.div_euclid(1000));
        let key = |(token, (sum, last))| KeySpend { token, spend: usd(sum), last_active: time(last) };
        let daily = |((scope, key), counters)| DailySpendRow { scope, key, counters };
        let members = |of: HashMap<(String, String), i64>| {
            of.into_iter().map(|((of, user), sum)| (of, user, usd(sum))).collect::<Vec<_>>()
        };
        // Groups of models come as windows, see `WindowKey::of_access_group`.
        let (groups, windows): (Vec<_>, Vec<_>) =
            self.windows.into_iter().partition(|((key, _), _)| key.access_group().is_some());
        let group = |((key, _), sum): ((WindowKey, i64), i64)| Some((key.access_group()?.to_owned(), usd(sum)));
        SettlementBatch {
            keys: self.keys.into_iter().map(key).collect(),
            users: self.users.usd(),
            teams: self.teams.usd(),
            team_members: members(self.members),
            organization_members: members(self.organization_members),
            model_access_groups: groups.into_iter().filter_map(group).collect(),
            organizations: self.organizations.usd(),
            end_users: self.end_users.usd(),
            tags: self.tags.usd(),
            projects: self.projects.usd(),
            agents: self.agents.usd(),
            windows: windows.iter().map(|((key, end), sum)| key.spend(*end, *sum)).collect(),
            daily: self.daily.into_iter().map(daily).collect(),
            pace: self.pace,
            ..SettlementBatch::default()
        }
    }
}

/// The name of a member's purse: of a team or an organization.
pub(crate) fn member(of: &str, user: &str) -> String {
    format!("{of}:{user}")
}
