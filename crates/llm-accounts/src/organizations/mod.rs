//! Organizations: making, changing, reading and deleting them. Call these on the store's runtime.

mod body;
mod members;

use llm_store::defaults::new_id;
use llm_store::{
    Filter, OrganizationMembershipRow, OrganizationPatch, OrganizationRow, TeamMembershipRow, TeamRow, UserRow,
};
use llm_types::Json;

use crate::Accounts;
use crate::audit::Action;
use crate::budgets::BudgetBody;
use crate::grants;
use crate::keys::{Actor, forbidden, not_found, view};
use crate::request::{Outcome, Problem, metadata, required, unless_taken};
use crate::rights::Standing;
use body::{OrganizationBody, OrganizationIds};

/// Fields that live in an organization's metadata.
const IN_METADATA: [&str; 2] = ["model_rpm_limit", "model_tpm_limit"];

impl Accounts {
    /// `POST /organization/new`. An organization always has a budget row.
    ///
    /// # Errors
    /// 400 for an id that exists; 422 without an alias.
    pub async fn new_organization(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = OrganizationBody::read(body)?;
        let alias = required(asked.organization_alias.clone(), "organization_alias", body)?;
        let grants = grants::asked(&asked.object_permission)?;
        let id = asked.organization_id.clone().flatten().filter(|id| !id.is_empty()).unwrap_or_else(new_id);
        let mut budget = BudgetBody::read(body)?;
        // Asking for an empty list makes a row where nothing else is asked for.
        if budget.budget_id.clone().flatten().is_none() {
            budget.budget_id = None;
            budget.allowed_models.get_or_insert_with(|| Some(Vec::new()));
        }
        let by = actor.name().unwrap_or_default();
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = OrganizationRow {
            organization_id: id.clone(),
            organization_alias: alias,
            budget_id: self.link_budget(&mut tx, actor, &budget, None).await?.unwrap_or_default(),
            created_by: by.clone(),
            updated_by: by,
            ..OrganizationRow::default()
        };
        let why = format!("Organization already exists, passed organization_id={id}.");
        unless_taken(tx.table().insert(&row).await, why, "organization_id")?;
        let mut patch = patch(body, &asked, Json::Null);
        patch.object_permission_id = self.link_grants(&mut tx, actor, grants.as_ref(), None).await?;
        self.write(&mut tx, actor, Action::Created, &id, None, &patch).await?;
        tx.commit().await?;
        self.organization_shown(&id).await
    }

    /// `PATCH /organization/update` and `/v2/organization/{id}`: a field that is given is set, null clears it.
    ///
    /// # Errors
    /// 404 for an unknown organization.
    pub async fn update_organization(&self, actor: Actor<'_>, id: Option<&str>, body: &Json) -> Outcome<Json> {
        let asked = OrganizationBody::read(body)?;
        let id = match id {
            Some(id) => id.to_owned(),
            None => required(asked.organization_id.clone(), "organization_id", body)?,
        };
        let grants = grants::asked(&asked.object_permission)?;
        let mut budget = BudgetBody::read(body)?;
        if budget.budget_id == Some(None) {
            budget.budget_id = None;
        }
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = tx.table::<OrganizationRow>().get([id.as_str()]).await?.ok_or_else(|| no_organization(&id))?;
        let mut patch = patch(body, &asked, row.metadata.read().unwrap_or_default());
        patch.budget_id = self.link_budget(&mut tx, actor, &budget, Some(&row.budget_id)).await?;
        let there = row.object_permission_id.as_deref();
        patch.object_permission_id = self.link_grants(&mut tx, actor, grants.as_ref(), there).await?;
        patch.organization_alias = asked.organization_alias.flatten();
        patch.updated_by = actor.name();
        self.write(&mut tx, actor, Action::Updated, &id, Some(&row), &patch).await?;
        tx.commit().await?;
        self.forget_organization(&id);
        self.organization_shown(&id).await
    }

    /// `GET /organization/info`, for those who administer it.
    ///
    /// # Errors
    /// 404 for an unknown organization, 403 for one that is not the caller's.
    pub async fn organization_info(&self, actor: Actor<'_>, id: &str) -> Outcome<Json> {
        self.may_see_organization(actor, id).await?;
        self.organization_shown(id).await
    }

    /// `POST /organization/info`, LiteLLM's older form: a list of ids.
    ///
    /// # Errors
    /// As [`Accounts::organization_info`].
    pub async fn organizations_info(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let ids = body.get("organizations").cloned();
        let ids = crate::request::field::<Vec<String>>(body, "organizations", &mut Vec::new()).or(ids.map(|_| None));
        let ids = required(ids, "organizations", body)?;
        for id in &ids {
            self.may_see_organization(actor, id).await?;
        }
        let rows = self.store_or_refuse()?.table::<OrganizationRow>().get_many(&ids).await?;
        Ok(Json::Array(self.organizations_shown(&rows).await?))
    }

    async fn may_see_organization(&self, actor: Actor<'_>, id: &str) -> Outcome<()> {
        let standing = self.standing_in_organization(actor.who, id).await?;
        // Whoever may not see it does not learn whether it is there.
        if actor.who.sees_all() || standing >= Standing::OrgAdmin { Ok(()) } else { Err(not_yours()) }
    }

    /// `GET /organization/list`: all, or those the caller belongs to.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_organizations(&self, actor: Actor<'_>, id: Option<String>, alias: Option<&str>) -> Outcome<Json> {
        let store = self.store_or_refuse()?;
        let mut filter = Filter::new().maybe("organization_id", id);
        if let Some(alias) = alias {
            filter = filter.contains("organization_alias", alias);
        }
        if !actor.who.sees_all() {
            let user = actor.who.user_id().ok_or_else(not_yours)?.to_owned();
            let own = store.table::<OrganizationMembershipRow>().find(Filter::new().is("user_id", user)).await?;
            filter = filter.any_of("organization_id", own.into_iter().map(|row| row.organization_id).collect());
        }
        let rows = store.table::<OrganizationRow>().find(filter).await?;
        Ok(Json::Array(self.organizations_shown(&rows).await?))
    }

    /// `DELETE /organization/delete`: organizations with their members, teams and keys. All or none.
    ///
    /// # Errors
    /// 404 when one of them does not exist.
    pub async fn delete_organizations(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let ids = required(OrganizationIds::read(body)?.organization_ids, "organization_ids", body)?;
        let store = self.store_or_refuse()?;
        let rows = store.table::<OrganizationRow>().get_many(&ids).await?;
        if let Some(missing) = ids.iter().find(|id| !rows.iter().any(|row| row.organization_id == **id)) {
            return Err(no_organization(missing));
        }
        let shown = self.organizations_shown(&rows).await?;
        let by = actor.deleted_by();
        let of_it = || Filter::new().any_of("organization_id", ids.clone());
        let mut tx = store.begin().await?;
        let teams = tx.table::<TeamRow>().find(of_it()).await?;
        let ids_of_teams: Vec<String> = teams.iter().map(|team| team.team_id.clone()).collect();
        let of_teams = || Filter::new().any_of("team_id", ids_of_teams.clone());
        let hashes = self.remove_keys(&mut tx, actor, Filter::new().one_of(vec![of_it(), of_teams()])).await?;
        for team in &teams {
            self.audit(tx.table(), actor, Action::Deleted, &team.team_id, Some(team), None).await?;
        }
        tx.table::<TeamMembershipRow>().delete_where(&of_teams()).await?;
        tx.table::<TeamRow>().delete_with_copy(&ids_of_teams, &by).await?;
        tx.table::<OrganizationMembershipRow>().delete_where(&of_it()).await?;
        for row in &rows {
            self.erase(&mut tx, actor, &row.organization_id, row).await?;
        }
        tx.commit().await?;
        hashes.iter().for_each(|hash| self.forget_hash(hash));
        ids.iter().for_each(|id| self.forget_organization(id));
        Ok(Json::Array(shown))
    }

    /// The object permissions of an organization.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn organization_grants(&self, id: &str) -> Outcome<Option<llm_store::ObjectPermissionRow>> {
        let row = self.store_or_refuse()?.table::<OrganizationRow>().get([id]).await?;
        self.grants_of(row.as_ref().and_then(|row| row.object_permission_id.as_ref())).await
    }

    pub(super) fn forget_organization(&self, id: &str) {
        self.forget_keys(|known| known.caller.organization_id.as_deref() == Some(id));
    }

    async fn organization_shown(&self, id: &str) -> Outcome<Json> {
        let row = self.store_or_refuse()?.table::<OrganizationRow>().get([id]).await?;
        let row = row.ok_or_else(|| no_organization(id))?;
        Ok(self.organizations_shown(&[row]).await?.pop().unwrap_or_default())
    }

    /// With budget, members, users and teams.
    async fn organizations_shown(&self, rows: &[OrganizationRow]) -> Outcome<Vec<Json>> {
        let store = self.store_or_refuse()?;
        let ids: Vec<String> = rows.iter().map(|row| row.organization_id.clone()).collect();
        let of_them = || Filter::new().any_of("organization_id", ids.clone());
        let members = store.table::<OrganizationMembershipRow>().find(of_them()).await?;
        let teams = store.table::<TeamRow>().find(of_them()).await?;
        let users: Vec<String> = members.iter().map(|member| member.user_id.clone()).collect();
        let users = store.table::<UserRow>().get_many(&users).await?;
        let members_shown = self.members_shown(&members, &users).await?;
        let mut out = self.with_budgets(rows).await?;
        self.show_grants(&mut out).await?;
        for (shown, row) in out.iter_mut().zip(rows) {
            let here = |id: &str| id == row.organization_id;
            let of = members.iter().zip(&members_shown).filter(|(member, _)| here(&member.organization_id));
            shown.set("members", Json::Array(of.map(|(_, shown)| shown.clone()).collect()));
            let mine = |user: &&UserRow| members.iter().any(|m| here(&m.organization_id) && m.user_id == user.user_id);
            shown.set("users", Json::Array(users.iter().filter(mine).map(view::row).collect()));
            let of = teams.iter().filter(|team| team.organization_id.as_deref().is_some_and(here));
            shown.set("teams", Json::Array(of.map(view::row).collect()));
        }
        Ok(out)
    }
}

fn patch(body: &Json, asked: &OrganizationBody, there: Json) -> OrganizationPatch {
    OrganizationPatch {
        models: asked.models.clone().map(Option::unwrap_or_default),
        metadata: metadata(body, &IN_METADATA, &asked.metadata, there).map(|m| m.to_raw()),
        ..OrganizationPatch::default()
    }
}

fn no_organization(id: &str) -> Problem {
    not_found(format!("Organization not found, passed organization_id={id}")).with_param("organization_id").into()
}

fn not_yours() -> Problem {
    forbidden("You are not allowed to access this organization.").with_param("organization_id").into()
}
