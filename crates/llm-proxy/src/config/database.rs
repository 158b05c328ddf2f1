//! Where the rows live: `database_url`, `DATABASE_URL`, or the parts of an address in the environment.

use std::time::Duration;

use llm_store::StoreConfig;
use llm_types::Secret;

use super::Context;
use super::env::Environment;
use super::problem::Mark;
use super::section::Section;

/// The database that was configured; nothing when none was.
pub(crate) fn read(section: Option<&Section<'_>>, ctx: &Context<'_>) -> Option<StoreConfig> {
    let configured = section.and_then(|s| s.secret("database_url"));
    let (mark, key) = match (&configured, section) {
        (Some(_), Some(s)) => (s.mark_of("database_url").clone(), s.path("database_url")),
        _ => (Mark::whole("environment"), "DATABASE_URL".to_owned()),
    };
    let limits = section.map(limits).unwrap_or_default();
    let url = configured.or_else(|| ctx.env.filled("DATABASE_URL").map(Secret::new)).or_else(|| from_parts(ctx.env))?;
    let mut store = match StoreConfig::from_url(url.expose()) {
        Ok(store) => store,
        Err(e) => {
            ctx.problems.error(&mark, key, e.to_string());
            return None;
        }
    };
    if let Some(connections) = limits.connections {
        store.max_connections = connections.max(1);
    }
    if let Some(wait) = limits.wait.filter(|w| !w.is_zero()) {
        store.acquire_timeout = wait;
    }
    if limits.unprepared {
        store.statement_cache = 0;
    }
    Some(store)
}

#[derive(Default)]
struct Limits {
    connections: Option<u32>,
    wait: Option<Duration>,
    unprepared: bool,
}

fn limits(s: &Section<'_>) -> Limits {
    let (long, short) = (s.seconds("database_connection_pool_timeout"), s.seconds("database_connection_timeout"));
    Limits {
        connections: s.small("database_connection_pool_limit"),
        wait: long.or(short),
        unprepared: s.flag("database_disable_prepared_statements").unwrap_or(false),
    }
}

/// `DATABASE_HOST`, `DATABASE_NAME`, a user and a password.
fn from_parts(env: &Environment) -> Option<Secret> {
    let host = env.filled("DATABASE_HOST")?;
    let name = env.filled("DATABASE_NAME")?;
    let user = env.filled("DATABASE_USERNAME").or_else(|| env.filled("DATABASE_USER"))?;
    let port = env.filled("DATABASE_PORT").map(|p| format!(":{p}")).unwrap_or_default();
    let password = env.filled("DATABASE_PASSWORD").map(|p| format!(":{}", escaped(&p))).unwrap_or_default();
    let schema = env.filled("DATABASE_SCHEMA").map(|s| format!("?schema={}", escaped(&s))).unwrap_or_default();
    Some(Secret::new(format!("postgresql://{}{password}@{host}{port}/{}{schema}", escaped(&user), escaped(&name))))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(b as char),
            _ => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}
