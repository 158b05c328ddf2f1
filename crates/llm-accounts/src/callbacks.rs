//! Callbacks of single keys and teams, as LiteLLM keeps them in their metadata: the list `logging` and, for teams, the older
//! `callback_settings`. Secrets among their parameters are sealed in the database, behind a mark.

use std::sync::Arc;

use llm_types::record::OwnCallback;
use llm_types::{Json, Result, Secret};

use crate::mask;
use crate::seal::Seal;

/// Where a team's metadata has them: LiteLLM's older and its newer place.
pub(crate) const SETTINGS: &str = "callback_settings";
pub(crate) const LOGGING: &str = "logging";
/// Parameters of callbacks.
pub(crate) const VARS: &str = "callback_vars";
/// The lists of [`SETTINGS`].
pub(crate) const SUCCESS: &str = "success_callback";
pub(crate) const FAILURE: &str = "failure_callback";

/// Stands before a parameter that is sealed.
pub(crate) const SEALED: &str = "litellm_enc::";

/// Callbacks of a key and those of its team. Both are told: whoever makes a key must not lead its calls past the team's log.
/// Nothing when there are none.
pub(crate) fn own(key: &Json, team: &Json, seal: impl FnOnce() -> Option<Seal>) -> Option<Arc<[OwnCallback]>> {
    let some = |of: &Json| of.get(LOGGING).is_some() || of.get(SETTINGS).is_some();
    if !some(key) && !some(team) {
        return None;
    }
    let seal = seal();
    let mut out = Vec::new();
    for entry in [key, team].into_iter().flat_map(listed) {
        let kind = entry.text("callback_type");
        let name = entry.text("callback_name");
        out.extend(name.map(|name| callback(name, kind, entry.get(VARS), seal.as_ref())));
    }
    let settings = team.get(SETTINGS).cloned().unwrap_or_default();
    let (success, failure) = (texts(settings.get(SUCCESS)), texts(settings.get(FAILURE)));
    for name in success.iter().chain(failure.iter().filter(|name| !success.contains(name))) {
        let told = callback(name, None, settings.get(VARS), seal.as_ref());
        out.push(OwnCallback { success: success.contains(name), failure: failure.contains(name), ..told });
    }
    (!out.is_empty()).then(|| out.into())
}

/// One callback. `kind` is its `callback_type`.
pub(crate) fn callback(name: &str, kind: Option<&str>, vars: Option<&Json>, seal: Option<&Seal>) -> OwnCallback {
    let kind = kind.unwrap_or("success_and_failure");
    let text = |value: &Json| match value {
        Json::String(text) => opened(text, seal),
        Json::Bool(_) | Json::Number(_) => Some(value.to_string()),
        _ => None,
    };
    let fields = vars.and_then(Json::as_object).unwrap_or_default().iter();
    OwnCallback {
        name: name.to_ascii_lowercase().into(),
        success: kind.contains("success"),
        failure: kind.contains("failure"),
        vars: fields.filter_map(|(name, value)| Some((name.as_str().into(), Secret::new(text(value)?)))).collect(),
    }
}

/// The entries of the list.
pub(crate) fn listed(metadata: &Json) -> &[Json] {
    metadata.get(LOGGING).and_then(Json::as_array).unwrap_or_default()
}

pub(crate) fn texts(json: Option<&Json>) -> Vec<String> {
    let items = json.and_then(Json::as_array).unwrap_or_default();
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// A parameter as it was given. One that nobody here can open says nothing.
fn opened(text: &str, seal: Option<&Seal>) -> Option<String> {
    match text.strip_prefix(SEALED) {
        Some(inner) => seal?.open(inner),
        None => Some(text.to_owned()),
    }
}

/// True when metadata hold a secret that would lie in the database in the clear.
pub(crate) fn bare(metadata: &Json) -> bool {
    let some = |vars: &Json| vars.as_object().unwrap_or_default().iter().any(|(name, value)| is_bare(name, value));
    let settings = metadata.get(SETTINGS).and_then(|settings| settings.get(VARS));
    listed(metadata).iter().filter_map(|entry| entry.get(VARS)).chain(settings).any(some)
}

fn is_bare(name: &str, value: &Json) -> bool {
    let secret = mask::sensitive(name) || name == "gcs_path_service_account";
    let text = value.as_str().filter(|text| !text.is_empty() && !text.starts_with("os.environ/"));
    secret && text.is_some_and(|text| !text.starts_with(SEALED))
}

/// The metadata with the secrets of callbacks sealed; what is sealed already stays.
///
/// # Errors
/// As [`Seal::seal`].
pub(crate) fn sealed(mut metadata: Json, seal: &Seal) -> Result<Json> {
    if let Some(vars) = metadata.get_mut(SETTINGS).and_then(|settings| settings.get_mut(VARS)) {
        seal_vars(vars, seal)?;
    }
    if let Some(Json::Array(entries)) = metadata.get_mut(LOGGING) {
        for vars in entries.iter_mut().filter_map(|entry| entry.get_mut(VARS)) {
            seal_vars(vars, seal)?;
        }
    }
    Ok(metadata)
}

fn seal_vars(vars: &mut Json, seal: &Seal) -> Result<()> {
    let Json::Object(fields) = vars else { return Ok(()) };
    for (name, value) in fields.iter_mut().filter(|(name, value)| is_bare(name, value)) {
        tracing::debug!(parameter = %name, "a parameter of a callback is sealed");
        let text = seal.seal(value.as_str().unwrap_or_default())?;
        *value = Json::from(format!("{SEALED}{text}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::SealFormat;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn both_places_are_read_and_secrets_come_back() {
        let seal = || Some(Seal::new("salt", SealFormat::SecretBox));
        let key = json(
            r#"{"logging":[{"callback_name":"Langfuse","callback_type":"failure",
                "callback_vars":{"langfuse_secret_key":"sk-1","langfuse_host":"https://h","flag":true}}]}"#,
        );
        let team = json(
            r#"{"callback_settings":{"success_callback":["langfuse"],"failure_callback":["other"],
                "callback_vars":{"langfuse_public_key":"pk-1"}}}"#,
        );
        assert!(bare(&key) && bare(&team) && !bare(&json("{}")));
        let (key, team) = (sealed(key, &seal().unwrap()).unwrap(), sealed(team, &seal().unwrap()).unwrap());
        assert!(!bare(&key) && !key.to_string().contains("sk-1") && key.to_string().contains("https://h"));
        assert_eq!(sealed(key.clone(), &seal().unwrap()).unwrap(), key, "once");
        let all = own(&key, &team, seal).unwrap();
        let told: Vec<_> = all.iter().map(|c| (&*c.name, c.success, c.failure)).collect();
        assert_eq!(told, [("langfuse", false, true), ("langfuse", true, false), ("other", false, true)]);
        assert_eq!(all[0].var("langfuse_secret_key"), Some("sk-1"));
        assert_eq!((all[0].var("flag"), all[1].var("langfuse_public_key")), (Some("true"), Some("pk-1")));
        assert!(own(&json("{}"), &json("{}"), || None).is_none());
        assert_eq!(own(&key, &json("{}"), || None).unwrap()[0].var("langfuse_secret_key"), None, "without a key");
    }
}
