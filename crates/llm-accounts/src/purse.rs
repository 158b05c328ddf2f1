//! Live spend of one entity: what the database knows, what is not there yet, what calls in flight may cost.

use std::sync::Arc;

use dashmap::DashMap;
use parking_lot::Mutex;

/// Nano-dollars of a dollar.
const NANOS: f64 = 1e9;

/// US dollars as whole nano-dollars, rounded; what is not a number counts as nothing.
#[must_use]
pub(crate) fn nanos(usd: f64) -> i64 {
    // `as` saturates, and makes NaN 0.
    (usd * NANOS).round() as i64
}

/// Nano-dollars as US dollars.
#[must_use]
pub(crate) fn usd(nanos: i64) -> f64 {
    nanos as f64 / NANOS
}

/// The money of one key, user, team ... in nano-dollars. Every change is one step under a lock held for nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Purse(Mutex<Money>);

#[derive(Debug, Default, Clone, Copy)]
struct Money {
    /// Spent, as far as this process knows: what the database had, and what was settled here since.
    settled: i64,
    /// Set aside for calls in flight.
    reserved: i64,
    /// The part of `settled` that the database does not have yet.
    unflushed: i64,
    /// Read from the database at least once.
    known: bool,
    /// When the window that `settled` counts for ends: milliseconds since 1970 for purses that start again by themselves,
    /// seconds for those that follow a row. 0: never.
    ends: i64,
}

impl Money {
    /// Nothing of it is spent yet.
    fn begin_window(&mut self, end: i64) {
        (self.settled, self.unflushed, self.known, self.ends) = (0, 0, false, end);
    }
}

/// A purse's cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cap {
    /// Nano-dollars.
    pub(crate) max: i64,
    /// True where reaching the cap is still fine and only going beyond is not (teams, tags, end users, the proxy).
    pub(crate) reachable: bool,
}

/// There is nothing left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Empty {
    /// What is spent and set aside.
    pub(crate) used: i64,
}

impl Purse {
    /// Sets `amount` aside unless nothing is left.
    ///
    /// A call that is alone is let in while anything is left, whatever it may cost at most: its estimate is usually far too
    /// high. Beside others in flight the estimate must fit, so a burst cannot overrun the cap by more than one call.
    pub(crate) fn reserve(&self, amount: i64, cap: Option<Cap>) -> Result<(), Empty> {
        let mut money = self.0.lock();
        let used = money.settled.saturating_add(money.reserved);
        if let Some(cap) = cap {
            let left = cap.max.saturating_sub(used);
            let open = if cap.reachable { left >= 0 } else { left > 0 };
            if !open || (money.reserved > 0 && amount > left) {
                return Err(Empty { used });
            }
        }
        money.reserved = money.reserved.saturating_add(amount);
        Ok(())
    }

    /// Sets more aside for a call that turned out dearer; it must fit.
    pub(crate) fn raise(&self, by: i64, cap: Option<Cap>) -> Result<(), Empty> {
        let mut money = self.0.lock();
        let used = money.settled.saturating_add(money.reserved);
        if cap.is_some_and(|cap| used.saturating_add(by) > cap.max) {
            return Err(Empty { used });
        }
        money.reserved = money.reserved.saturating_add(by);
        Ok(())
    }

    /// Gives back what was set aside.
    pub(crate) fn release(&self, reserved: i64) {
        let mut money = self.0.lock();
        money.reserved = money.reserved.saturating_sub(reserved).max(0);
    }

    /// Replaces what was set aside by what was spent; gives what is spent now. `kept` is false when nobody will tell the
    /// database.
    pub(crate) fn settle(&self, reserved: i64, spent: i64, kept: bool) -> i64 {
        let mut money = self.0.lock();
        money.reserved = money.reserved.saturating_sub(reserved).max(0);
        money.settled = money.settled.saturating_add(spent);
        if kept {
            money.unflushed = money.unflushed.saturating_add(spent);
        }
        money.settled
    }

    /// Spend that a journal of an earlier process holds.
    pub(crate) fn recall(&self, spent: i64) {
        self.settle(0, spent, true);
    }

    /// The database has `spent` now.
    pub(crate) fn flushed(&self, spent: i64) {
        let mut money = self.0.lock();
        money.unflushed = money.unflushed.saturating_sub(spent);
    }

    /// Takes over what the database says. `clean` is false when a flush ran meanwhile: then the figure may or may not
    /// contain it, and only a purse that knew nothing takes it.
    pub(crate) fn learn(&self, stored: i64, clean: bool) {
        let mut money = self.0.lock();
        if clean || !money.known {
            money.settled = stored.saturating_add(money.unflushed);
            money.known = true;
        }
    }

    /// All processes together have spent `total`.
    pub(crate) fn hear(&self, total: i64) {
        let mut money = self.0.lock();
        money.settled = money.settled.max(total);
    }

    /// Takes over what the database says of a purse that nobody flushes by itself: what was spent since is kept, unless a
    /// new `period` has begun.
    pub(crate) fn begin(&self, period: i64, stored: i64) {
        let mut money = self.0.lock();
        money.settled = if money.ends == period { money.settled.max(stored) } else { stored };
        money.ends = period;
    }

    /// Begins a new window, which ends at `end`, when the last one is over.
    pub(crate) fn roll(&self, now: i64, end: impl FnOnce() -> i64) {
        let mut money = self.0.lock();
        if now >= money.ends {
            money.begin_window(end());
            money.known = true;
        }
    }

    /// A journal of an earlier process has `spent` in the window that ends at `end`.
    pub(crate) fn recall_in(&self, end: i64, spent: i64) {
        let mut money = self.0.lock();
        if end > money.ends {
            money.begin_window(end);
        }
        if end == money.ends {
            money.settled = money.settled.saturating_add(spent);
            money.unflushed = money.unflushed.saturating_add(spent);
        }
    }

    /// The database has `spent` in the window that ends at `end` now.
    pub(crate) fn flushed_in(&self, end: i64, spent: i64) {
        let mut money = self.0.lock();
        if end == money.ends {
            money.unflushed = money.unflushed.saturating_sub(spent);
        }
    }

    /// As [`Purse::learn`], for the window that ends at `end`: one that is over by now says nothing, a later one began
    /// elsewhere.
    pub(crate) fn learn_in(&self, end: i64, stored: i64, clean: bool) {
        let mut money = self.0.lock();
        if end > money.ends {
            money.begin_window(end);
        }
        if end == money.ends && (clean || !money.known) {
            money.settled = stored.saturating_add(money.unflushed);
            money.known = true;
        }
    }

    /// When the window that is counted ends.
    pub(crate) fn ends(&self) -> i64 {
        self.0.lock().ends
    }

    /// What is spent and set aside.
    pub(crate) fn used(&self) -> i64 {
        let money = self.0.lock();
        money.settled.saturating_add(money.reserved)
    }

    /// What is spent, without what is set aside.
    pub(crate) fn spent(&self) -> i64 {
        self.0.lock().settled
    }

    fn idle(&self, now: i64) -> bool {
        let money = self.0.lock();
        money.reserved == 0 && money.unflushed == 0 && money.ends <= now
    }
}

/// What a purse belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    /// A key, by its hash.
    Key,
    /// An internal user.
    User,
    /// A team.
    Team,
    /// A team's member: `team:user`.
    Member,
    /// The whole proxy.
    Proxy,
    /// An organization.
    Organization,
    /// An organization's member: `organization:user`.
    OrganizationMember,
    /// A group of models (`model_info.access_groups`).
    AccessGroup,
    /// A project.
    Project,
    /// An end user.
    EndUser,
    /// A tag.
    Tag,
    /// One of several windows of a key or a team: `key:hash:1d`.
    Window,
    /// A model's share: `key:hash:gpt-4o:1d`.
    Model,
    /// A session of an agent: `agent:session`.
    Session,
    /// An agent that is called. It has limits and no budget.
    Agent,
}

impl Owner {
    /// The name in shared stores.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::User => "user",
            Self::Team => "team",
            Self::Member => "member",
            Self::Proxy => "proxy",
            Self::Organization => "organization",
            Self::OrganizationMember => "organization_member",
            Self::AccessGroup => "model_access_group",
            Self::Project => "project",
            Self::EndUser => "end_user",
            Self::Tag => "tag",
            Self::Window => "window",
            Self::Model => "model",
            Self::Session => "agent_session",
            Self::Agent => "agent",
        }
    }

    /// True where a budget may be reached and only going beyond is refused, as in LiteLLM.
    pub(crate) const fn is_reachable(self) -> bool {
        matches!(self, Self::Team | Self::Tag | Self::EndUser | Self::Proxy)
    }

    /// True where every settled call reaches the row through the journal under the same name: then what is not there yet
    /// is known exactly. End users, tags and groups of interrupted calls do not, and sessions have no row.
    pub(crate) const fn is_flushed(self) -> bool {
        !matches!(self, Self::EndUser | Self::Tag | Self::AccessGroup | Self::Session)
    }
}

/// All purses in use.
#[derive(Debug, Default)]
pub(crate) struct Purses(DashMap<(Owner, Box<str>), Arc<Purse>>);

impl Purses {
    /// The purse of an entity, empty when it is new.
    pub(crate) fn get(&self, owner: Owner, id: &str) -> Arc<Purse> {
        Arc::clone(&self.0.entry((owner, id.into())).or_default())
    }

    /// The purse of an entity if anybody uses it.
    pub(crate) fn known(&self, owner: Owner, id: &str) -> Option<Arc<Purse>> {
        self.0.get(&(owner, id.into())).map(|purse| Arc::clone(&purse))
    }

    /// Forgets purses that nobody holds and that hold nothing the database does not know.
    pub(crate) fn sweep(&self, now: i64) {
        self.0.retain(|_, purse| Arc::strong_count(purse) > 1 || !purse.idle(now));
    }
}

#[cfg(test)]
mod tests;
