//! The reset job: spend goes back to nothing when a budget window is over.

use chrono::{DateTime, TimeDelta, Utc};
use llm_store::{
    BudgetPatch, BudgetRow, EndUserPatch, Filter, KeyPatch, ListQuery, ModelAccessGroupBudgetPatch,
    OrganizationMembershipPatch, OrganizationPatch, ProjectPatch, Store, StoreError, Table, TagPatch,
    TeamMembershipPatch, TeamPatch, TeamRow, UserPatch, UserRow, VerificationToken,
};
use llm_types::{Error, Result};

use crate::period::{Period, ResetClock};
use crate::purse::{Owner, nanos};
use crate::{Accounts, KeyDigest, PROXY_BUDGET_USER, refusal};

/// Rows of one step.
const CHUNK: u32 = 500;

/// The job's name in the table of leaders.
const JOB: &str = "reset_budget_job";

/// How many budgets were reset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resets {
    /// Of keys.
    pub keys: usize,
    /// Of users.
    pub users: usize,
    /// Of teams.
    pub teams: usize,
    /// Shared budgets, with everything that refers to them.
    pub budgets: usize,
}

/// A kind of row that carries a budget itself.
trait Budgeted: Table + Clone {
    /// Its reset time.
    fn due(&self) -> Option<DateTime<Utc>>;
    fn duration(&self) -> Option<&str>;
    fn spend(&self) -> f64;
    fn max_budget(&self) -> Option<f64>;
    fn id(&self) -> &str;
    async fn write(&self, store: &Store, spend: f64, next: Option<DateTime<Utc>>) -> Result<(), StoreError>;
}

macro_rules! budgeted {
    ($row:ty, $patch:ident, $id:ident) => {
        impl Budgeted for $row {
            fn due(&self) -> Option<DateTime<Utc>> {
                self.budget_reset_at
            }
            fn duration(&self) -> Option<&str> {
                self.budget_duration.as_deref()
            }
            fn spend(&self) -> f64 {
                self.spend
            }
            fn max_budget(&self) -> Option<f64> {
                self.max_budget
            }
            fn id(&self) -> &str {
                &self.$id
            }
            async fn write(&self, store: &Store, spend: f64, next: Option<DateTime<Utc>>) -> Result<(), StoreError> {
                let patch = $patch { spend: Some(spend), budget_reset_at: Some(next), ..$patch::default() };
                store.table::<$row>().update([self.$id.as_str()], &patch).await.map(drop)
            }
        }
    };
}
budgeted!(VerificationToken, KeyPatch, token);
budgeted!(UserRow, UserPatch, user_id);
budgeted!(TeamRow, TeamPatch, team_id);

impl Accounts {
    /// When budgets reset, as configured.
    ///
    /// # Errors
    /// When the zone or the time of day make no sense.
    pub fn reset_clock(&self) -> Result<ResetClock> {
        let settings = self.settings();
        ResetClock::new(settings.timezone.as_deref(), settings.budget_reset_time.as_deref()).map_err(Error::internal)
    }

    /// Resets every budget whose window is over at `now`. Of several gateways on one database one does it (`holder` names
    /// this one); the others find that and do nothing. Call it about every ten minutes.
    ///
    /// # Errors
    /// When the store fails; what was reset stays reset.
    pub async fn reset_budgets(&self, holder: &str, now: DateTime<Utc>) -> Result<Resets> {
        let Some(store) = self.store().cloned() else { return Ok(Resets::default()) };
        let clock = self.reset_clock()?;
        let (this, holder) = (self.clone(), holder.to_owned());
        let work = async move { this.reset_all(&store, &clock, &holder, now).await };
        let done = self.background().spawn(work).await;
        done.unwrap_or_else(|_| Err(Error::internal("the reset was stopped")))
    }

    async fn reset_all(&self, store: &Store, clock: &ResetClock, holder: &str, now: DateTime<Utc>) -> Result<Resets> {
        let wrong = |e: StoreError| refusal::store(&e);
        if !store.lead(JOB, holder, std::time::Duration::from_secs(300)).await.map_err(wrong)? {
            return Ok(Resets::default());
        }
        let resets = Resets {
            keys: self.reset_rows::<VerificationToken>(store, clock, now, Owner::Key).await.map_err(wrong)?,
            users: self.reset_rows::<UserRow>(store, clock, now, Owner::User).await.map_err(wrong)?,
            teams: self.reset_rows::<TeamRow>(store, clock, now, Owner::Team).await.map_err(wrong)?,
            budgets: self.reset_shared(store, clock, now).await.map_err(wrong)?,
        };
        if resets != Resets::default() {
            tracing::info!(?resets, "budgets were reset");
            self.forget_keys(|_| true);
        }
        Ok(resets)
    }

    async fn reset_rows<T: Budgeted>(
        &self,
        store: &Store,
        clock: &ResetClock,
        now: DateTime<Utc>,
        owner: Owner,
    ) -> Result<usize, StoreError> {
        let mut count = 0;
        loop {
            let due = Filter::new().at_most("budget_reset_at", now);
            let page = store.table::<T>().list(&ListQuery::page(due, 1, CHUNK)).await?.rows;
            if page.is_empty() {
                return Ok(count);
            }
            for row in page {
                let over = row.max_budget().map_or(0.0, |max| (row.spend() - max).max(0.0));
                let spend = if self.settings().budget_rollover { over } else { 0.0 };
                row.write(store, spend, next(clock, row.duration(), row.due(), now)).await?;
                let (owner, id) = if row.id() == PROXY_BUDGET_USER { (Owner::Proxy, "") } else { (owner, row.id()) };
                if let Some(purse) = self.inner().purses.known(owner, id) {
                    purse.learn(nanos(spend), true);
                }
                if let Some(digest) = KeyDigest::from_hex(row.id()) {
                    self.forget_key(&digest);
                }
                count += 1;
            }
        }
    }

    /// Budgets that others refer to.
    async fn reset_shared(&self, store: &Store, clock: &ResetClock, now: DateTime<Utc>) -> Result<usize, StoreError> {
        let mut count = 0;
        loop {
            let due = Filter::new().at_most("budget_reset_at", now);
            let page = store.table::<BudgetRow>().list(&ListQuery::page(due, 1, CHUNK)).await?.rows;
            if page.is_empty() {
                return Ok(count);
            }
            for budget in page {
                let default = self.settings().max_end_user_budget_id.as_deref() == Some(&*budget.budget_id);
                clear(store, &budget.budget_id, default).await?;
                let next = next(clock, budget.budget_duration.as_deref(), budget.budget_reset_at, now);
                let patch = BudgetPatch { budget_reset_at: Some(next), ..BudgetPatch::default() };
                store.table::<BudgetRow>().update([budget.budget_id.as_str()], &patch).await?;
                count += 1;
            }
        }
    }
}

/// The next reset; none for rows whose duration cannot be read, which then never come again.
fn next(
    clock: &ResetClock,
    duration: Option<&str>,
    due: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let next = duration.and_then(Period::parse).and_then(|period| clock.next(period, now));
    if next.is_none() {
        tracing::warn!(?duration, ?due, "a budget has no readable duration; it is not reset again");
    }
    // A reset that is not ahead would come again at once.
    next.map(|next| next.max(now + TimeDelta::seconds(1)))
}

/// Nothing is spent any more by whoever refers to this budget; if it is the `default` of end users, those without one too.
async fn clear(store: &Store, id: &str, default: bool) -> Result<(), StoreError> {
    let linked = || Filter::new().is("budget_id", id.to_owned());
    let spend = Some(0.0);
    let keys = KeyPatch { spend, ..KeyPatch::default() };
    store.table().update_where(&linked(), &keys).await?;
    let members = TeamMembershipPatch { spend, ..TeamMembershipPatch::default() };
    store.table().update_where(&linked(), &members).await?;
    let members = OrganizationMembershipPatch { spend: Some(spend), ..OrganizationMembershipPatch::default() };
    store.table().update_where(&linked(), &members).await?;
    let organizations = OrganizationPatch { spend, ..OrganizationPatch::default() };
    store.table().update_where(&linked(), &organizations).await?;
    let end_users = EndUserPatch { spend, ..EndUserPatch::default() };
    store.table().update_where(&linked(), &end_users).await?;
    if default {
        store.table().update_where(&Filter::new().null("budget_id", true), &end_users).await?;
    }
    let tags = TagPatch { spend, ..TagPatch::default() };
    store.table().update_where(&linked(), &tags).await?;
    let projects = ProjectPatch { spend, ..ProjectPatch::default() };
    store.table().update_where(&linked(), &projects).await?;
    let groups = ModelAccessGroupBudgetPatch { spend, ..ModelAccessGroupBudgetPatch::default() };
    store.table().update_where(&linked(), &groups).await?;
    Ok(())
}

impl Accounts {
    /// `POST /global/spend/reset`: no key and no team has spent anything; rows of calls stay.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget_spend(&self) -> crate::Outcome<()> {
        self.inner().flush().await?;
        let store = self.store_or_refuse()?;
        let keys = KeyPatch { spend: Some(0.0), ..KeyPatch::default() };
        store.keys().update_where(&Filter::new(), &keys).await?;
        let teams = TeamPatch { spend: Some(0.0), ..TeamPatch::default() };
        store.table::<TeamRow>().update_where(&Filter::new(), &teams).await?;
        // Everyone is read again, and with them what they have spent.
        self.forget_keys(|_| true);
        Ok(())
    }
}
