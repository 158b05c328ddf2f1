//! Secrets that a secret manager keeps: fetched before a configuration is loaded, laid over the environment, and fetched
//! anew when they are old. `docs/secrets.md`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use llm_accounts::{KeyCopies, StoredVault};
use llm_credentials::vaults::{self, Asked, Primary, WireNeeds};
use llm_credentials::{Ambient, Cached, SecretSource, Vault, VaultKind, VaultSettings};
use llm_http::{HttpClient, HttpConfig};
use parking_lot::Mutex;

use crate::config::{Asking, Environment, Named, Problem, SecretPlan, Source, asking, leading_to, outgoing};

/// Names that are asked for at the same time.
const AT_ONCE: usize = 8;
/// When a secret manager that could not be asked is tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// The secret manager of the configuration in force, if it names one.
#[derive(Debug, Default)]
pub struct Secrets {
    opened: Mutex<Option<Arc<Opened>>>,
    /// When what was read is old.
    old: Mutex<Option<Instant>>,
}

/// A secret manager, and what it said.
struct Opened {
    plan: SecretPlan,
    /// Variables of the configuration, which may lead to it.
    over: Vec<(String, String)>,
    vault: Arc<dyn Vault>,
    source: Box<dyn SecretSource>,
    /// Secrets that are overdue were given.
    behind: Arc<AtomicBool>,
    lifetime: Duration,
}

/// What a secret manager said, to be put in place with the configuration that asked for it.
#[derive(Debug)]
pub struct Filled {
    /// The environment together with the secrets.
    pub env: Environment,
    /// The configuration could not be read, or names a secret manager wrongly: loading tells, and it must not be served.
    pub wrong: bool,
    opened: Option<Arc<Opened>>,
    old: Option<Instant>,
}

// The variables of the configuration are secret.
impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("plan", &self.plan).finish_non_exhaustive()
    }
}

impl Opened {
    /// Those of the names that it has, and whether all is as it should be: nothing overdue, nothing left out. Names of rows
    /// that cannot be read are left out.
    async fn ask(&self, asking: Asking) -> Result<(Vec<(String, String)>, bool), Problem> {
        self.behind.store(false, Ordering::Release);
        let ask = |(name, needed): (String, bool)| async move {
            match self.source.get(&name).await {
                Ok(found) => Ok((found.map(|secret| (name, secret.expose().to_owned())), true)),
                Err(error) if needed => {
                    let hint = "hosted_keys names the secrets that it is asked for; access_mode: write_only none";
                    Err(self.plan.problem(format!("{name} cannot be read: {error}"), hint))
                }
                Err(error) => {
                    tracing::warn!(name, %error, "a secret that only the database refers to cannot be read: it is left out");
                    Ok((None, false))
                }
            }
        };
        let needed = asking.names.into_iter().map(|name| (name, true));
        let names: Vec<_> = needed.chain(asking.of_rows.into_iter().map(|name| (name, false))).collect();
        // One secret that holds all is fetched once: the first name waits for it, the others find it.
        let at_once = if self.plan.primary.is_some() { 1 } else { AT_ONCE };
        let found: Vec<(Option<(String, String)>, bool)> =
            stream::iter(names).map(ask).buffer_unordered(at_once).try_collect().await?;
        let whole = found.iter().all(|(_, read)| *read) && !self.behind.load(Ordering::Acquire);
        Ok((found.into_iter().filter_map(|(found, _)| found).collect(), whole))
    }
}

impl Secrets {
    /// The environment together with the secrets that the configuration refers to. Without a secret manager it is as it was.
    /// What is in use stays so until the answer is adopted.
    ///
    /// # Errors
    /// When the secret manager cannot be opened or asked. A name that it does not have is no error: the environment may
    /// have it.
    pub async fn laid_over(&self, source: &Source, env: &Environment) -> Result<Filled, Problem> {
        let none = |wrong| Filled { env: env.clone(), wrong, opened: None, old: None };
        let asking = match asking(source, env) {
            Named::This(asking) => *asking,
            Named::Nothing => return Ok(none(false)),
            Named::Wrongly => return Ok(none(true)),
        };
        let opened = self.open(&asking)?;
        if !opened.plan.reads {
            return Ok(Filled { opened: Some(opened), ..none(false) });
        }
        let (found, whole) = opened.ask(asking).await?;
        let again = if whole { opened.lifetime } else { AGAIN };
        let old = Instant::now().checked_add(again).filter(|_| !again.is_zero());
        Ok(Filled { env: env.holding(found), wrong: false, opened: Some(opened), old })
    }

    /// Puts in place what a configuration that is served asked for.
    pub fn adopt(&self, filled: &Filled) {
        self.opened.lock().clone_from(&filled.opened);
        *self.old.lock() = filled.old;
    }

    /// What is old could not be read anew: it is tried again later.
    pub fn put_off(&self) {
        *self.old.lock() = Instant::now().checked_add(AGAIN);
    }

    /// The one in use, or another one where the configuration says something else.
    fn open(&self, asking: &Asking) -> Result<Arc<Opened>, Problem> {
        let (plan, over) = (&asking.plan, asking.env.overlay());
        let opened = self.opened.lock().clone();
        if let Some(there) = &opened
            && there.plan == *plan
            && there.over == over
        {
            return Ok(Arc::clone(there));
        }
        let (vault, ambient) = opened_in(&asking.env, plan.kind, &plan.settings)
            .map_err(|error| plan.problem(error, "docs/secrets.md says what it takes"))?;
        let lifetime = plan.kind.lifetime(&ambient);
        let cached = Cached::new(Asked(Arc::clone(&vault)), lifetime);
        let behind = cached.behind();
        let source: Box<dyn SecretSource> = match &plan.primary {
            Some(primary) => Box::new(Primary::new(cached, primary)),
            None => Box::new(cached),
        };
        Ok(Arc::new(Opened { plan: plan.clone(), over, vault, source, behind, lifetime }))
    }

    /// True when what was read is older than it is believed.
    pub fn are_old(&self) -> bool {
        let reads = self.opened.lock().as_ref().is_some_and(|opened| opened.plan.reads);
        reads && self.old.lock().is_some_and(|old| old <= Instant::now())
    }

    /// The one in use.
    pub fn vault(&self) -> Option<Arc<dyn Vault>> {
        Some(Arc::clone(&self.opened.lock().as_ref()?.vault))
    }

    /// Where virtual keys are stored as well, if they are.
    pub fn key_copies(&self) -> Option<KeyCopies> {
        let opened = self.opened.lock();
        let opened = opened.as_ref()?;
        Some(KeyCopies::new(Arc::clone(&opened.vault), opened.plan.keys.clone()?))
    }
}

/// One that the database may name, opened in the environment of the configuration.
///
/// # Errors
/// What is missing, for people.
pub fn trial(vault: &StoredVault, source: &Source, env: &Environment) -> Result<Arc<dyn Vault>, String> {
    let env = leading_to(vault, source, env);
    opened_in(&env, vault.kind, &VaultSettings::default()).map(|(vault, _)| vault)
}

/// A secret manager and its surroundings, as an environment describes them.
fn opened_in(
    env: &Environment,
    kind: VaultKind,
    settings: &VaultSettings,
) -> Result<(Arc<dyn Vault>, Ambient), String> {
    let variables = env.clone();
    let ambient = Ambient::new(move |name| variables.get(name));
    let wire = |needs: &WireNeeds| Arc::new(HttpClient::new(way_out(env, needs))) as Arc<_>;
    let vault = vaults::open(kind, settings, ambient.clone(), wire).map_err(|error| error.message)?;
    Ok((vault, ambient))
}

fn way_out(env: &Environment, needs: &WireNeeds) -> HttpConfig {
    let mut http = outgoing(env);
    if let Some((certificate, key)) = &needs.identity {
        (http.tls.client_cert, http.tls.client_key) = (Some(certificate.clone()), Some(key.clone()));
    }
    if needs.unchecked {
        http.tls.insecure_hosts.push("*".to_owned());
    }
    http
}

/// The same once, for commands that load a configuration and end.
///
/// # Errors
/// As [`Secrets::laid_over`].
pub fn once(source: &Source, env: &Environment) -> Result<Environment, Problem> {
    let Named::This(asking) = asking(source, env) else { return Ok(env.clone()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| asking.plan.problem(error.to_string(), "it could not be asked"))?;
    runtime.block_on(Secrets::default().laid_over(source, env)).map(|filled| filled.env)
}
