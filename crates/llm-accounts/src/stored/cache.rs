//! The response cache as the database says it: LiteLLM's one row of `LiteLLM_CacheConfig`, texts sealed one by one. It stands in
//! the place of the file's `cache_params`. Call these on the store's runtime.

use llm_store::{CacheConfigPatch, CacheConfigRow};
use llm_types::{Json, RawJson};

use super::form;
use crate::Accounts;
use crate::audit::Action;
use crate::keys::Actor;
use crate::request::{FieldProblem, Outcome, Problem};
use crate::serving::Changed;

/// The row's id.
pub(super) const ROW: &str = "cache_config";

/// Told by the form, of no use here.
const FORM_ONLY: &str = "redis_type";

/// Stands where a secret was shown to nobody.
const HIDDEN: &str = "***REDACTED***";

/// Parameters that are secret.
const SECRETS: [&str; 4] = ["url", "password", "sentinel_password", "redis_url"];

/// Whatever stands in the row, opened.
pub(super) fn opened(row: Option<&CacheConfigRow>, open: impl Fn(&RawJson) -> Json) -> Json {
    form::object(row.map(|row| &row.cache_settings), open)
}

/// The row as a section of a configuration, to be laid over the others; nothing where it says nothing.
#[must_use]
pub fn cache_section(cache: &Json) -> Option<(&'static str, Json)> {
    let params = cache.as_object().filter(|fields| !fields.is_empty())?;
    let params = params.iter().filter(|(name, value)| name != FORM_ONLY && !value.is_null()).cloned().collect();
    Some(("litellm_settings", Json::object([("cache", Json::from(true)), ("cache_params", Json::Object(params))])))
}

fn hidden(cache: &Json) -> Json {
    let fields = cache.as_object().unwrap_or_default().iter().map(|(name, value)| {
        let secret = SECRETS.contains(&name.as_str()) && !value.is_null();
        (name.clone(), if secret { Json::from(HIDDEN) } else { value.clone() })
    });
    Json::Object(fields.collect())
}

impl Accounts {
    /// The cache of the database, opened: what stands behind a secret that a form sends back hidden.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stored_cache(&self) -> Outcome<Json> {
        let row = self.store_or_refuse()?.table::<CacheConfigRow>().get([ROW]).await?;
        let seal = self.seal();
        Ok(opened(row.as_ref(), |raw| {
            let fields: Json = raw.read().unwrap_or_default();
            seal.as_ref().map_or(fields.clone(), |seal| seal.open_fields(&fields))
        }))
    }

    /// `POST /cache/settings`: replaces all of the row; secrets that come back hidden, or not at all, stay. Served at once, on
    /// other gateways within seconds.
    ///
    /// # Errors
    /// 422 without settings, 400 for settings that make no cache.
    pub async fn set_cache(&self, actor: Actor<'_>, body: &Json) -> Outcome<Json> {
        self.stores_models()?;
        let Some(given) = body.get("cache_settings").and_then(Json::as_object) else {
            let (field, input) = ("cache_settings".to_owned(), body.get("cache_settings").cloned().unwrap_or_default());
            let (kind, message) = match input.is_null() {
                true => ("missing", "Field required"),
                false => ("dict_type", "Input should be a valid dictionary"),
            };
            return Err(Problem::Fields(vec![FieldProblem { field, kind, message, input }]));
        };
        let there = self.stored_cache().await?;
        let mut settings = Json::Object(given.iter().filter(|(_, value)| !value.is_null()).cloned().collect());
        for name in SECRETS {
            let kept = settings.get(name).is_none_or(|value| value.as_str() == Some(HIDDEN));
            // An address has everything in it, so it does not come back beside a host.
            let moved = name.ends_with("url") && settings.get(name).is_none();
            match there.get(name).filter(|_| kept && !moved) {
                Some(value) => settings.set(name, value.clone()),
                None if kept => drop(settings.remove(name)),
                None => {}
            }
        }
        let mut draft = self.stored().await?;
        draft.cache = settings.clone();
        self.check_draft(&draft, Changed::Rest)?;
        let sealed = Json::from(self.seal_or_refuse()?.seal_fields(&settings)?.to_string()).to_raw();
        let mut tx = self.store_or_refuse()?.begin().await?;
        let before = tx.table::<CacheConfigRow>().get([ROW]).await?;
        if before.is_some() {
            let patch = CacheConfigPatch { cache_settings: Some(sealed), ..CacheConfigPatch::default() };
            tx.table::<CacheConfigRow>().update([ROW], &patch).await?;
        } else {
            let row = CacheConfigRow { id: ROW.to_owned(), cache_settings: sealed, ..CacheConfigRow::default() };
            tx.table().insert(&row).await?;
        }
        let shown = |settings: &Json| CacheConfigRow {
            id: ROW.to_owned(),
            cache_settings: hidden(settings).to_raw(),
            ..CacheConfigRow::default()
        };
        let action = if before.is_some() { Action::Updated } else { Action::Created };
        let before = before.map(|_| shown(&there));
        self.audit(tx.table(), actor, action, ROW, before.as_ref(), Some(&shown(&settings))).await?;
        tx.commit().await?;
        self.serve_anew().await?;
        Ok(Json::object([
            ("message", Json::from("Cache settings updated successfully")),
            ("status", Json::from("success")),
            ("settings", hidden(&settings)),
        ]))
    }
}
