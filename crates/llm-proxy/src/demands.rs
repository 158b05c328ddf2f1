//! What a body has to have, and what it may say of caching: demands of the operator and of keys.

use llm_accounts::Identity;
use llm_types::{Error, Json, Kind, Result};
use llm_wire::top::Top;

use crate::snapshot::Snapshot;

/// Checks a body.
///
/// # Errors
/// 400 for a `cache` that is no object, and for a field that has to be there (`enforced_params` of the settings, of service accounts, of the key), 403 for a
/// control of the cache that the key may not use (`allowed_cache_controls`).
pub fn check(snapshot: &Snapshot, top: &Top<'_>, who: &Identity) -> Result<()> {
    let settings = &snapshot.settings;
    let of_service = settings.service_account_params.iter().filter(|_| who.is_service_account());
    let demanded = settings.enforced_params.iter().chain(of_service).chain(who.enforced_params());
    if let Some(name) = demanded.into_iter().find(|name| !has(top, name)) {
        let why = format!("BadRequest please pass param={name} in request body. This is a required param");
        return Err(Error::bad_request(why).with_type("bad_request_error").with_param(name.as_str()));
    }
    if top.get("cache").is_some_and(|raw| raw.starts_with(['"', '[']) || raw.starts_with(|c: char| c.is_ascii_digit()))
    {
        return Err(Error::bad_request("cache must be an object of cache controls").with_param("cache"));
    }
    let allowed = who.allowed_cache_controls();
    if allowed.is_empty() {
        return Ok(());
    }
    let cache = top.get("cache").filter(|raw| raw.starts_with('{')).and_then(|_| top.read::<Json>("cache"));
    let given = cache.as_ref().and_then(Json::as_object).unwrap_or_default();
    match given.iter().find(|(name, _)| !allowed.contains(name)) {
        None => Ok(()),
        Some((name, _)) => {
            let why = format!("Not allowed to set {name} as a cache control. Contact admin to change permissions.");
            Err(Error::new(Kind::PermissionDenied, why).with_param("cache"))
        }
    }
}

/// Refuses end users whom the operator blocked (`blocked_user_list`).
///
/// # Errors
/// 400, as LiteLLM answers.
pub fn may_call(snapshot: &Snapshot, end_user: Option<&str>) -> Result<()> {
    match end_user.filter(|user| snapshot.settings.blocked_users.contains(*user)) {
        None => Ok(()),
        Some(user) => Err(Error::bad_request(format!("User blocked from making LLM API Calls. User={user}"))),
    }
}

/// Whether a body has a field; `metadata.generation_name` is one inside of another.
fn has(top: &Top<'_>, path: &str) -> bool {
    let mut names = path.split('.');
    let Some(first) = names.next() else { return true };
    let Some(raw) = top.get(first).filter(|raw| *raw != "null") else { return false };
    let mut rest = names.peekable();
    if rest.peek().is_none() {
        return true;
    }
    let tree: Json = serde_json::from_str(raw).unwrap_or_default();
    let found = rest.try_fold(&tree, |tree, name| tree.get(name));
    found.is_some_and(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_inside_of_others_are_found() {
        let body = br#"{"model":"m","user":null,"metadata":{"a":{"b":1},"c":null}}"#;
        let top = Top::parse(body).unwrap();
        for (path, there) in [
            ("model", true),
            ("user", false),
            ("other", false),
            ("metadata", true),
            ("metadata.a.b", true),
            ("metadata.c", false),
            ("metadata.a.b.c", false),
            ("model.x", false),
        ] {
            assert_eq!(has(&top, path), there, "{path}");
        }
    }
}
