//! How stored secrets are shown: their ends, if they are long enough to stay secret.

use std::convert::Infallible;

use llm_types::Json;

/// Characters at the end that are shown.
const SHOWN: usize = 4;

/// A secret as people see it.
fn masked(text: &str) -> String {
    let length = text.chars().count();
    let tail: String = if length >= 4 * SHOWN { text.chars().skip(length - SHOWN).collect() } else { String::new() };
    format!("****{tail}")
}

/// Names whose values are secret.
pub(crate) fn sensitive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["secret", "password", "credential", "header", "webhook"].iter().any(|part| name.contains(part))
        || ["key", "token", "keys", "tokens", "_key_id", "certificate"].iter().any(|end| name.ends_with(end))
        || name.ends_with("url") && name.contains("database")
}

/// A tree whose secret values are masked, whatever they are nested in.
pub(crate) fn tree(json: &Json) -> Json {
    let Ok(shown) = secrets::<Infallible>(json, false, &|text| Ok(masked(text)));
    without_logins(shown)
}

/// A tree whose addresses show no login.
fn without_logins(json: Json) -> Json {
    match json {
        Json::String(text) => Json::String(without_login(&text).unwrap_or(text)),
        Json::Array(items) => Json::Array(items.into_iter().map(without_logins).collect()),
        Json::Object(fields) => {
            Json::Object(fields.into_iter().map(|(name, value)| (name, without_logins(value))).collect())
        }
        other => other,
    }
}

/// An address whose login is masked; nothing for other texts.
fn without_login(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let is_scheme = scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let authority = rest.get(..rest.find(['/', '?', '#']).unwrap_or(rest.len()))?;
    let at = authority.rfind('@').filter(|_| is_scheme)?;
    Some(format!("{scheme}://****{}", rest.get(at..)?))
}

/// A tree whose texts are masked, all of them.
pub(crate) fn all(json: &Json) -> Json {
    let Ok(shown) = secrets::<Infallible>(json, true, &|text| Ok(masked(text)));
    shown
}

/// A tree with `edit` made of each text that is secret: by its own name, by that of what it is nested in, or because `secret`
/// says that all are.
///
/// # Errors
/// Those of `edit`.
pub(crate) fn secrets<E>(json: &Json, secret: bool, edit: &dyn Fn(&str) -> Result<String, E>) -> Result<Json, E> {
    Ok(match json {
        Json::String(text) if secret => Json::String(edit(text)?),
        Json::Array(items) => {
            Json::Array(items.iter().map(|item| secrets(item, secret, edit)).collect::<Result<_, E>>()?)
        }
        Json::Object(fields) => {
            let field =
                |(name, value): &(String, Json)| Ok((name.clone(), secrets(value, secret || sensitive(name), edit)?));
            Json::Object(fields.iter().map(field).collect::<Result<_, E>>()?)
        }
        other => other.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_places_shown() {
        let json: Json = serde_json::from_str(
            r#"{"api_key":"sk-0123456789abcdef","api_base":"https://h","token":"short","headers":{"a":"bearer x"},
                "list":[{"client_secret":"0123456789abcdef"}],"max_tokens":5,"tpm":1,
                "redis_url":"rediss://u:p@ss@h:1/0?a=b@c","to":"me@h","text":"see http://h/@x"}"#,
        )
        .unwrap();
        let shown = r#"{"api_key":"****cdef","api_base":"https://h","token":"****","headers":{"a":"****"},"list":[{"client_secret":"****cdef"}],"max_tokens":5,"tpm":1,"redis_url":"rediss://****@h:1/0?a=b@c","to":"me@h","text":"see http://h/@x"}"#;
        assert_eq!(tree(&json).to_string(), shown);
    }
}
