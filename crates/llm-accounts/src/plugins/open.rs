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

/// How long a failure stands: strangers do not make the store be asked again and again while it cannot answer.
const FAILS: Duration = Duration::from_secs(1);

/// The answers for people without a key, as JSON.
#[derive(Debug, Clone)]
struct Texts {
    hub: Bytes,
    market: Bytes,
}

/// The latest answers, and when they were made.
#[derive(Debug, Default)]
pub(crate) struct OpenPlugins(Mutex<Option<(Instant, Outcome<Texts>)>>);

impl OpenPlugins {
    /// Forgets the answers: a plugin was changed here.
    pub(super) async fn forget(&self) {
        *self.0.lock().await = None;
    }
}

fn text(json: &Json) -> Bytes {
    Bytes::from(json.to_string())
}

fn stands<T>(at: Instant, found: &Outcome<T>) -> bool {
    at.elapsed() < if found.is_ok() { STANDS } else { FAILS }
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
        if let Some((_, found)) = kept.as_ref().filter(|(at, found)| stands(*at, found)) {
            return found.clone();
        }
        let rows: Outcome<Vec<PluginRow>> = self.plugin_rows(Filter::new().is("enabled", true)).await;
        let found = rows.map(|rows| Texts { hub: text(&listed(&rows)), market: text(&market(&rows)) });
        *kept = Some((Instant::now(), found.clone()));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::bad;

    #[test]
    fn failures_stand_for_a_moment() {
        let ago = |millis: u64| Instant::now().checked_sub(Duration::from_millis(millis)).unwrap();
        let failed: Outcome<()> = Err(bad("no store").into());
        assert!(stands(ago(100), &failed) && !stands(ago(1500), &failed));
        assert!(stands(ago(1500), &Ok(())) && !stands(ago(6000), &Ok(())));
    }
}
