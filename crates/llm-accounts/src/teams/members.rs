//! The members of a team.

use llm_store::{Filter, StoreTx, TeamMembershipPatch, TeamMembershipRow, TeamPatch, TeamRow, UserPatch, UserRow};
use llm_types::{Error, Json};

use super::body::MemberBody;
use super::fill::MEMBER_BUDGET;
use crate::audit::Action;
use crate::budgets::BudgetBody;
use crate::keys::{Actor, bad, not_found, view};
use crate::members::{self, Named};
use crate::request::{Outcome, Problem, required};
use crate::rights::Standing;
use crate::{Accounts, ModelList};

/// What a member of a team can be.
pub(super) const TEAM_ROLES: [&str; 2] = ["admin", "user"];

/// Members of one `/team/bulk_member_add` at the most, as in LiteLLM.
const MOST: usize = 500;

/// A member as the team's row has it.
pub(super) fn member_json(id: &str, email: Option<&str>, role: &str) -> Json {
    Json::object([("user_id", Json::from(id)), ("user_email", Json::from(email)), ("role", Json::from(role))])
}

pub(super) fn roster(team: &TeamRow) -> Vec<Json> {
    let roster: Json = team.members_with_roles.read().unwrap_or_default();
    roster.as_array().unwrap_or_default().to_vec()
}

/// The ids of a team's members.
pub(crate) fn people_of(team: &TeamRow) -> Vec<String> {
    roster(team).iter().filter_map(|member| member.text("user_id").map(str::to_owned)).collect()
}

pub(super) fn is(member: &Json, user: &str) -> bool {
    member.text("user_id") == Some(user)
}

impl Accounts {
    /// `POST /team/member_add`. Users who do not exist are made.
    ///
    /// # Errors
    /// 403 unless the caller manages the team; 400 for somebody who is a member already.
    pub async fn add_team_members(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = MemberBody::read(body)?;
        let id = required(asked.team_id.clone(), "team_id", body)?;
        let given = required(asked.member.clone(), "member", body)?;
        let named = members::named("member", &given, &TEAM_ROLES)?;
        let own = own_budget(&asked);
        let silent = own.max_budget.is_none() && own.budget_duration.is_none() && own.allowed_models.is_none();
        let (team, standing) = if silent && self.joins_himself(actor.who, &id, &named) {
            (self.team_row(&id).await?, Standing::Member)
        } else {
            self.managed_team(actor, &id).await?
        };
        within_team_budget(&team, standing, &asked)?;
        let added = self.add_all(actor, &id, &asked, &named).await?;
        let mut out = view::row(&self.team_row(&id).await?);
        out.set("updated_users", Json::Array(added.iter().map(|(user, _)| view::row(user)).collect()));
        let rows: Vec<TeamMembershipRow> = added.into_iter().map(|(_, row)| row).collect();
        out.set("updated_team_memberships", Json::Array(self.with_budgets(&rows).await?));
        Ok(out)
    }

    /// Adds members in one transaction.
    async fn add_all(
        &self,
        actor: Actor<'_>,
        id: &str,
        asked: &MemberBody,
        named: &[Named],
    ) -> Outcome<Vec<(UserRow, TeamMembershipRow)>> {
        let mut tx = self.store_or_refuse()?.begin().await?;
        let team = self.locked_team(&mut tx, id).await?;
        let metadata: Json = team.metadata.read().unwrap_or_default();
        let default = metadata.text(MEMBER_BUDGET).map(str::to_owned);
        let mut roster = roster(&team);
        let mut added = Vec::new();
        for one in named {
            let asks = BudgetBody { allowed_models: asked.allowed_models.clone(), ..own_budget(asked) };
            let budget = self.own_member_budget(&mut tx, actor, &asks, default.as_deref(), true).await;
            // Nothing asked for: the team's default itself, not a copy.
            let silent =
                asked.max_budget_in_team.is_none() && asked.budget_duration.is_none() && asked.allowed_models.is_none();
            let budget = if silent { default.clone() } else { budget? };
            let (user, row) = self.join(&mut tx, id, one, budget).await?;
            if roster.iter().any(|member| is(member, &user.user_id)) {
                return Err(already(&user.user_id).into());
            }
            roster.push(member_json(&user.user_id, user.user_email.as_deref(), &one.role));
            added.push((user, row));
        }
        let patch = TeamPatch { members_with_roles: Some(Json::Array(roster).to_raw()), ..TeamPatch::default() };
        self.write(&mut tx, actor, Action::Updated, id, Some(&team), &patch).await?;
        tx.commit().await?;
        added.iter().for_each(|(user, _)| self.forget_user(&user.user_id));
        Ok(added)
    }

    /// Adds one member, with the team's default budget.
    ///
    /// # Errors
    /// 400 for somebody who is a member already.
    pub(crate) async fn add_to_team(&self, actor: Actor<'_>, id: &str, member: &Named) -> Outcome<()> {
        self.add_all(actor, id, &MemberBody::default(), std::slice::from_ref(member)).await.map(drop)
    }

    /// The rows of somebody who joins: the user, made when missing, and the membership. The team's own row is the caller's.
    pub(super) async fn join(
        &self,
        tx: &mut StoreTx,
        team: &str,
        named: &Named,
        budget: Option<String>,
    ) -> Outcome<(UserRow, TeamMembershipRow)> {
        let mut user = members::user_or_new(tx, named).await?;
        if !user.teams.iter().any(|known| known == team) {
            user.teams.push(team.to_owned());
            let patch = UserPatch { teams: Some(user.teams.clone()), ..UserPatch::default() };
            tx.table::<UserRow>().update([user.user_id.as_str()], &patch).await?;
        }
        let there = tx.table::<TeamMembershipRow>().get([user.user_id.as_str(), team]).await?;
        let row = TeamMembershipRow {
            user_id: user.user_id.clone(),
            team_id: team.to_owned(),
            budget_id: budget,
            // Who comes back has spent what they had spent.
            ..there.unwrap_or_default()
        };
        tx.table().put(&row).await?;
        Ok((user, row))
    }

    /// Takes a team off a user's row.
    pub(super) async fn leave(&self, tx: &mut StoreTx, team: &str, user: &str) -> Outcome<()> {
        let Some(row) = tx.table::<UserRow>().get([user]).await? else { return Ok(()) };
        let teams = row.teams.into_iter().filter(|known| known != team).collect();
        let patch = UserPatch { teams: Some(teams), ..UserPatch::default() };
        tx.table::<UserRow>().update([user], &patch).await?;
        Ok(())
    }

    /// `POST /team/bulk_member_add`: each member for itself; the answer says what became of each.
    ///
    /// # Errors
    /// 403 unless the caller manages the team, or is an administrator where all users are meant.
    pub async fn bulk_add_team_members(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = MemberBody::read(body)?;
        let id = required(asked.team_id.clone(), "team_id", body)?;
        let (team, standing) = self.managed_team(actor, &id).await?;
        within_team_budget(&team, standing, &asked)?;
        let named = if asked.all_users.flatten() == Some(true) {
            if standing < Standing::Admin {
                return Err(crate::keys::forbidden("Only proxy admins can add all users.")
                    .with_param("all_users")
                    .into());
            }
            let users = self.store_or_refuse()?.table::<UserRow>().find(Filter::new()).await?;
            let new = users.into_iter().filter(|user| !roster(&team).iter().any(|member| is(member, &user.user_id)));
            new.map(|user| Named { user_id: Some(user.user_id), user_email: None, role: "user".to_owned() }).collect()
        } else {
            let given = required(asked.members.clone(), "members", body)?;
            let named = members::named("members", &given, &TEAM_ROLES)?;
            if named.len() > MOST {
                return Err(bad(format!("At most {MOST} members can be added at once.")).with_param("members").into());
            }
            named
        };
        let mut results = Vec::new();
        let mut good = 0_usize;
        for one in &named {
            let done = self.add_all(actor, &id, &asked, std::slice::from_ref(one)).await;
            let mut result = Json::object([
                ("user_id", Json::from(one.user_id.as_deref())),
                ("user_email", Json::from(one.user_email.as_deref())),
                ("success", Json::from(done.is_ok())),
                ("error", Json::Null),
                ("updated_user", Json::Null),
                ("updated_team_membership", Json::Null),
            ]);
            match done {
                Ok(mut added) => {
                    good += 1;
                    if let Some((user, row)) = added.pop() {
                        result.set("updated_user", view::row(&user));
                        result.set("updated_team_membership", view::row(&row));
                    }
                }
                Err(problem) => result.set("error", problem.text()),
            }
            results.push(result);
        }
        Ok(Json::object([
            ("team_id", Json::from(id.as_str())),
            ("total_requested", Json::from(results.len() as u64)),
            ("successful_additions", Json::from(good as u64)),
            ("failed_additions", Json::from((results.len() - good) as u64)),
            ("results", Json::Array(results)),
            ("updated_team", view::row(&self.team_row(&id).await?)),
        ]))
    }

    /// `POST /team/member_update`: role, budget and limits.
    ///
    /// # Errors
    /// 403 unless the caller manages the team, 404 for somebody who is no member.
    pub async fn update_team_member(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = MemberBody::read(body)?;
        let id = required(asked.team_id.clone(), "team_id", body)?;
        let (team, standing) = self.managed_team(actor, &id).await?;
        within_team_budget(&team, standing, &asked)?;
        if let Some(role) = asked.role.clone().flatten()
            && !TEAM_ROLES.contains(&role.as_str())
        {
            return Err(bad(format!("Unknown role: {role}")).with_param("role").into());
        }
        let mut tx = self.store_or_refuse()?.begin().await?;
        let team = self.locked_team(&mut tx, &id).await?;
        let user =
            members::user_id(&mut tx, asked.user_id.clone().flatten(), asked.user_email.clone().flatten()).await?;
        let mut roster = roster(&team);
        let member = roster.iter_mut().find(|member| is(member, &user)).ok_or_else(|| no_member(&user, &id))?;
        if let Some(Some(role)) = &asked.role {
            member.set("role", role.as_str());
        }
        let email = member.get("user_email").cloned().unwrap_or_default();
        let patch = TeamPatch { members_with_roles: Some(Json::Array(roster).to_raw()), ..TeamPatch::default() };
        self.write(&mut tx, actor, Action::Updated, &id, Some(&team), &patch).await?;
        let there = tx.table::<TeamMembershipRow>().get([user.as_str(), id.as_str()]).await?;
        let row = there.unwrap_or_else(|| TeamMembershipRow {
            user_id: user.clone(),
            team_id: id.clone(),
            ..TeamMembershipRow::default()
        });
        let default: Json = team.metadata.read().unwrap_or_default();
        let is_default = row.budget_id.is_some() && default.text(MEMBER_BUDGET) == row.budget_id.as_deref();
        let users = match &row.budget_id {
            Some(budget) => {
                tx.table::<TeamMembershipRow>().count(&Filter::new().is("budget_id", budget.clone())).await?
            }
            None => 0,
        };
        let asks = own_budget(&asked);
        let budget =
            self.own_member_budget(&mut tx, actor, &asks, row.budget_id.as_deref(), is_default || users > 1).await?;
        tx.table().put(&row).await?;
        let patch = TeamMembershipPatch { budget_id: Some(budget), ..TeamMembershipPatch::default() };
        tx.table::<TeamMembershipRow>().update([user.as_str(), id.as_str()], &patch).await?;
        let row = tx.table::<TeamMembershipRow>().get([user.as_str(), id.as_str()]).await?.unwrap_or(row);
        tx.commit().await?;
        self.forget_user(&user);
        let shown = self.with_budget(row).await?;
        let of = |name: &str| shown.get("litellm_budget_table").and_then(|b| b.get(name)).cloned().unwrap_or_default();
        let mut out = Json::object([("user_id", Json::from(user)), ("user_email", email), ("team_id", Json::from(id))]);
        out.set("max_budget_in_team", of("max_budget"));
        for name in [
            "tpm_limit",
            "rpm_limit",
            "budget_duration",
            "allowed_models",
            "temp_budget_increase",
            "temp_budget_expiry",
        ] {
            out.set(name, of(name));
        }
        Ok(out)
    }

    /// `POST /team/member_delete`: the member, the membership, and the member's keys of this team.
    ///
    /// # Errors
    /// As [`Accounts::update_team_member`].
    pub async fn delete_team_member(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = MemberBody::read(body)?;
        let id = required(asked.team_id.clone(), "team_id", body)?;
        let (_, standing) = self.managed_team(actor, &id).await?;
        self.settings().page_rules.may_take_out(standing)?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let team = self.locked_team(&mut tx, &id).await?;
        let user =
            members::user_id(&mut tx, asked.user_id.clone().flatten(), asked.user_email.clone().flatten()).await?;
        self.remove_member(&mut tx, actor, &team, &user).await?;
        tx.commit().await?;
        self.forget_user(&user);
        self.forget_team(&id);
        Ok(view::row(&self.team_row(&id).await?))
    }

    /// Takes somebody out of a team, with their keys of it.
    pub(crate) async fn remove_member(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        team: &TeamRow,
        user: &str,
    ) -> Outcome<()> {
        let before = roster(team);
        let after: Vec<Json> = before.iter().filter(|member| !is(member, user)).cloned().collect();
        let listed = [&team.admins, &team.members].into_iter().any(|list| list.iter().any(|known| known == user));
        if before.len() == after.len() && !listed {
            return Err(no_member(user, &team.team_id));
        }
        let without = |list: &[String]| list.iter().filter(|known| *known != user).cloned().collect::<Vec<_>>();
        let patch = TeamPatch {
            members_with_roles: Some(Json::Array(after).to_raw()),
            admins: Some(without(&team.admins)),
            members: Some(without(&team.members)),
            ..TeamPatch::default()
        };
        self.write(tx, actor, Action::Updated, &team.team_id, Some(team), &patch).await?;
        tx.table::<TeamMembershipRow>().delete([user, team.team_id.as_str()]).await?;
        let of_member = Filter::new().is("user_id", user.to_owned()).is("team_id", team.team_id.clone());
        self.remove_keys(tx, actor, of_member).await?;
        self.leave(tx, &team.team_id, user).await
    }
}

/// What is asked of a member's own budget.
fn own_budget(asked: &MemberBody) -> BudgetBody {
    BudgetBody {
        max_budget: asked.max_budget_in_team,
        budget_duration: asked.budget_duration.clone(),
        tpm_limit: asked.tpm_limit,
        rpm_limit: asked.rpm_limit,
        allowed_models: asked.allowed_models.clone(),
        temp_budget_increase: asked.temp_budget_increase,
        temp_budget_expiry: asked.temp_budget_expiry.clone(),
        ..BudgetBody::default()
    }
}

/// A manager gives a member no more than the team has.
fn within_team_budget(team: &TeamRow, standing: Standing, asked: &MemberBody) -> Outcome<()> {
    if standing == Standing::Admin {
        return Ok(());
    }
    if let (Some(Some(max)), Some(most)) = (asked.max_budget_in_team, team.max_budget)
        && max > most
    {
        let why = format!("max_budget_in_team ({max}) exceeds the team's max_budget ({most}).");
        return Err(bad(why).with_param("max_budget_in_team").into());
    }
    let list = ModelList::new(&team.models);
    let asked = asked.allowed_models.clone().flatten().unwrap_or_default();
    match asked.iter().find(|model| !list.allows_all() && !team.models.contains(model)) {
        Some(model) => {
            let why = format!("Model '{model}' is not in the team's models.");
            Err(bad(why).with_param("allowed_models").into())
        }
        None => Ok(()),
    }
}

fn already(user: &str) -> Error {
    Error::bad_request(format!("User {user} is already in the team."))
        .with_type("team_member_already_in_team")
        .with_param("member")
}

fn no_member(user: &str, team: &str) -> Problem {
    not_found(format!("User {user} is not a member of the team {team}")).with_param("user_id").into()
}
