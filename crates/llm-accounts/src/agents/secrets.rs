//! Secrets inside of parameters: never shown, and kept when they come back hidden or not at all.

use llm_types::{Json, RawJson, Result};

use crate::mask;
use crate::seal::Seal;

/// What stands for a secret in answers, as LiteLLM writes it.
const HIDDEN: &str = "REDACTED_BY_LITELM";

/// A tree with `edit` made of each text whose name says that it is secret. An empty text is none.
pub(super) fn each(json: &Json, edit: &dyn Fn(&str) -> Result<String>) -> Result<Json> {
    mask::secrets(json, false, &|text| if text.is_empty() { Ok(String::new()) } else { edit(text) })
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
    unhidden(given, there, true).unwrap_or_default()
}

/// The same for a kill switch, of which nothing is kept that is left out: another kind of authentication has other secrets.
pub(super) fn restored_switch(given: &Json, there: Option<&Json>) -> Json {
    let kind = |switch: &Json| switch.get("auth").and_then(|auth| auth.text("type")).map(str::to_owned);
    let mut there = there.cloned();
    if let Some(there) = there.as_mut().filter(|there| kind(there) != kind(given)) {
        there.set("auth", Json::Null);
    }
    unhidden(given, there.as_ref(), false).unwrap_or_default()
}

/// A tree whose hidden texts are those that are there, at the same place; nothing for a hidden text where none is there.
/// `keep`: secrets that are left out stay too.
fn unhidden(given: &Json, there: Option<&Json>, keep: bool) -> Option<Json> {
    match given {
        Json::String(text) if text == HIDDEN => there.filter(|old| old.as_str().is_some()).cloned(),
        Json::Array(items) => {
            let old = there.and_then(Json::as_array).unwrap_or_default();
            Some(Json::Array(
                items.iter().enumerate().filter_map(|(at, item)| unhidden(item, old.get(at), keep)).collect(),
            ))
        }
        Json::Object(fields) => {
            let field = |(name, value): &(String, Json)| {
                Some((name.clone(), unhidden(value, there.and_then(|there| there.get(name)), keep)?))
            };
            let mut out: Vec<(String, Json)> = fields.iter().filter_map(field).collect();
            if keep {
                let old = there.and_then(Json::as_object).unwrap_or_default();
                let left_out = |(name, value): &&(String, Json)| {
                    mask::sensitive(name) && value.as_str().is_some() && given.get(name).is_none()
                };
                out.extend(old.iter().filter(left_out).cloned());
            }
            Some(Json::Object(out))
        }
        other => Some(other.clone()),
    }
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
    fn secrets_in_lists_stay() {
        let there = json(r#"{"keys":["a","b"],"headers":[{"x":"h"}]}"#);
        assert_eq!(restored(&hidden(&there), Some(&there)), there);
        let one_more = json(r#"{"keys":["REDACTED_BY_LITELM","c","REDACTED_BY_LITELM"]}"#);
        assert_eq!(restored(&one_more, Some(&there)).to_string(), r#"{"keys":["a","c"]}"#);
    }

    #[test]
    fn a_switch_of_another_kind_has_no_secret_of_the_old_one() {
        let there = json(r#"{"url":"https://h","headers":{"x-api-key":"k"},"auth":{"type":"bearer","token":"t"}}"#);
        assert_eq!(restored_switch(&hidden(&there), Some(&there)), there);
        let other = json(r#"{"url":"https://h","auth":{"type":"api_key","token":"REDACTED_BY_LITELM"}}"#);
        let stored = restored_switch(&other, Some(&there)).to_string();
        assert_eq!(stored, r#"{"url":"https://h","auth":{"type":"api_key"}}"#);
    }
}
