//! Teams: making, changing, reading and deleting them. Call these on the store's runtime.

use chrono::Utc;
use llm_store::defaults::new_id;
use llm_store::{Filter, StoreError, TeamMembershipRow, TeamPatch, TeamRow};
use llm_types::{Error, Json};

use crate::audit::Action;
use crate::keys::rights::{Place, place};
use crate::keys::{Actor, bad, forbidden, not_found, reset, view};
use crate::request::{Given, Map, Outcome, body, required};
use crate::{Accounts, Role};

body! {
    /// `/team/new` and `/team/update`.
    struct TeamBody {
        team_id: String,
        team_alias: String,
        organization_id: String,
        admins: Vec<String>,
        members: Vec<String>,
        members_with_roles: Json,
        metadata: Map,
        max_budget: f64,
        soft_budget: f64,
        budget_duration: String,
        budget_limits: Json,
        models: Vec<String>,
        max_parallel_requests: i64,
        tpm_limit: i64,
        rpm_limit: i64,
        tpd_limit: i64,
        blocked: bool,
        team_member_permissions: Vec<String>,
        default_team_member_models: Vec<String>,
        access_group_ids: Vec<String>,
        policies: Vec<String>,
        router_settings: Map,
        model_max_budget: Map,
    }
}

body! {
    /// `/team/delete`.
    struct TeamIds {
        team_ids: Vec<String>,
    }
}

/// Fields of a team's body that live in its metadata.
const IN_METADATA: &[&str] =
    &["tags", "guardrails", "prompts", "model_rpm_limit", "model_tpm_limit", "disable_global_guardrails"];

impl Accounts {
    /// `POST /team/new`: makes a team; the caller becomes its administrator.
    ///
    /// # Errors
    /// 400 for an id that exists or a duration that is none.
    pub async fn new_team(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let mut asked = TeamBody::read(body)?;
        let store = self.store_or_refuse()?;
        let id = asked.team_id.clone().flatten().filter(|id| !id.is_empty()).unwrap_or_else(new_id);
        let mut members = match asked.members_with_roles.take().flatten() {
            Some(Json::Array(members)) => members,
            _ => Vec::new(),
        };
        if let Some(user) = actor.who.user_id()
            && !members.iter().any(|m| m.get("user_id").and_then(Json::as_str) == Some(user))
        {
            members.push(Json::object([("role", "admin"), ("user_id", user)]));
        }
        asked.members_with_roles = Some(Some(Json::Array(members)));
        let patch = self.team_patch(body, &asked, Json::Object(Vec::new()))?;
        let mut tx = store.begin().await?;
        match tx.table().insert(&TeamRow { team_id: id.clone(), ..TeamRow::default() }).await {
            Err(StoreError::Conflict(_)) => {
                let why = format!("Team id = {id} already exists. Please use a different team id.");
                return Err(bad(why).with_param("team_id").into());
            }
            done => done?,
        }
        tx.table::<TeamRow>().update([id.as_str()], &patch).await?;
        let stored = tx.table::<TeamRow>().get([id.as_str()]).await?;
        let stored = stored.ok_or_else(|| Error::internal("the new team is gone"))?;
        self.audit(tx.table(), actor, Action::Created, &id, None, Some(&stored)).await?;
        tx.commit().await?;
        Ok(view::row(&stored))
    }

    /// `POST /team/update`: a field that is given is set, null clears it.
    ///
    /// # Errors
    /// 404 for an unknown team, 403 unless the caller manages it.
    pub async fn update_team(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = TeamBody::read(body)?;
        let id = required(asked.team_id.clone(), "team_id", body)?;
        let row = self.team_for(actor, &id, true).await?;
        let limits = [asked.max_budget.is_some(), asked.tpm_limit.is_some(), asked.rpm_limit.is_some()];
        let wider = limits.into_iter().any(|given| given) || asked.blocked.is_some() || asked.organization_id.is_some();
        if wider && !actor.who.is_admin() {
            return Err(forbidden("Only proxy admins can change a team's limits, organization or block.").into());
        }
        let patch = self.team_patch(body, &asked, row.metadata.read().unwrap_or_default())?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        tx.table::<TeamRow>().update([id.as_str()], &patch).await?;
        let after = tx.table::<TeamRow>().get([id.as_str()]).await?;
        let after = after.ok_or_else(|| Error::internal("the team is gone"))?;
        self.audit(tx.table(), actor, Action::Updated, &id, Some(&row), Some(&after)).await?;
        tx.commit().await?;
        self.forget_keys(|known| known.team_id() == Some(&id));
        let row = after;
        Ok(Json::object([("team_id", Json::from(id)), ("data", view::row(&row))]))
    }

    fn team_patch(&self, body: &Json, asked: &TeamBody, there: Json) -> Outcome<TeamPatch> {
        let list = |given: &Given<Vec<String>>| given.clone().map(Option::unwrap_or_default);
        let raw =
            |map: &Given<Map>| map.clone().map(|m| m.map_or_else(llm_store::defaults::empty_object, |m| m.0.to_raw()));
        let mut metadata = asked.metadata.clone().map(|m| m.map_or_else(|| Json::Object(Vec::new()), |m| m.0));
        for name in IN_METADATA {
            if let Some(value) = body.get(name) {
                let target = metadata.get_or_insert_with(|| there.clone());
                if target.as_object().is_none() {
                    *target = Json::Object(Vec::new());
                }
                target.set(name, value.clone());
            }
        }
        let mut patch = TeamPatch {
            team_alias: asked.team_alias.clone(),
            organization_id: asked.organization_id.clone(),
            admins: list(&asked.admins),
            members: list(&asked.members),
            members_with_roles: asked.members_with_roles.clone().flatten().map(|m| m.to_raw()),
            metadata: metadata.map(|m| m.to_raw()),
            max_budget: asked.max_budget,
            soft_budget: asked.soft_budget,
            models: list(&asked.models),
            max_parallel_requests: asked.max_parallel_requests,
            tpm_limit: asked.tpm_limit,
            rpm_limit: asked.rpm_limit,
            tpd_limit: asked.tpd_limit,
            blocked: asked.blocked.flatten(),
            team_member_permissions: list(&asked.team_member_permissions),
            default_team_member_models: list(&asked.default_team_member_models),
            access_group_ids: list(&asked.access_group_ids),
            policies: list(&asked.policies),
            router_settings: raw(&asked.router_settings).map(Some),
            model_max_budget: raw(&asked.model_max_budget),
            budget_limits: asked.budget_limits.clone().map(|l| l.map(|l| l.to_raw())),
            ..TeamPatch::default()
        };
        match &asked.budget_duration {
            None => {}
            Some(None) => {
                patch.budget_duration = Some(None);
                patch.budget_reset_at = Some(None);
            }
            Some(Some(duration)) => {
                patch.budget_reset_at = Some(Some(reset(&self.reset_clock()?, duration, Utc::now())?));
                patch.budget_duration = Some(Some(duration.clone()));
            }
        }
        Ok(patch)
    }

    async fn team_row(&self, id: &str) -> Outcome<TeamRow> {
        let row = self.store_or_refuse()?.table::<TeamRow>().get([id]).await?;
        row.ok_or_else(|| not_found(format!("Team not found, passed team_id={id}")).with_param("team_id").into())
    }

    /// A team that the caller may see, or manage.
    async fn team_for(&self, actor: Actor<'_>, id: &str, manage: bool) -> Outcome<TeamRow> {
        let who = actor.who;
        let sees = who.is_admin() || !manage && who.role() == Some(Role::ProxyAdminViewer);
        if sees {
            return self.team_row(id).await;
        }
        let hidden = || forbidden("You are not allowed to access this team.").with_param("team_id").into();
        // Whoever may not see a team does not learn whether there is one.
        let row = self.store_or_refuse()?.table::<TeamRow>().get([id]).await?.ok_or_else(hidden)?;
        let place = who.user_id().map_or(Place::None, |user| place(&row, user));
        let own_key = !manage && who.team_id() == Some(id);
        if place == Place::Admin || own_key || !manage && place == Place::Member { Ok(row) } else { Err(hidden()) }
    }

    /// `GET /team/info`.
    ///
    /// # Errors
    /// 404 for an unknown team, 403 for one that is not the caller's.
    pub async fn team_info(&self, actor: Actor<'_>, id: &str) -> Outcome<Json> {
        let row = self.team_for(actor, id, false).await?;
        let store = self.store_or_refuse()?;
        let keys = store.keys().find(Filter::new().is("team_id", id.to_owned())).await?;
        let members = store.table::<TeamMembershipRow>().find(Filter::new().is("team_id", id.to_owned())).await?;
        Ok(Json::object([
            ("team_id", Json::from(id)),
            ("team_info", view::row(&row)),
            ("keys", Json::Array(keys.iter().map(view::row).collect())),
            ("team_memberships", Json::Array(members.iter().map(view::row).collect())),
        ]))
    }

    /// `GET /team/list`: all teams, or those of the caller.
    ///
    /// # Errors
    /// 403 when another user's teams are asked for.
    pub async fn list_teams(&self, actor: Actor<'_>, user: Option<&str>) -> Outcome<Json> {
        let sees_all = matches!(actor.who.role(), Some(Role::ProxyAdmin | Role::ProxyAdminViewer));
        let user = match user {
            Some(user) if !sees_all && actor.who.user_id() != Some(user) => {
                return Err(forbidden("You are not allowed to list another user's teams.")
                    .with_param("user_id")
                    .into());
            }
            Some(user) => Some(user),
            None if sees_all => None,
            None => Some(actor.who.user_id().ok_or_else(|| forbidden("A key without a user has no teams."))?),
        };
        let teams = self.store_or_refuse()?.table::<TeamRow>().find(Filter::new()).await?;
        let shown = teams.iter().filter(|t| user.is_none_or(|user| place(t, user) != Place::None));
        Ok(Json::Array(shown.map(view::row).collect()))
    }

    /// `POST /team/delete`: deletes teams with their keys and memberships; copies of teams and keys are kept.
    ///
    /// # Errors
    /// 404 when one of them does not exist; then none is deleted.
    pub async fn delete_teams(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let ids = required(TeamIds::read(body)?.team_ids, "team_ids", body)?;
        let mut teams = Vec::new();
        for id in &ids {
            teams.push(self.team_row(id).await?);
        }
        let by = actor.deleted_by();
        let store = self.store_or_refuse()?;
        let mut tx = store.begin().await?;
        let keys = tx.keys().find(Filter::new().any_of("team_id", ids.clone())).await?;
        let hashes: Vec<String> = keys.iter().map(|key| key.token.clone()).collect();
        for key in &keys {
            self.audit(tx.table(), actor, Action::Deleted, &key.token, Some(key), None).await?;
        }
        for team in &teams {
            self.audit(tx.table(), actor, Action::Deleted, &team.team_id, Some(team), None).await?;
        }
        tx.keys().delete_with_copy(&hashes, &by).await?;
        tx.table::<TeamMembershipRow>().delete_where(&Filter::new().any_of("team_id", ids.clone())).await?;
        let gone = tx.table::<TeamRow>().delete_with_copy(&ids, &by).await?;
        tx.commit().await?;
        self.forget_keys(|known| known.team_id().is_some_and(|team| ids.iter().any(|id| id == team)));
        Ok(Json::object([("deleted_teams", Json::Array(gone.into_iter().map(Json::from).collect()))]))
    }
}
