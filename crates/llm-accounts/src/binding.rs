//! Which budgets and limits follow from the rows of a key.

use chrono::{DateTime, Utc};
use llm_store::BudgetRow;
use llm_types::Json;

use crate::accounts::Inner;
use crate::bounds::{Binder, Bounds, Told};
use crate::gate::{Counted, Limits, Rule};
use crate::journal::member;
use crate::load::{Rows, increase, object};
use crate::purse::Owner;
use crate::special::is_dynamic;

impl Rows {
    /// Budgets and limits of the key. `shown` is its name for people, `max_budget` its own budget in US dollars, and
    /// whether spending it slows the key in place of stopping it; `clean` says that no flush ran while the rows were read.
    pub(crate) fn bounds(&self, inner: &Inner, shown: &str, max_budget: (Option<f64>, bool), clean: bool) -> Bounds {
        let mut binder = Binder::new(inner, clean);
        self.budgets(&mut binder, inner, max_budget);
        self.wide_budgets(&mut binder, inner);
        self.limits(&mut binder, shown);
        self.model_limits(&mut binder, shown);
        self.model_budgets(&mut binder, shown);
        binder.out
    }

    /// Of the member, the key, the project and the team: from the narrowest to the widest.
    fn budgets(&self, binder: &mut Binder<'_>, inner: &Inner, (max_budget, slows): (Option<f64>, bool)) {
        let now = Utc::now();
        if let Some((row, budget)) = &self.membership {
            let own = budget.as_ref().and_then(|b| b.max_budget);
            let more = budget.as_ref().map_or(0.0, |b| increase(b.temp_budget_increase, b.temp_budget_expiry, now));
            let id = member(&row.team_id, &row.user_id);
            let what = format!("User={} in Team={} ", row.user_id, row.team_id);
            let ends = budget.as_ref().and_then(|b| b.budget_reset_at);
            let (max, soft) = (own.map(|own| own + more), soft(budget.as_ref()));
            binder.budget(Told { owner: Owner::Member, id: &id, what, max, soft, spend: row.spend, ends });
        }
        let key = &self.key;
        let ends = key.budget_reset_at.or_else(|| self.budget.as_ref().and_then(|b| b.budget_reset_at));
        let (id, spend) = (&*key.token, key.spend);
        if !self.keyless {
            let (what, soft) = (String::new(), soft(self.budget.as_ref()));
            binder.budget(Told { owner: Owner::Key, id, what, max: max_budget, soft, spend, ends });
            if slows {
                binder.uncapped();
            }
            binder.marks(crate::alerts::marks(&object(Some(&key.metadata)), inner));
        }
        if let Some((row, budget)) = &self.project {
            let what = format!("Project={} ", row.project_id);
            let max = budget.as_ref().and_then(|b| b.max_budget);
            let ends = budget.as_ref().and_then(|b| b.budget_reset_at);
            let (id, soft) = (&*row.project_id, soft(budget.as_ref()));
            binder.budget(Told { owner: Owner::Project, id, what, max, soft, spend: row.spend, ends });
        }
        if let Some(team) = &self.team {
            let what = format!("Team={} ", team.team_id);
            let (max, soft, ends) = (team.max_budget, team.soft_budget, team.budget_reset_at);
            binder.budget(Told { owner: Owner::Team, id: &team.team_id, what, max, soft, spend: team.spend, ends });
            binder.windows("team", &team.team_id, &object(team.budget_limits.as_ref()));
        }
        binder.windows("key", &key.token, &object(key.budget_limits.as_ref()));
    }

    /// Of the organization, the user and the whole proxy.
    fn wide_budgets(&self, binder: &mut Binder<'_>, inner: &Inner) {
        if let Some((row, budget)) = &self.organization_member {
            let what = format!("User={} in Organization={} ", row.user_id, row.organization_id);
            let (max, soft) = (budget.as_ref().and_then(|b| b.max_budget), soft(budget.as_ref()));
            let ends = budget.as_ref().and_then(|b| b.budget_reset_at);
            let (owner, spend) = (Owner::OrganizationMember, row.spend.unwrap_or_default());
            let id = member(&row.organization_id, &row.user_id);
            binder.budget(Told { owner, id: &id, what, max, soft, spend, ends });
        }
        if let Some((row, budget)) = &self.organization {
            let what = format!("Organization={} ", row.organization_id);
            let max = budget.as_ref().and_then(|b| b.max_budget);
            let ends: Option<DateTime<Utc>> = budget.as_ref().and_then(|b| b.budget_reset_at);
            let (owner, id, soft) = (Owner::Organization, &*row.organization_id, soft(budget.as_ref()));
            binder.budget(Told { owner, id, what, max, soft, spend: row.spend, ends });
        }
        if let Some(user) = &self.user {
            let holds = self.team.is_none() || inner.settings().apply_user_budget_to_team_keys;
            let what = format!("User={} ", user.user_id);
            let (max, ends) = (user.max_budget.filter(|_| holds), user.budget_reset_at);
            let (id, spend) = (&*user.user_id, user.spend);
            binder.budget(Told { owner: Owner::User, id, what, max, soft: None, spend, ends });
        }
        binder.out.budgets.extend(inner.proxy_budget());
    }

    /// The limits of the key itself.
    pub(crate) fn key_limits(&self) -> Limits {
        let key = &self.key;
        let own = Limits {
            rpm: key.rpm_limit,
            tpm: key.tpm_limit,
            daily: key.tpd_limit,
            parallel: key.max_parallel_requests,
            ..Limits::default()
        };
        own.or(self.budget.as_ref().map(Limits::of_budget).unwrap_or_default())
    }

    fn limits(&self, binder: &mut Binder<'_>, shown: &str) {
        let at = binder.out.gates.len();
        binder.limits("api_key", &self.key.token, shown, self.key_limits());
        let metadata = object(Some(&self.key.metadata));
        for (counted, kind) in [(Counted::Requests, "rpm_limit_type"), (Counted::Tokens, "tpm_limit_type")] {
            let own = binder.out.gates.iter_mut().skip(at).filter(|gate| gate.counted == counted);
            own.filter(|_| is_dynamic(&metadata, kind)).for_each(|gate| gate.rule = Rule::Failing);
        }
        if let Some(user) = &self.user {
            let (rpm, tpm, parallel) = (user.rpm_limit, user.tpm_limit, user.max_parallel_requests);
            binder.limits("user", &user.user_id, &user.user_id, Limits { rpm, tpm, parallel, ..Limits::default() });
        }
        if let Some(team) = &self.team {
            let (rpm, tpm, parallel) = (team.rpm_limit, team.tpm_limit, team.max_parallel_requests);
            let limits = Limits { rpm, tpm, parallel, daily: team.tpd_limit, ..Limits::default() };
            binder.limits("team", &team.team_id, &team.team_id, limits);
        }
        if let Some((row, Some(budget))) = &self.membership {
            let id = member(&row.team_id, &row.user_id);
            binder.limits("team_member", &id, &id, Limits::of_budget(budget));
        }
        if let Some((row, Some(budget))) = &self.organization_member {
            let id = member(&row.organization_id, &row.user_id);
            binder.limits("organization_member", &id, &id, Limits::of_budget(budget));
        }
        if let Some((row, Some(budget))) = &self.organization {
            binder.limits("organization", &row.organization_id, &row.organization_id, Limits::of_budget(budget));
        }
        if let Some((row, Some(budget))) = &self.project {
            binder.limits("project", &row.project_id, &row.project_id, Limits::of_budget(budget));
        }
        if let Some(agent) = &self.agent {
            let limits = Limits { rpm: agent.rpm_limit, tpm: agent.tpm_limit, ..Limits::default() };
            binder.limits("agent", &agent.agent_id, &agent.agent_id, limits);
        }
    }

    fn model_limits(&self, binder: &mut Binder<'_>, shown: &str) {
        let maps = object(Some(&self.key.metadata));
        binder.model_limits("model_per_key", &self.key.token, shown, &maps);
        if let Some(team) = &self.team {
            binder.model_limits("model_per_team", &team.team_id, &team.team_id, &object(Some(&team.metadata)));
        }
        if let Some((row, _)) = &self.organization {
            let id = &row.organization_id;
            binder.model_limits("model_per_organization", id, id, &object(Some(&row.metadata)));
        }
        if let Some((row, _)) = &self.project {
            let id = &row.project_id;
            let metadata = object(Some(&row.metadata));
            let column = |name: &str| match name {
                "model_rpm_limit" => object(Some(&row.model_rpm_limit)),
                "model_tpm_limit" => object(Some(&row.model_tpm_limit)),
                _ => Json::Null,
            };
            // The columns, and what only the metadata can say.
            let map = |name: &str| {
                let column = column(name);
                let empty = column.as_object().unwrap_or_default().is_empty();
                if empty { metadata.get(name).cloned().unwrap_or_default() } else { column }
            };
            let names = ["model_rpm_limit", "model_tpm_limit", "model_itpm_limit", "model_otpm_limit"];
            let maps = Json::Object(names.into_iter().map(|name| (name.into(), map(name))).collect());
            binder.model_limits("model_per_project", id, id, &maps);
        }
    }

    fn model_budgets(&self, binder: &mut Binder<'_>, shown: &str) {
        let mut key = object(Some(&self.key.model_max_budget));
        if key.as_object().unwrap_or_default().is_empty() {
            key = object(self.budget.as_ref().and_then(|b| b.model_max_budget.as_ref()));
        }
        binder.model_budgets(("key", "model_per_key", &self.key.token, shown), &key, &Json::Null);
        if let Some(user) = &self.user {
            let (id, budgets) = (&*user.user_id, object(Some(&user.model_max_budget)));
            binder.model_budgets(("user", "model_per_user", id, id), &budgets, &Json::Null);
        }
        if let Some(team) = &self.team {
            let (id, budgets) = (&*team.team_id, object(Some(&team.model_max_budget)));
            // What the key says of a model holds instead of what its team says.
            binder.model_budgets(("team", "model_per_team", id, id), &budgets, &key);
        }
        let shared = [
            (
                "organization",
                "model_per_organization",
                self.organization.as_ref().map(|(r, b)| (&*r.organization_id, b)),
            ),
            ("project", "model_per_project", self.project.as_ref().map(|(r, b)| (&*r.project_id, b))),
        ];
        for (kind, descriptor, found) in shared {
            if let Some((id, Some(budget))) = found {
                let budgets = object(budget.model_max_budget.as_ref());
                binder.model_budgets((kind, descriptor, id, id), &budgets, &Json::Null);
            }
        }
    }
}

/// The soft budget of a row.
fn soft(budget: Option<&BudgetRow>) -> Option<f64> {
    budget.and_then(|budget| budget.soft_budget)
}
