//! What operators are told of spend beside budgets: reports, users who spend a lot or more than usual. From the daily rollups.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{Datelike as _, Days, NaiveDate};
use llm_store::{DailyFilter, DailyGroup, DailyScope, TeamRow};
use llm_types::alert::{AlertType, Notice};

use crate::Accounts;
use crate::request::Outcome;

/// Lines of a report for teams, and for tags.
const TOP: u32 = 20;

/// Users that are looked at: the dearest of the month.
const USERS: u32 = 10_000;

/// What is said once stays said for so long: a day, and longer than any month.
const DAY: Duration = Duration::from_secs(86_400);
const MONTH: Duration = Duration::from_secs(32 * 86_400);

/// When a user's spend is worth an alert, US dollars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UserSpendRules {
    /// On one day.
    pub daily: Option<f64>,
    /// In one month.
    pub monthly: Option<f64>,
    /// So many times the mean of a day.
    pub unusual: f64,
    /// Days of that mean.
    pub usual_days: u32,
    /// On one day, at least.
    pub unusual_least: f64,
}

impl UserSpendRules {
    /// What is to be said of a user: type, what marks it as said, how long it stays said, title, facts.
    fn events(&self, user: &str, spent: &Spent, today: NaiveDate) -> Vec<Event> {
        let (day, month) = (today.to_string(), today.format("%Y-%m").to_string());
        let dollars = |amount: f64| format!("${amount:.2}");
        let mut out = Vec::new();
        if let Some(most) = self.daily.filter(|most| spent.today >= *most) {
            out.push(Event {
                kind: AlertType::UserSpendThresholds,
                once: (format!("alert:user_spend_daily:{user}:{day}"), DAY),
                title: "User Daily Spend Threshold Crossed",
                facts: vec![("Spend Today", dollars(spent.today)), ("Daily Threshold", dollars(most))],
            });
        }
        if let Some(most) = self.monthly.filter(|most| spent.month >= *most) {
            out.push(Event {
                kind: AlertType::UserSpendThresholds,
                once: (format!("alert:user_spend_monthly:{user}:{month}"), MONTH),
                title: "User Monthly Spend Threshold Crossed",
                facts: vec![("Spend This Month", dollars(spent.month)), ("Monthly Threshold", dollars(most))],
            });
        }
        let usual = spent.before / f64::from(self.usual_days.max(1));
        if spent.today >= self.unusual_least && (spent.before <= 0.0 || spent.today > self.unusual * usual) {
            out.push(Event {
                kind: AlertType::UserSpendAnomalies,
                once: (format!("alert:user_spend_anomaly:{user}:{day}"), DAY),
                title: "User Spend Anomaly Detected",
                facts: vec![("Spend Today", dollars(spent.today)), ("Daily Average", dollars(usual))],
            });
        }
        out
    }
}

struct Event {
    kind: AlertType,
    once: (String, Duration),
    title: &'static str,
    facts: Vec<(&'static str, String)>,
}

/// What a user spent, US dollars.
#[derive(Debug, Default)]
struct Spent {
    today: f64,
    month: f64,
    /// On the days before today that say what is usual.
    before: f64,
}

impl Accounts {
    /// True when somebody wants to hear of this type of alert.
    #[must_use]
    pub fn hears(&self, kind: AlertType) -> bool {
        self.inner().hears(kind)
    }

    /// Sums of a rollup by its entity, the dearest first.
    async fn dearest(
        &self,
        scope: DailyScope,
        from: NaiveDate,
        until: NaiveDate,
        most: u32,
    ) -> Outcome<Vec<(String, f64)>> {
        let (from, until) = (Some(from.to_string()), Some(until.to_string()));
        let filter = DailyFilter { from, until, ..DailyFilter::default() };
        let sums = self.store_or_refuse()?.daily_groups(scope, &filter, &[DailyGroup::Entity], Some(most)).await?;
        Ok(sums.into_iter().map(|sum| (sum.part(0).to_owned(), sum.counters.spend)).collect())
    }

    /// Tells what teams and tags spent in these days, the last one included.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tell_spend(&self, from: NaiveDate, until: NaiveDate) -> Outcome<()> {
        let teams = self.dearest(DailyScope::Team, from, until, TOP).await?;
        let tags = self.dearest(DailyScope::Tag, from, until, TOP).await?;
        if teams.is_empty() && tags.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = teams.iter().map(|(id, _)| id.clone()).collect();
        let rows = self.store_or_refuse()?.table::<TeamRow>().get_many(&ids).await?;
        let named = |id: &String| {
            let row = rows.iter().find(|row| row.team_id == *id);
            row.and_then(|row| row.team_alias.clone()).unwrap_or_else(|| id.clone())
        };
        let team = |(id, spend): &(String, f64)| ("Team", format!("{} | Spend: ${spend:.4}", named(id)));
        let tag = |(tag, spend): &(String, f64)| ("Tag", format!("{tag} | Spend: ${spend:.4}"));
        let facts = teams.iter().map(team).chain(tags.iter().map(tag)).collect();
        let title = format!("*💸 Spend Report for `{from} - {until}`*");
        self.inner().note(AlertType::SpendReports, || Notice { kind: AlertType::SpendReports, title, facts });
        Ok(())
    }

    /// Tells of users who spend a lot, or more than usual; of each once a day or a month.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn watch_user_spend(&self, rules: &UserSpendRules, today: NaiveDate) -> Outcome<()> {
        let month = today.with_day(1).unwrap_or(today);
        let yesterday = today.pred_opt().unwrap_or(today);
        let usual = today.checked_sub_days(Days::new(rules.usual_days.max(1).into())).unwrap_or(today);
        let mut users: BTreeMap<String, Spent> = BTreeMap::new();
        for (user, spend) in self.dearest(DailyScope::User, month, today, USERS).await? {
            users.entry(user).or_default().month = spend;
        }
        for (user, spend) in self.dearest(DailyScope::User, today, today, USERS).await? {
            users.entry(user).or_default().today = spend;
        }
        for (user, spend) in self.dearest(DailyScope::User, usual, yesterday, USERS).await? {
            users.entry(user).or_default().before = spend;
        }
        for (user, spent) in users.iter().filter(|(user, _)| !user.is_empty()) {
            for event in rules.events(user, spent, today) {
                let (name, silence) = &event.once;
                if self.inner().hears(event.kind) && self.inner().is_first(name, *silence).await {
                    let facts = std::iter::once(("User", user.clone())).chain(event.facts).collect();
                    let notice = Notice { kind: event.kind, title: event.title.to_owned(), facts };
                    self.inner().note(event.kind, || notice);
                }
            }
        }
        Ok(())
    }

    /// Tells that the database does not do what it should.
    pub fn database_failed(&self, what: &'static str, why: &str) {
        self.inner().database_failed(what, why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_told_of_when_a_rule_says_so() {
        let rules =
            UserSpendRules { daily: Some(5.0), monthly: Some(20.0), unusual: 3.0, usual_days: 7, unusual_least: 10.0 };
        let today = NaiveDate::from_ymd_opt(2026, 5, 4).unwrap();
        let titles = |today_spent: f64, month: f64, before: f64| {
            let spent = Spent { today: today_spent, month, before };
            rules.events("u", &spent, today).iter().map(|event| event.once.0.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(titles(4.9, 19.0, 0.0), "");
        assert_eq!(titles(5.0, 19.0, 100.0), "alert:user_spend_daily:u:2026-05-04");
        assert_eq!(titles(1.0, 20.0, 7.0), "alert:user_spend_monthly:u:2026-05");
        assert!(titles(10.0, 10.0, 0.0).ends_with("alert:user_spend_anomaly:u:2026-05-04"), "who never spent anything");
        assert!(!titles(30.0, 30.0, 70.0).contains("anomaly"), "three times the mean is not more than that");
        assert!(titles(30.1, 30.1, 70.0).contains("anomaly"));
    }
}
