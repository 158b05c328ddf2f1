//! Joining and leaving teams inside of another change: when an identity provider moves people.

use llm_store::{StoreTx, TeamPatch, TeamRow};
use llm_types::Json;

use super::body::TeamBody;
use super::fill::MEMBER_BUDGET;
use super::members::{is, member_json, people_of, roster};
use crate::Accounts;
use crate::audit::Action;
use crate::keys::Actor;
use crate::members::Named;
use crate::request::Outcome;
use crate::stored::settings::Defaults;

impl Accounts {
    /// Adds a user to a team, as a plain member with the team's default budget. Nothing happens when the team is not there or
    /// the user is in it.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn enter_team(&self, tx: &mut StoreTx, actor: Actor<'_>, team: &str, user: &str) -> Outcome<()> {
        self.enter_team_as(tx, actor, team, user, "user").await
    }

    /// The same in a role of the team.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn enter_team_as(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        team: &str,
        user: &str,
        role: &str,
    ) -> Outcome<()> {
        if tx.table::<TeamRow>().get([team]).await?.is_none() {
            return Ok(());
        }
        let row = self.locked_team(tx, team).await?;
        let mut roster = roster(&row);
        if roster.iter().any(|member| is(member, user)) {
            return Ok(());
        }
        let metadata: Json = row.metadata.read().unwrap_or_default();
        let budget = metadata.text(MEMBER_BUDGET).map(str::to_owned);
        let named = Named { user_id: Some(user.to_owned()), user_email: None, role: role.to_owned() };
        let (member, _) = self.join(tx, team, &named, budget).await?;
        roster.push(member_json(&member.user_id, member.user_email.as_deref(), role));
        let patch = TeamPatch { members_with_roles: Some(Json::Array(roster).to_raw()), ..TeamPatch::default() };
        self.write(tx, actor, Action::Updated, team, Some(&row), &patch).await?;
        Ok(())
    }

    /// Puts a user into a team in the role that another one has there, if it is more than their own.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn inherit_team(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        team: &str,
        (from, into): (&str, &str),
    ) -> Outcome<()> {
        let Some(row) = tx.table::<TeamRow>().get([team]).await? else { return Ok(()) };
        let mut roster = roster(&row);
        let role = roster.iter().find(|member| is(member, from)).and_then(|member| member.text("role"));
        let role = role.unwrap_or("user").to_owned();
        let own = roster.iter_mut().find(|member| is(member, into));
        let Some(own) = own else { return self.enter_team_as(tx, actor, team, into, &role).await };
        if role == "admin" && own.text("role") != Some("admin") {
            own.set("role", role);
            let patch = TeamPatch { members_with_roles: Some(Json::Array(roster).to_raw()), ..TeamPatch::default() };
            self.write(tx, actor, Action::Updated, team, Some(&row), &patch).await?;
        }
        Ok(())
    }

    /// Takes a user out of a team, with their keys of it. Nothing happens when they are not in it.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn leave_team(&self, tx: &mut StoreTx, actor: Actor<'_>, team: &str, user: &str) -> Outcome<()> {
        if tx.table::<TeamRow>().get([team]).await?.is_none() {
            return self.leave(tx, team, user).await;
        }
        let row = self.locked_team(tx, team).await?;
        if crate::keys::rights::place(&row, user) == crate::keys::rights::Place::None {
            return self.leave(tx, team, user).await;
        }
        self.remove_member(tx, actor, &row, user).await
    }

    /// Makes these users the members of a team: others leave, with their keys of it. Who came or went.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn set_members(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        team: &str,
        users: &[String],
    ) -> Outcome<Vec<String>> {
        let row = self.locked_team(tx, team).await?;
        let there = people_of(&row);
        let mut moved = Vec::new();
        for user in users.iter().filter(|user| !there.contains(user)) {
            self.enter_team(tx, actor, team, user).await?;
            moved.push(user.clone());
        }
        for user in there.into_iter().filter(|user| !users.contains(user)) {
            self.leave_team(tx, actor, team, &user).await?;
            moved.push(user);
        }
        Ok(moved)
    }

    /// Refuses defaults that no team could be made with.
    ///
    /// # Errors
    /// As making a team.
    pub(crate) fn check_default_team(&self, defaults: &Json) -> Outcome<()> {
        let asked = TeamBody::read(defaults)?;
        self.team_patch(defaults, &asked, Json::Object(Vec::new())).map(|_| ())
    }

    /// Makes a team with `default_team_params`. The id must be free.
    ///
    /// # Errors
    /// When the defaults cannot be read, or the store fails.
    pub(crate) async fn default_team(&self, tx: &mut StoreTx, actor: Actor<'_>, id: &str) -> Outcome<TeamRow> {
        let empty = Json::Object(Vec::new());
        let defaults = self.defaults_in_force(Defaults::Teams, tx.table()).await?;
        let asked = TeamBody::read(&defaults)?;
        let mut patch = self.team_patch(&defaults, &asked, empty.clone())?;
        tx.table().insert(&TeamRow { team_id: id.to_owned(), ..TeamRow::default() }).await?;
        self.default_member_budget(tx, actor, &asked, &empty, &mut patch).await?;
        patch.members_with_roles = Some(Json::Array(Vec::new()).to_raw());
        self.write(tx, actor, Action::Created, id, None, &patch).await
    }
}
