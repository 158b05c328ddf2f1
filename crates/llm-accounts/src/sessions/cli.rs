//! Logins of command lines: a person gets a key for the program on their machine, as LiteLLM's client asks for it.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use llm_store::{TeamRow, UserRow, VerificationToken};
use llm_types::{Error, Kind, Secret};

use super::session::row_of;
use crate::audit::Action;
use crate::digest::new_key;
use crate::keys::Actor;
use crate::request::Outcome;
use crate::{Accounts, refusal};

impl Accounts {
    /// The teams that somebody may choose one of for their key, in order.
    ///
    /// # Errors
    /// 401 for people who are gone or disabled.
    pub async fn cli_teams(&self, user: &str) -> Outcome<Vec<TeamRow>> {
        let row = self.cli_user(user).await?;
        let mut teams = self.store_or_refuse()?.table::<TeamRow>().get_many(&row.teams).await?;
        teams.sort_by(|one, other| one.team_id.cmp(&other.team_id));
        Ok(teams)
    }

    /// A key of somebody, in one of their teams or in none, and when it ends (`LITELLM_CLI_JWT_EXPIRATION_HOURS`).
    ///
    /// # Errors
    /// 401 for people who are gone or disabled, 403 for a team that is not theirs.
    pub async fn cli_key(&self, user: &str, team: Option<&str>) -> Outcome<(Secret, DateTime<Utc>)> {
        let row = self.cli_user(user).await?;
        if team.is_some_and(|team| !row.teams.iter().any(|own| own == team)) {
            let why = "User does not belong to this team";
            return Err(Error::new(Kind::PermissionDenied, why).with_type("auth_error").with_param("team_id").into());
        }
        let key = new_key();
        let length = TimeDelta::from_std(self.settings().login.cli_session).unwrap_or_else(|_| TimeDelta::days(1));
        let ends = Utc::now() + length;
        let kept = VerificationToken { team_id: team.map(str::to_owned), ..row_of(&key, &row.user_id, ends) };
        let who = self.oneself(&row.user_id);
        let actor = Actor { who: &who, changed_by: None };
        let mut tx = self.store_or_refuse()?.begin().await?;
        tx.keys().insert(&kept).await?;
        self.audit(tx.table(), actor, Action::Created, &kept.token, None, Some(&kept)).await?;
        tx.commit().await?;
        Ok((Secret::new(key), ends))
    }

    /// Counts somebody's try at a code, and takes it off again when it is right.
    ///
    /// # Errors
    /// 429 after too many.
    pub async fn try_code(&self, source: Option<IpAddr>, what: &str, right: bool) -> Outcome<()> {
        self.count_attempt(source, what).await?;
        if right {
            self.right_attempt(source, what).await;
        }
        Ok(())
    }

    async fn cli_user(&self, user: &str) -> Outcome<UserRow> {
        let row = self.store_or_refuse()?.table::<UserRow>().get([user]).await?;
        match row {
            Some(row) if !super::profile::inactive(&row) => Ok(row),
            _ => Err(refusal::inactive_user().into()),
        }
    }
}
