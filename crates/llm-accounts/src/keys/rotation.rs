//! A new secret for a key: what its row says afterwards, and the job that rotates keys which are due by themselves
//! (`auto_rotate` with `rotation_interval`, LiteLLM's `LITELLM_KEY_ROTATION_ENABLED`).

use std::time::Duration;

use chrono::{DateTime, Utc};
use llm_store::{DeprecatedTokenRow, Filter, KeyPatch, Store, UserRow, VerificationToken};
use llm_types::letter::Occasion;
use llm_types::{Error, Result, Secret};

use super::body::KeyBody;
use super::copies::KeyCopies;
use super::{Actor, not_found};
use crate::audit::Action;
use crate::digest::{masked, new_key};
use crate::entry::Agent;
use crate::grants::Asked;
use crate::period::Period;
use crate::request::Outcome;
use crate::{Accounts, KeyDigest, MASTER_USER_ID, refusal};

/// The job's name in the table of leaders, and in the trail of changes: LiteLLM's.
const JOB: &str = "litellm_key_rotation_job";
const NAME: &str = "litellm_internal_jobs";

/// When keys are rotated by themselves.
#[derive(Debug, Clone)]
pub struct KeyRotation {
    /// They are (`LITELLM_KEY_ROTATION_ENABLED`).
    pub on: bool,
    /// Seconds between two looks (`LITELLM_KEY_ROTATION_CHECK_INTERVAL_SECONDS`).
    pub interval: f64,
    /// For how long the old secret goes on working (`LITELLM_KEY_ROTATION_GRACE_PERIOD`): `24h`.
    pub grace: Option<Period>,
    /// Seconds that one gateway has for a look (`LITELLM_KEY_ROTATION_LOCK_TTL_SECONDS`).
    pub lease: u64,
}

impl Default for KeyRotation {
    fn default() -> Self {
        Self { on: false, interval: 86_400.0, grace: None, lease: 600 }
    }
}

/// Who is told the new secret of a key that nobody asked for.
enum Told {
    /// The secret manager, under the key's name.
    Vault(KeyCopies),
    /// Its user, by e-mail.
    Letter,
}

/// Whether a key is to get a new secret at `now`.
fn is_due(row: &VerificationToken, now: DateTime<Utc>) -> bool {
    let ends = row.expires.is_some_and(|end| end <= now);
    let every = row.rotation_interval.as_deref().and_then(Period::parse);
    row.auto_rotate == Some(true) && row.key_rotation_at.is_none_or(|at| at <= now) && !ends && every.is_some()
}

impl Accounts {
    /// The row of a key under a new secret. `patch` is what changes beside that; `grace`: how long the old one still works.
    ///
    /// # Errors
    /// 404 when the key is gone; when the store fails.
    pub(super) async fn write_rotation(
        &self,
        actor: Actor<'_>,
        row: &VerificationToken,
        mut patch: KeyPatch,
        (asked, grants): (&KeyBody, Option<&Asked>),
        (secret, grace): (&str, Option<DateTime<Utc>>),
    ) -> Outcome<VerificationToken> {
        let (hash, now) = (KeyDigest::of(secret).hex(), Utc::now());
        patch.key_name = Some((!self.settings().disable_key_name).then(|| masked(secret)));
        patch.rotation_count = Some(Some(row.rotation_count.unwrap_or(0) + 1));
        patch.last_rotation_at = Some(Some(now));
        if let Some(period) = row.rotation_interval.as_deref().and_then(Period::parse) {
            patch.key_rotation_at = Some(period.after(now));
        }
        // What was spent under the old hash must be in the row before the row gets another name.
        self.inner().flush().await?;
        let gone = || not_found("Key not found in database").with_param("key");
        let mut tx = self.store_or_refuse()?.begin().await?;
        let there = row.object_permission_id.as_deref();
        patch.object_permission_id = self.link_grants(&mut tx, actor, grants, there).await?;
        patch.budget_id = self
            .link_soft_budget(&mut tx, actor, (&asked.budget_id, asked.soft_budget), row.budget_id.as_deref())
            .await?;
        if !tx.keys().rotate(&row.token, &hash, &patch, grace).await? {
            return Err(gone().into());
        }
        let stored = tx.keys().get_by_hash(&hash).await?.ok_or_else(gone)?;
        self.audit(tx.table(), actor, Action::Rotated, &hash, Some(row), Some(&stored)).await?;
        tx.commit().await?;
        self.forget_hash(&row.token);
        self.forget_hash(&hash);
        Ok(stored)
    }

    /// Rotates every key that is due at `now`; how many. Of several gateways on one database one does it (`holder` names this
    /// one). A key whose new secret nobody would be told keeps its old one.
    ///
    /// # Errors
    /// When the store fails; what was rotated stays rotated.
    pub async fn rotate_due_keys(&self, holder: &str, now: DateTime<Utc>) -> Result<usize> {
        let Some(store) = self.store().cloned() else { return Ok(0) };
        let (this, holder) = (self.clone(), holder.to_owned());
        let work = self.background().spawn(async move { this.rotate_due(&store, &holder, now).await });
        let done = work.await.map_err(|_| Error::internal("the rotation was stopped"))?;
        done.map_err(|error| refusal::store(&error))
    }

    async fn rotate_due(&self, store: &Store, holder: &str, now: DateTime<Utc>) -> llm_store::Result<usize> {
        let settings = self.settings();
        let lease = Duration::from_secs(settings.rotation.lease.max(300));
        if !store.lead(JOB, holder, lease).await? {
            return Ok(0);
        }
        store.table::<DeprecatedTokenRow>().delete_where(&Filter::new().below("revoke_at", now)).await?;
        let when = vec![Filter::new().null("key_rotation_at", true), Filter::new().at_most("key_rotation_at", now)];
        let due = store.keys().find(Filter::new().is("auto_rotate", true).one_of(when)).await?;
        let mut rotated = 0;
        for row in due.iter().filter(|row| is_due(row, now)) {
            // A vault may take its time: nobody else begins while this goes on, and what others changed meanwhile counts.
            if !store.lead(JOB, holder, lease).await? {
                tracing::warn!("another gateway rotates keys now: the rest is left to it");
                return Ok(rotated);
            }
            let Some(row) = store.keys().get_by_hash(&row.token).await?.filter(|row| is_due(row, now)) else {
                continue;
            };
            let key = row.key_name.as_deref().unwrap_or_default();
            match self.rotate_by_itself(&row, now).await {
                Ok(true) => rotated += 1,
                Ok(false) => tracing::warn!(
                    key,
                    "the key is due to be rotated, but nobody would be told its new secret in time: it keeps the old one. \
                     See store_virtual_keys, or e-mail with keys in it, the address of the key's user, and \
                     LITELLM_KEY_ROTATION_GRACE_PERIOD"
                ),
                Err(problem) => tracing::error!(key, problem = problem.text(), "the key could not be rotated"),
            }
        }
        store.stop_leading(JOB, holder).await?;
        Ok(rotated)
    }

    /// True when the key has a new secret. The vault has it first: a key that is in no vault could not be used any more.
    async fn rotate_by_itself(&self, row: &VerificationToken, now: DateTime<Utc>) -> Outcome<bool> {
        let _turn = self.turns([row.team_id.as_deref()]).await?;
        let grace = self.settings().rotation.grace.and_then(|grace| grace.after(now));
        let Some(told) = self.told_of(row, grace.is_some()).await? else { return Ok(false) };
        let secret = new_key();
        let fresh = Secret::new(secret.as_str());
        let after = VerificationToken { token: KeyDigest::of(&secret).hex(), ..row.clone() };
        let before = match &told {
            Told::Vault(copies) => copies.replace(&after, &fresh).await?,
            Told::Letter => None,
        };
        let agent = Agent::new(self, NAME);
        let patch = KeyPatch { updated_by: Some(Some(NAME.to_owned())), ..KeyPatch::default() };
        let asked = KeyBody::default();
        let mut written = self.write_rotation(agent.actor(), row, patch, (&asked, None), (&secret, grace)).await;
        if written.is_err()
            && let Ok(Some(there)) = self.store_or_refuse()?.keys().get_by_hash(&after.token).await
        {
            // It was written, only the answer was lost.
            self.forget_hash(&row.token);
            self.forget_hash(&after.token);
            written = Ok(there);
        }
        match (&told, &written) {
            (Told::Vault(copies), Ok(_)) => copies.leave((row, &after), copies, &fresh).await,
            (Told::Vault(copies), Err(_)) => copies.put_back(&after, &fresh, before.as_ref()).await,
            (Told::Letter, _) => {}
        }
        let by_letter = matches!(told, Told::Letter);
        self.write_about_key(&written?, &secret, Occasion::KeyRotated, by_letter);
        Ok(true)
    }

    /// Who is told. A letter has to carry the key, and may be late or lost: the old secret has to work for a while.
    async fn told_of(&self, row: &VerificationToken, grace: bool) -> Outcome<Option<Told>> {
        if let Some(copies) = self.copies_for(self.store_or_refuse()?.table(), row.team_id.as_deref()).await? {
            return Ok(Some(Told::Vault(copies)));
        }
        let carried = self.inner().alerts.letters().is_some_and(|letters| letters.writes_keys());
        let Some(user) = row.user_id.as_deref().filter(|user| carried && grace && *user != MASTER_USER_ID) else {
            return Ok(None);
        };
        let user = self.store_or_refuse()?.table::<UserRow>().get([user]).await?;
        let reached = user.and_then(|user| user.user_email).is_some_and(|address| !address.trim().is_empty());
        Ok(reached.then_some(Told::Letter))
    }
}
