//! Making, changing, blocking and deleting teams.

use chrono::Utc;
use llm_store::defaults::new_id;
use llm_store::{Filter, TeamMembershipRow, TeamPatch, TeamRow, UserRow};
use llm_types::Json;

use super::body::{IN_METADATA, TeamBody, TeamId, TeamIds, TeamModels, kept_metadata};
use super::members::{TEAM_ROLES, member_json};
use super::rights::has_all;
use crate::Accounts;
use crate::audit::Action;
use crate::keys::{Actor, bad, forbidden, view};
use crate::members;
use crate::request::{Outcome, required, unless_taken};
use crate::rights::Standing;

impl Accounts {
    /// `POST /team/new`: makes a team; the caller becomes its administrator. Administrators of an organization make teams
    /// inside it.
    ///
    /// # Errors
    /// 400 for an id that exists, wrong values and more than the organization has; 403 outside the caller's organizations.
    pub async fn new_team(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let mut asked = TeamBody::read(body)?;
        crate::keys::limits_in_metadata(body)?;
        let empty = TeamRow { organization_id: None, ..TeamRow::default() };
        let standing = if actor.who.is_admin() { Standing::Admin } else { Standing::OrgAdmin };
        if standing < Standing::Admin && asked.organization_id.clone().flatten().is_none() {
            let why = "Only proxy admins can make teams outside of organizations: name one that you administer.";
            return Err(forbidden(why).with_param("organization_id").into());
        }
        self.may_shape_team(actor, standing, &empty, body, &asked).await?;
        let grants = self.team_grants(actor, standing, &empty, &asked).await?;
        let id = asked.team_id.clone().flatten().filter(|id| !id.is_empty()).unwrap_or_else(new_id);
        let named = match asked.members_with_roles.take().flatten() {
            None => Vec::new(),
            Some(Json::Array(list)) if list.is_empty() => Vec::new(),
            Some(given) => members::named("members_with_roles", &given, &TEAM_ROLES)?,
        };
        let mut patch = self.team_patch(body, &asked, Json::Object(Vec::new()))?;
        self.guarantee_team(body, &shared(&TeamRow { team_id: id.clone(), ..empty }, &patch)).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let why = format!("Team id = {id} already exists. Please use a different team id.");
        let row = TeamRow { team_id: id.clone(), ..TeamRow::default() };
        unless_taken(tx.table().insert(&row).await, why, "team_id")?;
        self.default_member_budget(&mut tx, actor, &asked, &Json::Object(Vec::new()), &mut patch).await?;
        let budget = patch.metadata.as_ref().and_then(|m| m.read::<Json>().ok());
        let budget = budget.and_then(|m| m.get(super::fill::MEMBER_BUDGET).and_then(Json::as_str).map(str::to_owned));
        let mut joined = Vec::new();
        let mut users: Vec<UserRow> = Vec::new();
        for one in &named {
            let (user, _) = self.join(&mut tx, &id, one, budget.clone()).await?;
            joined.push(member_json(&user.user_id, user.user_email.as_deref(), &one.role));
            users.push(user);
        }
        if let Some(user) = actor.who.user_id()
            && !users.iter().any(|known| known.user_id == user)
        {
            joined.push(Json::object([("role", "admin"), ("user_id", user)]));
        }
        patch.members_with_roles = Some(Json::Array(joined).to_raw());
        patch.object_permission_id = self.link_grants(&mut tx, actor, grants.as_ref(), None).await?;
        patch.model_id = self.link_aliases(&mut tx, actor, &asked.model_aliases, None).await?;
        let row = self.write(&mut tx, actor, Action::Created, &id, None, &patch).await?;
        tx.commit().await?;
        users.iter().for_each(|user| self.forget_user(&user.user_id));
        self.shown_team(&row).await
    }

    /// `POST /team/update` and `PATCH /team/{team_id}`: a field that is given is set, null clears it.
    ///
    /// # Errors
    /// 404 for an unknown team, 403 unless the caller manages it.
    pub async fn update_team(&self, actor: Actor<'_>, id: Option<&str>, body: &Json) -> Outcome<Json> {
        let asked = TeamBody::read(body)?;
        crate::keys::limits_in_metadata(body)?;
        let id = match id {
            Some(id) => id.to_owned(),
            None => required(asked.team_id.clone(), "team_id", body)?,
        };
        let (row, standing) = self.managed_team(actor, &id).await?;
        self.settings().page_rules.may_edit_team(standing, &[TeamBody::FIELDS, IN_METADATA].concat(), body)?;
        self.may_shape_team(actor, standing, &row, body, &asked).await?;
        let grants = self.team_grants(actor, standing, &row, &asked).await?;
        let there: Json = row.metadata.read().unwrap_or_default();
        let mut patch = self.team_patch(body, &asked, there.clone())?;
        if let Some(raw) = &patch.metadata {
            let mut metadata: Json = raw.read().unwrap_or_default();
            // Who replaces the metadata does not mean to take the members' budget away, nor what administrators put there.
            for name in kept_metadata(standing).chain([super::fill::MEMBER_BUDGET]) {
                if let Some(value) = there.get(name) {
                    metadata.set(name, value.clone());
                }
            }
            patch.metadata = Some(metadata.to_raw());
        }
        self.guarantee_team(body, &shared(&row, &patch)).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        self.default_member_budget(&mut tx, actor, &asked, &there, &mut patch).await?;
        let linked = row.object_permission_id.as_deref();
        patch.object_permission_id = self.link_grants(&mut tx, actor, grants.as_ref(), linked).await?;
        patch.model_id = self.link_aliases(&mut tx, actor, &asked.model_aliases, row.model_id).await?;
        let before = row;
        let row = self.write(&mut tx, actor, Action::Updated, &id, Some(&before), &patch).await?;
        tx.commit().await?;
        self.forget_team(&id);
        self.move_copies(&before, &row);
        self.shown_team(&row).await
    }

    /// `POST /team/block` and `/team/unblock`.
    ///
    /// # Errors
    /// 404 for an unknown team.
    pub async fn block_team(&self, actor: Actor<'_>, body: &Json, blocked: bool) -> Outcome<Json> {
        let id = required(TeamId::read(body)?.team_id, "team_id", body)?;
        let row = self.team_row(&id).await?;
        let patch = TeamPatch { blocked: Some(blocked), ..TeamPatch::default() };
        let action = if blocked { Action::Blocked } else { Action::Unblocked };
        Ok(view::row(&self.write_team(actor, action, &row, &patch).await?))
    }

    /// Changes a team's row and gives it back as it is now.
    pub(super) async fn write_team(
        &self,
        actor: Actor<'_>,
        action: Action,
        before: &TeamRow,
        patch: &TeamPatch,
    ) -> Outcome<TeamRow> {
        let mut tx = self.store_or_refuse()?.begin().await?;
        let after = self.write(&mut tx, actor, action, &before.team_id, Some(before), patch).await?;
        tx.commit().await?;
        self.forget_team(&before.team_id);
        Ok(after)
    }

    /// `POST /team/model/add` and `/team/model/delete`.
    ///
    /// # Errors
    /// 403 unless the caller manages the team and may use what is added; 400 when the last model would go, for a team
    /// without a list may use all.
    pub async fn change_team_models(&self, actor: Actor<'_>, body: &Json, add: bool) -> Outcome<Json> {
        let asked = TeamModels::read(body)?;
        let id = required(asked.team_id.clone(), "team_id", body)?;
        let given = required(asked.models, "models", body)?;
        let (row, standing) = self.managed_team(actor, &id).await?;
        self.settings().page_rules.may_edit_team(standing, &["models"], body)?;
        let mut models = row.models.clone();
        if add {
            models.extend(given.into_iter().filter(|model| !row.models.contains(model)));
            if standing == Standing::Manager && !has_all(actor.who, &models, &row.models) {
                return Err(forbidden("You may only give a team models that you may use.").with_param("models").into());
            }
        } else {
            models.retain(|model| !given.contains(model));
            if models.is_empty() && !row.models.is_empty() && standing < Standing::Admin {
                return Err(bad("A team needs a model: an empty list means all of them.").with_param("models").into());
            }
        }
        let shaped = TeamBody { models: Some(Some(models.clone())), ..TeamBody::default() };
        self.may_shape_team(actor, standing, &row, &Json::Object(Vec::new()), &shaped).await?;
        let patch = TeamPatch { models: Some(models), ..TeamPatch::default() };
        Ok(view::row(&self.write_team(actor, Action::Updated, &row, &patch).await?))
    }

    /// `POST /team/delete`: deletes teams with their keys and memberships; copies of teams and keys are kept.
    ///
    /// # Errors
    /// 404 when one of them does not exist, 403 when one lies outside the caller's organizations; then none is deleted.
    pub async fn delete_teams(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let ids = required(TeamIds::read(body)?.team_ids, "team_ids", body)?;
        let mut teams = Vec::new();
        for id in &ids {
            let (team, standing) = self.managed_team(actor, id).await?;
            if standing < Standing::OrgAdmin {
                return Err(super::hidden());
            }
            teams.push(team);
        }
        self.remove_teams(actor, &teams).await
    }

    /// Deletes teams with their keys and memberships; which ones there were.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn remove_teams(&self, actor: Actor<'_>, teams: &[TeamRow]) -> Outcome<Json> {
        let ids: Vec<String> = teams.iter().map(|team| team.team_id.clone()).collect();
        let by = actor.deleted_by();
        let store = self.store_or_refuse()?;
        let of_them = || Filter::new().any_of("team_id", ids.clone());
        let mut tx = store.begin().await?;
        self.remove_keys(&mut tx, actor, of_them()).await?;
        for team in teams {
            self.audit(tx.table(), actor, Action::Deleted, &team.team_id, Some(team), None).await?;
        }
        let members = tx.table::<TeamMembershipRow>().find(of_them()).await?;
        for member in &members {
            self.leave(&mut tx, &member.team_id, &member.user_id).await?;
        }
        tx.table::<TeamMembershipRow>().delete_where(&of_them()).await?;
        let gone = tx.table::<TeamRow>().delete_with_copy(&ids, &by).await?;
        tx.commit().await?;
        self.forget_keys(|known| known.team_id().is_some_and(|team| ids.iter().any(|id| id == team)));
        Ok(Json::object([("deleted_teams", Json::Array(gone.into_iter().map(Json::from).collect()))]))
    }

    /// Locks a team's row until the transaction ends, so that two changes of its members do not undo each other.
    pub(crate) async fn locked_team(&self, tx: &mut llm_store::StoreTx, id: &str) -> Outcome<TeamRow> {
        let touch = TeamPatch { updated_at: Some(Utc::now()), ..TeamPatch::default() };
        tx.table::<TeamRow>().update([id], &touch).await?;
        tx.table::<TeamRow>().get([id]).await?.ok_or_else(super::hidden)
    }
}

/// What of a team is shared out within its organization, after a change.
fn shared(row: &TeamRow, patch: &TeamPatch) -> TeamRow {
    TeamRow {
        team_id: row.team_id.clone(),
        organization_id: patch.organization_id.clone().unwrap_or_else(|| row.organization_id.clone()),
        rpm_limit: patch.rpm_limit.unwrap_or(row.rpm_limit),
        tpm_limit: patch.tpm_limit.unwrap_or(row.tpm_limit),
        metadata: patch.metadata.clone().unwrap_or_else(|| row.metadata.clone()),
        ..TeamRow::default()
    }
}
