//! What lies elsewhere and is read with the configuration: a file in a bucket, secrets in a secret manager.

use std::sync::Arc;

use llm_accounts::Stored;

use super::Reloader;
use crate::config::{self, Environment, Problem, Source};
use crate::secrets::Filled;

impl Reloader {
    /// Asks the bucket again, where the configuration lies in one.
    pub(super) async fn fetch_config(&self) -> Result<(), String> {
        if self.fetched.load().is_some() {
            self.fetched.store(Some(Arc::new(config::bucket::fetch(&self.env).await?)));
        }
        Ok(())
    }

    /// Reads the secrets that the configuration at start and `stored` refer to; the environment with them.
    ///
    /// # Errors
    /// When the secret manager cannot be asked; what it said before stays.
    pub async fn read_secrets(&self, source: &Source, stored: Option<&Stored>) -> Result<Environment, Problem> {
        let filled = self.ask_secrets(source, stored).await?;
        self.adopt_secrets(&filled);
        Ok(filled.env)
    }

    /// The same before it is known whether that configuration can be served.
    pub(super) async fn ask_secrets(&self, source: &Source, stored: Option<&Stored>) -> Result<Filled, Problem> {
        let source = Source { stored: stored.cloned(), ..source.clone() };
        self.secrets.laid_over(&source, &self.env).await
    }

    pub(super) fn adopt_secrets(&self, filled: &Filled) {
        self.secrets.adopt(filled);
        self.filled.store(Arc::new(filled.env.clone()));
    }

    /// Serves with new secrets when those in use are old.
    ///
    /// # Errors
    /// What is wrong, for people; those in use go on being used.
    pub async fn renew_secrets(&self) -> Result<(), Vec<String>> {
        if !self.secrets.are_old() {
            return Ok(());
        }
        self.anew().await.map(drop).inspect_err(|_| self.secrets.put_off())
    }
}
