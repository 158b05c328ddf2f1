//! What metrics read at a scrape: deployments, budgets, totals.

use std::sync::Arc;
use std::time::{Duration, Instant};

use llm_accounts::{Holder, Standing};
use llm_callbacks::prometheus::{BudgetNow, BudgetOwner, DeploymentNow, Scrape, Totals};
use llm_router::Router;
use parking_lot::Mutex;

use crate::app::App;

/// How long counts of rows are good for.
const COUNTED: Duration = Duration::from_secs(60);

/// How long a scrape waits for the database.
const PATIENCE: Duration = Duration::from_secs(2);

/// Rows that were counted, and when.
#[derive(Debug, Default)]
pub struct Counted(Mutex<Option<(Instant, Totals)>>);

/// What the gateway knows now.
pub fn read(app: &App, totals: Option<Totals>) -> Scrape {
    let snapshot = app.snapshot.load();
    let router = &snapshot.engine.router;
    let of_provider = |spent: llm_router::Spent| {
        let name = spent.owner.strip_prefix("provider ")?;
        Some((Arc::from(name), spent.limit - spent.spent))
    };
    Scrape {
        deployments: deployments(router),
        providers: router.budgets(Instant::now()).into_iter().filter_map(of_provider).collect(),
        budgets: app.accounts.standings().into_iter().map(budget).collect(),
        totals,
    }
}

fn deployments(router: &Router) -> Vec<DeploymentNow> {
    let at = router.state().millis(Instant::now());
    let now = router.states().map(|(deployment, state)| DeploymentNow {
        id: Arc::clone(&deployment.id),
        group: Arc::clone(&deployment.group),
        rpm: deployment.rpm,
        tpm: deployment.tpm,
        cooling: state.cooling(at).is_some(),
        rests: state.rests(),
    });
    now.collect()
}

fn budget(s: Standing) -> BudgetNow {
    let owner = match s.holder {
        Holder::Key => BudgetOwner::Key,
        Holder::Team => BudgetOwner::Team,
        Holder::User => BudgetOwner::User,
        Holder::Organization => BudgetOwner::Organization,
        Holder::EndUser => BudgetOwner::Customer,
    };
    BudgetNow { owner, id: s.id, alias: s.alias, max: s.max, spent: s.spent, hours: s.hours }
}

/// Users and teams; counted once a minute at the most. Nothing without a database.
pub async fn totals(app: &App) -> Option<Totals> {
    app.store.as_ref()?;
    let known = *app.counted.0.lock();
    if let Some((at, totals)) = known
        && at.elapsed() < COUNTED
    {
        return Some(totals);
    }
    let counted = tokio::time::timeout(PATIENCE, app.accounts.head_counts()).await;
    let Ok(Ok((users, teams))) = counted else {
        tracing::debug!(?counted, "users and teams cannot be counted");
        return known.map(|(_, totals)| totals);
    };
    let totals = Totals { users, teams };
    *app.counted.0.lock() = Some((Instant::now(), totals));
    Some(totals)
}
