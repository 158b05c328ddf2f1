//! The price table, fetched anew from a URL or a file.

use std::sync::Arc;
use std::time::SystemTime;

use llm_catalog::Catalog;
use llm_client::Prices;
use llm_http::Transport as _;
use llm_types::Json;

use super::Reloader;

/// Where LiteLLM's own table is.
const DEFAULT: &str = "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json";

/// A price table and where it came from.
#[derive(Debug, Default)]
pub(super) struct PriceTable {
    pub(super) prices: Prices,
    /// URL or path; nothing: what ships with the program.
    from: Option<String>,
    at: Option<SystemTime>,
}

impl PriceTable {
    pub(super) fn told(&self) -> Json {
        let at = self.at.map(|at| chrono::DateTime::<chrono::Utc>::from(at).to_rfc3339());
        Json::object([
            ("source", Json::from(if self.from.is_some() { "remote" } else { "local" })),
            ("url", Json::from(self.from.as_deref())),
            ("is_env_forced", Json::from(false)),
            ("fallback_reason", Json::Null),
            ("model_count", Json::from(self.prices.len() as u64)),
            ("loaded_at", Json::from(at)),
        ])
    }
}

impl Reloader {
    /// Fetches the table and serves it. When anything about it is wrong, the old one stays.
    pub(super) async fn prices_anew(&self) -> Result<usize, String> {
        let table = self.fetch().await?;
        let models = table.prices.len();
        let old = self.prices.swap(Arc::new(table));
        if let Err(problems) = self.anew().await {
            self.prices.store(old);
            return Err(problems.join("; "));
        }
        Ok(models)
    }

    async fn fetch(&self) -> Result<PriceTable, String> {
        let app = self.app().map_err(|problems| problems.join("; "))?;
        let snapshot = app.snapshot.load_full();
        let env = self.env.with(Vec::new());
        if env.is_true("LITELLM_LOCAL_MODEL_COST_MAP") {
            return Ok(PriceTable { at: Some(SystemTime::now()), ..PriceTable::default() });
        }
        let named = env.filled("LITELLM_MODEL_COST_MAP_URL").or_else(|| snapshot.settings.price_map.clone());
        let from = named.unwrap_or_else(|| DEFAULT.to_owned());
        let text = if from.starts_with("http://") || from.starts_with("https://") {
            let http = self.http.get().ok_or("the gateway is starting")?;
            let fetched = http.fetch(&from, &snapshot.engine.settings.fetch).await;
            String::from_utf8(fetched.map_err(|e| e.to_string())?.bytes.to_vec()).map_err(|e| e.to_string())?
        } else {
            let path = from.strip_prefix("file://").unwrap_or(&from);
            tokio::fs::read_to_string(path).await.map_err(|e| format!("{path}: {e}"))?
        };
        let catalog = Catalog::overlay(&text).map_err(|e| format!("{from} is no price table: {e}"))?;
        if serde_json::from_str::<Json>(&text).ok().is_none_or(|json| json.as_object().is_none_or(<[_]>::is_empty)) {
            return Err(format!("{from} is no price table: it names no model"));
        }
        Ok(PriceTable { prices: Prices::Overlay(catalog), from: Some(from), at: Some(SystemTime::now()) })
    }
}
