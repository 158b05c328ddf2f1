//! The ways in beside keys: `general_settings` and the environment → [`EntrySettings`].

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use llm_accounts::{
    EntrySettings, HEADER_FIELDS, Hook, Introspection, JwtAuth, JwtEnvironment, Network, ProxyHeaders, RolePermission,
    WrongJwt,
};
use llm_types::{Json, Secret};

use super::env::Environment;
use super::node::Node;
use super::section::Section;

/// Reads every way in.
pub(super) fn read(s: &Section<'_>, env: &Environment) -> EntrySettings {
    let network = network(s);
    EntrySettings {
        jwt: jwt(s, env),
        oauth2: oauth2(s, env),
        headers: headers(s, &network),
        hook: hook(s),
        public_routes: s.texts("public_routes").unwrap_or_default(),
        network,
    }
}

fn jwt(s: &Section<'_>, env: &Environment) -> Option<Arc<JwtAuth>> {
    let section = s.node("litellm_jwtauth").map_or(Json::Null, Node::json);
    let permissions: Vec<RolePermission> = s.read("role_permissions").unwrap_or_default();
    let rbac = s.flag("enforce_rbac").unwrap_or_default();
    if s.flag("enable_jwt_auth") != Some(true) {
        if !section.is_null() {
            s.warn("litellm_jwtauth", "has no effect without enable_jwt_auth: true");
        }
        return None;
    }
    let told = JwtEnvironment {
        key_urls: env.filled("JWT_PUBLIC_KEY_URL"),
        audience: env.filled("JWT_AUDIENCE"),
        issuer: env.filled("JWT_ISSUER"),
    };
    match JwtAuth::read(&section, &told, permissions, rbac) {
        Ok(jwt) => {
            jwt.warnings.iter().for_each(|warning| s.warn("litellm_jwtauth", warning.as_str()));
            Some(Arc::new(jwt))
        }
        Err(wrong) => {
            match s.node("litellm_jwtauth") {
                None => s.error("enable_jwt_auth", wrong.why),
                Some(node) => wrong_below(s, node, &wrong),
            }
            None
        }
    }
}

/// Tells what is wrong where it stands.
fn wrong_below(s: &Section<'_>, section: &Node, wrong: &WrongJwt) {
    let (mut node, mut path) = (section, s.path("litellm_jwtauth"));
    for step in &wrong.at {
        let place = step.parse::<usize>().ok();
        match place {
            Some(at) => path.push_str(&format!("[{at}]")),
            None => path.push_str(&format!(".{step}")),
        }
        node = place.map_or_else(|| node.get(step), |at| node.items().get(at)).unwrap_or(node);
    }
    s.problems().error(&node.mark, path, wrong.why.as_str());
}

fn oauth2(s: &Section<'_>, env: &Environment) -> Option<Arc<Introspection>> {
    if s.flag("enable_oauth2_auth") != Some(true) {
        return None;
    }
    let Some(url) = env.filled("OAUTH_TOKEN_INFO_ENDPOINT").filter(|url| is_web(url)) else {
        s.error("enable_oauth2_auth", "needs OAUTH_TOKEN_INFO_ENDPOINT, an http or https URL");
        return None;
    };
    let client = match (env.filled("OAUTH_CLIENT_ID"), env.filled("OAUTH_CLIENT_SECRET")) {
        (Some(id), Some(secret)) => Some((id, Secret::new(secret))),
        (None, None) => None,
        _ => {
            s.error(
                "enable_oauth2_auth",
                "OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET go together, and neither may be empty",
            );
            None
        }
    };
    let field = |name: &str, default: &str| env.filled(name).unwrap_or_else(|| default.to_owned());
    Some(Arc::new(Introspection {
        url,
        client,
        user_id_field: field("OAUTH_USER_ID_FIELD_NAME", "sub"),
        role_field: field("OAUTH_USER_ROLE_FIELD_NAME", "role"),
        team_id_field: field("OAUTH_USER_TEAM_ID_FIELD_NAME", "team_id"),
    }))
}

fn headers(s: &Section<'_>, network: &Network) -> Option<Arc<ProxyHeaders>> {
    let mappings = s.section("oauth2_config_mappings");
    if s.flag("enable_oauth2_proxy_auth") != Some(true) {
        return None;
    }
    let Some(mappings) = mappings else {
        s.error("enable_oauth2_proxy_auth", "needs oauth2_config_mappings: which header says what");
        return None;
    };
    if network.trusted.is_empty() {
        s.error("enable_oauth2_proxy_auth", "needs trusted_proxy_ranges: anybody can send a header");
    }
    let mut out = Vec::new();
    for entry in mappings.entries() {
        let header = entry.node.text().filter(|name| http::HeaderName::try_from(*name).is_ok());
        match header {
            None => mappings.error(&entry.key, "expected the name of a header"),
            Some(_) if !HEADER_FIELDS.contains(&entry.key.as_str()) => {
                let known = HEADER_FIELDS.join(", ");
                mappings.error(&entry.key, format!("a header cannot say this here; there are {known}"));
            }
            Some(header) => out.push((entry.key.clone(), header.to_ascii_lowercase())),
        }
    }
    if !out.iter().any(|(field, _)| matches!(field.as_str(), "user_id" | "team_id")) {
        mappings.error("user_id", "a header must say the user_id or the team_id");
    }
    Some(Arc::new(ProxyHeaders(out)))
}

fn hook(s: &Section<'_>) -> Option<Arc<Hook>> {
    let secret = s.secret("custom_auth_secret");
    let (cache, timeout) = (s.seconds("custom_auth_cache_seconds"), s.seconds("custom_auth_timeout"));
    let falls_back = match s.text("custom_auth_mode").as_deref() {
        None | Some("replace") => false,
        Some("auto") => true,
        Some(_) => {
            s.error("custom_auth_mode", "expected replace or auto");
            false
        }
    };
    let url = s.text("custom_auth_url")?;
    if !is_web(&url) {
        s.error("custom_auth_url", "expected an http or https URL");
        return None;
    }
    if s.node("custom_auth_secret").is_some() && secret.is_none() {
        s.error("custom_auth_secret", "is empty");
    }
    let timeout = timeout.unwrap_or(Duration::from_secs(5));
    Some(Arc::new(Hook { url, secret, falls_back, cache: cache.unwrap_or_default(), timeout }))
}

fn network(s: &Section<'_>) -> Network {
    let nets = |key: &'static str| -> Option<Vec<IpNet>> {
        let texts = s.texts(key)?;
        let net = |text: &String| {
            let parsed = text.parse::<IpNet>().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from));
            if parsed.is_none() {
                s.error(key, format!("`{text}` is no address and no network"));
            }
            parsed
        };
        Some(texts.iter().filter_map(net).collect())
    };
    let network = Network {
        // An empty list allows nobody in LiteLLM as well.
        allowed: nets("allowed_ips"),
        trusted: nets("trusted_proxy_ranges").unwrap_or_default(),
        forwarded: s.flag("use_x_forwarded_for").unwrap_or_default(),
    };
    if network.forwarded && network.trusted.is_empty() {
        let why = "has no effect without trusted_proxy_ranges: anybody can send the header";
        s.warn("use_x_forwarded_for", why);
    }
    network
}

fn is_web(url: &str) -> bool {
    let parsed: Result<http::Uri, _> = url.parse();
    parsed.is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some())
}
