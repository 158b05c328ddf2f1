//! `SAML_*`: an identity provider that speaks SAML.

use llm_management::{SamlAttributes, SamlSource, SamlWay};

use super::super::env::Environment;

/// The names by which providers know an address, and so on, after the one that the operator names.
const EMAIL: [&str; 6] = [
    "urn:oid:0.9.2342.19200300.100.1.3",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "email",
    "emailAddress",
    "mail",
    "Email",
];
const FIRST_NAME: [&str; 5] = [
    "urn:oid:2.5.4.42",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
    "givenName",
    "first_name",
    "firstName",
];
const LAST_NAME: [&str; 6] = [
    "urn:oid:2.5.4.4",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
    "sn",
    "surname",
    "last_name",
    "lastName",
];
const ROLE: [&str; 3] = ["role", "roles", "litellm_role"];
const TEAMS: [&str; 3] = ["teams", "team_ids", "groups"];

const NAME_ID_FORMAT: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";

/// The way to the provider; nothing where none is named.
pub(super) fn way(env: &Environment, warn: &mut dyn FnMut(&str, String)) -> Option<SamlWay> {
    let url = env.filled("SAML_IDP_METADATA_URL").map(SamlSource::Url);
    let source = url.or_else(|| env.filled("SAML_IDP_METADATA_XML").map(SamlSource::Text))?;
    let flag = |name: &str, usual: bool| match env.filled(name) {
        Some(text) => matches!(text.trim().to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on"),
        None => usual,
    };
    for (name, on, why) in [
        ("SAML_STRICT", false, "responses are always judged strictly"),
        ("SAML_AUTHN_REQUESTS_SIGNED", true, "requests are not signed"),
        ("SAML_IDP_METADATA_VALIDATE_CERT", false, "certificates are always checked (SSL_VERIFY says otherwise)"),
    ] {
        if env.filled(name).is_some() && flag(name, !on) == on {
            warn(name, format!("{why}; it has no effect"));
        }
    }
    let named = |own: &str, usual: &[&str]| {
        env.filled(own).into_iter().chain(usual.iter().map(|name| (*name).to_owned())).collect::<Vec<_>>()
    };
    Some(SamlWay {
        source,
        entity_id: env.filled("SAML_SP_ENTITY_ID"),
        name_id_format: env.filled("SAML_SP_NAME_ID_FORMAT").unwrap_or_else(|| NAME_ID_FORMAT.to_owned()),
        signed_assertions: flag("SAML_WANT_ASSERTIONS_SIGNED", true),
        signed_responses: flag("SAML_WANT_MESSAGES_SIGNED", false),
        unsolicited: flag("SAML_ALLOW_UNSOLICITED", false),
        attributes: SamlAttributes {
            id: named("SAML_ATTRIBUTE_USER_ID", &[]),
            email: named("SAML_ATTRIBUTE_EMAIL", &EMAIL),
            first_name: named("SAML_ATTRIBUTE_FIRST_NAME", &FIRST_NAME),
            last_name: named("SAML_ATTRIBUTE_LAST_NAME", &LAST_NAME),
            role: named("SAML_ATTRIBUTE_ROLE", &ROLE),
            teams: named("SAML_ATTRIBUTE_TEAM_IDS", &TEAMS),
        },
        known: Default::default(),
    })
}
