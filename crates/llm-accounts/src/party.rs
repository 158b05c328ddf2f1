//! End users, tags and groups of models: whom a call names beside its caller. Read when they are named, and kept for a while.

mod listed;

use std::borrow::Cow;
use std::sync::Arc;

use dashmap::DashMap;
use llm_store::{AgentRow, BudgetRow, EndUserRow, ModelAccessGroupBudgetRow, Store, StoreError, TagRow};
use llm_types::{Json, Result};

use crate::accounts::Inner;
use crate::bounds::{Binder, Bounds, Told};
use crate::gate::Limits;
use crate::load::object;
use crate::purse::Owner;
use crate::special::SessionBounds;
use crate::{AccountsSettings, Directory, Identity, Intent, refusal};
use listed::Listed;

/// Parties kept in memory at the most: their names come from strangers.
const PARTIES: usize = 100_000;

/// An end user, a tag or a group of models, with or without a row.
#[derive(Debug, Default)]
pub(crate) struct Party {
    pub(crate) bounds: Bounds,
    /// The only region whose models may answer an end user.
    pub(crate) region: Option<Arc<str>>,
    /// The model for an end user when none in his region has the name that was asked for.
    pub(crate) default_model: Option<Arc<str>>,
    /// What each session of an agent may use.
    pub(crate) sessions: Option<SessionBounds>,
    /// Milliseconds since 1970.
    pub(crate) loaded: u64,
}

type Slot = (Owner, Box<str>, Option<Box<str>>);

/// Somebody or something that a call names.
#[derive(Debug, PartialEq, Eq)]
struct Name<'c> {
    kind: Owner,
    id: Cow<'c, str>,
    /// The budget of an end user who has none.
    budget: Option<&'c str>,
}

impl<'c> Name<'c> {
    fn of(kind: Owner, id: impl Into<Cow<'c, str>>) -> Self {
        Self { kind, id: id.into(), budget: None }
    }

    fn slot(&self) -> Slot {
        (self.kind, (*self.id).into(), self.budget.map(Into::into))
    }
}

/// The parties in memory.
#[derive(Debug, Default)]
pub(crate) struct Parties {
    /// By kind, name, and the budget that the caller's key has for end users without one.
    known: DashMap<Slot, Arc<Party>>,
    listed: Listed,
}

impl Parties {
    /// Those who were named lately.
    pub(crate) fn standing(&self) -> Vec<Arc<Party>> {
        self.known.iter().map(|party| Arc::clone(&party)).collect()
    }

    /// Everyone is read again.
    pub(crate) fn forget(&self) {
        self.known.clear();
        self.listed.forget();
    }

    /// Forgets those that nobody named lately.
    pub(crate) fn sweep(&self, now: u64, ttl: u64) {
        self.known.retain(|_, party| now.saturating_sub(party.loaded) < ttl);
    }
}

/// Whom a call names. Tags of key, team and project count as well, and those that its user agent makes; so do the groups
/// that its model is in.
fn named<'c>(who: &'c Identity, intent: &Intent<'c>, agents: bool, directory: &'c Directory) -> Vec<Name<'c>> {
    let mut out: Vec<Name<'c>> = Vec::new();
    let budget = who.switches.end_user_budget.as_deref();
    out.extend(intent.end_user.filter(|id| !id.is_empty()).map(|id| Name { budget, ..Name::of(Owner::EndUser, id) }));
    let given = intent.tags.iter().chain(who.tags()).map(|tag| Cow::from(tag.as_str()));
    let made = crate::spend_row::agent_tags(intent.user_agent.filter(|_| agents)).map(Cow::from);
    for tag in given.chain(made) {
        let party = Name::of(Owner::Tag, tag);
        if !out.contains(&party) {
            out.push(party);
        }
    }
    // An agent's own key has its limits already.
    let agent = intent.agent.filter(|agent| who.caller.agent_id.as_deref() != Some(agent));
    out.extend(agent.map(|agent| Name::of(Owner::Agent, agent)));
    for group in directory.groups_of(intent.group).chain(directory.groups_of(intent.model)) {
        let party = Name::of(Owner::AccessGroup, group);
        if !out.contains(&party) {
            out.push(party);
        }
    }
    out
}

impl Inner {
    /// Those whom a call names, as far as they are in memory.
    pub(crate) fn parties_known(&self, who: &Identity, intent: &Intent<'_>) -> Box<[Arc<Party>]> {
        if self.store.is_none() {
            return Box::default();
        }
        let directory = self.directory.load();
        let named = named(who, intent, self.agents_count(), &directory);
        named.into_iter().filter_map(|name| self.known_party(&name)).collect()
    }

    /// User agents make tags, and a tag of this kind has a budget.
    fn agents_count(&self) -> bool {
        !self.settings().disable_agent_tags && self.parties.listed.agents_count()
    }

    fn known_party(&self, name: &Name<'_>) -> Option<Arc<Party>> {
        self.parties.known.get(&name.slot()).map(|party| Arc::clone(&party))
    }

    /// Those whom a call names; the store is asked for those that nobody named lately.
    ///
    /// # Errors
    /// When the store fails, one of them is not known from before, and `fail_closed_budget_enforcement` is set.
    pub(crate) async fn parties(self: &Arc<Self>, who: &Identity, intent: &Intent<'_>) -> Result<Box<[Arc<Party>]>> {
        if self.store.is_none() {
            return Ok(Box::default());
        }
        let mut out = Vec::new();
        let ttl = AccountsSettings::millis(self.settings().user_api_key_cache_ttl);
        let directory = self.directory.load_full();
        for name in named(who, intent, self.agents_count(), &directory) {
            if name.budget.is_none() && self.parties.listed.is_free(name.kind, &name.id) {
                continue;
            }
            let known = self.known_party(&name);
            let fresh = |party: &Party| self.kv.now().0.saturating_sub(party.loaded) <= ttl;
            out.push(match known {
                Some(party) if fresh(&party) => party,
                known => match self.read_party(&name).await {
                    Ok(party) => party,
                    Err(error) => known.ok_or(error)?,
                },
            });
        }
        Ok(out.into())
    }

    async fn read_party(self: &Arc<Self>, name: &Name<'_>) -> Result<Arc<Party>> {
        let (inner, slot) = (Arc::clone(self), name.slot());
        // The store lives on the background runtime.
        let read = self.background.spawn(async move {
            let Some(store) = &inner.store else { return Ok(Party::default()) };
            let _permit = inner.lookups.acquire().await.map_err(|_| refusal::no_database())?;
            let generation = inner.generation.load(std::sync::atomic::Ordering::SeqCst);
            let mut party = inner.ask(inner.party_of(store, &slot)).await?;
            // Something was changed while it was read: this call may use it, the next one reads again.
            if generation == inner.generation.load(std::sync::atomic::Ordering::SeqCst) {
                party.loaded = inner.kv.now().0;
            }
            Ok(party)
        });
        let party = read.await.unwrap_or_else(|_| Err(llm_types::Error::internal("a look-up was stopped")));
        let party = match party {
            Ok(party) => Arc::new(party),
            // The caller's own bounds still hold; a store that is away must not stop everybody who names somebody.
            Err(error) if !self.settings().fail_closed_budget_enforcement => {
                tracing::warn!(%error, "what holds for an end user or a tag is not known; the call goes on");
                return Ok(Arc::default());
            }
            Err(error) => return Err(error),
        };
        if self.parties.known.len() < PARTIES {
            self.parties.known.insert(name.slot(), Arc::clone(&party));
        }
        Ok(party)
    }

    async fn party_of(&self, store: &Store, slot: &Slot) -> Result<Party, StoreError> {
        let (kind, id, of_key) = (slot.0, &*slot.1, slot.2.as_deref());
        if kind == Owner::Agent {
            return self.agent_of(store, id).await;
        }
        let (mut region, mut default_model, mut lent) = (None, None, false);
        let (spend, budget_id, what) = if kind == Owner::EndUser {
            let row = store.table::<EndUserRow>().get([id]).await?.unwrap_or_default();
            let filled = |text: &Option<String>| text.as_deref().filter(|t| !t.is_empty()).map(Arc::from);
            (region, default_model) = (filled(&row.allowed_model_region), filled(&row.default_model));
            let default = || of_key.map(str::to_owned).or_else(|| self.settings().max_end_user_budget_id.clone());
            lent = of_key.is_some() && row.budget_id.is_none();
            (row.spend, row.budget_id.or_else(default), format!("End User={id} "))
        } else if kind == Owner::AccessGroup {
            let row = store.table::<ModelAccessGroupBudgetRow>().get([id]).await?;
            let Some(row) = row else { return Ok(Party::default()) };
            (row.spend, row.budget_id, format!("Model Access Group={id} "))
        } else {
            let Some(row) = store.table::<TagRow>().get([id]).await? else { return Ok(Party::default()) };
            (row.spend, row.budget_id, format!("Tag={id} "))
        };
        let budget = match &budget_id {
            Some(id) => store.table::<BudgetRow>().get([id.as_str()]).await?,
            None => None,
        };
        let end_users = self.settings().max_end_user_budget.filter(|_| kind == Owner::EndUser);
        let max = budget.as_ref().and_then(|b| b.max_budget).or(end_users);
        let mut binder = Binder::new(self, false);
        let soft = budget.as_ref().and_then(|b| b.soft_budget);
        // A budget that the key lends: nobody resets the end user's own spend for it, so it has windows of its own.
        let length = budget.as_ref().and_then(|b| b.budget_duration.as_deref()).filter(|_| lent);
        let (max, soft) = match (length, max) {
            (Some(length), Some(most)) => {
                let window = [("budget_duration", Json::from(length)), ("max_budget", Json::from(most))];
                binder.windows("end_user", id, &Json::Array(vec![Json::object(window)]));
                (None, None)
            }
            _ => (max, soft),
        };
        // What is spent on a group is charged to its row alone: it counts from the first call on.
        if max.is_some() || soft.is_some() || kind == Owner::AccessGroup {
            let ends = budget.as_ref().and_then(|b| b.budget_reset_at);
            binder.budget(Told { owner: kind, id, what, max, soft, spend, ends });
        }
        if let Some(budget) = &budget {
            let (descriptor, model_descriptor) = match kind {
                Owner::EndUser => ("end_user", "model_per_end_user"),
                Owner::AccessGroup => ("model_access_group", "model_per_access_group"),
                _ => ("tag", "model_per_tag"),
            };
            binder.limits(descriptor, id, id, Limits::of_budget(budget));
            let models = object(budget.model_max_budget.as_ref());
            binder.model_budgets((descriptor, model_descriptor, id, id), &models, &Json::Null);
        }
        self.learn_windows(store, &binder.out).await?;
        Ok(Party { bounds: binder.out, region, default_model, ..Party::default() })
    }

    /// The limits of an agent that is called, of the database or the file.
    async fn agent_of(&self, store: &Store, id: &str) -> Result<Party, StoreError> {
        let row = store.table::<AgentRow>().get([id]).await?;
        let row = row.or_else(|| self.directory.load().agents.get(id).cloned());
        let Some(row) = row else { return Ok(Party::default()) };
        let mut binder = Binder::new(self, false);
        let limits = Limits { rpm: row.rpm_limit, tpm: row.tpm_limit, ..Limits::default() };
        binder.limits("agent", id, id, limits);
        Ok(Party { bounds: binder.out, sessions: SessionBounds::of_called(&row), ..Party::default() })
    }
}
