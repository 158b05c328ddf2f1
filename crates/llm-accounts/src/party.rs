//! End users, tags and groups of models: whom a call names beside its caller. Read when they are named, and kept for a while.

mod listed;

use std::borrow::Cow;
use std::sync::Arc;

use dashmap::DashMap;
use llm_store::{BudgetRow, EndUserRow, ModelAccessGroupBudgetRow, Store, StoreError, TagRow};
use llm_types::{Json, Result};

use crate::accounts::Inner;
use crate::bounds::{Binder, Bounds, Told};
use crate::gate::Limits;
use crate::load::object;
use crate::purse::Owner;
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
    /// Milliseconds since 1970.
    pub(crate) loaded: u64,
}

/// The parties in memory.
#[derive(Debug, Default)]
pub(crate) struct Parties {
    known: DashMap<(Owner, Box<str>), Arc<Party>>,
    listed: Listed,
}

impl Parties {
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
fn named<'c>(
    who: &'c Identity,
    intent: &Intent<'c>,
    agents: bool,
    directory: &'c Directory,
) -> Vec<(Owner, Cow<'c, str>)> {
    let mut out: Vec<(Owner, Cow<'c, str>)> = Vec::new();
    out.extend(intent.end_user.filter(|id| !id.is_empty()).map(|id| (Owner::EndUser, id.into())));
    let given = intent.tags.iter().chain(who.tags()).map(|tag| Cow::from(tag.as_str()));
    let made = crate::spend_row::agent_tags(intent.user_agent.filter(|_| agents)).map(Cow::from);
    for tag in given.chain(made) {
        let party = (Owner::Tag, tag);
        if !out.contains(&party) {
            out.push(party);
        }
    }
    for group in directory.groups_of(intent.group).chain(directory.groups_of(intent.model)) {
        let party = (Owner::AccessGroup, group.into());
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
        let named = named(who, intent, self.parties.listed.agents_count(), &directory);
        named.into_iter().filter_map(|(kind, id)| self.known_party(kind, &id)).collect()
    }

    fn known_party(&self, kind: Owner, id: &str) -> Option<Arc<Party>> {
        self.parties.known.get(&(kind, id.into())).map(|party| Arc::clone(&party))
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
        for (kind, id) in named(who, intent, self.parties.listed.agents_count(), &directory) {
            if self.parties.listed.is_free(kind, &id) {
                continue;
            }
            let known = self.known_party(kind, &id);
            let fresh = |party: &Party| self.kv.now().0.saturating_sub(party.loaded) <= ttl;
            out.push(match known {
                Some(party) if fresh(&party) => party,
                known => match self.read_party(kind, &id).await {
                    Ok(party) => party,
                    Err(error) => known.ok_or(error)?,
                },
            });
        }
        Ok(out.into())
    }

    async fn read_party(self: &Arc<Self>, kind: Owner, id: &str) -> Result<Arc<Party>> {
        let (inner, name) = (Arc::clone(self), id.to_owned());
        // The store lives on the background runtime.
        let read = self.background.spawn(async move {
            let Some(store) = &inner.store else { return Ok(Party::default()) };
            let _permit = inner.lookups.acquire().await.map_err(|_| refusal::no_database())?;
            let generation = inner.generation.load(std::sync::atomic::Ordering::SeqCst);
            let mut party = inner.party_of(store, kind, &name).await.map_err(|error| refusal::store(&error))?;
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
            self.parties.known.insert((kind, id.into()), Arc::clone(&party));
        }
        Ok(party)
    }

    async fn party_of(&self, store: &Store, kind: Owner, id: &str) -> Result<Party, StoreError> {
        let (mut region, mut default_model) = (None, None);
        let (spend, budget_id, what) = if kind == Owner::EndUser {
            let row = store.table::<EndUserRow>().get([id]).await?.unwrap_or_default();
            let filled = |text: &Option<String>| text.as_deref().filter(|t| !t.is_empty()).map(Arc::from);
            (region, default_model) = (filled(&row.allowed_model_region), filled(&row.default_model));
            let default = || self.settings().max_end_user_budget_id.clone();
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
        Ok(Party { bounds: binder.out, region, default_model, loaded: 0 })
    }
}
