//! How people log in: `general_settings` and the environment → settings of sessions, and the identity provider.

mod saml;

use std::sync::Arc;
use std::time::Duration;

use llm_accounts::{LoginSettings, Role, UiAccess};
use llm_idp::{CodeFlow, KeySource, Trust};
use llm_management::{SsoAttributes, SsoKind, SsoRoleMap, SsoWay};
use llm_types::{Json, Secret};

use super::env::Environment;
use super::problem::Mark;
use super::section::Section;
use super::{Context, Loaded};

/// The identity provider that people log in at, as it is configured.
#[derive(Debug)]
pub struct SsoPlan {
    /// Which one.
    pub kind: SsoKind,
    /// How people get there and back.
    pub way: SsoWay,
    /// Variables that are not set and have to be.
    pub missing: Vec<&'static str>,
}

/// Reads the environment, then the section.
pub(crate) fn read(section: Option<&Section<'_>>, ctx: &Context<'_>, out: &mut Loaded) {
    let env = ctx.env;
    let stored = ctx.source.stored.as_ref().and_then(|stored| llm_accounts::sso_team_claim(&stored.sso));
    let plan = plan(stored.map(str::to_owned).or_else(|| team_claim(section)), env);
    let plan = plan.or_else(|| {
        let way = saml::way(env, &mut |key, message| ctx.problems.warn(&Mark::whole("environment"), key, message))?;
        Some(SsoPlan { kind: SsoKind::Saml, way: SsoWay::Saml(Box::new(way)), missing: Vec::new() })
    });
    if let Some(plan) = plan.as_ref().filter(|plan| !plan.missing.is_empty()) {
        let message = format!("single sign-on with {} lacks {}", plan.kind.name(), plan.missing.join(", "));
        ctx.problems.warn(&Mark::whole("environment"), "SSO", message);
    }
    let login = &mut out.accounts.login;
    login.sso = plan.as_ref().is_some_and(|plan| plan.missing.is_empty());
    out.sso = plan;
    environment(env, login, &mut |key, message| ctx.problems.warn(&Mark::whole("environment"), key, message));
    let Some(s) = section else { return };
    general(s, login);
}

fn environment(env: &Environment, out: &mut LoginSettings, warn: &mut dyn FnMut(&str, String)) {
    if let Some(name) = env.filled("UI_USERNAME") {
        out.ui_username = name;
    }
    out.ui_password = env.filled("UI_PASSWORD").map(Secret::new);
    out.admin_id = env.filled("PROXY_ADMIN_ID");
    out.base_url = env.filled("PROXY_BASE_URL").map(|url| url.trim_end_matches('/').to_owned());
    if out.base_url.as_ref().is_some_and(|url| !(url.starts_with("https://") || url.starts_with("http://"))) {
        warn("PROXY_BASE_URL", "expected an address such as https://gateway.example; it is left out".to_owned());
        out.base_url = None;
    }
    out.root_path = super::general::root_path(env).unwrap_or_default();
    out.logout_url = env.filled("PROXY_LOGOUT_URL");
    if let Some(text) = env.filled("LITELLM_UI_SESSION_DURATION") {
        let length = llm_accounts::seconds_of(&text).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        match length.filter(|length| *length >= Duration::from_secs(1)) {
            Some(length) => out.session = length,
            None => warn("LITELLM_UI_SESSION_DURATION", format!("`{text}` is no length of time; sessions last a day")),
        }
    }
    if let Some(text) = env.filled("LITELLM_CLI_JWT_EXPIRATION_HOURS") {
        let hours = text.trim().parse::<f64>().ok().and_then(|hours| Duration::try_from_secs_f64(hours * 3600.0).ok());
        match hours.filter(|length| !length.is_zero()) {
            Some(length) => out.cli_session = length,
            None => warn("LITELLM_CLI_JWT_EXPIRATION_HOURS", format!("`{text}` is no number of hours; it is a day")),
        }
    }
    let domains = env.filled("ALLOWED_EMAIL_DOMAINS").unwrap_or_default();
    out.domains = domains.split(',').map(|d| d.trim().to_owned()).filter(|d| !d.is_empty()).collect();
    out.auto_redirect = env.is_true("AUTO_REDIRECT_UI_LOGIN_TO_SSO");
    out.ui_disabled = env.is_true("DISABLE_ADMIN_UI");
}

fn general(s: &Section<'_>, out: &mut LoginSettings) {
    if let Some(header) = s.entries().iter().find(|e| e.key == "litellm_key_header_name").and_then(|e| e.node.text()) {
        out.key_header = Some(header.to_owned());
    }
    out.no_environment_login = s.flag("disable_env_credential_login").unwrap_or_default();
    out.no_passwords = s.flag("disable_password_login_when_sso_enabled").unwrap_or_default() && out.sso;
    out.auto_redirect = s.flag("auto_redirect_ui_login_to_sso").unwrap_or(out.auto_redirect);
    out.hide_hint = s.flag("hide_default_credentials_hint").unwrap_or_default();
    out.control_plane = s.text("control_plane_url").is_some_and(|url| !url.is_empty());
    let failures = &mut out.failures;
    if let Some(most) = s.small("max_failed_login_attempts_per_source") {
        failures.attempts = most.max(1);
    }
    // LiteLLM counts by source alone when it is told which addresses are proxies.
    let proxies = s.entries().iter().any(|e| e.key == "trusted_proxy_ranges" && !e.node.is_null());
    failures.per_source = proxies.then_some(failures.attempts);
    failures.window = s.seconds("failed_login_window_seconds").unwrap_or(failures.window);
    failures.block = s.seconds("failed_login_block_seconds").unwrap_or(failures.block);
    let policy = &mut out.policy;
    if let Some(least) = s.small("password_policy_min_length") {
        policy.min_length = usize::try_from(least).unwrap_or(usize::MAX);
    }
    for (key, slot) in [
        ("password_policy_require_uppercase", &mut policy.uppercase),
        ("password_policy_require_lowercase", &mut policy.lowercase),
        ("password_policy_require_numbers", &mut policy.numbers),
        ("password_policy_require_special_characters", &mut policy.special),
    ] {
        *slot = s.flag(key).unwrap_or(*slot);
    }
    out.access = access(s);
}

/// `ui_access_mode`: `all`, `admin_only`, or a map that names a group.
fn access(s: &Section<'_>) -> UiAccess {
    let Some(node) = s.node("ui_access_mode") else { return UiAccess::All };
    match node.text() {
        Some("all") => return UiAccess::All,
        Some("admin_only") => return UiAccess::AdminOnly,
        _ => {}
    }
    let group = node.text().is_none().then(|| s.section("ui_access_mode")).flatten().and_then(|map| {
        let (kind, group, claim) =
            (map.text("type"), map.text("restricted_sso_group"), map.text("sso_group_jwt_field"));
        map.finish();
        (kind.as_deref() == Some("restricted_sso_group")).then_some((group?, claim?))
    });
    match group {
        Some((group, claim)) => UiAccess::Group { group, claim },
        None => {
            // Who meant to keep people out must not let them in by a spelling mistake.
            s.error(
                "ui_access_mode",
                "expected all, admin_only, or a map with type, restricted_sso_group and sso_group_jwt_field",
            );
            UiAccess::AdminOnly
        }
    }
}

/// Reads how people get to a provider and back with a code; adds the variables that are missing.
type ReadFlow = fn(&Environment, String, &mut Vec<&'static str>) -> (CodeFlow, SsoAttributes);

/// Providers that send people back with a code, with the variable that names one; the first that is set counts.
const CODE_FLOWS: [(SsoKind, &str, ReadFlow); 3] = [
    (SsoKind::Google, "GOOGLE_CLIENT_ID", google),
    (SsoKind::Microsoft, "MICROSOFT_CLIENT_ID", microsoft),
    (SsoKind::Generic, "GENERIC_CLIENT_ID", generic),
];

fn plan(teams: Option<String>, env: &Environment) -> Option<SsoPlan> {
    let named = CODE_FLOWS.iter().find_map(|(kind, name, read)| Some((*kind, env.filled(name)?, read)));
    let (kind, client_id, read) = named?;
    let mut missing = Vec::new();
    let (mut flow, mut attributes) = read(env, client_id, &mut missing);
    flow.pkce = !env.is_false("GENERIC_CLIENT_USE_PKCE");
    attributes.teams = teams.or(attributes.teams);
    Some(SsoPlan { kind, way: SsoWay::Code { flow, attributes }, missing })
}

/// `litellm_jwtauth.team_ids_jwt_field`: where a provider's tokens name teams.
fn team_claim(section: Option<&Section<'_>>) -> Option<String> {
    let entry = section?.entries().iter().find(|entry| entry.key == "litellm_jwtauth")?;
    entry.node.get("team_ids_jwt_field")?.text().map(str::to_owned)
}

fn bare(client_id: String, client_secret: Option<Secret>, scope: &str) -> CodeFlow {
    CodeFlow {
        client_id,
        client_secret,
        scope: scope.to_owned(),
        pkce: true,
        issuer: None,
        authorization_endpoint: None,
        token_endpoint: None,
        userinfo_endpoint: None,
        trust: None,
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn needed(env: &Environment, name: &'static str, missing: &mut Vec<&'static str>) -> Option<String> {
    let value = env.filled(name);
    if value.is_none() {
        missing.push(name);
    }
    value
}

fn google(env: &Environment, client_id: String, missing: &mut Vec<&'static str>) -> (CodeFlow, SsoAttributes) {
    let secret = needed(env, "GOOGLE_CLIENT_SECRET", missing).map(Secret::new);
    let issuer: Arc<str> =
        env.filled("GOOGLE_ISSUER").unwrap_or_else(|| "https://accounts.google.com".to_owned()).into();
    let flow = CodeFlow { issuer: Some(issuer), ..bare(client_id, secret, "openid email profile") };
    let attributes = SsoAttributes {
        id: names(&["sub"]),
        email: names(&["email"]),
        name: names(&["name"]),
        role: None,
        teams: None,
        role_map: None,
    };
    (flow, attributes)
}

fn microsoft(env: &Environment, client_id: String, missing: &mut Vec<&'static str>) -> (CodeFlow, SsoAttributes) {
    let secret = needed(env, "MICROSOFT_CLIENT_SECRET", missing).map(Secret::new);
    let tenant = needed(env, "MICROSOFT_TENANT", missing).unwrap_or_default();
    let base = format!("https://login.microsoftonline.com/{tenant}");
    let is_id = tenant.len() == 36 && tenant.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let keys = env.filled("MICROSOFT_JWKS_URI").unwrap_or_else(|| format!("{base}/discovery/v2.0/keys"));
    let trust = Trust {
        // Tokens of a tenant that goes by a name call it by its id.
        issuer: is_id.then(|| format!("{base}/v2.0").into()),
        keys: KeySource::Urls(vec![keys.into()]),
        audiences: Vec::new(),
    };
    let place = |name: &str, path: &str| env.filled(name).or_else(|| Some(format!("{base}/oauth2/v2.0/{path}")));
    let flow = CodeFlow {
        authorization_endpoint: place("MICROSOFT_AUTHORIZATION_ENDPOINT", "authorize"),
        token_endpoint: place("MICROSOFT_TOKEN_ENDPOINT", "token"),
        trust: Some(trust),
        ..bare(client_id, secret, "openid email profile")
    };
    let attributes = SsoAttributes {
        id: names(&["oid", "sub"]),
        email: names(&["email", "preferred_username", "upn"]),
        name: names(&["name"]),
        role: Some("roles".to_owned()),
        teams: Some("groups".to_owned()),
        role_map: None,
    };
    (flow, attributes)
}

fn generic(env: &Environment, client_id: String, missing: &mut Vec<&'static str>) -> (CodeFlow, SsoAttributes) {
    let secret = needed(env, "GENERIC_CLIENT_SECRET", missing).map(Secret::new);
    let issuer: Option<Arc<str>> = env.filled("GENERIC_ISSUER").map(Into::into);
    let mut place = |name: &'static str| match &issuer {
        // Its discovery document says the rest.
        Some(_) => env.filled(name),
        None => needed(env, name, missing),
    };
    let (authorization_endpoint, token_endpoint, userinfo_endpoint) =
        (place("GENERIC_AUTHORIZATION_ENDPOINT"), place("GENERIC_TOKEN_ENDPOINT"), place("GENERIC_USERINFO_ENDPOINT"));
    let scope = env.filled("GENERIC_SCOPE").unwrap_or_else(|| "openid email profile".to_owned());
    let flow = CodeFlow {
        issuer,
        authorization_endpoint,
        token_endpoint,
        userinfo_endpoint,
        ..bare(client_id, secret, &scope)
    };
    let named = |name: &str, usual: &[&str]| match env.filled(name) {
        Some(own) => vec![own],
        None => names(usual),
    };
    let attributes = SsoAttributes {
        id: named("GENERIC_USER_ID_ATTRIBUTE", &["preferred_username", "sub"]),
        email: named("GENERIC_USER_EMAIL_ATTRIBUTE", &["email"]),
        name: named("GENERIC_USER_DISPLAY_NAME_ATTRIBUTE", &["name", "given_name"]),
        role: Some(env.filled("GENERIC_USER_ROLE_ATTRIBUTE").unwrap_or_else(|| "role".to_owned())),
        teams: None,
        role_map: role_map(env, missing),
    };
    (flow, attributes)
}

/// `GENERIC_ROLE_MAPPINGS_ROLES`: a map of roles and their groups, as JSON or as Python writes it.
fn role_map(env: &Environment, missing: &mut Vec<&'static str>) -> Option<SsoRoleMap> {
    const ROLES: &str = "GENERIC_ROLE_MAPPINGS_ROLES";
    let text = env.filled(ROLES)?;
    let read = |text: &str| serde_json::from_str::<Json>(text).ok();
    let map = read(&text).or_else(|| read(&text.replace('\'', "\"")));
    let roles = map.as_ref().and_then(Json::as_object).and_then(|entries| {
        let one = |(name, groups): &(String, Json)| {
            let groups = groups.as_array()?.iter().filter_map(|group| group.as_str().map(str::to_owned));
            Some((Role::parse(name)?, groups.collect()))
        };
        entries.iter().map(one).collect::<Option<Vec<_>>>()
    });
    // Who meant to give roles by groups must not give them by something else.
    let (Some(roles), Some(claim)) = (roles, needed(env, "GENERIC_ROLE_MAPPINGS_GROUP_CLAIM", missing)) else {
        missing.push(ROLES);
        return None;
    };
    let otherwise = env.filled("GENERIC_ROLE_MAPPINGS_DEFAULT_ROLE").and_then(|role| Role::parse(&role));
    Some(SsoRoleMap { claim, roles, otherwise })
}
