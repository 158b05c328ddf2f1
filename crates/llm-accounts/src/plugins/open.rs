//! What everybody may know of plugins. Strangers ask for it, so it is read once for all who ask within a few seconds.

use std::time::{Duration, Instant};

use bytes::Bytes;
use llm_store::{Filter, PluginRow};
use llm_types::Json;
use tokio::sync::Mutex;

use super::{listed, market};
use crate::Accounts;
use crate::request::Outcome;

/// How long it stands: other gateways may have changed it.
const STANDS: Duration = Duration::from_secs(5);

/// The answers for people without a key, as JSON.
#[derive(Debug, Clone)]
struct Texts {
    hub: Bytes,
    market: Bytes,
}

/// The latest answers, and when they were made.
#[derive(Debug, Default)]
pub(crate) struct OpenPlugins(Mutex<Option<(Instant, Texts)>>);

impl OpenPlugins {
    /// Forgets the answers: a plugin was changed here.
    pub(super) async fn forget(&self) {
        *self.0.lock().await = None;
    }
}

fn text(json: &Json) -> Bytes {
    Bytes::from(json.to_string())
}

impl Accounts {
    /// `GET /public/skill_hub`: the plugins that are enabled, the latest first. JSON, at most five seconds old.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn skill_hub(&self) -> Outcome<Bytes> {
        Ok(self.open_plugins().await?.hub)
    }

    /// `GET /claude-code/marketplace.json` for agents without a key. JSON, at most five seconds old.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn open_marketplace(&self) -> Outcome<Bytes> {
        Ok(self.open_plugins().await?.market)
    }

    /// Whoever asks while somebody reads waits for what that one finds.
    async fn open_plugins(&self) -> Outcome<Texts> {
        let mut kept = self.inner().open_plugins.0.lock().await;
        if let Some((_, texts)) = kept.as_ref().filter(|(at, _)| at.elapsed() < STANDS) {
            return Ok(texts.clone());
        }
        let rows: Vec<PluginRow> = self.plugin_rows(Filter::new().is("enabled", true)).await?;
        let texts = Texts { hub: text(&listed(&rows)), market: text(&market(&rows)) };
        *kept = Some((Instant::now(), texts.clone()));
        Ok(texts)
    }
}
