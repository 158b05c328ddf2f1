//! SCIM's calls on users.

use llm_store::{Filter, StoreTx, TeamRow, UserPatch, UserRow};
use llm_types::Json;

use super::fault::Fault;
use super::list::{self, Narrow};
use super::user::{self, Asked};
use super::{ScimQuery, patch, shown};
use crate::audit::Action;
use crate::keys::Actor;
use crate::request::Outcome;
use crate::{Accounts, PROXY_BUDGET_USER};

/// Where the store can look for a filter's attribute.
const NARROW: &[Narrow] = &[
    Narrow {
        attribute: &["userName"],
        columns: &["user_email", "user_id"],
        json: Some(("metadata", &["scim_metadata", "userName"])),
    },
    Narrow { attribute: &["emails", "value"], columns: &["user_email"], json: None },
    Narrow { attribute: &["emails"], columns: &["user_email"], json: None },
    Narrow { attribute: &["externalId"], columns: &["sso_user_id"], json: None },
    Narrow { attribute: &["id"], columns: &["user_id"], json: None },
];

impl Accounts {
    /// `GET /scim/v2/Users`.
    ///
    /// # Errors
    /// 400 for a filter that is none.
    pub async fn scim_users(&self, query: &ScimQuery) -> Outcome<Json> {
        let people = || Filter::new().is_not("user_id", PROXY_BUDGET_USER);
        let mut rows = self.store_or_refuse()?.table::<UserRow>();
        let Some(text) = &query.filter else {
            let found = rows.list(&list::window(people(), query)).await?;
            let teams = self.teams_of(&found.rows).await?;
            let told = found.rows.iter().map(|row| shown(user::told(row, &teams), query));
            return Ok(list::answer(told.collect(), found.total, query));
        };
        let filter = super::path::filter(text)?;
        let wider = list::narrowed(&filter, NARROW).map_or_else(people, |wider| people().one_of(vec![wider]));
        let found = rows.rows(&list::all(wider)).await?;
        let teams = self.teams_of(&found).await?;
        let fits = found.iter().filter(|row| filter.fits(&user::searched(row, &teams)));
        let told: Vec<Json> = fits.map(|row| shown(user::told(row, &teams), query)).collect();
        Ok(list::cut(told, query))
    }

    /// `GET /scim/v2/Users/{id}`.
    ///
    /// # Errors
    /// 404 for an unknown user.
    pub async fn scim_user(&self, id: &str, query: &ScimQuery) -> Outcome<Json> {
        let row = self.store_or_refuse()?.table::<UserRow>().get([id]).await?;
        let row = row.filter(|row| row.user_id != PROXY_BUDGET_USER).ok_or_else(|| Fault::missing("User", id))?;
        Ok(shown(self.told(&row).await?, query))
    }

    /// `POST /scim/v2/Users`. Somebody who is here already under the address is taken over under their own id, as LiteLLM
    /// does: keys, teams and spend stand on it.
    ///
    /// # Errors
    /// 409 for a name that is taken, 400 for what cannot be read.
    pub async fn scim_new_user(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = user::read(body)?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        let named = vec![
            Filter::new().is("user_id", asked.user_name.clone()),
            Filter::new().json_field("metadata", &["scim_metadata", "userName"], asked.user_name.clone()),
        ];
        if tx.table::<UserRow>().count(&Filter::new().one_of(named)).await? > 0 {
            let why = format!("User already exists with username: {}", asked.user_name);
            return Err(Fault::taken(why).into());
        }
        let there = self.here_already(&mut tx, &asked).await?;
        let row = match there {
            Some(row) => self.keep(&mut tx, actor, &row, &asked).await?,
            None => {
                let id = asked.user_name.clone();
                let mut patch = asked.patch(Json::Object(Vec::new()));
                patch.user_role = Some(Some(self.newcomers_role(&mut tx).await?));
                is_free(&mut tx, &asked, &id).await?;
                self.newcomer(&mut tx, actor, &id, patch).await?
            }
        };
        if !asked.groups.is_empty() {
            self.move_to(&mut tx, actor, &row, &asked.groups).await?;
        }
        self.admin_by_group(&mut tx, actor, std::slice::from_ref(&row.user_id)).await?;
        tx.commit().await?;
        self.forget_user(&row.user_id);
        self.scim_user(&row.user_id, &ScimQuery::default()).await
    }

    /// `PUT /scim/v2/Users/{id}`: the user becomes what the body says; `active` and groups stay where it says nothing.
    ///
    /// # Errors
    /// 404 for an unknown user, 409 for an `externalId` that somebody has, 400 for what cannot be read.
    pub async fn scim_put_user(&self, actor: Actor<'_>, id: &str, body: &Json) -> Outcome<Json> {
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = locked(&mut tx, id).await?;
        let asked = user::read(body)?;
        self.replace(tx, actor, &row, &asked, false).await
    }

    /// `PATCH /scim/v2/Users/{id}`.
    ///
    /// # Errors
    /// As [`Accounts::scim_put_user`], and for operations that cannot be done.
    pub async fn scim_patch_user(&self, actor: Actor<'_>, id: &str, body: &Json) -> Outcome<Json> {
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = locked(&mut tx, id).await?;
        let teams = tx.table::<TeamRow>().get_many(&row.teams).await?;
        let mut resource = user::resource(&row, &teams);
        patch::apply(&mut resource, body)?;
        let asked = user::read(&resource)?;
        self.replace(tx, actor, &row, &asked, true).await
    }

    async fn replace(
        &self,
        mut tx: StoreTx,
        actor: Actor<'_>,
        row: &UserRow,
        asked: &Asked,
        empties: bool,
    ) -> Outcome<Json> {
        self.keep(&mut tx, actor, row, asked).await?;
        let ended = match asked.active {
            Some(false) => self.end_sessions(&mut tx, actor, &row.user_id, None).await?,
            _ => Vec::new(),
        };
        // Providers that tell groups by themselves send an empty list along with everything else.
        if empties || !asked.groups.is_empty() {
            self.move_to(&mut tx, actor, row, &asked.groups).await?;
        }
        self.admin_by_group(&mut tx, actor, std::slice::from_ref(&row.user_id)).await?;
        tx.commit().await?;
        ended.iter().for_each(|hash| self.forget_hash(hash));
        self.forget_user(&row.user_id);
        self.scim_user(&row.user_id, &ScimQuery::default()).await
    }

    /// `DELETE /scim/v2/Users/{id}`: the user with keys and memberships.
    ///
    /// # Errors
    /// 404 for an unknown user.
    pub async fn scim_delete_user(&self, actor: Actor<'_>, id: &str) -> Outcome<Json> {
        if self.store_or_refuse()?.table::<UserRow>().get([id]).await?.is_none() || id == PROXY_BUDGET_USER {
            return Err(Fault::missing("User", id).into());
        }
        let ids = Json::Array(vec![Json::from(id)]);
        self.delete_users(actor, &Json::object([("user_ids", ids)])).await?;
        Ok(Json::Null)
    }

    async fn told(&self, row: &UserRow) -> Outcome<Json> {
        let teams = self.store_or_refuse()?.table::<TeamRow>().get_many(&row.teams).await?;
        Ok(user::told(row, &teams))
    }

    async fn teams_of(&self, rows: &[UserRow]) -> Outcome<Vec<TeamRow>> {
        let mut ids: Vec<String> = rows.iter().flat_map(|row| row.teams.iter().cloned()).collect();
        ids.sort_unstable();
        ids.dedup();
        Ok(self.store_or_refuse()?.table::<TeamRow>().get_many(&ids).await?)
    }

    /// Somebody who has the address and is here already.
    async fn here_already(&self, tx: &mut StoreTx, asked: &Asked) -> Outcome<Option<UserRow>> {
        let Some(email) = &asked.email else { return Ok(None) };
        Ok(tx.table::<UserRow>().find(Filter::new().is("user_email", email.clone())).await?.into_iter().next())
    }

    async fn keep(&self, tx: &mut StoreTx, actor: Actor<'_>, row: &UserRow, asked: &Asked) -> Outcome<UserRow> {
        is_free(tx, asked, &row.user_id).await?;
        let patch = asked.patch(row.metadata.read().unwrap_or_default());
        self.write(tx, actor, Action::Updated, &row.user_id, Some(row), &patch).await
    }

    /// Puts a user into these teams and takes it out of the others. Groups that are not here are passed over.
    async fn move_to(&self, tx: &mut StoreTx, actor: Actor<'_>, row: &UserRow, teams: &[String]) -> Outcome<()> {
        let mut wanted: Vec<String> = teams.to_vec();
        wanted.extend(row.teams.iter().cloned());
        wanted.sort_unstable();
        wanted.dedup();
        for team in wanted {
            match (teams.contains(&team), row.teams.contains(&team)) {
                (true, false) => self.enter_team(tx, actor, &team, &row.user_id).await?,
                (false, true) => self.leave_team(tx, actor, &team, &row.user_id).await?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// A user's row, locked until the transaction ends, so that two changes do not undo each other.
async fn locked(tx: &mut StoreTx, id: &str) -> Outcome<UserRow> {
    let touch = UserPatch { updated_at: Some(Some(chrono::Utc::now())), ..UserPatch::default() };
    let there = id != PROXY_BUDGET_USER && tx.table::<UserRow>().update([id], &touch).await?;
    let row = if there { tx.table::<UserRow>().get([id]).await? } else { None };
    row.ok_or_else(|| Fault::missing("User", id).into())
}

/// Refuses an address and an id at the provider that somebody else has.
async fn is_free(tx: &mut StoreTx, asked: &Asked, user: &str) -> Outcome<()> {
    for (column, value) in [("user_email", &asked.email), ("sso_user_id", &asked.external)] {
        let Some(value) = value else { continue };
        let taken = Filter::new().is(column, value.clone()).is_not("user_id", user.to_owned());
        if tx.table::<UserRow>().count(&taken).await? > 0 {
            let what = if column == "user_email" { "address" } else { "externalId" };
            return Err(Fault::taken(format!("Another user has this {what}: {value}")).into());
        }
    }
    Ok(())
}
