//! Which end users, tags and groups of models have a budget at all, and which end users a region that they are bound to.
//! Callers name new ones as they like: who is not on the list needs no look-up.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwapOption;
use llm_store::{EndUserRow, Filter, ListQuery, ModelAccessGroupBudgetRow, Store, StoreError, TagRow};
use llm_types::Result;

use crate::accounts::Inner;
use crate::purse::Owner;
use crate::refusal;

/// Names of one list at the most; where there are more, everyone who is named is looked up.
const LISTED: u32 = 10_000;

/// Those with a budget or a region, as of the last flush of the journal; nothing: not known.
#[derive(Debug, Default)]
pub(crate) struct Listed(ArcSwapOption<Lists>);

#[derive(Debug)]
struct Lists {
    /// Nothing: too many, or everyone has one.
    end_users: Option<HashSet<String>>,
    tags: Option<HashSet<String>>,
    access_groups: Option<HashSet<String>>,
    /// A tag with a budget is one of those that user agents make.
    agents: bool,
}

impl Listed {
    /// Something was changed: it is not known until the next flush.
    pub(super) fn forget(&self) {
        self.0.store(None);
    }

    /// True when it is known that nothing holds for this one.
    pub(super) fn is_free(&self, kind: Owner, id: &str) -> bool {
        let lists = self.0.load();
        let Some(lists) = lists.as_deref() else { return false };
        let list = match kind {
            // Who is called is known: it has limits, not a budget.
            Owner::Agent => return false,
            Owner::EndUser => &lists.end_users,
            Owner::AccessGroup => &lists.access_groups,
            _ => &lists.tags,
        };
        list.as_ref().is_some_and(|list| !list.contains(id))
    }

    /// False when no user agent makes a tag that has a budget.
    pub(super) fn agents_count(&self) -> bool {
        self.0.load().as_deref().is_none_or(|lists| lists.agents)
    }
}

impl Inner {
    /// Reads who has a budget or a region.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn learn_listed(&self, store: &Store) -> Result<()> {
        let generation = self.generation.load(Ordering::SeqCst);
        let lists = self.lists_of(store).await.map_err(|error| refusal::store(&error))?;
        // Before the check: what is forgotten behind it is forgotten.
        self.parties.listed.0.store(Some(Arc::new(lists)));
        if generation != self.generation.load(Ordering::SeqCst) {
            self.parties.listed.forget();
        }
        Ok(())
    }

    async fn lists_of(&self, store: &Store) -> Result<Lists, StoreError> {
        let settings = self.settings();
        let everyone = settings.max_end_user_budget.is_some() || settings.max_end_user_budget_id.is_some();
        let holding = |column| ListQuery::page(Filter::new().null(column, false), 1, LISTED + 1);
        let few = |ids: HashSet<String>| (ids.len() <= LISTED as usize).then_some(ids);
        let end_users = if everyone {
            None
        } else {
            let mut ids = HashSet::new();
            for column in ["budget_id", "allowed_model_region"] {
                let rows = store.table::<EndUserRow>().rows(&holding(column)).await?;
                ids.extend(rows.into_iter().map(|row| row.user_id));
            }
            few(ids)
        };
        let rows = store.table::<TagRow>().rows(&holding("budget_id")).await?;
        let tags = few(rows.into_iter().map(|row| row.tag_name).collect());
        let of_agent = |tag: &String| tag.starts_with(crate::spend_row::AGENT_TAG);
        let agents = tags.as_ref().is_none_or(|tags| tags.iter().any(of_agent));
        let rows = store.table::<ModelAccessGroupBudgetRow>().rows(&holding("budget_id")).await?;
        let access_groups = few(rows.into_iter().map(|row| row.access_group_name).collect());
        Ok(Lists { end_users, tags, access_groups, agents })
    }
}
