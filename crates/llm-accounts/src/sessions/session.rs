//! Sessions: virtual keys that end by themselves.

use chrono::{DateTime, TimeDelta, Utc};
use llm_store::{Filter, StoreTx, UserRow, VerificationToken};
use llm_types::{Error, Json, Kind, Secret};

use super::profile::inactive;
use super::{SESSION_TEAM, read_token, write_token};
use crate::audit::Action;
use crate::digest::{masked, new_key};
use crate::identity::{Identity, Rank};
use crate::keys::Actor;
use crate::request::Outcome;
use crate::{Accounts, KeyDigest, Role, refusal};

/// Somebody who has just logged in.
#[derive(Debug)]
pub struct Session {
    /// The key.
    pub key: Secret,
    /// When it ends.
    pub ends: DateTime<Utc>,
    /// Whose it is.
    pub user: UserRow,
    /// `username_password` or `sso`.
    pub method: &'static str,
}

/// The row of a key that somebody gets who logs in.
pub(super) fn row_of(key: &str, user: &str, ends: DateTime<Utc>) -> VerificationToken {
    VerificationToken {
        token: KeyDigest::of(key).hex(),
        key_name: Some(masked(key)),
        user_id: Some(user.to_owned()),
        expires: Some(ends),
        created_by: Some(user.to_owned()),
        updated_by: Some(user.to_owned()),
        ..VerificationToken::default()
    }
}

impl Accounts {
    /// The key that signs tokens: the master key.
    ///
    /// # Errors
    /// 500 without one, as LiteLLM answers: then nobody logs in.
    pub fn signing_key(&self) -> Outcome<&Secret> {
        self.inner().signing.as_ref().filter(|key| !key.is_empty()).ok_or_else(|| {
            Error::internal(
                "Master Key not set for Proxy. Set general_settings.master_key or LITELLM_MASTER_KEY to log in.",
            )
            .with_type("auth_error")
            .with_param("master_key")
            .into()
        })
    }

    /// Somebody who acts in their own name, before they have a key.
    pub(super) fn oneself(&self, user: &str) -> Identity {
        let mut who = Identity::bare(Rank::Unchecked, "login", std::sync::Arc::clone(&self.inner().directory));
        who.caller.user_id = Some(user.into());
        who
    }

    /// Opens a session, when its owner may have one.
    ///
    /// # Errors
    /// 401 for people who are disabled, 403 for those whom `ui_access_mode` keeps out.
    pub(super) async fn open_session(&self, user: UserRow, method: &'static str) -> Outcome<Session> {
        let ways = self.settings();
        let login = &ways.login;
        if inactive(&user) {
            return Err(refusal::inactive_user().into());
        }
        let role = user.user_role.as_deref().and_then(Role::parse);
        if login.access == super::UiAccess::AdminOnly
            && !matches!(role, Some(Role::ProxyAdmin | Role::ProxyAdminViewer))
        {
            let why = "User not allowed to access proxy: ui_access_mode is admin_only.";
            return Err(Error::new(Kind::PermissionDenied, why).with_type("auth_error").into());
        }
        let key = new_key();
        let ends = Utc::now() + TimeDelta::from_std(login.session).unwrap_or_else(|_| TimeDelta::days(1));
        let row = VerificationToken {
            team_id: Some(SESSION_TEAM.to_owned()),
            max_budget: login.session_budget,
            ..row_of(&key, &user.user_id, ends)
        };
        let store = self.store_or_refuse()?;
        store.keys().insert(&row).await?;
        // Nobody comes back to those that are over.
        let over = Filter::new().is("user_id", user.user_id.clone()).is("team_id", SESSION_TEAM);
        store.keys().delete_where(&over.below("expires", Utc::now())).await?;
        Ok(Session { key: Secret::new(key), ends, user, method })
    }

    /// The token of a session, with LiteLLM's claims: what its pages find in their cookie.
    ///
    /// # Errors
    /// 500 without a master key.
    pub fn session_token(&self, session: &Session) -> Outcome<String> {
        let claims = self.session_claims(&session.user, session.key.expose(), session.method, session.ends);
        Ok(write_token(&claims, self.signing_key()?))
    }

    pub(super) fn session_claims(&self, user: &UserRow, key: &str, method: &str, ends: DateTime<Utc>) -> Json {
        let ways = self.settings();
        let login = &ways.login;
        let role = user.user_role.as_deref().unwrap_or(Role::InternalUserViewer.name());
        Json::object([
            ("user_id", Json::from(user.user_id.as_str())),
            ("key", Json::from(key)),
            ("user_email", Json::from(user.user_email.as_deref())),
            ("user_role", Json::from(role)),
            ("login_method", Json::from(method)),
            ("premium_user", Json::Bool(true)),
            ("auth_header_name", Json::from(login.key_header.as_deref().unwrap_or("Authorization"))),
            ("disabled_non_admin_personal_key_creation", Json::Bool(false)),
            ("server_root_path", Json::from(login.root_path.as_str())),
            ("password_reset_required", Json::Bool(user.password_reset_required == Some(true))),
            ("exp", Json::from(ends.timestamp())),
        ])
    }

    /// The key of the session that a token tells; nothing for other tokens.
    ///
    /// # Errors
    /// 500 without a master key.
    pub fn session_key(&self, token: &str) -> Outcome<Option<Secret>> {
        let claims = read_token(token, self.signing_key()?, Utc::now().timestamp());
        let key = claims.as_ref().and_then(|claims| claims.get("key")).and_then(Json::as_str);
        Ok(key.filter(|key| key.starts_with("sk-")).map(Secret::new))
    }

    /// `POST /session/logout`: ends the session that the caller shows.
    ///
    /// # Errors
    /// 403 for keys that are no sessions.
    pub async fn log_out(&self, who: &Identity) -> Outcome<Json> {
        let hash = who.key_hash().unwrap_or_default().to_owned();
        if who.team_id() != Some(SESSION_TEAM) {
            let why = "Only UI session tokens can be revoked through this endpoint.";
            return Err(Error::new(Kind::PermissionDenied, why).with_type("auth_error").into());
        }
        let actor = Actor { who, changed_by: None };
        let mut tx = self.store_or_refuse()?.begin().await?;
        let row = tx.keys().get_by_hash(&hash).await?;
        if let Some(row) = &row {
            self.audit(tx.table(), actor, Action::Deleted, &hash, Some(row), None).await?;
        }
        tx.keys().delete_with_copy(std::slice::from_ref(&hash), &actor.deleted_by()).await?;
        tx.commit().await?;
        self.forget_hash(&hash);
        Ok(Json::object([("message", "Session ended")]))
    }

    /// Ends the sessions of a user, but for one; call it where their password or role changes or they are disabled. The keys
    /// are to be forgotten when the transaction is through: their hashes come back.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn end_sessions(
        &self,
        tx: &mut StoreTx,
        actor: Actor<'_>,
        user: &str,
        except: Option<&str>,
    ) -> Outcome<Vec<String>> {
        let theirs = Filter::new().is("user_id", user.to_owned()).is("team_id", SESSION_TEAM);
        let rows = tx.keys().find(theirs).await?;
        let rows: Vec<VerificationToken> = rows.into_iter().filter(|row| Some(row.token.as_str()) != except).collect();
        for row in &rows {
            self.audit(tx.table(), actor, Action::Deleted, &row.token, Some(row), None).await?;
        }
        let hashes: Vec<String> = rows.into_iter().map(|row| row.token).collect();
        tx.keys().delete_with_copy(&hashes, &actor.deleted_by()).await?;
        Ok(hashes)
    }
}
