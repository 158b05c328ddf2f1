//! People who are made by an identity provider: what they get that nobody asked for (`default_internal_user_params`).

use llm_store::{StoreTx, UserPatch, UserRow};
use llm_types::Json;

use super::body::UserBody;
use super::make::joins;
use crate::audit::Action;
use crate::keys::Actor;
use crate::request::Outcome;
use crate::stored::settings::Defaults;
use crate::{Accounts, Role};

impl Accounts {
    /// What newcomers get, as it is now.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn newcomers_defaults(&self, tx: &mut StoreTx) -> Outcome<Json> {
        self.defaults_in_force(Defaults::Users, tx.table()).await
    }

    /// The role of people whose role nobody says.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn newcomers_role(&self, tx: &mut StoreTx) -> Outcome<String> {
        let defaults = self.newcomers_defaults(tx).await?;
        let role = defaults.text("user_role").and_then(Role::parse);
        Ok(role.unwrap_or(Role::InternalUserViewer).name().to_owned())
    }

    /// Refuses defaults that nobody could be made with. Gives back the teams that they name.
    ///
    /// # Errors
    /// As making a user.
    pub(crate) fn check_newcomers(&self, defaults: &Json) -> Outcome<Vec<String>> {
        let asked = UserBody::read(defaults)?;
        self.user_patch(defaults, &asked, Json::Object(Vec::new()))?;
        Ok(joins(&asked)?.into_iter().map(|join| join.team).collect())
    }

    /// Makes a user with the defaults of newcomers, then with what is known of them. The id must be free.
    ///
    /// # Errors
    /// When the defaults cannot be read, or the store fails.
    pub(crate) async fn newcomer(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        id: &str,
        known: UserPatch,
    ) -> Outcome<UserRow> {
        let empty = Json::Object(Vec::new());
        let mut defaults = self.newcomers_defaults(tx).await?;
        defaults.remove("user_role");
        let asked = UserBody::read(&defaults)?;
        let patch = self.user_patch(&defaults, &asked, empty)?;
        tx.table().insert(&UserRow { user_id: id.to_owned(), ..UserRow::default() }).await?;
        tx.table::<UserRow>().update([id], &patch).await?;
        let row = self.write(tx, actor, Action::Created, id, None, &known).await?;
        let joins = joins(&asked)?;
        for join in &joins {
            self.enter_team_as(tx, actor, &join.team, id, &join.role).await?;
        }
        if joins.is_empty() {
            return Ok(row);
        }
        Ok(tx.table::<UserRow>().get([id]).await?.unwrap_or(row))
    }
}
