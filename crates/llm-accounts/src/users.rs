//! Internal users: making and reading them. Call these on the store's runtime.

use chrono::Utc;
use llm_store::defaults::new_id;
use llm_store::{Filter, StoreError, TeamRow, UserPatch, UserRow};
use llm_types::{Error, Json};

use crate::audit::Action;
use crate::keys::rights::place;
use crate::keys::{Actor, bad, forbidden, not_found, reset, view};
use crate::request::{Map, Outcome, body};
use crate::{Accounts, Role};

body! {
    /// `/user/new`.
    struct UserBody {
        user_id: String,
        user_alias: String,
        user_email: String,
        user_role: String,
        models: Vec<String>,
        max_budget: f64,
        budget_duration: String,
        max_parallel_requests: i64,
        tpm_limit: i64,
        rpm_limit: i64,
        metadata: Map,
        allowed_cache_controls: Vec<String>,
        model_max_budget: Map,
        auto_create_key: bool,
    }
}

/// Fields of `/user/new` that go to the key which is made along.
const OF_KEY: &[&str] = &["key_alias", "duration", "team_id", "aliases", "blocked", "guardrails", "tags"];

impl Accounts {
    /// `POST /user/new`: makes a user, and a key for it unless `auto_create_key` is false.
    ///
    /// # Errors
    /// 400 for an unknown role or an id that exists; 500 without a database.
    pub async fn new_user(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        let asked = UserBody::read(body)?;
        let store = self.store_or_refuse()?;
        let role = asked.user_role.clone().flatten();
        if role.as_deref().is_some_and(|name| Role::parse(name).is_none()) {
            return Err(bad("Unknown user_role").with_param("user_role").into());
        }
        let id = asked.user_id.clone().flatten().filter(|id| !id.is_empty()).unwrap_or_else(new_id);
        if let Some(Some(email)) = &asked.user_email
            && store.table::<UserRow>().count(&Filter::new().is("user_email", email.clone())).await? > 0
        {
            return Err(bad(format!("User with email {email} already exists")).with_param("user_email").into());
        }
        let row = UserRow {
            user_id: id.clone(),
            user_role: role.or_else(|| Some("internal_user".to_owned())),
            ..UserRow::default()
        };
        let patch = self.user_patch(&asked)?;
        let mut tx = store.begin().await?;
        match tx.table::<UserRow>().insert(&row).await {
            Err(StoreError::Conflict(_)) => {
                return Err(bad(format!("User with id {id} already exists")).with_param("user_id").into());
            }
            done => done?,
        }
        tx.table::<UserRow>().update([id.as_str()], &patch).await?;
        let stored = tx.table::<UserRow>().get([id.as_str()]).await?;
        let stored = stored.ok_or_else(|| Error::internal("the new user is gone"))?;
        self.audit(tx.table(), actor, Action::Created, &id, None, Some(&stored)).await?;
        tx.commit().await?;
        let mut out = Json::Object(Vec::new());
        if asked.auto_create_key.flatten().unwrap_or(true) {
            let mut key = Json::object([("user_id", Json::from(id.as_str()))]);
            for name in OF_KEY {
                if let Some(value) = body.get(name) {
                    key.set(name, value.clone());
                }
            }
            out = self.generate_key(actor, &key).await?;
        }
        for (name, value) in view::row(&stored).as_object().unwrap_or_default() {
            out.set(name, value.clone());
        }
        Ok(out)
    }

    fn user_patch(&self, asked: &UserBody) -> Outcome<UserPatch> {
        let raw = |map: &Option<Option<Map>>| map.clone().flatten().map(|m| m.0.to_raw());
        let mut patch = UserPatch {
            user_alias: asked.user_alias.clone(),
            user_email: asked.user_email.clone(),
            models: asked.models.clone().flatten(),
            max_budget: asked.max_budget,
            max_parallel_requests: asked.max_parallel_requests,
            tpm_limit: asked.tpm_limit,
            rpm_limit: asked.rpm_limit,
            metadata: raw(&asked.metadata),
            model_max_budget: raw(&asked.model_max_budget),
            allowed_cache_controls: asked.allowed_cache_controls.clone().flatten(),
            ..UserPatch::default()
        };
        if let Some(Some(duration)) = &asked.budget_duration {
            patch.budget_reset_at = Some(Some(reset(&self.reset_clock()?, duration, Utc::now())?));
            patch.budget_duration = Some(Some(duration.clone()));
        }
        Ok(patch)
    }

    /// `GET /user/info`: a user with keys and teams; the caller's own without an id.
    ///
    /// # Errors
    /// 403 for somebody else, 404 for an unknown user.
    pub async fn user_info(&self, actor: Actor<'_>, id: Option<&str>) -> Outcome<Json> {
        let sees_all = matches!(actor.who.role(), Some(Role::ProxyAdmin | Role::ProxyAdminViewer));
        let id = id
            .or_else(|| actor.who.user_id())
            .ok_or_else(|| bad("Name a user: this key has none.").with_param("user_id"))?;
        if !sees_all && actor.who.user_id() != Some(id) {
            return Err(forbidden("You are not allowed to see this user.").with_param("user_id").into());
        }
        let store = self.store_or_refuse()?;
        let user = store.table::<UserRow>().get([id]).await?;
        let keys = store.keys().find(Filter::new().is("user_id", id.to_owned())).await?;
        if user.is_none() && keys.is_empty() && !actor.who.is_master() {
            return Err(not_found(format!("User {id} not found")).with_param("user_id").into());
        }
        let teams = store.table::<TeamRow>().find(Filter::new()).await?;
        let own = teams.iter().filter(|t| place(t, id) != crate::keys::rights::Place::None);
        Ok(Json::object([
            ("user_id", Json::from(id)),
            ("user_info", user.as_ref().map(view::row).unwrap_or_default()),
            ("keys", Json::Array(keys.iter().map(view::row).collect())),
            ("teams", Json::Array(own.map(view::row).collect())),
        ]))
    }
}
