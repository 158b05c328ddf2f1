//! Secrets inside of parameters: never shown, and kept when they come back hidden or not at all.

use llm_types::{Json, RawJson, Result};

use crate::mask;
use crate::seal::Seal;

/// What stands for a secret in answers, as LiteLLM writes it.
const HIDDEN: &str = "REDACTED_BY_LITELM";

/// Fields of a kill switch's `auth` that are secret.
const AUTH: [&str; 3] = ["token", "api_key", "password"];

/// A tree with `edit` made of each text whose name says that it is secret.
pub(super) fn each(json: &Json, edit: &dyn Fn(&str) -> Result<String>) -> Result<Json> {
    walk(json, false, edit)
}

fn walk(json: &Json, secret: bool, edit: &dyn Fn(&str) -> Result<String>) -> Result<Json> {
    Ok(match json {
        Json::String(text) if secret && !text.is_empty() => Json::String(edit(text)?),
        Json::Array(items) => Json::Array(items.iter().map(|item| walk(item, secret, edit)).collect::<Result<_>>()?),
        Json::Object(fields) => {
            let field = |(name, value): &(String, Json)| {
                Ok((name.clone(), walk(value, secret || mask::sensitive(name), edit)?))
            };
            Json::Object(fields.iter().map(field).collect::<Result<_>>()?)
        }
        other => other.clone(),
    })
}

/// A column with its secrets opened; what was never sealed stays as it is.
pub(super) fn opened(seal: Option<&Seal>, column: &RawJson) -> Json {
    let json: Json = column.read().unwrap_or_default();
    let Some(seal) = seal else { return json };
    let open = |text: &str| Ok(seal.open(text).unwrap_or_else(|| text.to_owned()));
    each(&json, &open).unwrap_or(json)
}

/// A tree as it is shown.
pub(super) fn hidden(json: &Json) -> Json {
    each(json, &|_| Ok(HIDDEN.to_owned())).unwrap_or_default()
}

/// True when there is a secret in it.
pub(super) fn any(json: &Json) -> bool {
    hidden(json) != *json
}

/// What is to be stored of parameters that come back: hidden secrets are those that are there, and so are secrets that are
/// left out.
pub(super) fn restored(given: &Json, there: Option<&Json>) -> Json {
    let Json::Object(fields) = given else { return given.clone() };
    let mut out = Vec::new();
    for (name, value) in fields {
        let old = there.and_then(|there| there.get(name));
        let value = match value {
            Json::String(text) if text == HIDDEN => match old {
                Some(old) => old.clone(),
                None => continue,
            },
            Json::Object(_) => restored(value, old),
            Json::Array(items) => {
                let old = old.and_then(Json::as_array).unwrap_or_default();
                Json::Array(items.iter().enumerate().map(|(at, item)| restored(item, old.get(at))).collect())
            }
            other => other.clone(),
        };
        out.push((name.clone(), value));
    }
    for (name, value) in there.and_then(Json::as_object).unwrap_or_default() {
        let left_out = !out.iter().any(|(known, _)| known == name);
        if left_out && mask::sensitive(name) && value.as_str().is_some() && given.get(name).is_none() {
            out.push((name.clone(), value.clone()));
        }
    }
    Json::Object(out)
}

/// The same for a kill switch, whose secrets stand in `auth`: another kind of authentication has other secrets.
pub(super) fn restored_auth(given: &Json, there: Option<&Json>) -> Json {
    let mut out = given.clone();
    let Some(auth) = given.get("auth").filter(|auth| auth.as_object().is_some()) else { return out };
    let old = there.and_then(|there| there.get("auth")).filter(|old| old.text("type") == auth.text("type"));
    let mut auth = auth.clone();
    for field in AUTH {
        if auth.text(field) == Some(HIDDEN) {
            auth.set(field, old.and_then(|old| old.text(field)).unwrap_or_default());
        }
    }
    out.set("auth", auth);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_comes_back_hidden_stays() {
        let there = json(r#"{"api_key":"k","model":"m","deep":[{"client_secret":"s","n":1}],"token":"t"}"#);
        let shown = hidden(&there);
        let wanted = r#"{"api_key":"REDACTED_BY_LITELM","model":"m","deep":[{"client_secret":"REDACTED_BY_LITELM","n":1}],"token":"REDACTED_BY_LITELM"}"#;
        assert_eq!(shown.to_string(), wanted);
        assert_eq!(restored(&shown, Some(&there)).to_string(), there.to_string());
        let edited = restored(&json(r#"{"model":"n","token":""}"#), Some(&there));
        assert_eq!(edited.to_string(), r#"{"model":"n","token":"","api_key":"k"}"#, "an empty text takes it away");
        assert_eq!(restored(&shown, None).to_string(), r#"{"model":"m","deep":[{"n":1}]}"#);
        assert!(any(&there) && !any(&json(r#"{"model":"m","input_cost_per_token":0.1}"#)));
    }

    #[test]
    fn a_switch_of_another_kind_has_no_secret_of_the_old_one() {
        let there = json(r#"{"url":"https://h","auth":{"type":"bearer","token":"t"}}"#);
        let same = json(r#"{"url":"https://h","auth":{"type":"bearer","token":"REDACTED_BY_LITELM"}}"#);
        assert_eq!(restored_auth(&same, Some(&there)), there);
        let other = json(r#"{"url":"https://h","auth":{"type":"api_key","api_key":"REDACTED_BY_LITELM"}}"#);
        assert!(restored_auth(&other, Some(&there)).to_string().contains(r#""api_key":"""#));
    }
}
