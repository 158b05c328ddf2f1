//! Logging in with a password, and changing it.

use std::net::IpAddr;

use chrono::Utc;
use llm_store::{Filter, UserPatch, UserRow};
use llm_types::{Error, Json, Kind, Secret};

use super::{Session, throttle};
use crate::audit::Action;
use crate::keys::{Actor, bad, forbidden};
use crate::passwords::{self, Verdict};
use crate::request::{Outcome, body, required};
use crate::{Accounts, KeyDigest, MASTER_USER_ID, Role};

/// Somebody who tries to log in.
#[derive(Debug)]
pub struct Attempt<'a> {
    /// From where.
    pub source: Option<IpAddr>,
    /// The name or address.
    pub name: &'a str,
    /// The password.
    pub password: &'a Secret,
}

body! {
    /// `/user/password/change`.
    struct PasswordBody {
        current_password: String,
        new_password: String,
    }
}

impl Accounts {
    /// Opens a session for the operator (`UI_USERNAME` and `UI_PASSWORD`, or the master key) or for a user with a password.
    ///
    /// # Errors
    /// 401 in the same words for an unknown name and a wrong password; 403 where passwords open nothing; 429 after too many.
    pub async fn log_in(&self, attempt: &Attempt<'_>) -> Outcome<Session> {
        let ways = self.settings();
        let login = &ways.login;
        if login.no_passwords {
            let why = "Username/password login is disabled because SSO is configured and 'disable_password_login_when_sso_enabled' is set. Sign in via SSO.";
            let error = Error::new(Kind::PermissionDenied, why).with_type("auth_error");
            return Err(error.with_param("disable_password_login_when_sso_enabled").into());
        }
        let master = self.signing_key()?;
        self.count_attempt(attempt.source, attempt.name).await?;
        let row = self.by_address(attempt.name).await?;
        let kept = row.as_ref().and_then(|row| row.password.clone());
        let verdict = self.judge(kept, attempt.password).await?;
        let same = |one: &str, other: &str| KeyDigest::of(one).same(&KeyDigest::of(other));
        let wanted = login.ui_password.as_ref().unwrap_or(master);
        // Both are compared, whatever the first says.
        let operator = same(attempt.name, &login.ui_username) & same(attempt.password.expose(), wanted.expose());
        if operator && !login.no_environment_login {
            self.right_attempt(attempt.source, attempt.name).await;
            let admin = self.operator().await?;
            return self.open_session(admin, "username_password").await;
        }
        let Some(row) = row.filter(|_| verdict != Verdict::Wrong) else { return Err(wrong().into()) };
        self.right_attempt(attempt.source, attempt.name).await;
        if verdict == Verdict::RightButWeak {
            self.keep_password(&row.user_id, attempt.password).await?;
        }
        self.open_session(row, "username_password").await
    }

    /// `POST /user/password/change`: the caller's own, when they know the old one. Their other sessions end.
    ///
    /// # Errors
    /// 401 for a wrong one, 400 for a new one that is not good enough.
    pub async fn change_password(&self, actor: Actor<'_>, source: Option<IpAddr>, body: &Json) -> Outcome<Json> {
        let asked = PasswordBody::read(body)?;
        let current = Secret::new(required(asked.current_password, "current_password", body)?);
        let new = required(asked.new_password, "new_password", body)?;
        let user = actor.who.user_id().filter(|_| actor.who.is_key());
        let user = user.ok_or_else(|| forbidden("This key has no user."))?;
        let row = self.store_or_refuse()?.table::<UserRow>().get([user]).await?;
        let row = row.filter(|row| row.password.is_some()).ok_or_else(|| bad("This user has no password."))?;
        self.count_attempt(source, user).await?;
        if self.judge(row.password.clone(), &current).await? == Verdict::Wrong {
            return Err(wrong().into());
        }
        self.right_attempt(source, user).await;
        let kept = self.new_password(&new).await?;
        let patch = password_patch(kept);
        let mut tx = self.store_or_refuse()?.begin().await?;
        self.write(&mut tx, actor, Action::Updated, user, Some(&row), &patch).await?;
        let ended = self.end_sessions(&mut tx, actor, user, actor.who.key_hash()).await?;
        tx.commit().await?;
        ended.iter().for_each(|hash| self.forget_hash(hash));
        Ok(Json::object([("user_id", user), ("message", "Password changed")]))
    }

    /// Checks a new password and makes what is kept of it.
    ///
    /// # Errors
    /// 400 for one that is not good enough.
    pub(crate) async fn new_password(&self, password: &str) -> Outcome<Secret> {
        self.settings().login.policy.check(password)?;
        let password = Secret::new(password);
        self.compute(move || passwords::kept(password.expose())).await?.map_err(Into::into)
    }

    /// Counts an attempt, here or with the other gateways.
    pub(super) async fn count_attempt(&self, source: Option<IpAddr>, name: &str) -> Outcome<()> {
        let (limits, inner) = (self.settings().login.failures, self.inner());
        let together = match inner.shared.get() {
            Some(shared) => throttle::attempt(shared.kv(), &limits, source, name).await.ok(),
            None => None,
        };
        // While the shared store is away each gateway counts for itself.
        let wait = match together {
            Some(wait) => wait,
            None => throttle::attempt(&inner.kv, &limits, source, name).await.unwrap_or_default(),
        };
        let Some(wait) = wait else { return Ok(()) };
        tracing::warn!(?source, "too many wrong passwords");
        Err(Error::new(Kind::RateLimit, "Too many failed sign-in attempts. Try again later.")
            .with_type("auth_error")
            .with_param("max_failed_login_attempts_per_source")
            .with_retry_after(wait)
            .into())
    }

    /// The attempt was a right one.
    pub(super) async fn right_attempt(&self, source: Option<IpAddr>, name: &str) {
        let inner = self.inner();
        let shared = match inner.shared.get() {
            Some(shared) => throttle::right(shared.kv(), source, name).await.is_ok(),
            None => false,
        };
        if !shared && let Err(error) = throttle::right(&inner.kv, source, name).await {
            tracing::debug!(%error, "an attempt stays counted");
        }
    }

    async fn judge(&self, kept: Option<Secret>, password: &Secret) -> Outcome<Verdict> {
        let password = password.clone();
        self.compute(move || passwords::verdict(kept.as_ref(), password.expose())).await
    }

    /// Runs what computes for long where it stops nobody, not more of it at a time than memory is meant for.
    async fn compute<T: Send + 'static>(&self, what: impl FnOnce() -> T + Send + 'static) -> Outcome<T> {
        let broke = || Error::internal("the password could not be judged");
        let _permit = self.inner().logins.computations.acquire().await.map_err(|_| broke())?;
        Ok(self.background().spawn_blocking(what).await.map_err(|_| broke())?)
    }

    /// The user of an address, whatever its case; nobody when several have it.
    pub(super) async fn by_address(&self, name: &str) -> Outcome<Option<UserRow>> {
        let name = name.trim();
        if name.is_empty() {
            return Ok(None);
        }
        let rows = self.store_or_refuse()?.table::<UserRow>().find(Filter::new().contains("user_email", name)).await?;
        let same = |row: &UserRow| row.user_email.as_ref().is_some_and(|e| e.to_lowercase() == name.to_lowercase());
        let mut rows = rows.into_iter().filter(same);
        Ok(match (rows.next(), rows.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        })
    }

    /// The operator's row, made when missing: an administrator.
    async fn operator(&self) -> Outcome<UserRow> {
        let id = self.settings().login.admin_id.clone().unwrap_or_else(|| MASTER_USER_ID.to_owned());
        let (role, store) = (Role::ProxyAdmin.name().to_owned(), self.store_or_refuse()?);
        if let Some(row) = store.table::<UserRow>().get([id.as_str()]).await? {
            if row.user_role.as_ref() == Some(&role) {
                return Ok(row);
            }
            let patch = UserPatch { user_role: Some(Some(role)), ..UserPatch::default() };
            store.table::<UserRow>().update([id.as_str()], &patch).await?;
        } else {
            let row = UserRow { user_id: id.clone(), user_role: Some(role), ..UserRow::default() };
            store.table().put(&row).await?;
        }
        self.forget_user(&id);
        let row = store.table::<UserRow>().get([id.as_str()]).await?;
        Ok(row.ok_or_else(|| Error::internal("the operator's row is gone"))?)
    }

    async fn keep_password(&self, user: &str, password: &Secret) -> Outcome<()> {
        let password = password.clone();
        let kept = self.compute(move || passwords::kept(password.expose())).await??;
        let patch = UserPatch { password: Some(Some(kept)), ..UserPatch::default() };
        self.store_or_refuse()?.table::<UserRow>().update([user], &patch).await?;
        Ok(())
    }
}

/// The columns of a new password.
pub(super) fn password_patch(kept: Secret) -> UserPatch {
    UserPatch {
        password: Some(Some(kept)),
        password_reset_required: Some(Some(false)),
        last_breach_check_at: Some(None),
        updated_at: Some(Some(Utc::now())),
        ..UserPatch::default()
    }
}

/// One sentence for an unknown name and for a wrong password.
fn wrong() -> Error {
    Error::new(
        Kind::Authentication,
        "Invalid credentials used to access UI.\nCheck 'UI_USERNAME', 'UI_PASSWORD' in .env file",
    )
    .with_type("auth_error")
    .with_param("invalid_credentials")
}
