//! Virtual keys in a secret manager: what is made, rotated, renamed and deleted here follows there, where the configuration
//! says so (`store_virtual_keys`).
//!
//! A key is there under its alias. One without is there under its hash, which is another one after each rotation. Keys of a team
//! with `secret_manager_settings` are at the team's place there.

use std::sync::Arc;

use llm_credentials::{Vault, VaultPlace};
use llm_store::{Rows, TeamRow, VerificationToken};
use llm_types::{Json, Result, Secret};

use crate::request::Outcome;
use crate::teams::SECRET_MANAGER;
use crate::{Accounts, KeyDigest};

/// Where keys are stored as well.
#[derive(Debug, Clone)]
pub struct KeyCopies {
    vault: Arc<dyn Vault>,
    prefix: String,
    /// Where in it, where that is not the usual place.
    place: Option<VaultPlace>,
}

impl KeyCopies {
    /// In this vault, with this in front of each name.
    #[must_use]
    pub fn new(vault: Arc<dyn Vault>, prefix: String) -> Self {
        Self { vault, prefix, place: None }
    }

    /// The same at another place in the vault.
    ///
    /// # Errors
    /// For vaults that have no such places.
    fn at(self, place: VaultPlace) -> Result<Self> {
        Ok(Self { vault: Arc::clone(&self.vault).at(&place)?, prefix: self.prefix, place: Some(place) })
    }

    /// The same at the place that a team's metadata say.
    ///
    /// # Errors
    /// For a place that the vault does not have.
    pub(super) fn of_team(self, metadata: &Json) -> Result<Self> {
        match place(metadata)? {
            Some(place) => self.at(place),
            None => Ok(self),
        }
    }

    /// True when these keys lie at the same place.
    fn is_where(&self, other: &Self, (own, others): (&VerificationToken, &VerificationToken)) -> bool {
        self.place == other.place && self.name(own) == other.name(others)
    }

    fn name(&self, row: &VerificationToken) -> String {
        let alias = row.key_alias.clone().filter(|alias| !alias.is_empty());
        format!("{}{}", self.prefix, alias.unwrap_or_else(|| format!("virtual-key-{}", row.token)))
    }

    /// Puts a new secret in the place of the old one. Gives back what was there, to put it back if the key keeps its old
    /// secret after all.
    ///
    /// # Errors
    /// When the vault does not take it; then the old one is still there.
    pub(super) async fn replace(&self, after: &VerificationToken, secret: &Secret) -> Result<Option<Secret>> {
        let name = self.name(after);
        let there = self.vault.read(&name).await?;
        if let Err(error) = self.vault.keep(&name, secret).await {
            // It may have taken the secret all the same.
            self.put_back(after, secret, there.as_ref()).await;
            return Err(error);
        }
        Ok(there)
    }

    /// Puts back what was there, or nothing, while it still holds what was written here.
    pub(super) async fn put_back(&self, after: &VerificationToken, written: &Secret, there: Option<&Secret>) {
        let name = self.name(after);
        let done = match (self.vault.read(&name).await, there) {
            (Ok(held), _) if held.as_ref().map(Secret::expose) != Some(written.expose()) => Ok(()),
            (Ok(_), Some(there)) => self.vault.keep(&name, there).await,
            (Ok(_), None) => self.vault.forget(&name).await,
            (Err(error), _) => Err(error),
        };
        self.tell(done, &name);
    }

    /// Deletes the copy of a key whose `secret` is there under another name now, or at another place.
    pub(super) async fn leave(
        &self,
        (before, after): (&VerificationToken, &VerificationToken),
        now: &Self,
        secret: &Secret,
    ) {
        self.tell(self.leave_for((before, after), now, secret).await, &self.name(before));
    }

    async fn leave_for(
        &self,
        (before, after): (&VerificationToken, &VerificationToken),
        now: &Self,
        secret: &Secret,
    ) -> Result<()> {
        if self.is_where(now, (before, after)) {
            return Ok(());
        }
        let (old, new) = (self.name(before), now.name(after));
        // Where only the field is another one, what is there now is the new copy.
        if self.vault.read(&old).await?.is_none() {
            return Ok(());
        }
        self.vault.forget(&old).await?;
        // Two places may be one that is said in two ways.
        match now.vault.read(&new).await? {
            Some(_) => Ok(()),
            None => now.vault.keep(&new, secret).await,
        }
    }

    /// Moves the copy of a key: it is at the new place before it leaves the old one. What is at the new place already, for the
    /// key was rotated meanwhile, stays; nothing happens where the old place has none. True when a copy is there afterwards.
    ///
    /// # Errors
    /// When the vault fails; then the copy is at one of the places, unless both are one that is said in two ways.
    async fn rename(&self, before: &VerificationToken, after: &VerificationToken, now: &Self) -> Result<bool> {
        if self.is_where(now, (before, after)) {
            return Ok(true);
        }
        let (old, new) = (self.name(before), now.name(after));
        let current = |secret: &Secret| KeyDigest::of(secret.expose()).hex() == after.token;
        let there = now.vault.read(&new).await?.filter(current);
        let Some(secret) = self.vault.read(&old).await? else { return Ok(there.is_some()) };
        let secret = match there {
            Some(there) => there,
            None => {
                now.vault.keep(&new, &secret).await?;
                secret
            }
        };
        self.leave_for((before, after), now, &secret).await.map(|()| true)
    }

    /// As [`Self::rename`], and the log tells what went wrong; false when the vault failed.
    pub(super) async fn moved(&self, before: &VerificationToken, after: &VerificationToken, now: &Self) -> bool {
        let name = now.name(after);
        match self.rename(before, after, now).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(
                name,
                "a key that has another name or place is not in the secret manager: nothing is moved there"
            ),
            Err(error) => {
                now.tell(Err(error), &name);
                return false;
            }
        }
        true
    }

    /// Deletes what is under a key's name as long as it is the key's own secret.
    async fn let_go_of(&self, row: &VerificationToken) {
        let name = self.name(row);
        let done = match self.vault.read(&name).await {
            Ok(Some(held)) if KeyDigest::of(held.expose()).hex() == row.token => self.vault.forget(&name).await,
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        self.tell(done, &name);
    }

    /// Deletes the copy of a key that is gone.
    pub(super) async fn drop_copy(&self, row: &VerificationToken) {
        let name = self.name(row);
        self.tell(self.vault.forget(&name).await, &name);
    }

    /// That a copy could not be made does not unmake the key: the log says it.
    fn tell(&self, done: Result<()>, name: &str) {
        if let Err(error) = done {
            let kind = self.vault.kind().name();
            tracing::error!(name, %error, "{kind} was not told of a change to a virtual key");
        }
    }
}

/// The place that a team's metadata say.
fn place(metadata: &Json) -> Result<Option<VaultPlace>> {
    metadata.get(SECRET_MANAGER).map_or(Ok(None), VaultPlace::parse)
}

impl Accounts {
    /// Where keys are stored as well, if they are.
    pub(super) fn key_copies(&self) -> Option<KeyCopies> {
        self.inner().serving.get()?.key_copies()
    }

    /// Refuses a team's `secret_manager_settings` that say no place of the vault in use.
    ///
    /// # Errors
    /// 400, naming the field.
    pub(crate) fn check_place(&self, body: &Json) -> Result<()> {
        let bad = |error: llm_types::Error| crate::keys::bad(error.message).with_param(SECRET_MANAGER);
        if let (Some(copies), Some(place)) = (self.key_copies(), place(body)?) {
            copies.at(place).map_err(bad)?;
        }
        Ok(())
    }

    /// Where the keys of a team are stored as well; `teams` reads its row.
    ///
    /// # Errors
    /// When the store fails, and for a place that the vault does not have.
    pub(super) async fn copies_for(
        &self,
        mut teams: Rows<'_, TeamRow>,
        team: Option<&str>,
    ) -> Outcome<Option<KeyCopies>> {
        let (Some(copies), Some(team)) = (self.key_copies(), team) else { return Ok(self.key_copies()) };
        let row = teams.get([team]).await?;
        let metadata: Json = row.and_then(|row| row.metadata.read().ok()).unwrap_or_default();
        Ok(Some(copies.of_team(&metadata)?))
    }

    /// The same for a key; where it cannot be said, the log tells.
    async fn copies_or_tell(&self, row: &VerificationToken) -> Option<KeyCopies> {
        self.key_copies()?;
        match self.copies_for(self.store()?.table(), row.team_id.as_deref()).await {
            Ok(copies) => copies,
            Err(problem) => {
                let key = row.key_alias.as_deref().unwrap_or(&row.token);
                tracing::error!(key, problem = problem.text(), "where a virtual key is stored cannot be said");
                None
            }
        }
    }

    /// Stores a key that was made just now.
    pub(super) async fn copy_new_key(&self, row: &VerificationToken, key: &str) {
        if let Some(copies) = self.copies_or_tell(row).await {
            let name = copies.name(row);
            copies.tell(copies.vault.keep(&name, &Secret::new(key)).await, &name);
        }
    }

    /// Stores a key's new secret in place of its old one.
    pub(super) async fn copy_rotated_key(&self, before: &VerificationToken, after: &VerificationToken, key: &str) {
        let _turns = self.turns_or_tell([before.team_id.as_deref(), after.team_id.as_deref()]).await;
        let (Some(old), Some(new)) = (self.copies_or_tell(before).await, self.copies_or_tell(after).await) else {
            return;
        };
        let name = new.name(after);
        if self.is_gone(after).await {
            // It was rotated again: the newer secret is there, or comes.
            return old.let_go_of(before).await;
        }
        match new.vault.keep(&name, &Secret::new(key)).await {
            Ok(()) => old.leave((before, after), &new, &Secret::new(key)).await,
            failed => new.tell(failed, &name),
        }
    }

    /// Moves a key whose alias or team is another one.
    pub(super) async fn rename_copy(&self, before: &VerificationToken, after: &VerificationToken) {
        let _turns = self.turns_or_tell([before.team_id.as_deref(), after.team_id.as_deref()]).await;
        if let (Some(old), Some(new)) = (self.copies_or_tell(before).await, self.copies_or_tell(after).await) {
            if self.is_gone(after).await {
                return old.let_go_of(before).await;
            }
            old.moved(before, after, &new).await;
        }
    }

    /// True when a key has another secret by now, or is deleted.
    async fn is_gone(&self, row: &VerificationToken) -> bool {
        let Some(store) = self.store() else { return false };
        // A store that fails says nothing: the copy is written.
        matches!(store.keys().get_by_hash(&row.token).await, Ok(None))
    }

    /// Deletes the copies of keys that are gone.
    pub(super) async fn drop_copies(&self, gone: &[VerificationToken]) {
        for row in gone {
            if let Some(copies) = self.copies_or_tell(row).await {
                copies.drop_copy(row).await;
            }
        }
    }
}
