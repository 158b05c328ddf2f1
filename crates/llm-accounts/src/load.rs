//! From the rows of a key, its team and its user to an [`Identity`].

use std::sync::Arc;

use chrono::{DateTime, Utc};
use llm_store::{
    AccessGroupRow, BudgetRow, ModelAliasRow, Store, StoreError, TeamMembershipRow, TeamRow, UserRow, VerificationToken,
};
use llm_types::record::Caller;
use llm_types::{Json, RawJson};

use crate::accounts::Inner;
use crate::allow::ModelList;
use crate::gate::{Gate, Limits};
use crate::identity::{Alias, Budget, Freshness, Identity, LimitTexts, Lists, Rank, Switches};
use crate::journal::member;
use crate::purse::{Cap, Owner, nanos};
use crate::{KeyDigest, Role, refusal};

/// The rows that a key stands on.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    key: VerificationToken,
    budget: Option<BudgetRow>,
    team: Option<TeamRow>,
    team_aliases: Option<RawJson>,
    user: Option<UserRow>,
    membership: Option<(TeamMembershipRow, Option<BudgetRow>)>,
    groups: Vec<AccessGroupRow>,
}

impl Rows {
    /// Reads the rows of the key with this hash; nothing when there is no such key.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn read(store: &Store, hash: &str) -> Result<Option<Self>, StoreError> {
        let Some(key) = store.keys().resolve(hash).await? else { return Ok(None) };
        let mut rows = Self::default();
        if let Some(id) = &key.budget_id {
            rows.budget = store.table::<BudgetRow>().get([id.as_str()]).await?;
        }
        if let Some(id) = &key.team_id {
            rows.team = store.table::<TeamRow>().get([id.as_str()]).await?;
        }
        if let Some(id) = rows.team.as_ref().and_then(|t| t.model_id) {
            let found = store.table::<ModelAliasRow>().find(llm_store::Filter::new().is("id", id)).await?;
            rows.team_aliases = found.into_iter().next().and_then(|row| row.aliases);
        }
        if let Some(id) = &key.user_id {
            rows.user = store.table::<UserRow>().get([id.as_str()]).await?;
        }
        if let (Some(user), Some(team)) = (&key.user_id, &key.team_id)
            && let Some(membership) = store.table::<TeamMembershipRow>().get([user.as_str(), team.as_str()]).await?
        {
            let budget = match &membership.budget_id {
                Some(id) => store.table::<BudgetRow>().get([id.as_str()]).await?,
                None => None,
            };
            rows.membership = Some((membership, budget));
        }
        if !key.access_group_ids.is_empty() {
            rows.groups = store.table::<AccessGroupRow>().get_many(&key.access_group_ids).await?;
        }
        rows.key = key;
        Ok(Some(rows))
    }

    /// The identity that follows from the rows. `clean` says that no flush ran while they were read.
    pub(crate) fn identity(self, inner: &Inner, digest: KeyDigest, clean: bool) -> Identity {
        let now = Utc::now();
        let key = &self.key;
        let metadata = object(Some(&key.metadata));
        let team_metadata = object(self.team.as_ref().map(|t| &t.metadata));
        let shown: Arc<str> = key.key_name.as_deref().or(key.key_alias.as_deref()).unwrap_or("sk-...").into();
        let switches = Switches {
            mock: flag(&metadata, "allow_client_mock_response") || flag(&team_metadata, "allow_client_mock_response"),
            no_fallbacks: flag(&metadata, "disable_fallbacks") || flag(&team_metadata, "disable_fallbacks"),
            tags: texts(&metadata, "tags").into_iter().chain(texts(&team_metadata, "tags")).collect(),
            spend_logs_metadata: metadata.get("spend_logs_metadata").filter(|m| !m.is_null()).map(Json::to_raw),
            cache: metadata.get("cache").filter(|m| !m.is_null()).map(Json::to_raw),
            passthrough: [&metadata, &team_metadata]
                .into_iter()
                .flat_map(|of| texts(of, "allowed_passthrough_routes"))
                .collect(),
        };
        let role = self.user.as_ref().and_then(|u| u.user_role.as_deref()).and_then(Role::parse);
        let max_budget = self.max_budget(&metadata, now);
        let mut identity = Identity::bare(Rank::Key, &shown, Arc::clone(&inner.directory));
        identity.digest = Some(digest);
        identity.role = role;
        identity.lists = self.lists();
        identity.aliases = aliases(Some(&key.aliases));
        identity.team_aliases = aliases(self.team_aliases.as_ref());
        identity.allowed_routes.clone_from(&key.allowed_routes);
        identity.expires = key.expires;
        identity.refusal = self.refusal();
        identity.team_blocked = self.team.as_ref().is_some_and(|t| t.blocked);
        identity.budgets = self.budgets(inner, max_budget, clean);
        identity.texts = self.texts(max_budget);
        let (gates, model_gates) = self.gates(inner, &shown, &metadata, &team_metadata);
        identity.gates = gates;
        identity.model_gates = model_gates;
        identity.switches = switches;
        let filled =
            |raw: Option<&RawJson>| raw.filter(|r| r.get().trim_start().starts_with('{') && r.get().len() > 2).cloned();
        identity.router_settings.key = filled(key.router_settings.as_ref());
        identity.router_settings.team = filled(self.team.as_ref().and_then(|t| t.router_settings.as_ref()));
        identity.fresh = Freshness { loaded: inner.kv.now().0, ..Freshness::default() };
        identity.caller = self.caller();
        identity
    }

    /// The key's limit with what an administrator added for a while.
    fn max_budget(&self, metadata: &Json, now: DateTime<Utc>) -> Option<f64> {
        let own = self
            .key
            .max_budget
            .or_else(|| self.budget.as_ref().and_then(|b| b.max_budget))
            .filter(|b| b.is_finite())?;
        let until = metadata.get("temp_budget_expiry").and_then(Json::as_str).and_then(crate::keys::instant);
        let extra =
            metadata.get("temp_budget_increase").and_then(Json::as_f64).filter(|_| until.is_some_and(|u| u > now));
        Some(own + extra.unwrap_or(0.0))
    }

    fn lists(&self) -> Lists {
        let mut key = ModelList::new(&self.key.models);
        key.add(self.groups.iter().flat_map(|g| g.access_model_names.iter().cloned()));
        Lists {
            key,
            team: self.team.as_ref().map(|t| ModelList::new(&t.models)),
            user: self.user.as_ref().map(|u| ModelList::new(&u.models)),
            nothing_personal: self.user.as_ref().is_some_and(|u| u.models.iter().any(|m| m == "no-default-models")),
        }
    }

    fn refusal(&self) -> Option<llm_types::Error> {
        if self.key.blocked == Some(true) {
            return Some(refusal::blocked_key());
        }
        let user = object(self.user.as_ref().map(|u| &u.metadata));
        (user.get("scim_active").and_then(Json::as_bool) == Some(false)).then(refusal::inactive_user)
    }

    /// From the narrowest to the widest.
    fn budgets(&self, inner: &Inner, max_budget: Option<f64>, clean: bool) -> Box<[Budget]> {
        let ends = |at: Option<DateTime<Utc>>| at.map_or(0, |at| at.timestamp());
        let budget = |owner, id: &str, what: String, (max, reachable): (Option<f64>, bool), spend: f64, period: i64| {
            let purse = inner.purses.get(owner, id);
            purse.learn(nanos(spend), clean);
            let cap = max.filter(|m| m.is_finite()).map(|max| Cap { max: nanos(max), reachable });
            Budget { owner, what: what.into(), cap, purse, id: id.into(), period }
        };
        let mut out = Vec::with_capacity(5);
        if let Some((row, limits)) = &self.membership {
            let what = format!("User={} in Team={} ", row.user_id, row.team_id);
            let max = limits.as_ref().and_then(|l| l.max_budget);
            let period = ends(limits.as_ref().and_then(|l| l.budget_reset_at));
            let id = member(&row.team_id, &row.user_id);
            out.push(budget(Owner::Member, &id, what, (max, false), row.spend, period));
        }
        let period = self.key.budget_reset_at.or_else(|| self.budget.as_ref().and_then(|b| b.budget_reset_at));
        let (max, spend) = ((max_budget, false), self.key.spend);
        out.push(budget(Owner::Key, &self.key.token, String::new(), max, spend, ends(period)));
        if let Some(team) = &self.team {
            let what = format!("Team={} ", team.team_id);
            let period = ends(team.budget_reset_at);
            out.push(budget(Owner::Team, &team.team_id, what, (team.max_budget, true), team.spend, period));
        }
        if let Some(user) = &self.user {
            let holds = self.key.team_id.is_none() || inner.settings.apply_user_budget_to_team_keys;
            let what = format!("User={} ", user.user_id);
            let (max, period) = (user.max_budget.filter(|_| holds), ends(user.budget_reset_at));
            out.push(budget(Owner::User, &user.user_id, what, (max, false), user.spend, period));
        }
        out.extend(inner.proxy_budget());
        out.into()
    }

    fn texts(&self, max_budget: Option<f64>) -> LimitTexts {
        let limits = self.key_limits();
        LimitTexts {
            tpm: limits.tpm.map(|n| n.to_string().into()),
            rpm: limits.rpm.map(|n| n.to_string().into()),
            max_budget: max_budget.map(|n| n.to_string().into()),
        }
    }

    fn key_limits(&self) -> Limits {
        let row = self.budget.as_ref();
        Limits {
            rpm: self.key.rpm_limit.or_else(|| row.and_then(|b| b.rpm_limit)),
            tpm: self.key.tpm_limit.or_else(|| row.and_then(|b| b.tpm_limit)),
            parallel: self.key.max_parallel_requests.or_else(|| row.and_then(|b| b.max_parallel_requests)),
        }
    }

    /// Limits of the key, the user, the team, the member; and those per model.
    #[allow(clippy::type_complexity, reason = "two lists that are made together")]
    fn gates(
        &self,
        inner: &Inner,
        shown: &Arc<str>,
        key: &Json,
        team: &Json,
    ) -> (Box<[Gate]>, Box<[(Box<str>, Box<[Gate]>)]>) {
        let kv = &inner.kv;
        let mut out = Vec::new();
        self.key_limits().gates(kv, "api_key", &self.key.token, shown, &mut out);
        if let Some(user) = &self.user {
            let limits = Limits { rpm: user.rpm_limit, tpm: user.tpm_limit, parallel: user.max_parallel_requests };
            limits.gates(kv, "user", &user.user_id, &user.user_id.as_str().into(), &mut out);
        }
        if let Some(team) = &self.team {
            let limits = Limits { rpm: team.rpm_limit, tpm: team.tpm_limit, parallel: team.max_parallel_requests };
            limits.gates(kv, "team", &team.team_id, &team.team_id.as_str().into(), &mut out);
        }
        if let Some((row, Some(budget))) = &self.membership {
            let limits =
                Limits { rpm: budget.rpm_limit, tpm: budget.tpm_limit, parallel: budget.max_parallel_requests };
            let id = member(&row.team_id, &row.user_id);
            limits.gates(kv, "team_member", &id, &id.as_str().into(), &mut out);
        }
        let mut models: Vec<(Box<str>, Vec<Gate>)> = Vec::new();
        let mut add = |metadata: &Json, descriptor: &'static str, id: &str, shown: &str| {
            for (model, limits) in model_limits(metadata) {
                let name: Arc<str> = format!("{shown}:{model}").into();
                let mut gates = Vec::new();
                limits.gates(kv, descriptor, &format!("{id}:{model}"), &name, &mut gates);
                match models.iter_mut().find(|(m, _)| **m == *model) {
                    Some((_, all)) => all.extend(gates),
                    None => models.push((model, gates)),
                }
            }
        };
        add(key, "model_per_key", &self.key.token, shown);
        if let Some(row) = &self.team {
            add(team, "model_per_team", &row.team_id, &row.team_id);
        }
        (out.into(), models.into_iter().map(|(model, gates)| (model, gates.into())).collect())
    }

    fn caller(self) -> Caller {
        let some = |text: Option<String>| text.filter(|t| !t.is_empty()).map(Arc::<str>::from);
        let organization =
            self.key.organization_id.or_else(|| self.team.as_ref().and_then(|t| t.organization_id.clone()));
        Caller {
            key_hash: Some(self.key.token.into()),
            key_alias: some(self.key.key_alias),
            user_id: some(self.key.user_id),
            user_email: some(self.user.and_then(|u| u.user_email)),
            team_id: some(self.key.team_id),
            team_alias: some(self.team.and_then(|t| t.team_alias)),
            organization_id: some(organization),
            project_id: some(self.key.project_id),
            agent_id: some(self.key.agent_id),
            end_user: None,
        }
    }
}

fn object(raw: Option<&RawJson>) -> Json {
    raw.and_then(|r| r.read().ok()).unwrap_or_default()
}

fn flag(metadata: &Json, name: &str) -> bool {
    metadata.get(name).and_then(Json::as_bool) == Some(true)
}

fn texts(metadata: &Json, name: &str) -> Vec<String> {
    let items = metadata.get(name).and_then(Json::as_array).unwrap_or_default();
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn aliases(raw: Option<&RawJson>) -> Box<[Alias]> {
    let map = object(raw);
    let pairs = map.as_object().unwrap_or_default().iter();
    pairs.filter_map(|(from, to)| Some((from.as_str().into(), to.as_str()?.into()))).collect()
}

/// `model_rpm_limit` and `model_tpm_limit` of a metadata object, by model.
fn model_limits(metadata: &Json) -> Vec<(Box<str>, Limits)> {
    let mut out: Vec<(Box<str>, Limits)> = Vec::new();
    for (field, tokens) in [("model_rpm_limit", false), ("model_tpm_limit", true)] {
        for (model, limit) in metadata.get(field).and_then(Json::as_object).unwrap_or_default() {
            let Some(limit) = limit.as_i64() else { continue };
            let at = out.iter().position(|(m, _)| **m == **model).unwrap_or_else(|| {
                out.push((model.as_str().into(), Limits::default()));
                out.len() - 1
            });
            if let Some((_, limits)) = out.get_mut(at) {
                if tokens { limits.tpm = Some(limit) } else { limits.rpm = Some(limit) }
            }
        }
    }
    out
}
