//! LiteLLM's configuration → the settings of our crates, once.
//!
//! A file and what it includes become one tree whose values keep their places ([`node`]); the tree is read as PyYAML
//! reads it (`yaml`, `scalar`). References to the environment are resolved in it ([`env`]). Then every section
//! is translated by a file of its own; whatever is wrong goes into one list ([`problem`]), with file, line and column.
//!
//! | file | translates |
//! |---|---|
//! | `loaded` | what to load, and what comes of it |
//! | `models`, `deployment`, `credentials`, `ambient` | `model_list`, `credential_list`, models without a list → deployments |
//! | `router` | `router_settings` → [`llm_router::RouterSettings`] |
//! | `litellm`, `callbacks`, `guardrails` | `litellm_settings`, `guardrails` → engine, sinks |
//! | `cache`, `redis` | `cache`, `cache_params` → where the response cache lives |
//! | `general`, `master`, `database` | `general_settings` → data plane, accounts, store, listening address |
//! | `redis` | where gateways share state, and other keys that say where a Redis is |
//! | `alerting`, `mail`, `exports` | who is told of budgets that run out and of what was spent; how people get letters |
//! | `mcp`, `agents` | `mcp_servers`, `mcp_aliases`; A2A agents |
//! | `prompts` | managed prompts |
//! | `relays` | pass-through endpoints, credentials for relays |
//! | `keys` | who may make keys and how they are named; callbacks of teams |
//! | `secrets` | the service that keeps secrets, and what it is asked for |
//! | `outbound` | TLS and proxies → [`llm_http::HttpConfig`] |
//! | `variables` | variables that are settings by another name, and those that have no effect |
//! | `bucket` | a configuration that lies in a bucket |
//! | `stored` | what the database adds: models, credentials, settings |
//! | `lint` | what is allowed but surely not meant; for `check` |
//! | `known` | the names LiteLLM knows |

mod agents;
mod alerting;
mod ambient;
mod auto;
pub mod bucket;
pub mod cache;
mod callbacks;
mod credentials;
mod database;
mod declared;
mod deployment;
pub mod entry;
mod env;
mod exports;
mod general;
mod guardrails;
mod health;
mod include;
mod keys;
mod known;
mod lint;
mod litellm;
mod loaded;
mod login;
mod mail;
mod master;
mod mcp;
mod models;
pub mod node;
mod objects;
mod outbound;
mod policies;
pub mod problem;
mod prompts;
mod python;
pub mod redis;
mod relays;
mod router;
mod scalar;
mod search;
mod secrets;
mod section;
mod settings;
mod stored;
mod variables;
mod yaml;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use llm_types::Json;

pub use ambient::CommandModel;
pub use bucket::Fetched;
pub use cache::CacheConfig;
pub use callbacks::Callbacks;
pub use env::Environment;
pub use loaded::{Loaded, Source};
pub use login::SsoPlan;
pub use outbound::outgoing;
pub use problem::{Mark, Problem, Problems, Severity};
pub use redis::RedisConfig;
pub use secrets::SecretPlan;
pub(crate) use secrets::{Asking, Named, asking, leading_to};
pub use settings::{BatchSettings, DrainSettings, HealthSettings, Logging, Settings};
pub(crate) use stored::place;
pub(crate) use yaml::json as yaml_json;

use models::Reading;
use node::{Node, Value};
use section::Section;

/// What everybody who translates needs.
struct Context<'a> {
    source: &'a Source,
    env: &'a Environment,
    problems: &'a Problems,
}

/// Loads a configuration. Nothing is loaded when a problem is an error.
#[must_use]
pub fn load(source: &Source, env: &Environment) -> (Option<Loaded>, Vec<Problem>) {
    let problems = Problems::default();
    let root = match (&source.path, &source.fetched) {
        (None, None) if bucket::is_named(env) => {
            problems.error(&Mark::whole("environment"), "", "the configuration in the bucket was not fetched");
            None
        }
        (None, None) => Some(Node::new(Value::Map(Vec::new()), Mark::whole("command line"))),
        _ => read(source, &problems),
    };
    finish(root, source, env, problems)
}

/// The tree of the file or the bucket.
fn read(source: &Source, problems: &Problems) -> Option<Node> {
    match (&source.path, &source.fetched) {
        (Some(path), _) => include::read(path, problems),
        (None, Some(fetched)) => include::read_text(&fetched.text, &fetched.name, Path::new(""), problems),
        (None, None) => None,
    }
}

/// The files that a configuration is made of: the one that is named, and those it includes as far as they can be read.
#[must_use]
pub fn files(source: &Source) -> Vec<PathBuf> {
    let Some(path) = &source.path else { return Vec::new() };
    let mut out = vec![path.clone()];
    let mut queue: Vec<Node> = include::read(path, &Problems::default()).into_iter().collect();
    while let Some(node) = queue.pop() {
        let file = PathBuf::from(&*node.mark.file);
        if !out.contains(&file) {
            out.push(file);
        }
        match node.value {
            Value::List(items) => queue.extend(items),
            Value::Map(entries) => queue.extend(entries.into_iter().map(|entry| entry.node)),
            _ => {}
        }
    }
    out
}

/// True for a problem that leaves something of the database out.
#[must_use]
pub(crate) fn leaves_out(problem: &Problem) -> bool {
    let ends = [stored::NOT_SERVED, mcp::NOT_SERVED, prompts::NOT_SERVED, agents::NOT_SERVED];
    ends.iter().any(|end| problem.message.ends_with(end))
}

/// A section as it is written, references not resolved; null without one.
#[must_use]
pub fn written(source: &Source, section: &str) -> Json {
    let root = read(source, &Problems::default());
    root.and_then(|root| root.get(section).map(Node::json)).unwrap_or_default()
}

/// Loads a configuration from a text; files it includes are relative to `folder`.
#[must_use]
pub fn load_text(
    text: &str,
    name: &str,
    folder: &Path,
    source: &Source,
    env: &Environment,
) -> (Option<Loaded>, Vec<Problem>) {
    let problems = Problems::default();
    let root = include::read_text(text, name, folder, &problems);
    let source = Source { path: Some(folder.join(name)), ..source.clone() };
    finish(root, &source, env, problems)
}

fn finish(
    root: Option<Node>,
    source: &Source,
    env: &Environment,
    problems: Problems,
) -> (Option<Loaded>, Vec<Problem>) {
    let loaded = root.and_then(|mut root| {
        if let Some(stored) = &source.stored {
            stored::lay_over(&mut root, stored, &problems);
        }
        let env = env::overlay(&root, env, &problems);
        env::resolve(&mut root, &env, &problems);
        variables::lay_under(&mut root, &env, &problems);
        translate(&root, &Context { source, env: &env, problems: &problems })
    });
    let loaded = loaded.filter(|_| !problems.fatal());
    (loaded, problems.into_list())
}

fn translate(root: &Node, ctx: &Context<'_>) -> Option<Loaded> {
    let top = Section::open(root, "", ctx.problems)?;
    let mut out = Loaded::new(ctx.env);
    out.prices = ctx.source.prices.clone();
    declared::providers(&top);
    let litellm = top.section("litellm_settings");
    let router = top.section("router_settings");
    let general = top.section("general_settings");
    out.redis = redis::shared(general.as_ref(), router.as_ref(), litellm.as_ref(), ctx.env);
    router::read(router.as_ref(), &mut out.router, &mut out.settings.health);
    let aliases = mcp::aliases(litellm.as_ref());
    litellm::read(litellm.as_ref(), ctx, &mut out);
    general::read(general.as_ref(), ctx, &mut out);
    if general.is_none() && out.callbacks.paged {
        out.alerts.duty = alerting::duty(None, ctx.env).map_err(|why| top.warn("litellm_settings", why)).ok();
    }
    // A callback that sends letters needs no `alerting`.
    out.alerts.mail = out.alerts.mail.take().or_else(|| out.callbacks.mail.take());
    outbound::read(ctx.env, &mut out.http);
    out.engine.longest_stream = ctx.env.seconds("LITELLM_MAX_STREAMING_DURATION_SECONDS").ok().flatten();
    out.guardrails = guardrails::read(&top, ctx, true);
    out.policies = policies::read(&top, ctx, &out.guardrails);
    if let Some(stored) = &ctx.source.stored {
        out.guardrails.extend(stored::guardrails(stored, ctx));
        policies::stored(stored, ctx.problems, &out.guardrails, &mut out.policies);
    }
    out.prompts = prompts::read(&top, ctx);
    if let Some(stored) = &ctx.source.stored {
        out.prompts.extend(prompts::stored(stored, ctx));
    }
    relays::read(&top, &out.prices, &mut out.relays);
    out.mcp.servers = mcp::read(&top, &aliases);
    if let Some(stored) = &ctx.source.stored {
        mcp::stored(stored, ctx.problems, &mut out.mcp);
    }
    out.agents = agents::read(&top, ctx, &out.prices);
    let placed = deployments(&top, ctx, &mut out);
    lint::run(&top, &placed, &out, ctx);
    out.deployments = placed.into_iter().map(|p| p.deployment).collect();
    top.accept("environment_variables");
    top.not_served(known::TOP_LEVEL);
    top.finish();
    Some(out)
}

fn deployments(top: &Section<'_>, ctx: &Context<'_>, out: &mut Loaded) -> Vec<models::Placed> {
    let mut credentials = credentials::Credentials::read(top.list("credential_list"), ctx.problems, ctx.source.unread);
    if let Some(stored) = &ctx.source.stored {
        stored::credentials(&mut credentials, stored, ctx);
    }
    let catalog = &*out.prices;
    let reading = Reading {
        env: ctx.env,
        credentials: &credentials,
        catalog,
        problems: ctx.problems,
        ignore_unserved: ctx.source.ignore_unserved,
        not_served: Default::default(),
    };
    let mut placed = reading.list(top.list("model_list"));
    placed.extend(reading.list(&search::as_models(top.list("search_tools"), ctx.problems)));
    placed.extend(ctx.source.model.as_ref().and_then(|m| ambient::command(m, catalog, ctx.problems)));
    if ctx.source.path.is_none() && ctx.source.fetched.is_none() && ctx.source.model.is_none() {
        out.settings.environment_models = true;
        placed = ambient::environment(ctx.env, catalog);
    }
    if let Some(stored) = &ctx.source.stored {
        placed.extend(stored::models(stored, &reading));
    }
    models::unique(&placed, ctx.problems);
    placed
}
