//! The background jobs, all in one place.
//!
//! | job | when | one node at a time |
//! |---|---|---|
//! | spend to the store | every `proxy_batch_write_at` seconds, inside `llm-accounts` | no: every node has its own journal |
//! | budget resets | every 597 to 605 seconds | yes, a lease in the store |
//! | forgetting idle metrics | with every batch, inside `llm-callbacks` | no |

use std::sync::Arc;
use std::time::Duration;

use llm_accounts::Accounts;

use crate::app::App;

/// Starts the jobs on the background runtime. They end with it.
pub fn start(app: &Arc<App>) {
    app.background.spawn(reset_budgets(app.accounts.clone(), format!("llm-proxy-{}", uuid::Uuid::new_v4())));
}

/// Budgets whose period is over start again.
async fn reset_budgets(accounts: Accounts, holder: String) {
    let spread = uuid::Uuid::new_v4().as_u128() % 8;
    let pause = Duration::from_secs(597 + u64::try_from(spread).unwrap_or(0));
    loop {
        let now = std::time::SystemTime::now().into();
        match accounts.reset_budgets(&holder, now).await {
            Ok(done) => tracing::debug!(?done, "budget resets"),
            Err(error) => tracing::warn!(%error, "budgets could not be reset; the next round tries again"),
        }
        tokio::time::sleep(pause).await;
    }
}
