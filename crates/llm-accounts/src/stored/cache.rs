//! The response cache as the database says it: LiteLLM's one row of `LiteLLM_CacheConfig`, texts sealed one by one. It stands in
//! the place of the file's `cache_params`. Call these on the store's runtime.

use llm_store::{CacheConfigPatch, CacheConfigRow};
use llm_types::{Json, RawJson};

use super::form;
use crate::Accounts;
use crate::audit::{Action, keep};
use crate::keys::Actor;
use crate::mask;
use crate::request::{FieldProblem, Outcome, Problem};
use crate::serving::Changed;

/// The row's id.
pub(super) const ROW: &str = "cache_config";

/// Told by the form, of no use here.
const FORM_ONLY: &str = "redis_type";

/// Stands where a secret was shown to nobody.
const HIDDEN: &str = "***REDACTED***";

/// Secrets that stay where a form does not send them back. An address has everything in it: it does not come back beside a host.
const STAYING: [&str; 2] = ["password", "sentinel_password"];

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

/// Parameters of a cache without what must not be seen; addresses may hold a login.
#[must_use]
pub fn hidden_cache(cache: &Json) -> Json {
    let secret = |name: &str| mask::sensitive(name) || ["url", "base"].iter().any(|end| name.ends_with(end));
    let fields = cache.as_object().unwrap_or_default().iter().map(|(name, value)| {
        let hide = secret(&name.to_ascii_lowercase()) && !value.is_null();
        (name.clone(), if hide { Json::from(HIDDEN) } else { value.clone() })
    });
    Json::Object(fields.collect())
}

/// Parameters as a form sent them, with what it sent back hidden as it is; without what there is not.
#[must_use]
pub fn unhidden_cache(given: &[(String, Json)], there: &Json) -> Json {
    let field = |(name, value): &(String, Json)| {
        let value = if value.as_str() == Some(HIDDEN) { there.get(name)? } else { value };
        (!value.is_null()).then(|| (name.clone(), value.clone()))
    };
    Json::Object(given.iter().filter_map(field).collect())
}

impl Accounts {
    /// The cache of the database, opened: what stands behind a secret that a form sends back hidden.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stored_cache(&self) -> Outcome<Json> {
        let row = self.store_or_refuse()?.table::<CacheConfigRow>().get([ROW]).await?;
        let seal = self.seal();
        Ok(opened(row.as_ref(), |raw| crate::seal::opened(seal.as_ref(), raw)))
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
        let mut draft = self.stored().await?;
        let there = std::mem::take(&mut draft.cache);
        let mut settings = unhidden_cache(given, &there);
        for name in STAYING.into_iter().filter(|name| settings.get(name).is_none()).collect::<Vec<_>>() {
            if let Some(value) = there.get(name) {
                settings.set(name, value.clone());
            }
        }
        draft.cache = settings.clone();
        self.check_draft(&draft, Changed::Rest)?;
        let sealed = Json::from(self.seal_or_refuse()?.seal_fields(&settings)?.to_string()).to_raw();
        let mut tx = self.store_or_refuse()?.begin().await?;
        let patch = CacheConfigPatch { cache_settings: Some(sealed.clone()), ..CacheConfigPatch::default() };
        let row = CacheConfigRow { id: ROW.to_owned(), cache_settings: sealed, ..CacheConfigRow::default() };
        let before = keep(&mut tx, ROW, &row, &patch).await?;
        let shown = |settings: &Json| CacheConfigRow {
            id: ROW.to_owned(),
            cache_settings: hidden_cache(settings).to_raw(),
            ..CacheConfigRow::default()
        };
        let before = before.map(|_| shown(&there));
        self.audit(tx.table(), actor, Action::over(before.as_ref()), ROW, before.as_ref(), Some(&shown(&settings)))
            .await?;
        self.commit_and_serve(tx).await?;
        Ok(Json::object([
            ("message", Json::from("Cache settings updated successfully")),
            ("status", Json::from("success")),
            ("settings", hidden_cache(&settings)),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_comes_back_as_it_is() {
        let json = |text: &str| -> Json { serde_json::from_str(text).unwrap() };
        let there = json(
            r#"{"host":"h","password":"p","qdrant_api_key":"q","s3_aws_secret_access_key":"s","redis_url":"redis://u:p@h"}"#,
        );
        let hidden = hidden_cache(&there);
        assert_eq!(hidden.text("host"), Some("h"));
        for secret in ["password", "qdrant_api_key", "s3_aws_secret_access_key", "redis_url"] {
            assert_eq!(hidden.text(secret), Some(HIDDEN), "{secret}");
        }
        assert_eq!(unhidden_cache(hidden.as_object().unwrap(), &there), there);
        let unknown = json(r#"{"sentinel_password":"***REDACTED***","host":null}"#);
        assert_eq!(unhidden_cache(unknown.as_object().unwrap(), &there), Json::Object(Vec::new()));
    }
}
