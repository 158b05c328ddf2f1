//! `general_settings.key_management_system` and `key_management_settings`: the service that keeps secrets, what it is asked
//! for, and whether virtual keys are stored there as well.
//!
//! The values are fetched before the configuration is loaded (`crate::secrets`): loading only looks them up, as it looks up
//! variables of the environment. That is why the names have to be known: those that the configuration refers to with
//! `os.environ/NAME`, and those of `hosted_keys`.

use std::collections::BTreeSet;

use llm_accounts::{Stored, StoredVault};
use llm_credentials::{VaultKind, VaultSettings};
use llm_types::auth::AwsAuth;
use llm_types::{Json, Secret};

use super::env::{self, Environment, REFERENCE};
use super::node::{Node, Value};
use super::problem::{Mark, Problem, Problems, Severity};
use super::section::Section;
use super::{Context, Source, callbacks};

const SYSTEM: &str = "key_management_system";
const SETTINGS: &str = "key_management_settings";
const HEADERS: &str = "headers";
/// Where LiteLLM puts virtual keys when nobody says.
const PREFIX: &str = "litellm/";

/// What a configuration says of the service that keeps its secrets.
#[derive(Clone)]
pub struct SecretPlan {
    /// Which service.
    pub kind: VaultKind,
    /// How it is spoken to.
    pub settings: VaultSettings,
    /// Secrets are read from it.
    pub reads: bool,
    /// The names that it is asked for; nothing: all.
    hosted: Option<Vec<String>>,
    /// The one secret that holds all.
    pub primary: Option<String>,
    /// In front of the names of virtual keys, where they are stored there.
    pub keys: Option<String>,
    /// What was written, to tell one plan from another.
    written: Json,
    mark: Mark,
}

// What was written may hold secrets.
impl std::fmt::Debug for SecretPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretPlan").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl PartialEq for SecretPlan {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.written == other.written
    }
}

impl SecretPlan {
    /// A problem with the service.
    pub(crate) fn problem(&self, message: String, hint: &str) -> Problem {
        Problem {
            severity: Severity::Error,
            mark: self.mark.clone(),
            key: format!("general_settings.{SYSTEM}"),
            message,
            suggestion: Some(hint.to_owned()),
        }
    }
}

/// Reads the section's part, when the configuration names a service that is served here.
pub(super) fn read(s: &Section<'_>, ctx: &Context<'_>) -> Option<SecretPlan> {
    let named = s.text(SYSTEM).filter(|name| !name.is_empty());
    let old = [("use_google_kms", "google_kms"), ("use_azure_key_vault", "azure_key_vault")];
    let flagged =
        old.into_iter().filter(|(flag, _)| s.flag(flag) == Some(true)).map(|(_, name)| name.to_owned()).last();
    let settings = s.section(SETTINGS);
    let plan = match named.or(flagged).as_deref() {
        None | Some("local") => None,
        Some("custom") => {
            let class = settings.as_ref().and_then(|s| s.text("custom_secret_manager")).unwrap_or_default();
            let what = format!("the secret manager is Python code ({class})");
            callbacks::python(s, SYSTEM, &what, "name one of the services that are served", ctx.source);
            None
        }
        Some(name) => match VaultKind::parse(name) {
            Some(kind) => Some(plan(kind, s, settings.as_ref())),
            None => {
                let all = VaultKind::names().collect::<Vec<_>>().join(", ");
                s.error(SYSTEM, format!("`{name}` is no secret manager; there are {all}"));
                None
            }
        },
    };
    if let Some(settings) = settings {
        settings.accept(KNOWN);
        settings.finish();
    }
    plan
}

/// Names that are read only where they count.
const KNOWN: &str = "hosted_keys store_virtual_keys prefix_for_stored_virtual_keys access_mode primary_secret_name
    description tags kms_key_id custom_secret_manager aws_region_name aws_role_name aws_session_name aws_external_id
    aws_profile_name aws_web_identity_token aws_sts_endpoint replica_regions";

fn plan(kind: VaultKind, general: &Section<'_>, settings: Option<&Section<'_>>) -> SecretPlan {
    let mut out = SecretPlan {
        kind,
        settings: VaultSettings::default(),
        reads: true,
        hosted: None,
        primary: None,
        keys: None,
        written: general.map(SETTINGS).unwrap_or_default(),
        mark: general.mark_of(SYSTEM).clone(),
    };
    let Some(s) = settings else { return out };
    let mode = s.text("access_mode");
    match mode.as_deref() {
        None | Some("read_only" | "read_and_write") => {}
        Some("write_only") => out.reads = false,
        Some(other) => {
            s.error("access_mode", format!("expected read_only, write_only or read_and_write, found `{other}`"));
        }
    }
    out.hosted = s.texts("hosted_keys");
    out.primary = s.text("primary_secret_name").filter(|name| !name.is_empty());
    let prefix = s.text("prefix_for_stored_virtual_keys").unwrap_or_else(|| PREFIX.to_owned());
    if s.flag("store_virtual_keys") == Some(true) {
        let prefix = prefix.trim_end_matches('/');
        out.keys = Some(if prefix.is_empty() { String::new() } else { format!("{prefix}/") });
        if !kind.writes() {
            s.error("store_virtual_keys", format!("{} is only read here: keys cannot be stored in it", kind.name()));
        }
        if mode.as_deref() == Some("read_only") {
            s.warn("store_virtual_keys", "keys are stored although access_mode says read_only, as in LiteLLM");
        }
    }
    out.settings = VaultSettings {
        description: s.text("description"),
        tags: tags(s),
        aws: AwsAuth {
            region: s.text("aws_region_name").unwrap_or_default(),
            role: s.text("aws_role_name"),
            session_name: s.text("aws_session_name"),
            external_id: s.text("aws_external_id"),
            profile: s.text("aws_profile_name"),
            web_identity_token: s.text("aws_web_identity_token").map(Secret::new),
            sts_endpoint: s.text("aws_sts_endpoint"),
            ..AwsAuth::default()
        },
        kms_key_id: s.text("kms_key_id"),
        replica_regions: s.texts("replica_regions").unwrap_or_default(),
    };
    out
}

fn tags(s: &Section<'_>) -> Vec<(String, String)> {
    let tags = s.map("tags").unwrap_or_default();
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    tags.as_object().unwrap_or_default().iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// What has to be asked before a configuration is loaded.
#[derive(Debug)]
pub(crate) struct Asking {
    pub(crate) plan: SecretPlan,
    /// The names of the configuration, in order: they have to be read.
    pub(crate) names: BTreeSet<String>,
    /// Names that only rows of the database have: one row must not keep the gateway from starting.
    pub(crate) of_rows: BTreeSet<String>,
    /// The environment that leads to the service.
    pub(crate) env: Environment,
}

/// What a configuration says of who is asked.
#[derive(Debug)]
pub(crate) enum Named {
    /// It cannot be read, or names a service wrongly: loading tells.
    Wrongly,
    /// No service.
    Nothing,
    /// This.
    This(Box<Asking>),
}

/// What has to be asked. What the database says of settings counts only for the names: who can write rows must not choose
/// where secrets come from. A secret manager of the database was sealed.
pub(crate) fn asking(source: &Source, env: &Environment) -> Named {
    let silent = Problems::default();
    let root = match (&source.path, &source.fetched) {
        (None, None) => Some(Node::new(Value::Map(Vec::new()), Mark::whole("command line"))),
        _ => super::read(source, &silent),
    };
    let asking = root.and_then(|root| asking_of(&root, source, env, &silent));
    match asking {
        _ if silent.fatal() => Named::Wrongly,
        Some(asking) => Named::This(Box::new(asking)),
        None => Named::Nothing,
    }
}

fn asking_of(root: &Node, source: &Source, env: &Environment, silent: &Problems) -> Option<Asking> {
    let env = env::overlay(root, env, silent);
    let mut general = Node::new(Value::Map(Vec::new()), Mark::whole("configuration"));
    if let (Value::Map(entries), Some(section)) = (&mut general.value, root.get("general_settings")) {
        let own = |key: &str| [SYSTEM, SETTINGS, "use_google_kms", "use_azure_key_vault"].contains(&key);
        entries.extend(section.entries().iter().filter(|entry| own(&entry.key)).cloned());
    }
    env::resolve(&mut general, &env, silent);
    let section = Section::open(&general, "general_settings", silent)?;
    let ctx = Context { source, env: &env, problems: silent };
    let stored = source.stored.as_ref().and_then(|stored| stored.vault.as_ref());
    let (plan, env) = match stored {
        None => (read(&section, &ctx)?, env),
        Some(vault) => {
            let plan = plan(vault.kind, &section, section.section(SETTINGS).as_ref());
            let mark = Mark::whole(format!("database, {} of config_overrides", vault.kind.name()));
            (SecretPlan { mark, ..plan }, with_variables(&env, vault))
        }
    };
    let (mut names, mut of_rows) = (BTreeSet::new(), BTreeSet::new());
    refer(root, &mut names);
    if let Some(stored) = &source.stored {
        refer_stored(stored, &mut of_rows);
    }
    if let Some(hosted) = &plan.hosted {
        names = hosted.iter().cloned().collect();
    }
    let hosted = |name: &String| plan.hosted.as_ref().is_none_or(|hosted| hosted.contains(name));
    of_rows.retain(|name| !name.is_empty() && !names.contains(name) && hosted(name));
    names.retain(|name| !name.is_empty());
    Some(Asking { plan, names, of_rows, env })
}

/// The environment that leads to a secret manager of the database.
pub(crate) fn leading_to(vault: &StoredVault, source: &Source, env: &Environment) -> Environment {
    let silent = Problems::default();
    let root = super::read(source, &silent);
    with_variables(&root.map_or_else(|| env.clone(), |root| env::overlay(&root, env, &silent)), vault)
}

fn with_variables(env: &Environment, vault: &StoredVault) -> Environment {
    let own = vault.variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let others = env.over().iter().filter(|(name, _)| vault.variables.iter().all(|(own, _)| own != name));
    env.with(own.chain(others.cloned()).collect())
}

/// The names that a tree refers to; not what leads to the service itself.
fn refer(node: &Node, names: &mut BTreeSet<String>) {
    node.text().into_iter().for_each(|text| referred(text, names));
    node.items().iter().for_each(|item| refer(item, names));
    let entries = node.entries().iter().filter(|entry| ![SYSTEM, SETTINGS].contains(&entry.key.as_str()));
    for entry in entries {
        refer(&entry.node, names);
        if entry.key == HEADERS {
            entry.node.entries().iter().filter_map(|header| header.node.text()).for_each(|text| behind(text, names));
        }
    }
}

fn refer_json(json: &Json, names: &mut BTreeSet<String>) {
    json.as_str().into_iter().for_each(|text| referred(text, names));
    json.as_array().unwrap_or_default().iter().for_each(|item| refer_json(item, names));
    for (name, value) in json.as_object().unwrap_or_default() {
        refer_json(value, names);
        let headers = value.as_object().filter(|_| name == HEADERS).unwrap_or_default().iter();
        headers.filter_map(|(_, text)| text.as_str()).for_each(|text| behind(text, names));
    }
}

/// The name of a text that is a reference, as it is resolved: `os.environ/` stands at the start.
fn referred(text: &str, names: &mut BTreeSet<String>) {
    names.extend(text.strip_prefix(REFERENCE).map(str::to_owned));
}

/// In headers of pass-through endpoints a reference may stand behind other words: `Bearer os.environ/KEY`.
fn behind(text: &str, names: &mut BTreeSet<String>) {
    names.extend(text.split_once(REFERENCE).map(|(_, name)| name.trim().to_owned()));
}

fn refer_stored(stored: &Stored, names: &mut BTreeSet<String>) {
    let all = (stored.models.iter().map(|m| &m.params))
        .chain(stored.credentials.iter().map(|c| &c.values))
        .chain(stored.guardrails.iter().map(|g| &g.entry))
        .chain(stored.prompts.iter().map(|p| &p.params))
        .chain(stored.sections.iter().map(|(_, content)| content))
        .chain(stored.search_tools.iter().chain(&stored.vector_stores).map(|(_, row)| row))
        .chain([&stored.sso, &stored.ui, &stored.cache]);
    all.for_each(|json| refer_json(json, names));
    let specs = (stored.mcp_servers.iter().map(|s| &s.spec)).chain(stored.agents.iter().map(|a| &a.spec));
    specs.for_each(|json| refer_json(json, names));
}
