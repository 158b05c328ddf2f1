//! What an identity provider says of a person becomes a user, and a session.

use llm_store::{Filter, StoreTx, UserPatch, UserRow};
use llm_types::{Error, Json, Kind};

use super::{Session, UiAccess};
use crate::audit::Action;
use crate::keys::Actor;
use crate::request::Outcome;
use crate::{Accounts, Role, refusal};

/// A person, as a provider whose word was checked describes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// The id at the provider.
    pub id: String,
    /// The address; none where the provider says that it is not the person's own.
    pub email: Option<String>,
    /// What to call them.
    pub name: Option<String>,
    /// A role of the gateway, by the provider's word.
    pub role: Option<String>,
    /// Ids of teams that they belong to.
    pub teams: Vec<String>,
    /// Groups, as `ui_access_mode` asks for them.
    pub groups: Vec<String>,
}

/// The roles that a provider may give.
const ROLES: [Role; 4] = [Role::ProxyAdmin, Role::ProxyAdminViewer, Role::InternalUser, Role::InternalUserViewer];

impl Accounts {
    /// Opens a session for somebody whom an identity provider sent, made with the defaults of newcomers when they are new.
    ///
    /// # Errors
    /// 401 for people who are disabled, 403 for those whom the settings keep out.
    pub async fn log_in_as(&self, profile: &Profile) -> Outcome<Session> {
        let row = self.arrive(profile).await?;
        self.open_session(row, "sso").await
    }

    /// The user that somebody is whom an identity provider sent, without a session.
    ///
    /// # Errors
    /// As [`Accounts::log_in_as`].
    pub async fn arrive(&self, profile: &Profile) -> Outcome<UserRow> {
        self.may_come(profile)?;
        let who = self.oneself(&profile.id);
        let actor = Actor { who: &who, changed_by: None };
        let there = match self.by_profile(profile).await? {
            // A place in a team or a role is not given to somebody who may not come in.
            Some(row) if inactive(&row) => return Err(refusal::inactive_user().into()),
            there => there,
        };
        let role = self.role_of(profile, there.as_ref().map(|row| row.user_id.as_str()));
        let mut tx = self.store_or_refuse()?.begin().await?;
        let (row, ended) = match there {
            Some(row) => {
                let changed = role.as_ref().filter(|role| row.user_role.as_ref() != Some(role));
                let patch = UserPatch {
                    user_role: changed.map(|role| Some(role.clone())),
                    sso_user_id: row.sso_user_id.is_none().then(|| Some(profile.id.clone())),
                    user_email: row.user_email.is_none().then(|| profile.email.clone()),
                    ..UserPatch::default()
                };
                let after = self.write(&mut tx, actor, Action::Updated, &row.user_id, Some(&row), &patch).await?;
                let ended = match changed {
                    Some(_) => self.end_sessions(&mut tx, actor, &row.user_id, None).await?,
                    None => Vec::new(),
                };
                (after, ended)
            }
            None => {
                let patch = self.newcomers_patch(&mut tx, profile, role).await?;
                (self.newcomer(&mut tx, actor, &profile.id, patch).await?, Vec::new())
            }
        };
        let mut teams = profile.teams.clone();
        teams.sort_unstable();
        for team in teams.iter().filter(|team| !row.teams.contains(team)) {
            self.enter_team(&mut tx, actor, team, &row.user_id).await?;
        }
        tx.commit().await?;
        ended.iter().for_each(|hash| self.forget_hash(hash));
        self.forget_user(&row.user_id);
        Ok(row)
    }

    /// Whether the settings let this person in at all.
    fn may_come(&self, profile: &Profile) -> Outcome<()> {
        let ways = self.settings();
        let login = &ways.login;
        let refuse = |why: &str| Err(Error::new(Kind::PermissionDenied, why).with_type("auth_error").into());
        if profile.id.trim().is_empty() {
            return refuse("The identity provider told no id.");
        }
        if !login.domains.is_empty() {
            let domain = profile.email.as_deref().and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain);
            let known = |domain: &str| login.domains.iter().any(|allowed| allowed.eq_ignore_ascii_case(domain));
            if !domain.is_some_and(known) {
                return refuse("The email domain is not in the list of allowed domains.");
            }
        }
        match &login.access {
            UiAccess::Group { group, .. } if !profile.groups.contains(group) => {
                refuse("User is not in the group that may use the UI (ui_access_mode).")
            }
            _ => Ok(()),
        }
    }

    /// The user whom the provider means: by its id, else by ours, else by the address.
    async fn by_profile(&self, profile: &Profile) -> Outcome<Option<UserRow>> {
        let store = self.store_or_refuse()?;
        let theirs = Filter::new().is("sso_user_id", profile.id.clone());
        if let Some(row) = store.table::<UserRow>().find(theirs).await?.into_iter().next() {
            return Ok(Some(row));
        }
        if let Some(row) = store.table::<UserRow>().get([profile.id.as_str()]).await? {
            return Ok(Some(row));
        }
        match &profile.email {
            Some(email) => self.by_address(email).await,
            None => Ok(None),
        }
    }

    /// The role that a login gives; none leaves it.
    fn role_of(&self, profile: &Profile, user: Option<&str>) -> Option<String> {
        let ways = self.settings();
        let admin = ways.login.admin_id.as_deref();
        if admin.is_some_and(|admin| admin == profile.id || Some(admin) == user) {
            return Some(Role::ProxyAdmin.name().to_owned());
        }
        let told = profile.role.as_deref().and_then(Role::parse).filter(|role| ROLES.contains(role));
        told.map(|role| role.name().to_owned())
    }

    async fn newcomers_patch(&self, tx: &mut StoreTx, profile: &Profile, role: Option<String>) -> Outcome<UserPatch> {
        let ways = self.settings();
        let login = &ways.login;
        let defaults = self.newcomers_defaults(tx).await?;
        let says = |name: &str| defaults.get(name).is_some_and(|value| !value.is_null());
        let role = match role {
            Some(role) => role,
            None => self.newcomers_role(tx).await?,
        };
        let mut patch = UserPatch {
            user_email: Some(profile.email.clone()),
            user_alias: profile.name.clone().map(Some),
            user_role: Some(Some(role)),
            sso_user_id: Some(Some(profile.id.clone())),
            ..UserPatch::default()
        };
        if !says("max_budget") && login.newcomers_budget.is_some() {
            patch.max_budget = Some(login.newcomers_budget);
            patch.budget_duration = login.newcomers_budget_duration.clone().map(Some);
        }
        Ok(patch)
    }
}

/// True for people whom an identity provider has disabled.
pub(crate) fn inactive(row: &UserRow) -> bool {
    let metadata: Json = row.metadata.read().unwrap_or_default();
    metadata.get("scim_active").and_then(Json::as_bool) == Some(false)
}
