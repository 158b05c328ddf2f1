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
            money.settled = 0;
            money.ends = end();
        }
    }

    /// When the window that is counted ends.
    pub(crate) fn ends(&self) -> i64 {
        self.0.lock().ends
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
            Self::Project => "project",
            Self::EndUser => "end_user",
            Self::Tag => "tag",
            Self::Window => "window",
            Self::Model => "model",
        }
    }

    /// True where a budget may be reached and only going beyond is refused, as in LiteLLM.
    pub(crate) const fn is_reachable(self) -> bool {
        matches!(self, Self::Team | Self::Tag | Self::EndUser | Self::Proxy)
    }

    /// True where every settled call reaches the row through the journal under the same name: then what is not there yet
    /// is known exactly. End users and tags of interrupted calls do not; windows and models have no row.
    pub(crate) const fn is_flushed(self) -> bool {
        !matches!(self, Self::EndUser | Self::Tag | Self::Window | Self::Model)
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
mod tests {
    use super::*;

    const STRICT: Option<Cap> = Some(Cap { max: 100, reachable: false });
    const REACHABLE: Option<Cap> = Some(Cap { max: 100, reachable: true });

    #[test]
    fn a_lone_call_may_be_dearer_than_what_is_left_others_must_fit() {
        let purse = Purse::default();
        purse.learn(90, true);
        assert_eq!(purse.reserve(500, STRICT), Ok(()), "10 are left");
        assert_eq!(purse.reserve(1, STRICT), Err(Empty { used: 590 }));
        assert_eq!(purse.settle(500, 4, true), 94);
        assert_eq!(purse.reserve(3, STRICT), Ok(()));
        assert_eq!(purse.reserve(3, STRICT), Ok(()));
        assert_eq!(purse.reserve(1, STRICT), Err(Empty { used: 100 }));
        purse.release(3);
        assert_eq!(purse.reserve(4, STRICT), Err(Empty { used: 97 }));
    }

    #[test]
    fn some_caps_may_be_reached() {
        let purse = Purse::default();
        purse.learn(100, true);
        assert_eq!(purse.reserve(1, STRICT), Err(Empty { used: 100 }));
        assert_eq!(purse.reserve(1, REACHABLE), Ok(()));
        let zero = Some(Cap { max: 0, reachable: false });
        assert_eq!(Purse::default().reserve(0, zero), Err(Empty { used: 0 }), "a budget of 0 blocks at once");
    }

    #[test]
    fn the_database_is_believed_unless_a_flush_ran_meanwhile() {
        let purse = Purse::default();
        purse.recall(5);
        purse.learn(10, true);
        assert_eq!(purse.spent(), 15);
        purse.settle(0, 7, true);
        purse.learn(10, false);
        assert_eq!(purse.spent(), 22, "not touched");
        purse.flushed(12);
        purse.learn(30, true);
        assert_eq!(purse.spent(), 30, "another gateway spent 8");
        purse.learn(0, true);
        assert_eq!(purse.spent(), 0, "a reset");
    }

    #[test]
    fn purses_with_secrets_are_kept() {
        let purses = Purses::default();
        purses.get(Owner::Key, "idle");
        purses.get(Owner::Key, "busy").settle(0, 1, true);
        let held = purses.get(Owner::User, "held");
        purses.sweep(0);
        assert!(purses.known(Owner::Key, "idle").is_none());
        assert!(purses.known(Owner::Key, "busy").is_some());
        assert!(purses.known(Owner::User, "held").is_some_and(|p| Arc::ptr_eq(&p, &held)));
    }

    #[test]
    fn windows_start_again() {
        let purse = Purse::default();
        purse.roll(1000, || 2000);
        purse.settle(0, 7, false);
        purse.roll(1999, || 9);
        assert_eq!((purse.spent(), purse.ends()), (7, 2000), "still the first");
        purse.roll(2000, || 3000);
        assert_eq!((purse.spent(), purse.ends()), (0, 3000));
        assert!(!purse.idle(2999) && purse.idle(3000), "kept while its window runs");
    }

    #[test]
    fn purses_of_rows_that_are_not_flushed_keep_what_was_spent_since() {
        let purse = Purse::default();
        purse.begin(10, 5);
        purse.settle(0, 3, false);
        purse.begin(10, 5);
        assert_eq!(purse.spent(), 8, "not there yet");
        purse.begin(10, 9);
        assert_eq!(purse.spent(), 9, "another gateway spent one");
        purse.begin(20, 0);
        assert_eq!(purse.spent(), 0, "a new period");
    }

    #[test]
    fn money_is_whole() {
        assert_eq!(nanos(0.000_000_15), 150);
        assert_eq!(nanos(f64::NAN), 0);
        assert!((usd(nanos(12.345_678_9)) - 12.345_678_9).abs() < 1e-12);
    }
}
