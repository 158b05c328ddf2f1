//! SCIM's calls on groups.

use llm_store::defaults::new_id;
use llm_store::{Filter, StoreTx, TeamRow, UserPatch, UserRow};
use llm_types::Json;

use super::fault::Fault;
use super::group::{self, Asked};
use super::list::{self, Narrow};
use super::{ScimQuery, patch, shown};
use crate::audit::Action;
use crate::keys::Actor;
use crate::request::Outcome;
use crate::{Accounts, Role};

/// Where the store can look for a filter's attribute.
const NARROW: &[Narrow] = &[
    Narrow { attribute: &["displayName"], columns: &["team_alias", "team_id"], json: None },
    Narrow { attribute: &["externalId"], columns: &[], json: Some(("metadata", &["scim_data", "externalId"])) },
    Narrow { attribute: &["id"], columns: &["team_id"], json: None },
];

impl Accounts {
    /// `GET /scim/v2/Groups`.
    ///
    /// # Errors
    /// 400 for a filter that is none.
    pub async fn scim_groups(&self, query: &ScimQuery) -> Outcome<Json> {
        let mut rows = self.store_or_refuse()?.table::<TeamRow>();
        let Some(text) = &query.filter else {
            let found = rows.list(&list::window(Filter::new(), query)).await?;
            let told = found.rows.iter().map(|row| shown(group::resource(row), query)).collect();
            return Ok(list::answer(told, found.total, query));
        };
        let filter = super::path::filter(text)?;
        let wider = list::narrowed(&filter, NARROW).unwrap_or_default();
        let found = rows.rows(&list::all(wider)).await?;
        let fits = found.iter().map(group::resource).filter(|resource| filter.fits(resource));
        Ok(list::cut(fits.map(|resource| shown(resource, query)).collect(), query))
    }

    /// `GET /scim/v2/Groups/{id}`.
    ///
    /// # Errors
    /// 404 for an unknown group.
    pub async fn scim_group(&self, id: &str, query: &ScimQuery) -> Outcome<Json> {
        let row = self.store_or_refuse()?.table::<TeamRow>().get([id]).await?;
        Ok(shown(group::resource(&row.ok_or_else(|| Fault::missing("Group", id))?), query))
    }

    /// `POST /scim/v2/Groups`: a team with `default_team_params`. Its id is `id`, else `externalId`, else made here.
    ///
    /// # Errors
    /// 409 for an id that exists, 400 for what cannot be read and for members who are not here.
    pub async fn scim_new_group(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = group::read(body)?;
        let id = asked.id.clone().or_else(|| asked.external.clone()).unwrap_or_else(new_id);
        let mut tx = self.store_or_refuse()?.begin().await?;
        if tx.table::<TeamRow>().get([id.as_str()]).await?.is_some() {
            return Err(Fault::taken(format!("Group already exists with ID: {id}")).into());
        }
        let row = self.default_team(&mut tx, actor, &id).await?;
        let patch = asked.patch(row.metadata.read().unwrap_or_default());
        self.write(&mut tx, actor, Action::Updated, &id, Some(&row), &patch).await?;
        self.finish_group(tx, actor, &id, &asked).await
    }

    /// `PUT /scim/v2/Groups/{id}`: name and members become what the body says.
    ///
    /// # Errors
    /// 404 for an unknown group, 400 for what cannot be read and for members who are not here.
    pub async fn scim_put_group(&self, actor: Actor<'_>, id: &str, body: &Json) -> Outcome<Json> {
        let asked = group::read(body)?;
        self.change_group(actor, id, |_| Ok(asked)).await
    }

    /// `PATCH /scim/v2/Groups/{id}`.
    ///
    /// # Errors
    /// As [`Accounts::scim_put_group`], and for operations that cannot be done.
    pub async fn scim_patch_group(&self, actor: Actor<'_>, id: &str, body: &Json) -> Outcome<Json> {
        let patched = |row: &TeamRow| {
            let mut resource = group::resource(row);
            patch::apply(&mut resource, body)?;
            group::read(&resource)
        };
        self.change_group(actor, id, patched).await
    }

    async fn change_group(
        &self,
        actor: Actor<'_>,
        id: &str,
        asked: impl FnOnce(&TeamRow) -> Result<Asked, Fault> + Send,
    ) -> Outcome<Json> {
        let mut tx = self.store_or_refuse()?.begin().await?;
        if tx.table::<TeamRow>().get([id]).await?.is_none() {
            return Err(Fault::missing("Group", id).into());
        }
        let row = self.locked_team(&mut tx, id).await?;
        let asked = asked(&row)?;
        let patch = asked.patch(row.metadata.read().unwrap_or_default());
        self.write(&mut tx, actor, Action::Updated, id, Some(&row), &patch).await?;
        self.finish_group(tx, actor, id, &asked).await
    }

    /// Members, roles that follow from them, and the answer.
    async fn finish_group(&self, mut tx: StoreTx, actor: Actor<'_>, id: &str, asked: &Asked) -> Outcome<Json> {
        let members = self.named_members(&mut tx, actor, id, &asked.members).await?;
        let moved = self.set_members(&mut tx, actor, id, &members).await?;
        self.admin_by_group(&mut tx, actor, &moved).await?;
        tx.commit().await?;
        moved.iter().for_each(|user| self.forget_user(user));
        self.forget_team(id);
        self.scim_group(id, &ScimQuery::default()).await
    }

    /// `DELETE /scim/v2/Groups/{id}`: the team with its keys and memberships.
    ///
    /// # Errors
    /// 404 for an unknown group.
    pub async fn scim_delete_group(&self, actor: Actor<'_>, id: &str) -> Outcome<Json> {
        let row = self.store_or_refuse()?.table::<TeamRow>().get([id]).await?;
        let row = row.ok_or_else(|| Fault::missing("Group", id))?;
        let roster: Json = row.members_with_roles.read().unwrap_or_default();
        let user = |member: &Json| member.text("user_id").map(str::to_owned);
        let left: Vec<String> = roster.as_array().unwrap_or_default().iter().filter_map(user).collect();
        self.remove_teams(actor, &[row]).await?;
        let mut tx = self.store_or_refuse()?.begin().await?;
        self.admin_by_group(&mut tx, actor, &left).await?;
        tx.commit().await?;
        left.iter().for_each(|user| self.forget_user(user));
        Ok(Json::Null)
    }

    /// The ids of the people that members name: by id, else by the id at the provider or the address. Somebody unknown is
    /// made, unless `scim_upsert_user` says otherwise.
    async fn named_members(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        team: &str,
        members: &[String],
    ) -> Outcome<Vec<String>> {
        let known = tx.table::<UserRow>().get_many(members).await?;
        let mut out = Vec::with_capacity(members.len());
        for member in members {
            if known.iter().any(|row| row.user_id == *member) {
                out.push(member.clone());
                continue;
            }
            let other = ["sso_user_id", "user_email"].map(|column| Filter::new().is(column, member.clone())).to_vec();
            let found = tx.table::<UserRow>().find(Filter::new().one_of(other)).await?;
            match found.as_slice() {
                [one] => out.push(one.user_id.clone()),
                [] if self.settings().scim_upsert_user => {
                    let role = self.newcomers_role(tx).await?;
                    let patch = UserPatch { user_role: Some(Some(role)), ..UserPatch::default() };
                    out.push(self.newcomer(tx, actor, member, patch).await?.user_id);
                }
                [] => return Err(Fault::value(format!("No user {member} for the group {team}")).into()),
                _ => return Err(Fault::value(format!("{member} names more than one user")).into()),
            }
        }
        out.sort_unstable();
        out.dedup();
        Ok(out)
    }

    /// With `scim_admin_group`: who is in that group is an administrator of the gateway, who is not has the role of
    /// newcomers. Without it roles stay.
    pub(super) async fn admin_by_group(&self, tx: &mut StoreTx, actor: Actor<'_>, users: &[String]) -> Outcome<()> {
        let Some(group) = &self.settings().scim_admin_group else { return Ok(()) };
        let newcomers = self.newcomers_role(tx).await?;
        for row in tx.table::<UserRow>().get_many(users).await? {
            let teams = tx.table::<TeamRow>().get_many(&row.teams).await?;
            let inside = teams.iter().any(|team| team.team_id == *group || team.team_alias.as_ref() == Some(group));
            let role = if inside { Role::ProxyAdmin.name() } else { newcomers.as_str() }.to_owned();
            if row.user_role.as_ref() != Some(&role) {
                let patch = UserPatch { user_role: Some(Some(role)), ..UserPatch::default() };
                self.write(tx, actor, Action::Updated, &row.user_id, Some(&row), &patch).await?;
            }
        }
        Ok(())
    }
}
