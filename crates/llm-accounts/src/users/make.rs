//! Making users.

use llm_store::defaults::new_id;
use llm_store::{Filter, OrganizationMembershipRow, OrganizationRow, StoreTx, UserRow};
use llm_types::Json;

use super::body::{OF_KEY, UserBody};
use crate::Accounts;
use crate::audit::Action;
use crate::grants::{self, Asked, Reach};
use crate::keys::{Actor, bad, forbidden, not_found, view};
use crate::members::Named;
use crate::purse::{Owner, nanos};
use crate::request::{Outcome, unless_taken};
use crate::rights::Standing;

/// A team that a new user joins.
pub(super) struct Joins {
    pub(super) team: String,
    pub(super) role: String,
}

impl Accounts {
    /// `POST /user/new`: makes a user, and a key for it unless `auto_create_key` is false. Administrators of an organization
    /// make users inside it.
    ///
    /// # Errors
    /// 400 for an unknown role or an id that exists; 403 for more than the caller may give; 500 without a database.
    pub async fn new_user(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = UserBody::read(body)?;
        let organizations = asked.organizations.clone().flatten().unwrap_or_default();
        let joins = joins(&asked)?;
        self.may_make_user(actor, &asked, &organizations).await?;
        for join in &joins {
            self.managed_team(actor, &join.team).await?;
        }
        let id = asked.user_id.clone().flatten().filter(|id| !id.is_empty()).unwrap_or_else(new_id);
        let key = first_key(body, &asked, &id, organizations.first());
        if let Some(key) = &key {
            self.first_key_is_fine(actor, key).await?;
        }
        let mut patch = self.user_patch(body, &asked, Json::Object(Vec::new()))?;
        let grants = self.user_grants(actor, organizations.first(), &asked).await?;
        patch.user_role = Some(asked.user_role.clone().flatten().or_else(|| Some("internal_user".to_owned())));
        if let Some(Some(password)) = &asked.password {
            patch.password = Some(Some(self.new_password(password).await?));
        }
        let mut tx = self.store_or_refuse()?.begin().await?;
        if let Some(Some(email)) = &asked.user_email {
            address_is_free(&mut tx, email, &id).await?;
        }
        let why = format!("User with id {id} already exists");
        unless_taken(tx.table().insert(&UserRow { user_id: id.clone(), ..UserRow::default() }).await, why, "user_id")?;
        patch.object_permission_id = self.link_grants(&mut tx, actor, grants.as_ref(), None).await?;
        let stored = self.write(&mut tx, actor, Action::Created, &id, None, &patch).await?;
        for organization in &organizations {
            self.join_organization(&mut tx, organization, &id).await?;
        }
        tx.commit().await?;
        for join in joins {
            let member = Named { user_id: Some(id.clone()), user_email: None, role: join.role };
            self.add_to_team(actor, &join.team, &member).await?;
        }
        let mut out = Json::Object(Vec::new());
        if let Some(key) = key {
            out = self.generate_first_key(actor, &key).await?;
        }
        let stored = self.store_or_refuse()?.table::<UserRow>().get([id.as_str()]).await?.unwrap_or(stored);
        if asked.send_invite_email.flatten() == Some(true) {
            self.invite_by_letter(actor, &stored).await;
        }
        for (name, value) in self.with_grants(view::row(&stored)).await?.as_object().unwrap_or_default() {
            out.set(name, value.clone());
        }
        Ok(out)
    }

    /// What is to be written as the object permissions of a new user: administrators of an organization give what it has.
    async fn user_grants(
        &self,
        actor: Actor<'_>,
        organization: Option<&String>,
        asked: &UserBody,
    ) -> Outcome<Option<Asked>> {
        let given = grants::asked(&asked.object_permission)?;
        if actor.who.is_admin() {
            return Ok(given);
        }
        let organization = match organization {
            Some(id) => self.organization_grants(id).await?,
            None => None,
        };
        let own = actor.who.grants();
        let reach = Reach {
            limits: [&own.key, &own.user].into_iter().filter_map(|row| row.as_deref()).collect(),
            sources: organization.iter().collect(),
            ..Reach::default()
        };
        reach.within(given.as_ref(), true)
    }

    async fn join_organization(&self, tx: &mut StoreTx, organization: &str, user: &str) -> Outcome<()> {
        if tx.table::<OrganizationRow>().get([organization]).await?.is_none() {
            let why = format!("Organization not found, passed organization_id={organization}");
            return Err(not_found(why).with_param("organizations").into());
        }
        let row = OrganizationMembershipRow {
            user_id: user.to_owned(),
            organization_id: organization.to_owned(),
            user_role: Some("internal_user".to_owned()),
            ..OrganizationMembershipRow::default()
        };
        Ok(tx.table().put(&row).await?)
    }

    /// What an administrator of an organization may make: people inside it, with no more than they have themselves.
    async fn may_make_user(&self, actor: Actor<'_>, asked: &UserBody, organizations: &[String]) -> Outcome<()> {
        let who = actor.who;
        if who.is_admin() {
            return Ok(());
        }
        if organizations.is_empty() {
            let why = "Only proxy admins can make users outside of organizations: name yours in `organizations`.";
            return Err(forbidden(why).with_param("organizations").into());
        }
        for id in organizations {
            if self.standing_in_organization(who, id).await? < Standing::OrgAdmin {
                return Err(forbidden("You do not administer this organization.").with_param("organizations").into());
            }
        }
        let refuse = |what: &'static str| -> Outcome<()> {
            Err(forbidden(format!("You may not give a user this `{what}`.")).with_param(what).into())
        };
        if !matches!(
            asked.user_role.clone().flatten().as_deref(),
            None | Some("internal_user" | "internal_user_viewer")
        ) {
            return refuse("user_role");
        }
        if asked.spend.flatten().is_some_and(|spend| spend != 0.0) {
            return refuse("spend");
        }
        let cap =
            who.bounds.budgets.iter().filter(|b| matches!(b.owner, Owner::Key | Owner::User)).filter_map(|b| b.cap);
        if let Some(cap) = cap.map(|cap| cap.max).min()
            && asked.max_budget.flatten().is_none_or(|max| nanos(max) > cap)
        {
            return refuse("max_budget");
        }
        let own = self.store_or_refuse()?.table::<UserRow>().get([who.user_id().unwrap_or_default()]).await?;
        let own = own.unwrap_or_default();
        for (name, given, most) in [
            ("tpm_limit", asked.tpm_limit, own.tpm_limit),
            ("rpm_limit", asked.rpm_limit, own.rpm_limit),
            ("max_parallel_requests", asked.max_parallel_requests, own.max_parallel_requests),
        ] {
            if let Some(most) = most
                && given.flatten().is_none_or(|given| given > most)
            {
                return refuse(name);
            }
        }
        let directory = who.directory.load();
        let models = asked.models.clone().flatten().unwrap_or_default();
        let lists = [Some(&who.lists.key).filter(|list| !list.is_teams()), who.lists.user.as_ref()];
        let fine = lists.into_iter().flatten().filter(|list| !list.allows_all()).all(|list| {
            !crate::ModelList::new(&models).allows_all() && models.iter().all(|model| list.allows(model, &directory))
        });
        if fine { Ok(()) } else { refuse("models") }
    }
}

/// Refuses an address that another user has.
///
/// # Errors
/// 400 for one that is taken.
pub(super) async fn address_is_free(tx: &mut StoreTx, email: &str, user: &str) -> Outcome<()> {
    let taken = Filter::new().is("user_email", email.to_owned()).is_not("user_id", user.to_owned());
    if tx.table::<UserRow>().count(&taken).await? > 0 {
        return Err(bad(format!("User with email {email} already exists")).with_param("user_email").into());
    }
    Ok(())
}

/// The body of the key that is made along; none when none is wanted.
fn first_key(body: &Json, asked: &UserBody, id: &str, organization: Option<&String>) -> Option<Json> {
    if asked.auto_create_key.flatten() == Some(false) {
        return None;
    }
    let mut key = Json::object([("user_id", id)]);
    for name in OF_KEY {
        if let Some(value) = body.get(name) {
            key.set(name, value.clone());
        }
    }
    if let Some(organization) = organization {
        key.set("organization_id", organization.as_str());
    }
    Some(key)
}

/// `teams`: ids, or objects with `team_id` and `user_role`.
pub(super) fn joins(asked: &UserBody) -> Outcome<Vec<Joins>> {
    let Some(Some(teams)) = &asked.teams else { return Ok(Vec::new()) };
    let one = |json: &Json| {
        let text = |name: &str| json.text(name).map(str::to_owned);
        let team = json.as_str().map(str::to_owned).or_else(|| text("team_id"));
        let role = text("user_role").unwrap_or_else(|| "user".to_owned());
        let team = team.ok_or_else(|| bad("`teams` is a list of team ids").with_param("teams"))?;
        if !["admin", "user"].contains(&role.as_str()) {
            return Err(bad(format!("Unknown role in a team: {role}")).with_param("teams").into());
        }
        Ok(Joins { team, role })
    };
    teams.as_array().unwrap_or_default().iter().map(one).collect()
}
