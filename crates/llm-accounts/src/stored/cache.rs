//! The response cache as the database says it: LiteLLM's one row of `LiteLLM_CacheConfig`, texts sealed one by one. It stands in
//! the place of the file's `cache_params`. Call these on the store's runtime.

use llm_store::{CacheConfigPatch, CacheConfigRow};
use llm_types::{Json, RawJson, Result};

use super::form;
use crate::Accounts;
use crate::audit::{Action, keep};
use crate::keys::{Actor, bad};
use crate::mask;
use crate::request::{FieldProblem, Outcome, Problem};
use crate::serving::Changed;

/// The row's id.
pub(super) const ROW: &str = "cache_config";

/// Told by the form, of no use here.
const FORM_ONLY: &str = "redis_type";

/// Stands where a secret was shown to nobody.
const HIDDEN: &str = "***REDACTED***";

/// How the names of settings end that say where a store is.
const PLACES: [&str; 7] = ["host", "port", "url", "base", "nodes", "endpoint", "address"];

/// How a value that stands elsewhere is named: in the environment, at an identity provider.
const REFERENCES: [&str; 2] = ["os.environ/", "oidc/"];

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
fn unhidden_cache(given: &[(String, Json)], there: &Json) -> Json {
    let field = |(name, value): &(String, Json)| {
        let value = if value.as_str() == Some(HIDDEN) { there.get(name)? } else { value };
        (!value.is_null()).then(|| (name.clone(), value.clone()))
    };
    Json::Object(given.iter().filter_map(field).collect())
}

/// Settings of a body with what a form sent back hidden as it is in `there`, and whether they mean the place that `there` says.
/// Hidden values belong to the place that they were saved with: they go to no other one.
///
/// # Errors
/// 400 for hidden values that would go to another place.
pub(super) fn at_home(given: &[(String, Json)], there: &Json) -> Result<(Json, bool)> {
    let settings = unhidden_cache(given, there);
    let same = places(&settings) == places(there);
    match given.iter().find(|(_, value)| value.as_str() == Some(HIDDEN)).filter(|_| !same) {
        Some((name, _)) => {
            let why = format!("{name}: a hidden value only goes to the address that it was saved with: write it out");
            Err(bad(why).with_param(name.as_str()))
        }
        None => Ok((settings, same)),
    }
}

/// As [`at_home`], for settings that are to be tried: secrets of the operator, hidden ones as those of the environment, are shown
/// to no other place that a body names.
///
/// # Errors
/// As [`at_home`], and 400 for references that are not saved.
pub fn tried_cache(given: &[(String, Json)], there: &Json) -> Result<(Json, bool)> {
    let (settings, at_home) = at_home(given, there)?;
    for (name, value) in settings.as_object().unwrap_or_default() {
        let text = value.to_string();
        if REFERENCES.iter().any(|start| text.contains(start)) && !(at_home && there.get(name) == Some(value)) {
            let why = format!("{name}: references to the environment can be tried once they are saved");
            return Err(bad(why).with_param(name.as_str()));
        }
    }
    Ok((settings, at_home))
}

/// What says where a store is, sorted; ports count as the same as numbers and as texts.
fn places(settings: &Json) -> Vec<(&str, String)> {
    let is_place = |(name, value): &&(String, Json)| {
        let filled = !value.is_null() && value.as_str() != Some("");
        filled && (value.as_object().is_some() || PLACES.iter().any(|end| name.ends_with(end)))
    };
    let written = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let all = settings.as_object().unwrap_or_default().iter().filter(is_place);
    let mut all: Vec<(&str, String)> = all.map(|(name, value)| (name.as_str(), written(value))).collect();
    all.sort_unstable();
    all
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

    /// `POST /cache/settings`: replaces all of the row; secrets that come back hidden, or not at all, stay while the place is the
    /// same. Served at once, on other gateways within seconds.
    ///
    /// # Errors
    /// 422 without settings, 400 for settings that make no cache, and for hidden values beside another address.
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
        let (mut settings, at_home) = at_home(given, &there)?;
        for name in STAYING.into_iter().filter(|name| at_home && given.iter().all(|(given, _)| given != name)) {
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
        assert!(tried_cache(hidden.as_object().unwrap(), &there).unwrap().1);
        let unknown = json(r#"{"sentinel_password":"***REDACTED***","host":null}"#);
        assert_eq!(unhidden_cache(unknown.as_object().unwrap(), &there), Json::Object(Vec::new()));
    }

    #[test]
    fn secrets_are_tried_at_home_only() {
        let json = |text: &str| -> Json { serde_json::from_str(text).unwrap() };
        let there = json(r#"{"host":"h","port":6379,"username":"os.environ/NAME","password":"p"}"#);
        let tried = |text: &str| tried_cache(json(text).as_object().unwrap(), &there).map_err(|error| error.param);
        let home = tried(r#"{"host":"h","port":"6379","username":"os.environ/NAME","password":"***REDACTED***"}"#);
        let (settings, at_home) = home.unwrap();
        assert_eq!((settings.text("password"), at_home), (Some("p"), true));
        for (text, param) in [
            (r#"{"host":"evil","port":6379,"password":"***REDACTED***"}"#, "password"),
            (r#"{"host":"h","port":6380,"password":"***REDACTED***"}"#, "password"),
            (r#"{"url":"redis://evil","password":"***REDACTED***"}"#, "password"),
            (r#"{"host":"h","port":6379,"startup_nodes":["evil:1"],"password":"***REDACTED***"}"#, "password"),
            (r#"{"host":"evil","username":"os.environ/NAME"}"#, "username"),
            (r#"{"host":"h","port":6379,"password":"os.environ/OTHER"}"#, "password"),
        ] {
            assert_eq!(tried(text).unwrap_err().as_deref(), Some(param), "{text}");
        }
        let elsewhere = tried(r#"{"host":"other","password":"own"}"#).unwrap();
        assert_eq!((elsewhere.0.text("password"), elsewhere.1), (Some("own"), false));
    }
}
