//! The background jobs, all in one place.
//!
//! | job | when | one node at a time |
//! |---|---|---|
//! | spend to the store | every `proxy_batch_write_at` seconds, inside `llm-accounts` | no: every node has its own journal |
//! | how many requests were answered | every `proxy_batch_write_at` seconds | no: every node adds its own |
//! | budget resets | every 597 to 605 seconds | yes, a lease in the store |
//! | exports of spend, each when it is due | looked at every 30 seconds | yes, a lease in the store |
//! | pass-through endpoints of the database | every 30 seconds | no: every node serves them |
//! | health checks | every `health_check_interval` seconds, where switched on | yes, a lock in the shared Redis; without one every node checks |
//! | keys that are rotated by themselves, where that is on | every `LITELLM_KEY_ROTATION_CHECK_INTERVAL_SECONDS` | yes, a lease in the store |
//! | secrets of a secret manager | when they are older than they are believed | no: every node reads its own |
//! | old rows of calls, where a period is set | every day, or as configured | yes, a lease in the store |
//! | models and settings of the database | every 5 seconds (`proxy_config_reload_interval_seconds`) | no: every node serves them |
//! | files and bucket of the configuration, unless `watch_config` is off | files every second, a bucket every minute | no: every node serves them |
//! | the price table, where one is named or scheduled | as scheduled; looked at with the settings | no: every node has its own |
//! | old stored answers; which batches of spend were written | every hour | no: deleting twice does no harm |
//! | exchange of the router's state over Redis, where there is one | four times a second | no: every node tells its own |
//! | forgetting idle metrics | with every batch, inside `llm-callbacks` | no |

use std::sync::Arc;
use std::time::Duration;

use llm_accounts::{Accounts, Export};
use llm_http::HttpClient;

use crate::app::App;
use crate::reload::Reloader;

/// Starts the jobs on the background runtime. They end with it.
pub fn start(app: &Arc<App>, http: &HttpClient, reloader: &Arc<Reloader>) {
    if let Some(store) = app.store.clone() {
        app.background.spawn(clean_responses(store));
        app.background.spawn(follow_prices(app.accounts.settings().config_reload_seconds, Arc::clone(reloader)));
        app.background.spawn(refresh_endpoints(Arc::downgrade(app)));
        app.background.spawn(count_answers(Arc::downgrade(app)));
        if app.accounts.settings().store_model_in_db {
            app.background.spawn(follow_store(app.accounts.settings().config_reload_seconds, Arc::clone(reloader)));
        }
    }
    if app.snapshot.load().settings.watch_config {
        app.background.spawn(crate::reload::follow(Arc::clone(reloader)));
    }
    if let Some(share) = &app.share {
        share.exchange(app);
    }
    let holder = format!("llm-proxy-{}", uuid::Uuid::new_v4());
    app.background.spawn(crate::health::run(Arc::downgrade(app), http.with_own_pool(), holder.clone()));
    app.background.spawn(delete_old_rows(app.accounts.clone(), holder.clone()));
    app.background.spawn(rotate_keys(app.accounts.clone(), holder.clone()));
    app.background.spawn(renew_secrets(Arc::clone(reloader)));
    if app.store.is_some() {
        for export in Export::ALL {
            app.background.spawn(export_spend(export, app.accounts.clone(), holder.clone()));
        }
    }
    app.background.spawn(reset_budgets(app.accounts.clone(), holder));
}

/// Endpoints that another node was told of are served here as well.
async fn refresh_endpoints(app: std::sync::Weak<App>) {
    loop {
        let Some(app) = app.upgrade() else { return };
        if let Err(error) = crate::pass::stored::refresh(&app).await {
            tracing::warn!(error = %error.message, "pass-through endpoints could not be read; the next round tries again");
        }
        drop(app);
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
}

/// How many requests were answered goes to the database.
async fn count_answers(app: std::sync::Weak<App>) {
    loop {
        let Some(app) = app.upgrade() else { return };
        if let Some(store) = &app.store
            && let Err(error) = app.edge.hand_over(store).await
        {
            tracing::debug!(%error, "the number of answered requests is written next time");
        }
        let pause = app.accounts.settings().proxy_batch_write_at;
        drop(app);
        tokio::time::sleep(Duration::try_from_secs_f64(pause).unwrap_or_default().max(Duration::from_millis(100)))
            .await;
    }
}

/// What another node stored is served here as well.
async fn follow_store(pause: f64, reloader: Arc<Reloader>) {
    let pause = Duration::try_from_secs_f64(pause).unwrap_or_default().max(Duration::from_millis(200));
    loop {
        tokio::time::sleep(pause).await;
        if let Err(problems) = reloader.follow().await {
            tracing::warn!(problems = %problems.join("; "), "models and settings of the database are not served");
        }
    }
}

/// The price table is fetched when it is due, or when another node was asked to.
async fn follow_prices(pause: f64, reloader: Arc<Reloader>) {
    let pause = Duration::try_from_secs_f64(pause).unwrap_or_default().max(Duration::from_millis(200));
    loop {
        if let Err(problem) = reloader.follow_prices().await {
            tracing::warn!(%problem, "the price table was not fetched; the last good one is served");
        }
        tokio::time::sleep(pause).await;
    }
}

/// How long it is remembered which batches of spend were written. A gateway that was down for longer, with a batch in its
/// journal that was written and not yet crossed out there, would write it twice.
const BATCHES: Duration = Duration::from_secs(90 * 86_400);

/// Stored answers do not stay for ever, and neither does what is known of batches.
async fn clean_responses(store: llm_store::Store) {
    loop {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        match crate::responses::Book::clean(&store, std::time::SystemTime::now()).await {
            Ok(gone) => tracing::debug!(gone, "old stored answers"),
            Err(error) => tracing::warn!(%error, "old stored answers could not be deleted"),
        }
        let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
        match store.forget_batches(now - BATCHES).await {
            Ok(gone) => tracing::debug!(gone, "old batches of spend"),
            Err(error) => tracing::warn!(%error, "old batches of spend could not be forgotten"),
        }
    }
}

/// Rows of calls do not stay for ever where a period is configured.
async fn delete_old_rows(accounts: Accounts, holder: String) {
    loop {
        let retention = accounts.settings().retention.clone();
        let pause = Duration::try_from_secs_f64(retention.interval).unwrap_or(Duration::from_secs(86_400));
        // A later configuration may name a period.
        let pause = if retention.period.is_some() { pause } else { Duration::from_secs(60) };
        // Not at once: a gateway that starts has other things to do.
        tokio::time::sleep(pause.min(Duration::from_secs(60))).await;
        if accounts.settings().retention.period.is_none() {
            continue;
        }
        match accounts.delete_old_rows(&holder, std::time::SystemTime::now().into()).await {
            Ok(gone) => tracing::info!(gone, "old rows of calls were deleted"),
            Err(error) => tracing::warn!(%error, "old rows of calls could not be deleted; the next round tries again"),
        }
        tokio::time::sleep(pause.saturating_sub(Duration::from_secs(60))).await;
    }
}

/// Keys that are due get a new secret.
async fn rotate_keys(accounts: Accounts, holder: String) {
    loop {
        let rotation = accounts.settings().rotation.clone();
        if rotation.on {
            match accounts.rotate_due_keys(&holder, std::time::SystemTime::now().into()).await {
                Ok(0) => {}
                Ok(rotated) => tracing::info!(rotated, "keys were rotated"),
                Err(error) => tracing::warn!(%error, "keys could not be rotated; the next round tries again"),
            }
        }
        // A later configuration may switch it on.
        let pause = if rotation.on { rotation.interval.max(1.0) } else { 60.0 };
        tokio::time::sleep(Duration::try_from_secs_f64(pause).unwrap_or(Duration::from_secs(86_400))).await;
    }
}

/// What a secret manager said is not believed for ever.
async fn renew_secrets(reloader: Arc<Reloader>) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if let Err(problems) = reloader.renew_secrets().await {
            tracing::warn!(problems = %problems.join("; "), "secrets could not be read anew; those from before are used");
        }
    }
}

/// What was spent is told to services that collect costs.
async fn export_spend(export: Export, accounts: Accounts, holder: String) {
    loop {
        let now = std::time::SystemTime::now().into();
        let pause = accounts.settings().exports.pause(export);
        let pause = match accounts.export_due(export, &holder, now).await {
            Ok(None) => pause,
            Ok(Some(rows)) => {
                tracing::info!(export = export.name(), rows, "spend was exported");
                pause
            }
            Err(problem) => {
                let (to, why) = (export.name(), problem.text());
                tracing::warn!(to, why, "spend could not be exported; it is tried again");
                pause.max(Duration::from_secs(1)) * 2
            }
        };
        tokio::time::sleep(pause).await;
    }
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
