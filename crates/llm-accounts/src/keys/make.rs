//! Making keys.

use chrono::Utc;
use llm_store::{BudgetRow, OrganizationRow, StoreError, TeamRow, VerificationToken};
use llm_types::letter::Occasion;
use llm_types::{Error, Json, Kind};

use super::body::{IN_METADATA, KeyBody};
use super::bounds::{Ask, acts_as_another, routes_asked};
use super::rights::{Act, Place, place};
use super::{Actor, bad, fill, forbidden, throughput, view};
use crate::audit::Action;
use crate::digest::{masked, new_key};
use crate::load::END_USER_BUDGET;
use crate::request::{Given, Outcome, metadata};
use crate::{Accounts, KeyDigest, Role};

/// A key that callers bring must be at least this long.
const SHORTEST_KEY: usize = 16;

impl Accounts {
    /// `POST /key/generate`: makes a key and tells it, this once. `body` is the body as it came.
    ///
    /// # Errors
    /// 400, 403 and 422 as LiteLLM answers them; 500 without a database.
    pub async fn generate_key(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let given = body;
        let body = self.filled(actor, given).await?;
        let mut asked = KeyBody::read(&body)?;
        self.org_admins_may_make_keys(actor.who).await?;
        self.may_generate(actor.who, given).await?;
        self.may_make(actor, &mut asked, Act::Generate).await?;
        self.inherit_rates(actor.who, &mut asked).await?;
        self.no_more_than(actor.who, Ask { body: &body, asked: &asked, row: None, now: Utc::now() }).await?;
        self.make_key(actor, &body, &asked).await
    }

    /// `POST /key/service-account/generate`: a key of a team and of nobody.
    ///
    /// # Errors
    /// 400 without a team; otherwise as [`Accounts::generate_key`].
    pub async fn generate_service_key(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let given = body;
        let body = self.filled(actor, given).await?;
        let mut asked = KeyBody::read(&body)?;
        let Some(team) = asked.team_id.clone().flatten() else {
            return Err(bad("team_id is required for service account keys.").with_param("team_id").into());
        };
        if asked.user_id.clone().flatten().is_some() {
            return Err(bad("A service account's key has no user: leave out user_id.").with_param("user_id").into());
        }
        if self.store_or_refuse()?.table::<TeamRow>().get([team.as_str()]).await?.is_none() && actor.who.is_admin() {
            return Err(bad(format!("Team not found, passed team_id={team}")).with_param("team_id").into());
        }
        self.org_admins_may_make_keys(actor.who).await?;
        self.may_generate(actor.who, given).await?;
        self.may_make(actor, &mut asked, Act::GenerateForService).await?;
        asked.user_id = None;
        self.inherit_rates(actor.who, &mut asked).await?;
        self.no_more_than(actor.who, Ask { body: &body, asked: &asked, row: None, now: Utc::now() }).await?;
        self.make_key(actor, &body, &asked).await
    }

    /// The first key of a user who was just made by somebody who may do that, with no more than that user has.
    ///
    /// # Errors
    /// As [`Accounts::generate_key`].
    pub(crate) async fn generate_first_key(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let body = self.filled(actor, body).await?;
        let mut asked = KeyBody::read(&body)?;
        self.inherit_rates(actor.who, &mut asked).await?;
        self.make_key(actor, &body, &asked).await
    }

    /// Checks the first key of a user before the user is made, so that nobody is left without it.
    ///
    /// # Errors
    /// As [`Accounts::generate_key`].
    pub(crate) async fn first_key_is_fine(&self, actor: Actor<'_>, body: &Json) -> Outcome<()> {
        let mut body = body.clone();
        self.inherit_entries(actor.who, &mut body).await?;
        let body = &body;
        let asked = KeyBody::read(body)?;
        let now = Utc::now();
        self.no_more_than(actor.who, Ask { body, asked: &asked, row: None, now }).await?;
        if let Some(team) = asked.team_id.clone().flatten()
            && !actor.who.is_admin()
            && !self.may_on_team(actor.who, &team, Act::Generate).await?
        {
            return Err(forbidden("You may not make keys for this team.").into());
        }
        if let Some(Some(alias)) = &asked.key_alias {
            self.alias_is_free(alias, None).await?;
        }
        self.key_grants(actor.who, &asked, None).await?;
        fill::patch(&asked, None, &self.reset_clock()?, now).map(drop)
    }

    /// The body of a new key with what it does not say: the defaults of the gateway, and limits of the key that makes it.
    async fn filled(&self, actor: Actor<'_>, given: &Json) -> Outcome<Json> {
        let settings = self.settings();
        let ceilings = settings.upperbound_key_generate_params.as_ref();
        let mut body = fill::bounded(given, settings.default_key_generate_params.as_ref(), ceilings)?;
        self.inherit_entries(actor.who, &mut body).await?;
        Ok(body)
    }

    /// Refuses a budget for end users that is not there.
    pub(super) async fn lends_a_budget(&self, body: &Json) -> Outcome<()> {
        let within = body.get("metadata").and_then(|metadata| metadata.text(END_USER_BUDGET));
        let Some(id) = body.text(END_USER_BUDGET).or(within).filter(|id| !id.is_empty()) else { return Ok(()) };
        if self.store_or_refuse()?.table::<BudgetRow>().get([id]).await?.is_none() {
            let why = format!("{END_USER_BUDGET}={id} does not match any budget.");
            return Err(bad(why).with_param(END_USER_BUDGET).into());
        }
        Ok(())
    }

    /// Refuses a budget or an organization that is not there: a slip of the pen would make a key without its limits.
    pub(super) async fn stands_on_what_is_there(&self, asked: &KeyBody) -> Outcome<()> {
        fn named(id: &Given<String>) -> Option<&str> {
            id.as_ref().and_then(Option::as_deref).filter(|id| !id.is_empty())
        }
        let store = self.store_or_refuse()?;
        let missing =
            |field: &'static str, id: &str| Err(bad(format!("{field}={id} is not there.")).with_param(field).into());
        if let Some(id) = named(&asked.budget_id)
            && store.table::<BudgetRow>().get([id]).await?.is_none()
        {
            return missing("budget_id", id);
        }
        if let Some(id) = named(&asked.organization_id)
            && store.table::<OrganizationRow>().get([id]).await?.is_none()
        {
            return missing("organization_id", id);
        }
        Ok(())
    }

    async fn make_key(&self, actor: Actor<'_>, body: &Json, asked: &KeyBody) -> Outcome<Json> {
        let (settings, store, now) = (self.settings(), self.store_or_refuse()?, Utc::now());
        throughput::read(body)?;
        self.lends_a_budget(body).await?;
        self.stands_on_what_is_there(asked).await?;
        let key = self.custom_or_new(asked.key.clone().flatten())?;
        if let Some(Some(alias)) = &asked.key_alias {
            self.alias_is_free(alias, None).await?;
        }
        let metadata = self.sealed_metadata(metadata(body, IN_METADATA, &asked.metadata, Json::Object(Vec::new())))?;
        Box::pin(self.guarantee(Ask { body, asked, row: None, now }, metadata.as_ref())).await?;
        let mut patch = fill::patch(asked, metadata.as_ref(), &self.reset_clock()?, now)?;
        let grants = self.key_grants(actor.who, asked, None).await?;
        let hash = KeyDigest::of(&key).hex();
        let row = VerificationToken {
            token: hash.clone(),
            key_name: (!settings.disable_key_name).then(|| masked(&key)),
            created_by: actor.name(),
            updated_by: actor.name(),
            ..VerificationToken::default()
        };
        let mut tx = store.begin().await?;
        let usual = settings.default_soft_budget.filter(|_| asked.budget_id.clone().flatten().is_none());
        let soft = asked.soft_budget.or_else(|| usual.map(Some));
        patch.budget_id = self.link_soft_budget(&mut tx, actor, (&asked.budget_id, soft), None).await?;
        patch.object_permission_id = self.link_grants(&mut tx, actor, grants.as_ref(), None).await?;
        match tx.keys().insert(&row).await {
            Err(StoreError::Conflict(_)) => return Err(bad("This key exists already.").with_param("key").into()),
            done => done?,
        }
        tx.keys().update([hash.as_str()], &patch).await?;
        let stored = tx.keys().get_by_hash(&hash).await?.ok_or_else(|| Error::internal("the new key is gone"))?;
        self.audit(tx.table(), actor, Action::Created, &hash, None, Some(&stored)).await?;
        tx.commit().await?;
        self.forget_hash(&hash);
        self.copy_new_key(&stored, &key).await;
        let letter = asked.send_invite_email.flatten() == Some(true);
        self.write_about_key(&stored, &key, Occasion::KeyCreated, letter);
        let mut made = view::made(&key, &stored, asked.duration.as_ref().and_then(Option::as_deref));
        made.set("soft_budget", soft.flatten());
        self.with_grants(made).await
    }

    /// Whether the caller may make this key; names the owner where the body names none.
    async fn may_make(&self, actor: Actor<'_>, asked: &mut KeyBody, act: Act) -> Outcome<()> {
        let who = actor.who;
        let team = asked.team_id.clone().flatten();
        if who.is_admin() {
            return Ok(());
        }
        if !matches!(who.role(), Some(Role::InternalUser | Role::OrgAdmin)) {
            return Err(forbidden("Your role may not make keys.").into());
        }
        let own = who.user_id().map(str::to_owned);
        let Some(own) = own else { return Err(forbidden("A key without a user may not make keys.").into()) };
        let owner = asked.user_id.clone().flatten().unwrap_or_else(|| own.clone());
        if let Some(team) = team {
            if !self.may_on_team(who, &team, act).await? {
                return Err(forbidden("You may not make keys for this team.").into());
            }
            if owner != own && !self.member_of(&team, &owner).await? {
                return Err(forbidden("The key's user is not a member of the team.").into());
            }
        } else if owner != own {
            return Err(forbidden("User can only create keys for themselves.").with_param("user_id").into());
        }
        if owner != own {
            if routes_asked(asked).flatten().is_none_or(|routes| routes.is_empty()) {
                asked.allowed_routes = Some(Some(vec!["llm_api_routes".to_owned()]));
            }
            acts_as_another(who, Some(&owner), &routes_asked(asked).flatten().unwrap_or_default())?;
        }
        asked.user_id = Some(Some(owner));
        Ok(())
    }

    async fn member_of(&self, team: &str, user: &str) -> Outcome<bool> {
        let row = self.store_or_refuse()?.table::<TeamRow>().get([team]).await?;
        Ok(row.is_some_and(|row| place(&row, user) != Place::None))
    }

    /// The key that the caller brings, if it may, or a new one.
    pub(super) fn custom_or_new(&self, asked: Option<String>) -> Outcome<String> {
        let Some(key) = asked else { return Ok(new_key()) };
        if self.settings().disable_custom_api_keys {
            let why = "Custom API key values are disabled by your administrator. Keys must be auto-generated.";
            return Err(Error::new(Kind::PermissionDenied, why).with_type("auth_error").with_param("key").into());
        }
        if !key.starts_with("sk-") {
            return Err(bad("Invalid key format. LiteLLM Virtual Key must start with 'sk-'.").with_param("key").into());
        }
        if key.chars().count() < SHORTEST_KEY {
            let why = format!("Invalid key. Custom keys must be at least {SHORTEST_KEY} characters long.");
            return Err(bad(why).with_param("key").into());
        }
        Ok(key)
    }

    pub(super) async fn alias_is_free(&self, alias: &str, except: Option<&str>) -> Outcome<()> {
        if let Some(rule) = &self.settings().alias_rule {
            rule.check(alias)?;
        }
        if self.store_or_refuse()?.keys().alias_taken(alias, except).await? {
            let why =
                format!("Key with alias '{alias}' already exists. Unique key aliases across all keys are required.");
            return Err(bad(why).with_param("key_alias").into());
        }
        Ok(())
    }
}
