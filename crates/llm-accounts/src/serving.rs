//! What management calls want from the server: whether a change could be served, and that it is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use llm_credentials::Vault;
use llm_store::StoreTx;
use llm_types::record::OwnCallback;
use llm_types::{Error, Json};

use crate::Accounts;
use crate::accounts::Inner;
use crate::keys::bad;
use crate::policies::Policies;
use crate::request::Outcome;
use crate::stored::{Stored, StoredVault};

/// Work of the server.
pub type Serves<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a draft changes.
#[derive(Debug, Clone, Copy)]
pub enum Changed<'a> {
    /// The model with this id.
    Model(&'a str),
    /// Credentials or settings: everything has to hold.
    Rest,
}

/// A managed prompt that is served.
#[derive(Debug, Clone)]
pub struct ServedPrompt {
    /// `prompt_id`, without a version.
    pub id: String,
    /// Its version.
    pub version: i64,
    /// Its environment.
    pub environment: String,
    /// It stands in the file, not in the database.
    pub in_file: bool,
    /// `litellm_params`.
    pub params: Json,
    /// The template.
    pub content: String,
    /// What its head says.
    pub metadata: Json,
}

/// The configuration in force, as far as management calls change it. The server implements this.
pub trait Serving: fmt::Debug + Send + Sync {
    /// Whether the file together with `stored` could be served. Nothing is changed.
    ///
    /// # Errors
    /// What is wrong with what was changed, for people.
    fn check(&self, stored: &Stored, changed: Changed<'_>) -> Result<(), Vec<String>>;

    /// Reads file and database anew and serves the result, whole or not at all. Gives back what is worth a warning.
    ///
    /// # Errors
    /// What is wrong, for people; then what was served before still is.
    fn reload(&self) -> Serves<'_, Result<Vec<String>, Vec<String>>>;

    /// Fetches the price table anew and serves it; how many models it knows.
    ///
    /// # Errors
    /// What is wrong, for people.
    fn reload_prices(&self) -> Serves<'_, Result<usize, String>>;

    /// Where the price table came from, for people and programs.
    fn prices(&self) -> Json;

    /// True when a deployment with this id is served.
    fn serves(&self, id: &str) -> bool;

    /// The parameters of a deployment that is served, secrets included.
    fn params_of(&self, id: &str) -> Option<Json>;

    /// A section of the configuration in force (`general_settings` ...), as the file has it.
    fn section(&self, name: &str) -> Json;

    /// Looks up variables of the environment, as process and file have them now.
    fn environment(&self) -> Box<dyn Fn(&str) -> Option<String> + '_>;

    /// The same, with what the database says laid over it.
    fn in_force(&self, name: &str) -> Json;

    /// Whether a key or a team may have this callback.
    ///
    /// # Errors
    /// Why not, for people.
    fn check_callback(&self, callback: &OwnCallback) -> Result<(), String>;

    /// Sends the record of a call that was never made to a callback of a key or a team.
    ///
    /// # Errors
    /// What is wrong with it, or what its service said, for people.
    fn try_callback(&self, callback: OwnCallback) -> Serves<'_, Result<(), String>>;

    /// Sends a request of the gateway's own to a service that the operator named: status and body of the answer, which is read
    /// up to some megabytes.
    ///
    /// # Errors
    /// Why there is no answer, for people.
    fn send(&self, request: http::Request<Bytes>) -> Serves<'_, Result<(u16, Bytes), String>>;

    /// Writes an object of the FOCUS export into its bucket, over what was there.
    ///
    /// # Errors
    /// What keeps it from being written, for people.
    fn put(&self, key: String, object: Bytes) -> Serves<'_, Result<(), String>>;

    /// The secret manager in use, if there is one.
    fn vault(&self) -> Option<Arc<dyn Vault>>;

    /// Another one, to be tried.
    ///
    /// # Errors
    /// What is missing, for people.
    fn open_vault(&self, vault: &StoredVault) -> Result<Arc<dyn Vault>, String>;

    /// Where virtual keys are stored as well, if they are.
    fn key_copies(&self) -> Option<crate::KeyCopies>;

    /// The managed prompts that are served.
    fn prompts(&self) -> Vec<ServedPrompt>;

    /// The policies in force.
    fn policies(&self) -> Arc<Policies>;

    /// True when a model group of this name is served.
    fn serves_group(&self, name: &str) -> bool;

    /// True when a deployment of this model group fails at the moment.
    fn group_fails(&self, name: &str) -> bool;
}

impl Inner {
    /// True when this model group fails at the moment, or nobody can say.
    pub(crate) fn fails(&self, group: &str) -> bool {
        self.serving.get().is_none_or(|serving| serving.group_fails(group))
    }
}

impl Accounts {
    /// Tells who serves; once, at start.
    pub fn set_serving(&self, serving: Arc<dyn Serving>) {
        if self.inner().serving.set(serving).is_err() {
            tracing::warn!("the server was named twice; the first one stays");
        }
    }

    /// Who serves.
    ///
    /// # Errors
    /// 500 when nobody does: then nothing that changes what is served may be changed.
    pub fn serving(&self) -> Outcome<&Arc<dyn Serving>> {
        self.inner().serving.get().ok_or_else(|| Error::internal("the configuration cannot be changed here").into())
    }

    /// Refuses a change that the server could not serve.
    pub(crate) fn check_draft(&self, draft: &Stored, changed: Changed<'_>) -> Outcome<()> {
        Ok(self.serving()?.check(draft, changed).map_err(|problems| bad(problems.join("; ")))?)
    }

    /// Commits, and serves what was written.
    pub(crate) async fn commit_and_serve(&self, tx: StoreTx) -> Outcome<()> {
        tx.commit().await?;
        self.serve_anew().await
    }

    /// Serves what was just written. That it was written stands: a server that cannot follow says so in its log.
    pub(crate) async fn serve_anew(&self) -> Outcome<()> {
        if let Err(problems) = self.serving()?.reload().await {
            tracing::error!(problems = %problems.join("; "), "the change is stored but cannot be served");
        }
        Ok(())
    }
}
