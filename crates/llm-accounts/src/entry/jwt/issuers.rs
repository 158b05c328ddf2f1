//! Whose tokens are believed: `issuers` of `litellm_jwtauth`, and the environment.

use std::sync::Arc;

use llm_idp::{KeySource, Trust};
use llm_types::Json;

use super::settings::{Fields, JwtEnvironment, TrustedIssuer, WrongJwt};
use super::told::plain;

/// Keys of an entry of `issuers` that are no claim fields.
const OF_ISSUER: [&str; 4] = ["issuer", "jwks_url", "audience", "disable_audience_validation"];
const CLAIM_FIELDS: [&str; 15] = [
    "user_id_jwt_field",
    "user_email_jwt_field",
    "user_roles_jwt_field",
    "team_id_jwt_field",
    "team_ids_jwt_field",
    "team_alias_jwt_field",
    "org_id_jwt_field",
    "org_alias_jwt_field",
    "end_user_id_jwt_field",
    "agent_id_jwt_field",
    "roles_jwt_field",
    "object_id_jwt_field",
    "virtual_key_claim_field",
    "jwt_client_id_field",
    "unregistered_jwt_client_behavior",
];

/// The issuers that are trusted: those of `issuers`, and the one of the environment.
///
/// # Errors
/// What is wrong, for people.
pub(super) fn read(
    raw: &Json,
    listed: &[Json],
    env: &JwtEnvironment,
    warnings: &mut Vec<String>,
) -> Result<Vec<TrustedIssuer>, WrongJwt> {
    let general: Fields = raw.to_raw().read().map_err(|error| WrongJwt::new(&[], plain(&error)))?;
    let mut out = Vec::new();
    for (at, own) in listed.iter().enumerate() {
        let at = at.to_string();
        let wrong = |key: &str, why: String| WrongJwt::new(&["issuers", &at, key], why);
        let whole = |why: String| WrongJwt::new(&["issuers", &at], why);
        let own_fields = own.as_object().ok_or_else(|| whole("expected a map".to_owned()))?;
        let known = |name: &str| OF_ISSUER.contains(&name) || CLAIM_FIELDS.contains(&name);
        if let Some((name, _)) = own_fields.iter().find(|(name, _)| !known(name)) {
            return Err(wrong(name, "unknown key".to_owned()));
        }
        let mut merged = Json::Object(Vec::new());
        for (name, value) in raw.as_object().unwrap_or_default().iter().chain(own_fields) {
            if CLAIM_FIELDS.contains(&name.as_str()) {
                merged.set(name, value.clone());
            }
        }
        let fields: Fields = merged.to_raw().read().map_err(|error| whole(plain(&error)))?;
        let text = |name: &str| own.text(name).filter(|text| !text.is_empty());
        let issuer = text("issuer").ok_or_else(|| whole("issuer is missing".to_owned()))?;
        if out.iter().any(|known: &TrustedIssuer| known.trust.issuer.as_deref() == Some(issuer)) {
            return Err(wrong("issuer", "stands there twice".to_owned()));
        }
        let any = own.get("disable_audience_validation").and_then(Json::as_bool) == Some(true);
        let audiences = texts(own.get("audience"));
        if audiences.is_empty() && !any {
            return Err(whole("audience is missing (or disable_audience_validation: true)".to_owned()));
        }
        let keys = match text("jwks_url") {
            Some(url) => KeySource::Urls(vec![address(url).map_err(|why| wrong("jwks_url", why))?]),
            None => {
                address(issuer).map_err(|why| wrong("issuer", why))?;
                KeySource::Discovery
            }
        };
        let audiences = if any { Vec::new() } else { audiences };
        out.push(TrustedIssuer { trust: Trust { issuer: Some(issuer.into()), keys, audiences }, fields });
    }
    let filled = |text: &Option<String>| text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
    let urls = filled(&env.key_urls).unwrap_or_default();
    let urls: Vec<Arc<str>> = urls
        .split(',')
        .map(str::trim)
        .filter(|url| !url.is_empty())
        .map(address)
        .collect::<Result<_, _>>()
        .map_err(of_environment)?;
    let issuer = filled(&env.issuer);
    let keys = match (&issuer, urls.is_empty()) {
        (_, false) => Some(KeySource::Urls(urls)),
        (Some(issuer), true) => {
            address(issuer).map_err(of_environment)?;
            Some(KeySource::Discovery)
        }
        (None, true) => None,
    };
    if let Some(keys) = keys {
        let audiences: Vec<String> = filled(&env.audience).into_iter().collect();
        if audiences.is_empty() {
            warnings.push("JWT_AUDIENCE is not set: tokens that were made for others are accepted too".to_owned());
        }
        out.push(TrustedIssuer { trust: Trust { issuer: issuer.map(Into::into), keys, audiences }, fields: general });
    }
    if out.is_empty() {
        return Err(WrongJwt::new(&[], "nobody is trusted: set JWT_PUBLIC_KEY_URL, JWT_ISSUER or issuers"));
    }
    Ok(out)
}

/// A wrong address in JWT_PUBLIC_KEY_URL or JWT_ISSUER.
fn of_environment(why: String) -> WrongJwt {
    WrongJwt::new(&[], why)
}

fn texts(value: Option<&Json>) -> Vec<String> {
    match value {
        Some(Json::String(one)) if !one.is_empty() => vec![one.clone()],
        Some(Json::Array(all)) => all.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

/// An address of the web.
fn address(url: &str) -> Result<Arc<str>, String> {
    let parsed: Result<http::Uri, _> = url.parse();
    let fine = parsed.is_ok_and(|uri| matches!(uri.scheme_str(), Some("https" | "http")) && uri.host().is_some());
    if fine { Ok(url.into()) } else { Err("an address of an issuer or its keys is no http or https URL".to_owned()) }
}
