//! Where Redis is: for state that gateways share, and for whoever else asks with keys of the same names.
//!
//! Gateways share over `general_settings.coordination_redis`, else the `redis_*` of `router_settings`, else the cache's
//! Redis (`cache_params`), else that of the environment (`REDIS_URL`, `REDIS_HOST` ...).

use std::path::Path;
use std::time::Duration;

use llm_kv::redis::settings::DEFAULT_PORT;
use llm_kv::redis::{Endpoint, RedisSettings, RedisTls, Servers};
use llm_types::{Json, Secret};

use super::env::Environment;
use super::node::{Node, Value};
use super::problem::Mark;
use super::section::{Section, number};

/// A Redis that was configured.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// How to reach it.
    pub settings: RedisSettings,
    /// Goes before every key (`namespace`).
    pub namespace: Option<String>,
    /// Where it was configured.
    pub mark: Mark,
    /// The key that configured it.
    pub key: String,
}

/// The names of the keys that say where a Redis is.
pub(crate) struct Names {
    url: &'static str,
    host: &'static str,
    port: &'static str,
    password: &'static str,
    db: &'static str,
}

/// As in `cache_params` and `coordination_redis`.
pub(crate) const PLAIN: Names = Names { url: "url", host: "host", port: "port", password: "password", db: "db" };

/// As in `router_settings`.
const ROUTER: Names =
    Names { url: "redis_url", host: "redis_host", port: "redis_port", password: "redis_password", db: "redis_db" };

/// Options of Redis clients that mean nothing here: one connection carries everything.
pub(crate) const HARMLESS: &str = "max_connections socket_connect_timeout retry_on_timeout health_check_interval
    decode_responses encoding encoding_errors socket_keepalive protocol client_name ssl_check_hostname
    ssl_min_version";

/// What says that the server takes an identity of a cloud in place of a password.
const IDENTITIES: [&str; 3] = ["aws_iam_auth", "gcp_service_account", "azure_redis_ad_token"];

/// Options of logins with such an identity.
pub(crate) const IDENTITY: &str = "aws_iam_auth aws_iam_user_name aws_iam_cache_name aws_iam_region aws_iam_serverless
    gcp_service_account gcp_ssl_ca_certs azure_redis_ad_token azure_client_id azure_tenant_id azure_client_secret";

/// Refuses logins with identities of a cloud: without one such a server answers nobody, and limits would not be shared.
pub(crate) fn no_identities(s: &Section<'_>) {
    for key in IDENTITIES {
        if s.node(key).is_some_and(|node| !node.is_off()) {
            s.error(key, "logging in to Redis with an identity of a cloud is not served: give a user with a password");
        }
    }
    s.accept(IDENTITY);
}

/// A call to Redis never takes longer, whatever is configured.
const LONGEST: Duration = Duration::from_millis(250);

/// The Redis over which gateways share state.
pub(crate) fn shared(
    general: Option<&Section<'_>>,
    router: Option<&Section<'_>>,
    litellm: Option<&Section<'_>>,
    env: &Environment,
) -> Option<RedisConfig> {
    let coordination = general.and_then(|s| s.section("coordination_redis"));
    if let Some(s) = &coordination {
        let found = read(s, &PLAIN, env);
        s.accept(HARMLESS);
        no_identities(s);
        s.finish();
        if found.is_some() {
            return found;
        }
    }
    if let Some(found) = router.and_then(|s| of_router(s, env)) {
        return Some(found);
    }
    of_cache(litellm, env).or_else(|| of_environment(env))
}

fn of_router(s: &Section<'_>, env: &Environment) -> Option<RedisConfig> {
    let kwargs = s.section("cache_kwargs");
    let mut found = read(s, &ROUTER, env)?;
    if let Some(more) = &kwargs {
        options(more, &mut found.settings, &PLAIN);
        found.namespace = more.text("namespace").or(found.namespace);
        more.accept(HARMLESS);
        no_identities(more);
        more.finish();
    }
    Some(found)
}

/// The cache's Redis, when the cache is one.
fn of_cache(litellm: Option<&Section<'_>>, env: &Environment) -> Option<RedisConfig> {
    let s = litellm.filter(|s| s.flag("cache") == Some(true))?;
    let params = s.section("cache_params")?;
    let kind = params.text("type");
    let redis =
        kind.as_deref().is_none_or(|kind| matches!(kind, "redis" | "dual" | "redis-semantic" | "valkey-semantic"));
    if redis { read(&params, &PLAIN, env) } else { None }
}

fn of_environment(env: &Environment) -> Option<RedisConfig> {
    let named = ["REDIS_URL", "REDIS_HOST", "REDIS_CLUSTER_NODES", "REDIS_SENTINEL_NODES"];
    let name = named.iter().find(|name| env.filled(name).is_some())?;
    let settings = environment(env)?;
    let (mark, key) = (Mark::whole("environment"), (*name).to_owned());
    Some(RedisConfig { settings, namespace: env.filled("REDIS_NAMESPACE"), mark, key })
}

/// A Redis of a section; what the section does not say of it, the environment may.
pub(crate) fn read(s: &Section<'_>, names: &Names, env: &Environment) -> Option<RedisConfig> {
    let (servers, key) = servers(s, names)?;
    let mut settings = match servers {
        Ok(settings) => settings,
        Err(message) => {
            s.error(key, message);
            return None;
        }
    };
    let filled = |name: &str| env.filled(name);
    settings.password = settings.password.or_else(|| filled("REDIS_PASSWORD").map(Secret::new));
    settings.username = settings.username.or_else(|| filled("REDIS_USERNAME"));
    options(s, &mut settings, names);
    let namespace = s.text("namespace").filter(|n| !n.is_empty());
    Some(RedisConfig { settings, namespace, mark: s.mark_of(key).clone(), key: s.path(key) })
}

type Found = Result<RedisSettings, String>;

fn servers(s: &Section<'_>, names: &Names) -> Option<(Found, &'static str)> {
    if let Some(url) = s.secret(names.url).filter(|url| !url.is_empty()) {
        return Some((RedisSettings::from_url(url.expose()), names.url));
    }
    for key in ["redis_startup_nodes", "startup_nodes"] {
        if let Some(node) = s.node(key) {
            return Some((nodes(&node.json()).map(|nodes| RedisSettings::new(Servers::Cluster(nodes))), key));
        }
    }
    if let Some(node) = s.node("sentinel_nodes") {
        let service = s.text("service_name").unwrap_or_else(|| "mymaster".to_owned());
        let password = s.secret("sentinel_password").filter(|p| !p.is_empty());
        let username = s.text("sentinel_username");
        let sentinel = |nodes| RedisSettings::new(Servers::Sentinel { nodes, service, username, password });
        return Some((nodes(&node.json()).map(sentinel), "sentinel_nodes"));
    }
    let host = s.text(names.host).filter(|host| !host.is_empty())?;
    let port = match s.node(names.port) {
        None => DEFAULT_PORT,
        Some(node) => match port(node) {
            Some(port) => port,
            None => return Some((Err("expected a port".to_owned()), names.port)),
        },
    };
    Some((Ok(RedisSettings::new(Servers::Single(Endpoint::Tcp(host, port)))), names.host))
}

fn port(node: &Node) -> Option<u16> {
    let number = number(node)?;
    (number.fract() == 0.0 && (1.0..=65_535.0).contains(&number)).then_some(number as u16)
}

/// `[{"host": "h", "port": 6379}]`, `[["h", 6379]]` or `["h:6379"]`.
fn nodes(json: &Json) -> Result<Vec<(String, u16)>, String> {
    let wrong = || "expected a list of nodes, each with host and port".to_owned();
    let port = |json: &Json| {
        let number = json.as_i64().or_else(|| json.as_str()?.trim().parse().ok())?;
        u16::try_from(number).ok()
    };
    let node = |json: &Json| match json {
        Json::Object(_) => Some((json.get("host")?.as_str()?.to_owned(), port(json.get("port")?)?)),
        Json::Array(pair) => match pair.as_slice() {
            [host, number] => Some((host.as_str()?.to_owned(), port(number)?)),
            _ => None,
        },
        Json::String(text) => {
            let (host, number) = text.rsplit_once(':')?;
            Some((host.to_owned(), number.trim().parse().ok()?))
        }
        _ => None,
    };
    let list = json.as_array().filter(|list| !list.is_empty()).ok_or_else(wrong)?;
    list.iter().map(|json| node(json).ok_or_else(wrong)).collect()
}

/// Login, TLS, deadline.
fn options(s: &Section<'_>, out: &mut RedisSettings, names: &Names) {
    if let Some(password) = s.secret(names.password).filter(|p| !p.is_empty()) {
        out.password = Some(password);
    }
    if let Some(name) = s.text("username").filter(|name| !name.is_empty()) {
        out.username = Some(name);
    }
    if let Some(db) = s.whole(names.db) {
        out.db = i64::try_from(db).unwrap_or(i64::MAX);
    }
    if let Some(limit) = s.seconds("socket_timeout").filter(|limit| !limit.is_zero()) {
        if limit > LONGEST {
            s.warn("socket_timeout", "a call to Redis is given up after 0.25 seconds here");
        }
        out.deadline = limit.min(LONGEST);
    }
    if s.flag("ssl") == Some(true) {
        out.tls.get_or_insert_default();
    }
    let file = |key: &'static str| {
        let path = s.text(key)?;
        std::fs::read(Path::new(&path)).map_err(|error| s.error(key, format!("cannot read {path}: {error}"))).ok()
    };
    let (ca, certificate, key) = (file("ssl_ca_certs"), file("ssl_certfile"), file("ssl_keyfile"));
    let unchecked = s.node("ssl_cert_reqs").is_some_and(|node| match &node.value {
        Value::Text(text) => matches!(text.to_ascii_lowercase().as_str(), "none" | "cert_none"),
        _ => false,
    });
    let Some(tls) = &mut out.tls else { return };
    tls.ca = ca.or(tls.ca.take());
    tls.insecure |= unchecked;
    match (certificate, key.and_then(|key| String::from_utf8(key).ok())) {
        (Some(certificate), Some(key)) => tls.client = Some((certificate, Secret::new(key))),
        (None, None) => {}
        _ => s.error("ssl_certfile", "a certificate of one's own needs ssl_certfile and ssl_keyfile"),
    }
}

/// The Redis of `REDIS_URL`, `REDIS_CLUSTER_NODES`, `REDIS_SENTINEL_NODES` or `REDIS_HOST`.
pub(super) fn environment(env: &Environment) -> Option<RedisSettings> {
    let list = |name: &str| nodes(&serde_json::from_str::<Json>(&env.filled(name)?).ok()?).ok();
    let mut settings = if let Some(url) = env.filled("REDIS_URL") {
        RedisSettings::from_url(&url).ok()?
    } else if let Some(nodes) = list("REDIS_CLUSTER_NODES") {
        RedisSettings::new(Servers::Cluster(nodes))
    } else if let Some(nodes) = list("REDIS_SENTINEL_NODES") {
        let service = env.filled("REDIS_SERVICE_NAME").unwrap_or_else(|| "mymaster".to_owned());
        let password = env.filled("REDIS_SENTINEL_PASSWORD").map(Secret::new);
        RedisSettings::new(Servers::Sentinel { nodes, service, username: None, password })
    } else {
        let port = env.filled("REDIS_PORT").and_then(|port| port.trim().parse().ok()).unwrap_or(DEFAULT_PORT);
        RedisSettings::new(Servers::Single(Endpoint::Tcp(env.filled("REDIS_HOST")?, port)))
    };
    settings.password = settings.password.or_else(|| env.filled("REDIS_PASSWORD").map(Secret::new));
    settings.username = settings.username.or_else(|| env.filled("REDIS_USERNAME"));
    if let Some(db) = env.filled("REDIS_DB").and_then(|db| db.trim().parse().ok()) {
        settings.db = db;
    }
    if env.is_true("REDIS_SSL") {
        settings.tls = Some(RedisTls::default());
    }
    Some(settings)
}
