//! Who calls: everything a request needs to know of its caller, read once and shared by all its requests.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use http::{HeaderName, HeaderValue};
use llm_types::record::Caller;
use llm_types::{Error, RawJson};

use crate::allow::{Directory, ModelList};
use crate::bounds::Bounds;
use crate::grants::Grants;
use crate::purse::{Owner, usd};
use crate::switches::Switches;
use crate::{KeyDigest, Role};

/// What kind of caller it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rank {
    /// The master key.
    Master,
    /// There is no master key, so everybody is this.
    Anyone,
    /// A virtual key.
    Key,
    /// Somebody for whom somebody else speaks: an identity provider, a proxy, a hook.
    Token,
    /// A key that could not be looked up; see `allow_requests_on_db_unavailable`.
    Unchecked,
}

/// The allow-lists that hold for the caller.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    pub(crate) key: ModelList,
    pub(crate) team: Option<ModelList>,
    /// Of the caller as a member of the team.
    pub(crate) member: Option<ModelList>,
    pub(crate) project: Option<ModelList>,
    /// Of the access groups of the key's agent.
    pub(crate) agent: Option<ModelList>,
    /// Of the caller's user; holds for keys without a team.
    pub(crate) user: Option<ModelList>,
    /// The user's list says `no-default-models`.
    pub(crate) nothing_personal: bool,
}

/// Limits as the text of headers.
#[derive(Debug, Default)]
pub(crate) struct LimitTexts {
    pub(crate) tpm: Option<HeaderValue>,
    pub(crate) rpm: Option<HeaderValue>,
    pub(crate) max_budget: Option<HeaderValue>,
}

/// `router_settings` of key and team, and what their reader made of them, once.
#[derive(Default)]
pub(crate) struct RouterSettings {
    pub(crate) key: Option<RawJson>,
    pub(crate) team: Option<RawJson>,
    pub(crate) read: OnceLock<Option<Arc<dyn Any + Send + Sync>>>,
}

/// How fresh what is known of a key is. Milliseconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct Freshness {
    pub(crate) loaded: u64,
    pub(crate) used: AtomicU64,
    pub(crate) refreshing: AtomicBool,
}

/// A model alias: the name asked for, the name meant.
pub(crate) type Alias = (Box<str>, Box<str>);

/// A caller whose credential is good. There is no empty one: it is made from a row, the master key, or the decision of an
/// operator who set no master key.
pub struct Identity {
    pub(crate) rank: Rank,
    pub(crate) digest: Option<KeyDigest>,
    /// Masked key or another short name, for messages.
    pub(crate) shown: Arc<str>,
    pub(crate) caller: Caller,
    pub(crate) role: Option<Role>,
    pub(crate) lists: Lists,
    pub(crate) aliases: Box<[Alias]>,
    pub(crate) team_aliases: Box<[Alias]>,
    pub(crate) allowed_routes: Vec<String>,
    /// Further lists of models and of routes (empty: all), each of which must allow a call.
    pub(crate) fences: Vec<(ModelList, Vec<String>)>,
    pub(crate) together: Option<Box<crate::together::Together>>,
    pub(crate) expires: Option<DateTime<Utc>>,
    /// Why the credential is refused although it is known.
    pub(crate) refusal: Option<Error>,
    pub(crate) team_blocked: bool,
    /// The blocked project of the key.
    pub(crate) project_blocked: bool,
    /// Budgets and limits.
    pub(crate) bounds: Bounds,
    /// What its limits become once its own budget is spent, in place of being refused.
    pub(crate) throttle: Option<f64>,
    /// Limits that hold for some of its calls.
    pub(crate) special: Option<Box<crate::special::Special>>,
    /// `priority` of team or key: whose share of a model it uses.
    pub(crate) priority: Option<Box<str>>,
    /// `budget_fallbacks`: where calls go whose model's budget is gone.
    pub(crate) budget_fallbacks: Box<[(Box<str>, Box<[Box<str>]>)]>,
    pub(crate) texts: LimitTexts,
    pub(crate) switches: Switches,
    pub(crate) grants: Grants,
    pub(crate) router_settings: RouterSettings,
    pub(crate) directory: Arc<ArcSwap<Directory>>,
    pub(crate) fresh: Freshness,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("rank", &self.rank)
            .field("key", &self.shown)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// An identity with rights and without limits; the caller fills in what differs.
    pub(crate) fn bare(rank: Rank, shown: &str, directory: Arc<ArcSwap<Directory>>) -> Self {
        Self {
            rank,
            digest: None,
            shown: shown.into(),
            caller: Caller::default(),
            role: None,
            lists: Lists { key: ModelList::new(&[]), ..Lists::default() },
            aliases: Box::default(),
            team_aliases: Box::default(),
            allowed_routes: Vec::new(),
            fences: Vec::new(),
            together: None,
            expires: None,
            refusal: None,
            team_blocked: false,
            project_blocked: false,
            bounds: Bounds::default(),
            throttle: None,
            special: None,
            priority: None,
            budget_fallbacks: Box::default(),
            texts: LimitTexts::default(),
            switches: Switches::default(),
            grants: Grants::default(),
            router_settings: RouterSettings::default(),
            directory,
            fresh: Freshness::default(),
        }
    }

    /// The model group that `model` stands for: the team's alias when its target is served (`known`), else the key's.
    pub fn alias(&self, model: &str, known: impl Fn(&str) -> bool) -> Option<&str> {
        let find = |list: &'_ [Alias]| list.iter().position(|(from, _)| &**from == model);
        let target = |list: &'_ [Alias], at: usize| list.get(at).map(|(_, to)| to.len()).is_some_and(|n| n > 0);
        if let Some(at) = find(&self.team_aliases).filter(|&at| target(&self.team_aliases, at)) {
            let to = self.team_aliases.get(at).map(|(_, to)| &**to)?;
            if known(to) {
                return Some(to);
            }
            tracing::warn!(model, target = to, "a team's alias points to a model that nobody serves; ignored");
        }
        let at = find(&self.aliases).filter(|&at| target(&self.aliases, at))?;
        self.aliases.get(at).map(|(_, to)| &**to)
    }

    /// The caller's team.
    #[must_use]
    pub fn team_id(&self) -> Option<&str> {
        self.caller.team_id.as_deref()
    }

    /// The caller's user.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.caller.user_id.as_deref()
    }

    /// What the key has spent in its current budget window, in US dollars; nothing for callers that are not virtual keys.
    #[must_use]
    pub fn spend(&self) -> Option<f64> {
        self.bounds.budgets.iter().find(|b| b.owner == Owner::Key).map(|b| usd(b.purse.spent()))
    }

    /// The `router_settings` of key and team, as `read` understands them (key, team); it is asked once. Nothing when neither
    /// has any, or `read` finds none in them.
    pub fn router_settings<T: Any + Send + Sync>(
        &self,
        read: impl FnOnce(Option<&RawJson>, Option<&RawJson>) -> Option<T>,
    ) -> Option<Arc<T>> {
        let own = &self.router_settings;
        if own.key.is_none() && own.team.is_none() {
            return None;
        }
        let any = own.read.get_or_init(|| {
            let made = read(own.key.as_ref(), own.team.as_ref())?;
            Some(Arc::new(made) as Arc<dyn Any + Send + Sync>)
        });
        any.clone()?.downcast().ok()
    }

    /// True for administrators.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.role == Some(Role::ProxyAdmin)
    }

    /// True for those who see everything: administrators, and those who may only look.
    #[must_use]
    pub fn sees_all(&self) -> bool {
        self.is_admin() || self.role == Some(Role::ProxyAdminViewer)
    }

    /// True for the master key itself.
    #[must_use]
    pub fn is_master(&self) -> bool {
        self.rank == Rank::Master
    }

    /// True for a virtual key, as opposed to the master key and to callers of a gateway without one.
    #[must_use]
    pub fn is_key(&self) -> bool {
        self.rank == Rank::Key
    }

    /// The caller's role; a key whose user has no row has none.
    #[must_use]
    pub const fn role(&self) -> Option<Role> {
        self.role
    }

    /// SHA-256 of the key, hex; the fixed alias for the master key.
    #[must_use]
    pub fn key_hash(&self) -> Option<&str> {
        self.caller.key_hash.as_deref()
    }

    /// Who calls, for logs.
    #[must_use]
    pub fn caller(&self) -> Caller {
        self.caller.clone()
    }

    /// True when calls of this caller are told, with content, to callbacks of its own.
    #[must_use]
    pub const fn tells_content(&self) -> bool {
        self.caller.callbacks.is_some()
    }

    /// The key's own limits as response headers: `x-litellm-key-tpm-limit`, `-rpm-limit`, `-max-budget`.
    pub fn limit_headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let LimitTexts { tpm, rpm, max_budget } = &self.texts;
        [
            (const { HeaderName::from_static("x-litellm-key-tpm-limit") }, tpm),
            (const { HeaderName::from_static("x-litellm-key-rpm-limit") }, rpm),
            (const { HeaderName::from_static("x-litellm-key-max-budget") }, max_budget),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
    }

    /// True when the caller may use a model: for lists of models.
    #[must_use]
    pub fn may_use(&self, model: &str) -> bool {
        self.denial(&[model], &self.directory.load()).is_none()
    }

    /// True when some models are denied to the caller: what a request names has to be known then.
    #[must_use]
    pub fn model_restricted(&self) -> bool {
        let Lists { key, team, member, project, agent, user, .. } = &self.lists;
        let some = |list: &Option<ModelList>| list.as_ref().is_some_and(|list| !list.allows_all());
        !key.allows_all()
            || self.fences.iter().any(|(models, _)| !models.allows_all())
            || [team, member, project, agent].into_iter().any(some)
            || team.is_none() && some(user)
    }

    /// The names and patterns of the caller's allow-lists, or `None` when they allow everything. A name may be an access
    /// group.
    #[must_use]
    pub fn allowed_models(&self) -> Option<Vec<String>> {
        let list = match &self.lists.team {
            Some(team) if self.lists.key.is_teams() => team,
            _ => &self.lists.key,
        };
        (!list.allows_all()).then(|| list.entries().map(str::to_owned).collect())
    }

    /// The names and patterns of all of the caller's allow-lists, and its team's aliases: what it may call a model. Aliases of
    /// the key are left out, for behind one only its target counts.
    pub fn listed_models(&self) -> impl Iterator<Item = &str> {
        let Lists { key, team, member, project, agent, user, .. } = &self.lists;
        let others = [team, member, project, agent, user].into_iter().flatten();
        let lists = std::iter::once(key).chain(others).chain(self.fences.iter().map(|(models, _)| models));
        let aliases = self.team_aliases.iter().map(|(from, _)| &**from);
        lists.flat_map(ModelList::entries).chain(aliases).filter(|name| !self.is_alias(name))
    }

    /// Whose list denies the model known under these names: the `type` of the refusal. One name that passes is enough.
    pub(crate) fn denial(&self, names: &[&str], directory: &Directory) -> Option<&'static str> {
        let own = self.key_denial(names, directory).or_else(|| self.owner_denial(names, directory));
        own.or_else(|| self.agent_denial(names, directory)).or_else(|| self.project_denial(names, directory))
    }

    /// By the key's list.
    pub(crate) fn key_denial(&self, names: &[&str], directory: &Directory) -> Option<&'static str> {
        let key = &self.lists.key;
        let fenced = self.fences.iter().any(|(models, _)| !passes(models, names, directory));
        (fenced || !key.is_teams() && !passes(key, names, directory)).then_some("key_model_access_denied")
    }

    /// By the lists of the team, of the member in it, and, for personal keys, of the user.
    pub(crate) fn owner_denial(&self, names: &[&str], directory: &Directory) -> Option<&'static str> {
        let Lists { team, member, user, .. } = &self.lists;
        let denies = |list: &Option<ModelList>| list.as_ref().is_some_and(|list| !passes(list, names, directory));
        if denies(team) || denies(member) {
            return Some("team_model_access_denied");
        }
        // Sessions have a team without a row: they are personal.
        if self.lists.team.is_none() && denies(user) {
            let personal = self.lists.nothing_personal;
            return Some(if personal { "key_model_access_denied" } else { "user_model_access_denied" });
        }
        None
    }

    /// By the list of the key's agent.
    pub(crate) fn agent_denial(&self, names: &[&str], directory: &Directory) -> Option<&'static str> {
        let agent = self.lists.agent.as_ref();
        agent.is_some_and(|list| !passes(list, names, directory)).then_some("agent_model_access_denied")
    }

    /// By the project's list.
    pub(crate) fn project_denial(&self, names: &[&str], directory: &Directory) -> Option<&'static str> {
        let project = self.lists.project.as_ref();
        project.is_some_and(|list| !passes(list, names, directory)).then_some("project_model_access_denied")
    }

    /// True when `model` is an alias of the key, so that only its target counts.
    #[must_use]
    pub fn is_alias(&self, model: &str) -> bool {
        self.aliases.iter().any(|(from, _)| &**from == model)
    }

    /// Notes that it was used; the shared cell is only written once a second.
    pub(crate) fn touch(&self, now: u64) {
        if now.saturating_sub(self.fresh.used.load(Ordering::Relaxed)) > 1000 {
            self.fresh.used.store(now, Ordering::Relaxed);
        }
    }
}

fn passes(list: &ModelList, names: &[&str], directory: &Directory) -> bool {
    names.iter().any(|name| list.allows(name, directory))
}
