//! What a team may be given: no more than its organization has, and no more than the caller has.

use llm_store::{BudgetRow, OrganizationRow, TeamRow};
use llm_types::Json;

use super::aliases;
use super::body::{IN_METADATA, TeamBody, WRITABLE, kept_metadata};
use crate::grants::{self, Asked, Reach};
use crate::keys::bounds::admin_metadata;
use crate::keys::{Actor, bad, forbidden, stays};
use crate::load::{POLICIES, texts};
use crate::request::Outcome;
use crate::rights::{Standing, may_write};
use crate::{Accounts, Identity, ModelList};

impl Accounts {
    /// Whether the caller may give a team what a body asks for. `row` is the team, or an empty one.
    ///
    /// # Errors
    /// 403 for fields above the caller and for more than the caller has, 400 for more than the organization has.
    pub(super) async fn may_shape_team(
        &self,
        actor: Actor<'_>,
        standing: Standing,
        row: &TeamRow,
        body: &Json,
        asked: &TeamBody,
    ) -> Outcome<()> {
        let settings = self.settings();
        let all = [TeamBody::FIELDS, IN_METADATA].concat();
        let judged: Vec<&str> = all.into_iter().filter(|field| !settings.page_rules.opens(standing, field)).collect();
        may_write(&judged, WRITABLE, standing, body)?;
        if standing < Standing::Admin {
            let metadata = asked.metadata.as_ref().and_then(Option::as_ref).map(|m| &m.0);
            let there: Json = row.metadata.read().unwrap_or_default();
            let given = |name: &str| metadata.and_then(|of| of.get(name)).filter(|given| !given.is_null());
            let sets = |name: &&str| given(name).is_some_and(|given| there.get(name) != Some(given));
            if let Some(name) = kept_metadata(standing).find(sets) {
                return Err(forbidden(format!("You are not allowed to set `{name}`.")).with_param(name).into());
            }
            if let Some(name) = admin_metadata([Some(body), metadata]) {
                return Err(forbidden(format!("Only proxy admins can set `{name}`.")).with_param(name).into());
            }
            if let Some(given) = &asked.metadata {
                // LiteLLM keeps a team's policies there.
                let before = texts(&row.metadata.read().unwrap_or_default(), POLICIES);
                let after = given.as_ref().map(|map| texts(&map.0, POLICIES)).unwrap_or_default();
                stays(POLICIES, &before, &after)?;
            }
        }
        let target = asked.organization_id.clone().unwrap_or_else(|| row.organization_id.clone());
        if standing < Standing::Admin && target != row.organization_id {
            let there = match &target {
                Some(id) => self.standing_in_organization(actor.who, id).await?,
                // Out of its organization a team would escape the organization's limits.
                None => Standing::None,
            };
            if there < Standing::OrgAdmin {
                return Err(forbidden("You do not administer this organization.").with_param("organization_id").into());
            }
        }
        if let Some(models) = &asked.models {
            let models = models.clone().unwrap_or_default();
            if standing == Standing::Manager && !has_all(actor.who, &models, &row.models) {
                return Err(forbidden("You may only give a team models that you may use.").with_param("models").into());
            }
        }
        let aliased = aliases::targets(&asked.model_aliases)?;
        if standing == Standing::Manager && !aliased.is_empty() {
            let there = self.alias_targets(row).await?;
            if !has_all(actor.who, &aliased, &there) {
                let why = "You may only let names stand for models that you may use.";
                return Err(forbidden(why).with_param("model_aliases").into());
            }
        }
        match target {
            Some(id) => self.within_organization(actor, &id, row, asked).await,
            None => Ok(()),
        }
    }

    /// A team has no more than its organization.
    async fn within_organization(&self, actor: Actor<'_>, id: &str, row: &TeamRow, asked: &TeamBody) -> Outcome<()> {
        let store = self.store_or_refuse()?;
        let Some(organization) = store.table::<OrganizationRow>().get([id]).await? else {
            return Err(bad(format!("Organization not found, passed organization_id={id}"))
                .with_param("organization_id")
                .into());
        };
        let budget = store.table::<BudgetRow>().get([organization.budget_id.as_str()]).await?.unwrap_or_default();
        let moved = row.organization_id.as_deref() != Some(id);
        let wanted = |given: Option<Option<f64>>, there: Option<f64>| given.unwrap_or(if moved { there } else { None });
        let whole = |given: Option<Option<i64>>, there: Option<i64>| {
            wanted(given.map(|g| g.map(|n| n as f64)), there.map(|n| n as f64))
        };
        for (name, asked, most) in [
            ("max_budget", wanted(asked.max_budget, row.max_budget), budget.max_budget),
            ("tpm_limit", whole(asked.tpm_limit, row.tpm_limit), budget.tpm_limit.map(|n| n as f64)),
            ("rpm_limit", whole(asked.rpm_limit, row.rpm_limit), budget.rpm_limit.map(|n| n as f64)),
        ] {
            if let (Some(asked), Some(most)) = (asked, most)
                && asked > most
            {
                let why = format!("Team {name} ({asked}) exceeds the organization's {name} ({most}).");
                return Err(bad(why).with_param(name).into());
            }
        }
        let models = asked.models.clone().map_or_else(|| row.models.clone(), Option::unwrap_or_default);
        let models = [models, aliases::targets(&asked.model_aliases)?].concat();
        let list = ModelList::new(&organization.models);
        let directory = actor.who.directory.load();
        if !list.allows_all()
            && let Some(model) = models.iter().find(|model| !list.allows(model, &directory))
        {
            let why = format!("Model '{model}' is not in the organization's models.");
            return Err(bad(why).with_param("models").into());
        }
        Ok(())
    }
}

impl Accounts {
    /// What is to be written as the object permissions of a team: its managers only take away, administrators of its
    /// organization give what the organization has. Nothing: they stay.
    ///
    /// # Errors
    /// 422 for fields of a wrong type, 403 for more than the caller may give.
    pub(super) async fn team_grants(
        &self,
        actor: Actor<'_>,
        standing: Standing,
        row: &TeamRow,
        asked: &TeamBody,
    ) -> Outcome<Option<Asked>> {
        let given = grants::asked(&asked.object_permission)?;
        if standing == Standing::Admin {
            return Ok(given);
        }
        let organization = asked.organization_id.clone().unwrap_or_else(|| row.organization_id.clone());
        let organization = match &organization {
            Some(id) => self.organization_grants(id).await?,
            None => None,
        };
        let there = self.grants_of(row.object_permission_id.as_ref()).await?;
        let own = actor.who.grants();
        let reach = Reach {
            limits: [&own.key, &own.user].into_iter().filter_map(|row| row.as_deref()).collect(),
            sources: organization.iter().filter(|_| standing == Standing::OrgAdmin).collect(),
            there: there.as_ref(),
            narrows: standing == Standing::Manager,
        };
        reach.within(given.as_ref(), row.team_id.is_empty())
    }
}

/// True when the caller may use every model of a list that was not there before. An empty list is every model.
pub(super) fn has_all(by: &Identity, models: &[String], there: &[String]) -> bool {
    let directory = by.directory.load();
    let own: Vec<&ModelList> =
        [Some(&by.lists.key).filter(|list| !list.is_teams()), by.lists.user.as_ref()].into_iter().flatten().collect();
    if ModelList::new(models).allows_all() {
        return ModelList::new(there).allows_all() || own.iter().all(|list| list.allows_all());
    }
    let new = models.iter().filter(|model| !there.contains(model));
    new.into_iter().all(|model| own.iter().all(|list| list.allows(model, &directory)))
}
