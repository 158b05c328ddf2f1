//! What holds for one call: the bounds of its caller and of whom it names.

use std::sync::Arc;

use llm_kv::Stamp;

use crate::accounts::Inner;
use crate::bounds::{Bounds, Budget, ForModel};
use crate::gate::{Counted, Gate, Room, Rule};
use crate::party::Party;
use crate::purse::Owner;
use crate::window::Charged;
use crate::{Identity, Intent};

/// The bounds of a call. Places of budgets and limits, as others note them, stay the same.
#[derive(Debug)]
pub(crate) struct Scope {
    who: Arc<Identity>,
    parties: Box<[Arc<Party>]>,
    /// Whose (0: the caller's, then the parties') and which bounds of models hold.
    models: Box<[(usize, usize)]>,
    /// Limits that follow from the model and the moment: shares of its capacity, what a throttled key has left.
    extra: Vec<Gate>,
    /// The key has spent its budget, and `extra` stands for its limits of rates.
    throttled: bool,
    /// Its model fails: limits hold that do not otherwise.
    failing: bool,
}

impl Scope {
    /// The region that an end user is bound to.
    pub(crate) fn region(&self) -> Option<&Arc<str>> {
        self.parties.iter().find_map(|party| party.region.as_ref())
    }

    /// The model for an end user whose region has none of those that were asked for.
    pub(crate) fn default_model(&self) -> Option<&Arc<str>> {
        self.parties.iter().find_map(|party| party.default_model.as_ref())
    }

    /// The scope of a call.
    pub(crate) fn new(inner: &Inner, who: &Arc<Identity>, mut parties: Box<[Arc<Party>]>, intent: &Intent<'_>) -> Self {
        let names = [intent.group, intent.model];
        let own = who.special.as_ref().and_then(|special| special.party(inner, intent.session));
        let called = parties.iter().find_map(|party| party.sessions.as_ref());
        let called = called.zip(intent.session).map(|(sessions, session)| sessions.party(inner, session));
        if own.is_some() || called.is_some() {
            parties = parties.into_iter().chain(own).chain(called).collect();
        }
        let mut scope = Self {
            who: Arc::clone(who),
            parties,
            models: Box::default(),
            extra: Vec::new(),
            throttled: false,
            failing: false,
        };
        let held = |model: &ForModel| names.iter().any(|name| model.holds_for(name));
        let models = scope.holders().enumerate().flat_map(|(holder, bounds)| {
            let places = bounds.models.iter().enumerate().filter(|(_, model)| held(model));
            places.map(move |(at, _)| (holder, at))
        });
        scope.models = models.collect();
        let now = i64::try_from(inner.kv.now().0).unwrap_or(i64::MAX);
        scope.budgets().for_each(|budget| budget.roll(now));
        scope.extra = crate::capacity::gates(inner, who, intent.group, scope.gates());
        if let Some(special) = &who.special {
            special.gates(who, intent, &mut scope.extra);
            scope.failing = special.dynamic && inner.fails(intent.group);
        }
        scope.throttle();
        scope
    }

    /// Who calls.
    pub(crate) const fn who(&self) -> &Arc<Identity> {
        &self.who
    }

    fn holders(&self) -> impl Iterator<Item = &Bounds> + Clone {
        std::iter::once(&self.who.bounds).chain(self.parties.iter().map(|party| &party.bounds))
    }

    fn models(&self) -> impl Iterator<Item = &ForModel> + Clone {
        let holder = |at: usize| match at.checked_sub(1) {
            None => Some(&self.who.bounds),
            Some(at) => self.parties.get(at).map(|party| &party.bounds),
        };
        self.models.iter().filter_map(move |(whose, at)| holder(*whose)?.models.get(*at))
    }

    /// The budgets that hold.
    pub(crate) fn budgets(&self) -> impl Iterator<Item = &Budget> {
        self.holders().flat_map(|bounds| &bounds.budgets).chain(self.models().flat_map(|model| &model.budgets))
    }

    /// Sets `amount` aside in every budget as `take` does it, or in none: gives back what was taken before one that refuses.
    ///
    /// # Errors
    /// The budget that refused, and how.
    pub(crate) fn set_aside<E>(
        &self,
        amount: i64,
        take: impl Fn(&Budget) -> Result<(), E>,
    ) -> Result<(), (&Budget, E)> {
        for (at, budget) in self.budgets().enumerate() {
            if let Err(refusal) = take(budget) {
                self.budgets().take(at).for_each(|before| before.purse.release(amount));
                return Err((budget, refusal));
            }
        }
        Ok(())
    }

    /// The windows of budgets that a call of `spent` nano-dollars is charged to.
    pub(crate) fn windows(&self, spent: i64) -> Vec<Charged> {
        let charged = self.budgets().filter(|_| spent != 0);
        charged.filter_map(Budget::charged).collect()
    }

    /// A key that may be slowed, and has spent its budget, keeps a part of its limits.
    fn throttle(&mut self) {
        let Some(part) = self.who.throttle else { return };
        let own = self.who.bounds.budgets.iter().find(|budget| budget.owner == Owner::Key);
        if own.is_some_and(|own| own.max.is_some_and(|max| own.purse.spent() >= max)) {
            let left: Vec<Gate> = self.gates().filter(|gate| is_rate(gate)).map(|gate| gate.throttled(part)).collect();
            self.extra.extend(left);
            self.throttled = true;
        }
    }

    /// The limits that hold.
    pub(crate) fn gates(&self) -> impl Iterator<Item = &Gate> + Clone {
        let holders = self.holders().flat_map(|bounds| &bounds.gates).filter(|gate| !self.throttled || !is_rate(gate));
        let all = holders.chain(self.models().flat_map(|model| &model.gates)).chain(&self.extra);
        all.filter(|gate| self.failing || gate.rule != Rule::Failing)
    }

    /// Whether its model has room to spare, as far as is known here.
    pub(crate) fn room(&self, now: Stamp) -> Room {
        if self.extra.iter().any(|gate| gate.is_tight(now)) { Room::Tight } else { Room::Spare }
    }

    /// True for the place of a group's capacity: what is refused there may fit once shares hold.
    pub(crate) fn is_capacity(&self, at: usize) -> bool {
        self.gates().nth(at).is_some_and(|gate| matches!(gate.rule, Rule::Capacity(_)))
    }
}

/// True for the limits of a key's rates.
fn is_rate(gate: &Gate) -> bool {
    gate.descriptor == "api_key" && matches!(gate.counted, Counted::Requests | Counted::Tokens)
}
