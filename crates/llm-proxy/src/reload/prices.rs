//! The price table, fetched anew from a URL or a file.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use llm_accounts::PriceSchedule;
use llm_catalog::Catalog;
use llm_client::Prices;
use llm_http::Transport as _;
use llm_types::Json;
use serde_json::{Map, Value};

use super::Reloader;

/// Where LiteLLM's own table is.
const DEFAULT: &str = "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json";

/// A table that could not be fetched is not asked for again at once, unless somebody asks.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// A price table and where it came from.
#[derive(Debug, Default)]
pub(super) struct PriceTable {
    pub(super) prices: Prices,
    /// URL or path; nothing: what ships with the program.
    from: Option<String>,
    at: Option<SystemTime>,
    /// The environment says that nothing is fetched.
    forced: bool,
}

/// What was done about the schedule so far.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// The table was looked at for the first time.
    begun: bool,
    revision: i64,
    last: Option<SystemTime>,
    not_before: Option<SystemTime>,
}

impl Followed {
    /// Whether the table has to be fetched now. `named`: the configuration says where it is; `loaded`: when the table in
    /// force was fetched.
    fn due(&self, schedule: &PriceSchedule, named: bool, loaded: Option<SystemTime>, now: SystemTime) -> bool {
        if self.not_before.is_some_and(|until| now < until) {
            return false;
        }
        if !self.begun {
            return named || schedule.hours.is_some();
        }
        let asked = schedule.last_run.map(SystemTime::from);
        if schedule.revision > self.revision && loaded.is_none_or(|at| asked.is_none_or(|asked| at < asked)) {
            return true;
        }
        let interval = schedule.interval().and_then(|interval| interval.to_std().ok());
        let since = |last: SystemTime| now.duration_since(last).unwrap_or_default();
        interval.is_some_and(|interval| self.last.is_none_or(|last| since(last) >= interval))
    }
}

impl PriceTable {
    pub(super) fn told(&self) -> Json {
        let at = self.at.map(|at| chrono::DateTime::<chrono::Utc>::from(at).to_rfc3339());
        Json::object([
            ("source", Json::from(if self.from.is_some() { "remote" } else { "local" })),
            ("url", Json::from(self.from.as_deref())),
            ("is_env_forced", Json::from(self.forced)),
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
        self.followed.lock().last = Some(SystemTime::now());
        Ok(models)
    }

    /// Fetches the table when it is due: at the first look where the configuration names one, when another gateway was
    /// asked to, by the schedule.
    ///
    /// # Errors
    /// What is wrong, for people; the old table stays.
    pub async fn follow_prices(&self) -> Result<(), String> {
        let app = self.app().map_err(|problems| problems.join("; "))?;
        let schedule = app.accounts.price_schedule().await.map_err(|problem| problem.text())?;
        let (named, loaded, now) = (self.named().is_some(), self.prices.load().at, SystemTime::now());
        let (due, first) = {
            let mut followed = self.followed.lock();
            let first = !followed.begun;
            let due = followed.due(&schedule, named, loaded, now);
            followed.begun = true;
            if !due {
                followed.revision = schedule.revision;
            }
            (due, first)
        };
        if !due {
            return Ok(());
        }
        let fetched = self.prices_anew().await;
        {
            let mut followed = self.followed.lock();
            match &fetched {
                Ok(_) => (followed.revision, followed.not_before) = (schedule.revision, None),
                // At the first look too: the host may be later than this gateway.
                Err(_) => (followed.begun, followed.not_before) = (!first, now.checked_add(AFTER_FAILURE)),
            }
        }
        let models = fetched?;
        tracing::info!(models, "the price table was fetched anew");
        if schedule.hours.is_some() {
            app.accounts.note_price_run(now.into()).await.map_err(|problem| problem.text())?;
        }
        Ok(())
    }

    /// Where the operator says that the table is.
    fn named(&self) -> Option<String> {
        let configured = || self.app().ok()?.snapshot.load().settings.price_map.clone();
        self.env.with(Vec::new()).filled("LITELLM_MODEL_COST_MAP_URL").or_else(configured)
    }

    async fn fetch(&self) -> Result<PriceTable, String> {
        let app = self.app().map_err(|problems| problems.join("; "))?;
        let snapshot = app.snapshot.load_full();
        if self.env.with(Vec::new()).is_true("LITELLM_LOCAL_MODEL_COST_MAP") {
            return Ok(PriceTable { at: Some(SystemTime::now()), forced: true, ..PriceTable::default() });
        }
        let from = self.named().unwrap_or_else(|| DEFAULT.to_owned());
        let text = if from.starts_with("http://") || from.starts_with("https://") {
            let http = self.http.get().ok_or("the gateway is starting")?;
            let fetched = http.fetch(&from, &snapshot.engine.settings.fetch).await;
            String::from_utf8(fetched.map_err(|e| e.to_string())?.bytes.to_vec()).map_err(|e| e.to_string())?
        } else {
            let path = from.strip_prefix("file://").unwrap_or(&from);
            tokio::fs::read_to_string(path).await.map_err(|e| format!("{path}: {e}"))?
        };
        let table = read(&text).map_err(|why| format!("{from} is no price table: {why}"))?;
        let models = table.iter().map(|(name, fields)| (name.as_str(), fields));
        let catalog = Catalog::overlay_models(models).map_err(|e| format!("{from} is no price table: {e}"))?;
        Ok(PriceTable {
            prices: Prices::Overlay(catalog),
            from: Some(from),
            at: Some(SystemTime::now()),
            forced: false,
        })
    }
}

/// Reads a table: models with their fields, where everything that says what something costs is a number, and none below
/// zero.
fn read(text: &str) -> Result<Map<String, Value>, String> {
    let table: Map<String, Value> = serde_json::from_str(text).map_err(|e| e.to_string())?;
    if table.is_empty() {
        return Err("it names no model".to_owned());
    }
    for (name, fields) in table.iter().filter(|(name, _)| *name != "sample_spec") {
        let Some(fields) = fields.as_object() else { return Err(format!("{name} is not an object")) };
        for (field, value) in fields.iter().filter(|(field, _)| field.contains("cost_per_")) {
            let fine = value.as_f64().is_some_and(|cost| cost >= 0.0 && cost.is_finite())
                || value.is_null()
                || value.is_object()
                || value.is_array();
            if !fine {
                return Err(format!("{name}: {field} is no price"));
            }
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_checked() {
        for wrong in [
            "",
            "[]",
            "{}",
            "<html>",
            r#"{"m":1}"#,
            r#"{"m":{"input_cost_per_token":-1}}"#,
            r#"{"m":{"input_cost_per_token":"free"}}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read(r#"{"sample_spec":{"input_cost_per_token":"text"},"m":{"input_cost_per_token":1e-6}}"#).is_ok());
    }

    #[test]
    fn the_table_is_fetched_when_it_is_due() {
        let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let new = Followed::default();
        assert!(!new.due(&PriceSchedule::default(), false, None, at(0)));
        assert!(new.due(&PriceSchedule::default(), true, None, at(0)));
        let followed = Followed { begun: true, revision: 1, last: Some(at(0)), not_before: None };
        let hourly = PriceSchedule { hours: Some(1.0), revision: 1, last_run: None };
        assert!(!followed.due(&hourly, true, Some(at(0)), at(3_599)));
        assert!(followed.due(&hourly, true, Some(at(0)), at(3_600)));
        let asked = PriceSchedule { hours: None, revision: 2, last_run: Some(at(50).into()) };
        assert!(followed.due(&asked, false, Some(at(0)), at(60)));
        assert!(!followed.due(&asked, false, Some(at(51)), at(60)), "it was this gateway that was asked");
        let waits = Followed { not_before: Some(at(100)), ..followed };
        assert!(!waits.due(&asked, false, None, at(60)));
    }
}
