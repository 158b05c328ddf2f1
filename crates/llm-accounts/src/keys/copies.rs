//! Virtual keys in a secret manager: what is made, rotated, renamed and deleted here follows there, where the configuration
//! says so (`store_virtual_keys`).
//!
//! A key is there under its alias. One without is there under its hash, which is another one after each rotation.

use std::sync::Arc;

use llm_credentials::Vault;
use llm_store::VerificationToken;
use llm_types::{Result, Secret};

use crate::Accounts;

/// Where keys are stored as well.
#[derive(Debug, Clone)]
pub struct KeyCopies {
    vault: Arc<dyn Vault>,
    prefix: String,
}

impl KeyCopies {
    /// In this vault, with this in front of each name.
    #[must_use]
    pub fn new(vault: Arc<dyn Vault>, prefix: String) -> Self {
        Self { vault, prefix }
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

    /// Deletes the copy of a key that is there under another name now.
    pub(super) async fn leave(&self, before: &VerificationToken, after: &VerificationToken) {
        let (old, new) = (self.name(before), self.name(after));
        if old != new {
            self.tell(self.vault.forget(&old).await, &old);
        }
    }

    async fn rename(&self, before: &VerificationToken, after: &VerificationToken) -> Result<()> {
        let (old, new) = (self.name(before), self.name(after));
        if old == new {
            return Ok(());
        }
        let Some(secret) = self.vault.read(&old).await? else {
            tracing::warn!(
                name = old,
                "a key that got another alias is not in the secret manager: nothing is renamed there"
            );
            return Ok(());
        };
        self.vault.keep(&new, &secret).await?;
        self.vault.forget(&old).await
    }

    /// That a copy could not be made does not unmake the key: the log says it.
    fn tell(&self, done: Result<()>, name: &str) {
        if let Err(error) = done {
            let kind = self.vault.kind().name();
            tracing::error!(name, %error, "{kind} was not told of a change to a virtual key");
        }
    }
}

impl Accounts {
    /// Where keys are stored as well, if they are.
    pub(super) fn key_copies(&self) -> Option<KeyCopies> {
        self.inner().serving.get()?.key_copies()
    }

    /// Stores a key that was made just now.
    pub(super) async fn copy_new_key(&self, row: &VerificationToken, key: &str) {
        if let Some(copies) = self.key_copies() {
            let name = copies.name(row);
            copies.tell(copies.vault.keep(&name, &Secret::new(key)).await, &name);
        }
    }

    /// Stores a key's new secret in place of its old one.
    pub(super) async fn copy_rotated_key(&self, before: &VerificationToken, after: &VerificationToken, key: &str) {
        if let Some(copies) = self.key_copies() {
            let name = copies.name(after);
            match copies.vault.keep(&name, &Secret::new(key)).await {
                Ok(()) => copies.leave(before, after).await,
                failed => copies.tell(failed, &name),
            }
        }
    }

    /// Moves a key whose alias is another one.
    pub(super) async fn rename_copy(&self, before: &VerificationToken, after: &VerificationToken) {
        if let Some(copies) = self.key_copies() {
            copies.tell(copies.rename(before, after).await, &copies.name(after));
        }
    }

    /// Deletes the copies of keys that are gone.
    pub(super) async fn drop_copies(&self, gone: &[VerificationToken]) {
        if let Some(copies) = self.key_copies() {
            for row in gone {
                let name = copies.name(row);
                copies.tell(copies.vault.forget(&name).await, &name);
            }
        }
    }
}
