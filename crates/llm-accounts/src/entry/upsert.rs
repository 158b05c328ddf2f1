//! Users and teams that are made, or changed, because an identity provider speaks of them.

use llm_store::{Filter, TeamRow, UserRow};
use llm_types::{Error, Json, Result};

use super::said::Said;
use crate::identity::Rank;
use crate::keys::Actor;
use crate::members::Named;
use crate::request::Problem;
use crate::{Accounts, Identity, Role, refusal};

/// Who changed a row, in its `created_by` and in the trail of changes.
pub(super) const NAME: &str = "litellm_jwtauth";

/// The gateway itself: on a provider's word, or because it is time.
pub(crate) struct Agent {
    who: Identity,
    name: &'static str,
}

impl Agent {
    /// Under this name.
    pub(crate) fn new(accounts: &Accounts, name: &'static str) -> Self {
        let mut who = Identity::bare(Rank::Master, name, std::sync::Arc::clone(&accounts.inner().directory));
        who.role = Some(Role::ProxyAdmin);
        Self { who, name }
    }

    pub(crate) const fn actor(&self) -> Actor<'_> {
        Actor { who: &self.who, changed_by: Some(self.name) }
    }
}

/// A problem of a change as an error of the call that caused it.
pub(super) fn problem(problem: Problem) -> Error {
    match problem {
        Problem::Refused(error) => *error,
        fields @ Problem::Fields(_) => Error::internal(fields.text()),
    }
}

impl Accounts {
    /// The user that a provider speaks of: by id, by the id under which they log in, by an address that the provider vouches
    /// for.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn user_said(&self, said: &Said) -> Result<Option<UserRow>> {
        let Some(store) = self.store() else { return Ok(None) };
        let failed = |error| refusal::store(&error);
        if let Some(id) = &said.user_id {
            if let Some(row) = store.table::<UserRow>().get([id.as_str()]).await.map_err(failed)? {
                return Ok(Some(row));
            }
            let by_login = Filter::new().is("sso_user_id", id.clone());
            if let Some(row) = store.table::<UserRow>().find(by_login).await.map_err(failed)?.pop() {
                return Ok(Some(row));
            }
        }
        let Some(email) = said.email.as_ref().filter(|_| said.email_verified) else { return Ok(None) };
        let mut rows =
            store.table::<UserRow>().find(Filter::new().is("user_email", email.clone())).await.map_err(failed)?;
        Ok(if rows.len() == 1 { rows.pop() } else { None })
    }

    /// Makes the user that a provider speaks of.
    ///
    /// # Errors
    /// When the store fails, or a rule of the gateway forbids it.
    pub(super) async fn make_user(&self, said: &Said) -> Result<Option<UserRow>> {
        let Some(id) = said.user_id.as_deref().filter(|_| said.makes_user) else { return Ok(None) };
        let mut body = Json::object([("user_id", Json::from(id)), ("auto_create_key", Json::from(false))]);
        if let Some(email) = &said.email {
            body.set("user_email", email.as_str());
        }
        if let Some(role) = said.row_role.filter(|_| said.syncs) {
            body.set("user_role", role.name());
        }
        let agent = Agent::new(self, NAME);
        let mut made = self.new_user(agent.actor(), &body).await;
        if made.is_err() && said.email.is_some() && self.user_said(said).await?.is_none() {
            // The address may be another user's: this one goes without.
            body.remove("user_email");
            made = self.new_user(agent.actor(), &body).await;
        }
        match (made, self.user_said(said).await?) {
            // Made here, or by somebody else meanwhile.
            (_, Some(row)) => Ok(Some(row)),
            (Err(why), None) => Err(problem(why)),
            (Ok(_), None) => Err(Error::internal("a user that was made is not there")),
        }
    }

    /// Makes a team that a provider speaks of.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn make_team(&self, id: &str) -> Result<Option<TeamRow>> {
        let Some(store) = self.store() else { return Ok(None) };
        let body = Json::object([("team_id", id), ("team_alias", id)]);
        let made = self.new_team(Agent::new(self, NAME).actor(), &body).await;
        let row = store.table::<TeamRow>().get([id]).await.map_err(|error| refusal::store(&error))?;
        match (made, row) {
            (_, Some(row)) => Ok(Some(row)),
            (Err(why), None) => Err(problem(why)),
            (Ok(_), None) => Ok(None),
        }
    }

    /// Brings the row of a user to what the provider says: role, and the teams among those that are there.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn follow_provider(&self, said: &Said, user: &UserRow, teams: &[TeamRow]) -> Result<bool> {
        let agent = Agent::new(self, NAME);
        let mut changed = false;
        if let Some(role) = said.row_role.filter(|role| said.syncs && user.user_role.as_deref() != Some(role.name())) {
            let body = Json::object([("user_id", user.user_id.as_str()), ("user_role", role.name())]);
            self.update_user(agent.actor(), &body).await.map_err(problem)?;
            changed = true;
        }
        for team in teams.iter().filter(|team| (said.syncs || said.joins) && !user.teams.contains(&team.team_id)) {
            let member = Named { user_id: Some(user.user_id.clone()), user_email: None, role: "user".to_owned() };
            let joined = self.add_to_team(agent.actor(), &team.team_id, &member).await;
            match joined {
                Ok(()) => changed = true,
                // A member already, by the team's own row.
                Err(Problem::Refused(error)) if error.status() == 400 => {
                    tracing::debug!(%error, "a user did not join a team");
                }
                Err(why) => return Err(problem(why)),
            }
        }
        if said.syncs && !said.teams.ids.is_empty() {
            for left in user.teams.iter().filter(|id| !said.teams.ids.contains(id)) {
                let body = Json::object([("team_id", left.as_str()), ("user_id", user.user_id.as_str())]);
                match self.delete_team_member(agent.actor(), &body).await {
                    Ok(_) => changed = true,
                    Err(Problem::Refused(error)) if matches!(error.status(), 400 | 404) => {
                        tracing::warn!(%error, team = %left, "a user could not be taken off a team");
                    }
                    Err(why) => return Err(problem(why)),
                }
            }
        }
        Ok(changed)
    }
}
