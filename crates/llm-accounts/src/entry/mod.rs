//! The ways in: who calls, by key or by what others say. The order of decisions is LiteLLM's.
//!
//! | file | what |
//! |---|---|
//! | `settings` | [`EntrySettings`]: which ways there are; addresses |
//! | `jwt` | signed tokens: settings, claims, mapping to virtual keys |
//! | `introspect`, `headers`, `hook` | an authorization server, a proxy in front of us, somebody outside who decides |
//! | `said`, `person`, `upsert` | what is said of a caller; the rows that follow from it; rows that are made for it |
//! | `acting` | which of a caller's identities makes a request |
//! | `outside`, `refused` | small requests; the texts of refusals |
//!
//! Whatever the way, a caller becomes an [`Identity`] that is remembered under the digest of all that was shown, for as long
//! as a key would be, and never beyond its end. That a provider or the store cannot be asked is 503, never 401.

mod acting;
mod headers;
mod hook;
mod introspect;
pub(crate) mod jwt;
mod outside;
mod person;
pub(crate) mod refused;
pub(crate) mod said;
pub(crate) mod settings;
mod upsert;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::HeaderMap;
use llm_idp::Idp;
use llm_types::{Error, Result};

use self::acting::for_request;
use self::said::Said;
pub(crate) use self::upsert::Agent;
use crate::accounts::{Inner, accept};
use crate::flights::Flights;
use crate::identity::Rank;
use crate::source::Source;
use crate::{Accounts, AccountsSettings, Credential, EntrySettings, Identity, KeyDigest, Permission, Role, in_routes};

/// Who is connected, as the server notes it in the extensions of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connected(pub IpAddr);

/// What a request shows of its caller.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The key or token.
    pub credential: Credential<'a>,
    /// Every header.
    pub headers: &'a HeaderMap,
    /// The method.
    pub method: &'a str,
    /// The path, without what the server is mounted below.
    pub path: &'a str,
    /// Who is connected; nothing when that was not noted.
    pub connected: Option<IpAddr>,
}

/// What is to be asked, with all that the asking needs.
#[derive(Debug, Clone)]
enum Ask {
    /// What a signed token says.
    Token(String),
    /// What an authorization server says of a token.
    Opaque(String),
    /// What a trusted proxy said.
    Proxy(Box<Said>),
    /// What the hook says.
    Hook(Box<hook::Question>),
}

/// A question, with what was in force when it arose.
#[derive(Debug)]
struct Question {
    ways: Arc<AccountsSettings>,
    generation: u64,
    /// Under which the answer is remembered.
    digest: KeyDigest,
    ask: Ask,
}

/// By which way a caller comes.
enum Way {
    Keys,
    /// Nobody asks.
    Guest,
    Ask(KeyDigest, Ask),
    Refused(Error),
}

/// Whom a credential stands for.
enum Meant {
    /// The holder of a virtual key.
    Key(KeyDigest),
    /// Whom somebody names.
    Said(Box<Said>),
    /// Nobody says: it is judged as a key.
    GoOn,
}

impl Accounts {
    /// Tells through whom identity providers are asked; once, before the first request.
    pub fn open_to(&self, idp: Arc<Idp>) {
        if self.inner().idp.set(idp).is_err() {
            tracing::error!("identity providers are asked through the first one that was told");
        }
    }

    /// Those whose signed tokens are taken, by their names: where callers without a key get one.
    #[must_use]
    pub fn trusted_issuers(&self) -> Vec<String> {
        let settings = self.inner().settings();
        settings.entry.jwt.as_ref().map(|jwt| jwt.issuer_names().map(str::to_owned).collect()).unwrap_or_default()
    }

    /// Whether a caller may call a route of this permission, see [`Identity::authorize`], beside what only administrators may
    /// (`admin_only_routes`).
    ///
    /// # Errors
    /// 401 and 403.
    pub fn authorize(&self, who: &Identity, permission: Permission, path: &str, reads: bool) -> Result<()> {
        let above = permission != Permission::Public && !who.is_admin();
        if above && in_routes(&self.inner().settings().admin_only_routes, path) {
            return Err(crate::refusal::route_denied(path));
        }
        who.authorize(permission, path, reads)
    }

    /// Who calls, if that is known without asking anybody. `None`: ask [`Accounts::enter`].
    pub fn enter_now(&self, asking: &Asking<'_>) -> Option<Result<Arc<Identity>>> {
        let inner = self.inner();
        let ways = inner.settings();
        let entry = &ways.entry;
        if !entry.network.admits(asking) {
            return Some(Err(refused::forbidden("Access forbidden: IP address not allowed.")));
        }
        if entry.only_keys() {
            return self.identify_now(&asking.credential);
        }
        match inner.way(entry, asking) {
            Way::Keys => self.identify_now(&asking.credential).map(|known| inner.or_guest(entry, asking, known)),
            Way::Guest => Some(Ok(inner.guest())),
            Way::Refused(error) => Some(Err(error)),
            Way::Ask(digest, ask) => {
                if !ask.is_remembered(entry) {
                    return None;
                }
                let known = inner.remembered(entry, &digest)?;
                Some(known.and_then(|known| for_request(&known, asking)))
            }
        }
    }

    /// Who calls. May be called on any runtime; store and providers are asked on their own.
    ///
    /// # Errors
    /// 401 and 403 for callers who may not enter; 503 when that cannot be said.
    pub async fn enter(&self, asking: &Asking<'_>) -> Result<Arc<Identity>> {
        if let Some(known) = self.enter_now(asking) {
            return known;
        }
        let inner = self.inner();
        // Before the ways are looked at: what is learnt by ways that change meanwhile is not remembered.
        let generation = inner.generation.load(Ordering::SeqCst);
        let ways = self.settings();
        let entry = &ways.entry;
        match inner.way(entry, asking) {
            Way::Guest => Ok(inner.guest()),
            Way::Refused(error) => Err(error),
            Way::Keys => {
                let known = self.identify_from(&asking.credential, source(entry, asking)).await;
                inner.or_guest(entry, asking, known)
            }
            Way::Ask(digest, ask) => {
                match Box::pin(self.learn(Question { ways: Arc::clone(&ways), generation, digest, ask })).await {
                    Ok(Some(known)) => accept(known, "").and_then(|known| for_request(&known, asking)),
                    Ok(None) => {
                        let known = self.identify_from(&asking.credential, source(entry, asking)).await;
                        inner.or_guest(entry, asking, known)
                    }
                    Err(error) => inner.or_guest(entry, asking, Err(error)),
                }
            }
        }
    }

    /// Asks, together with everyone who asks the same. Nothing: the credential is to be judged as a key.
    async fn learn(&self, question: Question) -> Result<Option<Arc<Identity>>> {
        let accounts = self.clone();
        if !question.ask.is_remembered(&question.ways.entry) {
            let asked = self.background().spawn(async move { Box::pin(accounts.answer(question)).await });
            return asked.await.unwrap_or_else(|_| Err(Error::internal("the question was stopped")));
        }
        let (answer, landing) = Flights::join(&self.inner().flights, question.digest);
        if let Some(landing) = landing {
            self.background().spawn(async move {
                let found = Box::pin(accounts.answer(question)).await;
                landing.land(&found);
            });
        }
        answer.await.unwrap_or_else(|_| Err(Error::internal("the question was stopped")))
    }

    async fn answer(&self, question: Question) -> Result<Option<Arc<Identity>>> {
        let inner = self.inner();
        let Question { ways, generation, digest, ask } = question;
        let entry = &ways.entry;
        let kept = ask.is_remembered(entry);
        let no_way = || Error::internal("a way in that is not open");
        let idp = inner.idp.get().ok_or_else(no_way)?;
        let meant = match ask {
            Ask::Token(token) => {
                let jwt = entry.jwt.as_deref().ok_or_else(no_way)?;
                let mut meant = self.read_token(jwt, idp, &token).await?;
                if let Meant::Said(said) = &mut meant {
                    said.log_name = Some(format!("hashed-jwt-{}", digest.hex()));
                }
                meant
            }
            Ask::Opaque(token) => {
                let server = entry.oauth2.as_deref().ok_or_else(no_way)?;
                let _permit = inner.asks.acquire().await.map_err(|_| Error::internal("the gateway is stopping"))?;
                let mut said = introspect::ask(server, &**idp.http(), &token).await?;
                said.log_name = Some(digest.hex());
                Meant::Said(Box::new(said))
            }
            Ask::Proxy(said) => Meant::Said(said),
            Ask::Hook(question) => {
                let hook = entry.hook.as_deref().ok_or_else(no_way)?;
                hook::ask(hook, &**idp.http(), &question).await?
            }
        };
        match meant {
            Meant::GoOn => Ok(None),
            Meant::Key(key) => {
                if kept && generation == inner.generation.load(Ordering::SeqCst) {
                    inner.stands_for(entry, digest, key);
                }
                self.holder(key).await.map(Some)
            }
            Meant::Said(said) if said.is_nobody() => {
                Err(refused::unauthorized("Authentication Error, the credential names nobody"))
            }
            Meant::Said(said) => {
                let who = match self.person(&said, digest).await {
                    Ok(who) => who,
                    Err(error) if error.openai_type() == "no_db_connection" => {
                        return inner.without_store(digest, error).map(Some);
                    }
                    Err(error) => return Err(error),
                };
                // What was changed meanwhile is read again by the next one.
                if kept && generation == inner.generation.load(Ordering::SeqCst) {
                    inner.keys.insert(digest, Arc::clone(&who));
                }
                Ok(Some(who))
            }
        }
    }

    /// The holder of a virtual key that another credential stands for.
    async fn holder(&self, key: KeyDigest) -> Result<Arc<Identity>> {
        let inner = self.inner();
        let known = inner.keys.get(&key).map(|entry| Arc::clone(&entry));
        if let Some(known) = known.and_then(|known| inner.fresh(key, known)) {
            return accept(known, "");
        }
        match inner.look_up(key, None).await? {
            Some(known) => accept(known, ""),
            None => {
                Err(refused::unauthorized("Authentication Error, the key that the token stands for does not exist"))
            }
        }
    }
}

impl Ask {
    fn is_remembered(&self, entry: &EntrySettings) -> bool {
        !matches!(self, Self::Hook(_)) || entry.hook.as_ref().is_some_and(|hook| !hook.cache.is_zero())
    }
}

impl Inner {
    fn way(&self, entry: &EntrySettings, asking: &Asking<'_>) -> Way {
        if let Some(hook) = &entry.hook {
            let question = hook::Question::of(asking, &entry.network);
            return match question {
                Some(question) => Way::Ask(question.digest(), Ask::Hook(Box::new(question))),
                None if hook.falls_back => Way::Keys,
                None => Way::Refused(crate::refusal::no_key()),
            };
        }
        let key = match asking.credential {
            Credential::Key(key) => Some(key),
            Credential::None if in_routes(&entry.public_routes, asking.path) => return Way::Guest,
            Credential::None | Credential::Malformed => None,
        };
        // Keys of this gateway are shown to nobody else.
        let foreign = key.filter(|key| !key.starts_with("sk-") && !self.is_master(key));
        if let (Some(_), Some(token)) = (&entry.oauth2, foreign)
            && in_routes(&["llm_api_routes", "info_routes"], asking.path)
            && (!llm_idp::is_jws(token) || entry.jwt.as_ref().is_some_and(|jwt| jwt.sends_on(token)))
        {
            return Way::Ask(KeyDigest::of(&format!("oauth2\0{token}")), Ask::Opaque(token.to_owned()));
        }
        if let Some(mapped) = &entry.headers
            && let Some((digest, said)) = headers::said(mapped, &entry.network, asking)
        {
            return match said {
                Ok(said) => Way::Ask(digest, Ask::Proxy(Box::new(said))),
                Err(error) => Way::Refused(error),
            };
        }
        match foreign {
            Some(token) if entry.jwt.is_some() && llm_idp::is_jws(token) => {
                Way::Ask(KeyDigest::of(token), Ask::Token(token.to_owned()))
            }
            _ => Way::Keys,
        }
    }

    /// Who showed this lately, as long as that holds.
    fn remembered(self: &Arc<Self>, entry: &EntrySettings, digest: &KeyDigest) -> Option<Result<Arc<Identity>>> {
        let now = self.kv.now().0;
        let key = self.mapped.get(digest).filter(|mapped| now < mapped.1).map(|mapped| mapped.0);
        if let Some(key) = key {
            let known = self.keys.get(&key).map(|entry| Arc::clone(&entry))?;
            return self.fresh(key, known).map(|known| accept(known, ""));
        }
        let known = self.keys.get(digest).map(|entry| Arc::clone(&entry)).filter(|known| known.rank == Rank::Token)?;
        let ttl = AccountsSettings::millis(self.settings().user_api_key_cache_ttl);
        let age = now.saturating_sub(known.fresh.loaded);
        let short = entry.hook.as_ref().map(|hook| hook.cache);
        let ttl = short.map_or(ttl, |short| u64::try_from(short.as_millis()).unwrap_or(u64::MAX).min(ttl));
        if age > ttl {
            return None;
        }
        known.touch(now);
        Some(accept(known, ""))
    }

    /// Remembers for which key a credential stands.
    fn stands_for(&self, entry: &EntrySettings, digest: KeyDigest, key: KeyDigest) {
        let ttl = entry.jwt.as_ref().map_or(Duration::ZERO, |jwt| jwt.mapping_ttl);
        let ttl = ttl.min(AccountsSettings::seconds(self.settings().user_api_key_cache_ttl));
        let until = self.kv.now().0.saturating_add(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
        if self.mapped.len() >= self.settings().user_api_key_cache_size {
            self.mapped.clear();
        }
        self.mapped.insert(digest, (key, until));
    }

    /// A public route is open to those whose key is none.
    fn or_guest(
        &self,
        entry: &EntrySettings,
        asking: &Asking<'_>,
        known: Result<Arc<Identity>>,
    ) -> Result<Arc<Identity>> {
        match known {
            Err(error) if error.status() == 401 && in_routes(&entry.public_routes, asking.path) => Ok(self.guest()),
            known => known,
        }
    }

    /// Somebody without a name, on a route that is open to everybody.
    fn guest(&self) -> Arc<Identity> {
        let mut guest = Identity::bare(Rank::Unchecked, "public", Arc::clone(&self.directory));
        guest.role = Some(Role::InternalUserViewer);
        guest.bounds.budgets = self.proxy_budget().into_iter().collect();
        Arc::new(guest)
    }
}

/// Where a request comes from, if that was noted.
fn source(entry: &EntrySettings, asking: &Asking<'_>) -> Option<Source> {
    let address = asking.connected?;
    Some(Source::of(Some(entry.network.caller(address, asking.headers))))
}
