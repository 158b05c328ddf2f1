//! What operators are told of without anybody calling: calls that hang, deployments that rest, models that go away, reports of
//! spend. A job runs only where somebody wants to hear of its type. Of what is in the database one gateway tells.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Datelike as _, Days, Utc};
use llm_accounts::UserSpendRules;
use llm_callbacks::SpendAlerts;
use llm_types::Json;
use llm_types::alert::{AlertSink, AlertType, Notice};

use crate::app::App;

/// How often deployments are looked at.
const REST: Duration = Duration::from_secs(1);
/// How often models that go away are told.
const DAY: Duration = Duration::from_secs(86_400);
/// How often it is asked whether a report is due.
const HOUR: Duration = Duration::from_secs(3600);

/// Starts what somebody wants to hear of.
pub fn start(app: &Arc<App>, spend: SpendAlerts) {
    let (weak, run) = (|| Arc::downgrade(app), &app.background);
    if app.hanging.is_some() {
        run.spawn(hanging(weak()));
    }
    let Some(alerts) = &app.alerts else { return };
    if alerts.wants(AlertType::CooldownDeployment) {
        run.spawn(resting(weak()));
    }
    if alerts.wants(AlertType::ModelDeprecationWarnings) {
        run.spawn(leaving(weak()));
    }
    if alerts.wants(AlertType::SpendReports) {
        run.spawn(reports(weak(), spend.report_days));
    }
    let thresholds = spend.daily_of_user.is_some() || spend.monthly_of_user.is_some();
    let wanted = thresholds && alerts.wants(AlertType::UserSpendThresholds);
    if wanted || alerts.wants(AlertType::UserSpendAnomalies) {
        run.spawn(users(weak(), spend));
    }
}

fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

fn tell(app: &App, kind: AlertType, title: String, facts: Vec<(&'static str, String)>) {
    if let Some(alerts) = &app.alerts {
        alerts.note(Notice { kind, title, facts });
    }
}

/// True for the first gateway that asks within `time`.
async fn first(app: &App, job: &str, time: Duration) -> bool {
    let Some(store) = &app.store else { return true };
    let who = uuid::Uuid::new_v4().to_string();
    // A little less, so that the next time is not just missed.
    store.lead(job, &who, time.saturating_sub(Duration::from_secs(60))).await.unwrap_or_default()
}

async fn hanging(app: Weak<App>) {
    loop {
        let Some(hanging) = app.upgrade().and_then(|app| app.hanging.clone()) else { return };
        hanging.look(Instant::now());
        let pause = hanging.pause();
        drop(hanging);
        tokio::time::sleep(pause).await;
    }
}

async fn resting(app: Weak<App>) {
    let mut known: HashSet<Arc<str>> = HashSet::new();
    loop {
        let Some(app) = app.upgrade() else { return };
        let snapshot = app.snapshot.load_full();
        let cooling = snapshot.engine.router.state().cooling(Instant::now());
        for (id, rest) in cooling.iter().filter(|(id, _)| !known.contains(id)) {
            let deployment = snapshot.engine.router.deployment(id);
            let group = deployment.map(|deployment| deployment.public_name().to_string()).unwrap_or_default();
            let facts = vec![
                ("Model Name", group),
                ("Deployment", id.to_string()),
                ("Cooldown", format!("{:.0}s", rest.as_secs_f64())),
            ];
            tell(&app, AlertType::CooldownDeployment, "Deployment is cooling down".to_owned(), facts);
        }
        known = cooling.into_iter().map(|(id, _)| id).collect();
        drop((app, snapshot));
        tokio::time::sleep(REST).await;
    }
}

async fn leaving(app: Weak<App>) {
    loop {
        let Some(app) = app.upgrade() else { return };
        let (gone, soon) = crate::operate::leaving(&app.snapshot.load(), now());
        let line = |name, model: &Json| {
            let text = |field: &str| model.text(field).unwrap_or_default().to_owned();
            (name, format!("{} ({}) on {}", text("model_name"), text("litellm_model"), text("deprecation_date")))
        };
        let facts: Vec<_> = gone.iter().map(|model| line("Deprecated", model)).collect();
        let facts: Vec<_> = facts.into_iter().chain(soon.iter().map(|model| line("Going away", model))).collect();
        if !facts.is_empty() && first(&app, "llm_proxy_model_deprecations", DAY).await {
            let title = "Models that are configured go away".to_owned();
            tell(&app, AlertType::ModelDeprecationWarnings, title, facts);
        }
        drop(app);
        tokio::time::sleep(DAY).await;
    }
}

async fn reports(app: Weak<App>, days: u32) {
    loop {
        tokio::time::sleep(HOUR).await;
        let Some(app) = app.upgrade() else { return };
        let today = now().date_naive();
        let length = DAY * days;
        if first(&app, "llm_proxy_spend_report", length).await {
            let from = today.checked_sub_days(Days::new(days.into())).unwrap_or(today);
            told(app.accounts.tell_spend(from, today).await);
        }
        // On the first of a month, of the one before.
        if today.day() == 1 && first(&app, "llm_proxy_monthly_spend_report", DAY * 2).await {
            let last = today.pred_opt().unwrap_or(today);
            told(app.accounts.tell_spend(last.with_day(1).unwrap_or(last), last).await);
        }
    }
}

async fn users(app: Weak<App>, spend: SpendAlerts) {
    let rules = UserSpendRules {
        daily: spend.daily_of_user,
        monthly: spend.monthly_of_user,
        unusual: spend.unusual,
        usual_days: spend.usual_days,
        unusual_least: spend.unusual_least,
    };
    loop {
        tokio::time::sleep(spend.every).await;
        let Some(app) = app.upgrade() else { return };
        if first(&app, "llm_proxy_user_spend", spend.every).await {
            told(app.accounts.watch_user_spend(&rules, now().date_naive()).await);
        }
    }
}

fn told(done: llm_accounts::Outcome<()>) {
    if let Err(problem) = done {
        tracing::warn!(problem = problem.text(), "spend could not be read for an alert; the next round tries again");
    }
}
