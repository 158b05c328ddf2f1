//! What guardrails did (`/guardrails/usage/*`, `/policies/usage/overview`), from the sums by day. Guardrails are counted under
//! their names: rows of calls have no ids of them. Call these on the store's runtime.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, Utc};
use llm_store::{DailyGuardrailRow, DailyGuardrailUnitsRow, DailyPolicyRow, Filter, GuardrailRow, PolicyRow};
use llm_types::Json;

use super::SECTION;
use super::units::{self, Units};
use crate::Accounts;
use crate::keys::{bad, not_found};
use crate::request::Outcome;

/// Days of a report at the most.
const LONGEST: u64 = 366;
/// Days that a trend looks back.
const BEFORE: u64 = 7;

/// The days that a report is about.
#[derive(Debug, Clone, Copy)]
pub struct UsageDays {
    from: NaiveDate,
    until: NaiveDate,
}

impl UsageDays {
    /// `start_date` and `end_date` of a query; the last week when nothing is said.
    ///
    /// # Errors
    /// 400 for what are no dates, for an end before the start and for more than 366 days.
    pub fn read(start: Option<&str>, end: Option<&str>) -> Outcome<Self> {
        let today = Utc::now().date_naive();
        let date = |text: Option<&str>, usual: NaiveDate| match text {
            None => Some(usual),
            Some(text) => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|date| date.to_string() == text),
        };
        let week = today.checked_sub_days(Days::new(BEFORE)).unwrap_or(today);
        let (Some(from), Some(until)) = (date(start, week), date(end, today)) else {
            return Err(bad("start_date and end_date must be in YYYY-MM-DD format").with_param("start_date").into());
        };
        let days = until.signed_duration_since(from).num_days();
        if days < 0 {
            return Err(bad("start_date must be on or before end_date").with_param("start_date").into());
        }
        if days.unsigned_abs() > LONGEST {
            return Err(bad(format!("Date range too large; maximum is {LONGEST} days")).with_param("end_date").into());
        }
        Ok(Self { from, until })
    }

    fn filter(self) -> Filter {
        Filter::new().at_least("date", self.from.to_string()).at_most("date", self.until.to_string())
    }

    /// The days before, for the trend.
    fn before(self) -> Filter {
        let from = self.from.checked_sub_days(Days::new(BEFORE)).unwrap_or(self.from);
        Filter::new().at_least("date", from.to_string()).below("date", self.from.to_string())
    }
}

/// Calls that were looked at, that passed, that were stopped.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    requests: i64,
    passed: i64,
    blocked: i64,
}

impl Counts {
    fn add(&mut self, [requests, passed, blocked]: [i64; 3]) {
        self.requests += requests;
        self.passed += passed;
        self.blocked += blocked;
    }

    /// Percent that were stopped.
    fn failing(self) -> f64 {
        if self.requests > 0 { 100.0 * self.blocked as f64 / self.requests as f64 } else { 0.0 }
    }
}

/// Sums of one table: by name and by day.
#[derive(Debug, Default)]
struct Sums {
    names: BTreeMap<String, Counts>,
    days: BTreeMap<String, Counts>,
}

impl Sums {
    fn of<'r>(rows: impl Iterator<Item = (&'r str, &'r str, [i64; 3])>) -> Self {
        let mut out = Self::default();
        for (name, date, counts) in rows {
            out.names.entry(name.to_owned()).or_default().add(counts);
            out.days.entry(date.to_owned()).or_default().add(counts);
        }
        out
    }

    fn guardrails(rows: &[DailyGuardrailRow]) -> Self {
        let counts = |r: &DailyGuardrailRow| [r.requests_evaluated, r.passed_count, r.blocked_count];
        Self::of(rows.iter().map(|row| (row.guardrail_id.as_str(), row.date.as_str(), counts(row))))
    }

    fn policies(rows: &[DailyPolicyRow]) -> Self {
        let counts = |r: &DailyPolicyRow| [r.requests_evaluated, r.passed_count, r.blocked_count];
        Self::of(rows.iter().map(|row| (row.policy_id.as_str(), row.date.as_str(), counts(row))))
    }

    /// What is counted under the first of these names that is.
    fn first(&self, names: &[&str]) -> Counts {
        names.iter().find_map(|name| self.names.get(*name)).copied().unwrap_or_default()
    }

    fn all(&self) -> Counts {
        let mut all = Counts::default();
        self.names.values().for_each(|counts| all.add([counts.requests, counts.passed, counts.blocked]));
        all
    }

    fn chart(&self, scored: bool) -> Json {
        let point = |(date, counts): (&String, &Counts)| {
            let mut out = Json::object([
                ("date", Json::from(date.as_str())),
                ("passed", Json::from(counts.passed)),
                ("blocked", Json::from(counts.blocked)),
            ]);
            if scored {
                out.set("score", Json::Null);
            }
            out
        };
        Json::Array(self.days.iter().map(point).collect())
    }
}

/// A guardrail or a policy in a report.
struct Named<'n> {
    id: &'n str,
    name: &'n str,
    kind: &'n str,
    provider: &'n str,
}

fn rounded(percent: f64) -> f64 {
    (percent * 10.0).round() / 10.0
}

/// How it stands: `status` and `trend`, in LiteLLM's words and with its bounds.
fn judged(now: Counts, before: Counts) -> [(&'static str, Json); 6] {
    let (failing, past) = (now.failing(), before.failing());
    let status = match failing {
        failing if failing > 15.0 => "critical",
        failing if failing > 5.0 => "warning",
        _ => "healthy",
    };
    let trend = match failing - past {
        _ if past <= 0.0 => "stable",
        more if more > 0.5 => "up",
        more if more < -0.5 => "down",
        _ => "stable",
    };
    [
        ("requestsEvaluated", Json::from(now.requests)),
        ("failRate", Json::from(rounded(failing))),
        ("avgScore", Json::Null),
        ("avgLatency", Json::Null),
        ("status", Json::from(status)),
        ("trend", Json::from(trend)),
    ]
}

fn row(of: &Named<'_>, now: Counts, before: Counts, units: &Units) -> Json {
    let named = [("id", of.id), ("name", of.name), ("type", of.kind), ("provider", of.provider)];
    let named = named.map(|(name, value)| (name, Json::from(value)));
    let counted =
        [("usageUnits", units.units()), ("cost", Json::from(units.cost())), ("untrackedUsageUnits", units.untracked())];
    Json::object(named.into_iter().chain(judged(now, before)).chain(counted))
}

fn overview(rows: Vec<Json>, sums: &Sums, units: &Units) -> Json {
    let all = sums.all();
    Json::object([
        ("rows", Json::Array(rows)),
        ("chart", sums.chart(false)),
        ("totalRequests", Json::from(all.requests)),
        ("totalBlocked", Json::from(all.blocked)),
        ("passRate", Json::from(rounded(100.0 - all.failing()))),
        ("totalUsageUnits", units.units()),
        ("totalCost", Json::from(units.cost())),
        ("totalUntrackedUsageUnits", units.untracked()),
    ])
}

/// A guardrail that is known: id, name, kind, what made it, what is told of it.
struct Known {
    id: String,
    name: String,
    provider: String,
    info: Json,
}

impl Known {
    fn kind(&self) -> &str {
        self.info.text("type").unwrap_or("Guardrail")
    }

    fn of_row(row: &GuardrailRow) -> Self {
        let params: Json = row.litellm_params.read().unwrap_or_default();
        Self {
            id: row.guardrail_id.clone(),
            name: row.guardrail_name.clone(),
            provider: params.text("guardrail").unwrap_or("Unknown").to_owned(),
            info: row.guardrail_info.as_ref().map(Json::from).unwrap_or_default(),
        }
    }

    /// One of the file; its name stands for the id that it has not.
    fn of_entry(entry: &Json) -> Option<Self> {
        let name = entry.text("guardrail_name")?;
        let provider = entry.get("litellm_params").and_then(|params| params.text("guardrail"));
        Some(Self {
            id: entry.text("guardrail_id").unwrap_or(name).to_owned(),
            name: name.to_owned(),
            provider: provider.unwrap_or("Unknown").to_owned(),
            info: entry.get("guardrail_info").cloned().unwrap_or_default(),
        })
    }
}

impl Accounts {
    /// `GET /guardrails/usage/overview`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn guardrail_usage(&self, days: UsageDays) -> Outcome<Json> {
        self.flushed("what guardrails did").await;
        let store = self.store_or_refuse()?;
        let now = Sums::guardrails(&store.table::<DailyGuardrailRow>().find(days.filter()).await?);
        let before = Sums::guardrails(&store.table::<DailyGuardrailRow>().find(days.before()).await?);
        let counted = store.table::<DailyGuardrailUnitsRow>().find(days.filter()).await?;
        let units = units::by(&counted, |row| &row.guardrail_id);
        let none = Units::default();
        let unit = |names: &[&str]| names.iter().find_map(|name| units.get(*name)).unwrap_or(&none);
        let known = self.known_guardrails().await?;
        let mut rows: Vec<Json> = Vec::new();
        for of in &known {
            let names = [of.name.as_str(), of.id.as_str()];
            let named = Named { id: &of.id, name: &of.name, kind: of.kind(), provider: &of.provider };
            rows.push(row(&named, now.first(&names), before.first(&names), unit(&names)));
        }
        // Those that are gone did something all the same.
        let strangers = now.names.iter().filter(|(_, counts)| counts.requests > 0);
        for (name, counts) in strangers.filter(|(name, _)| !known.iter().any(|of| of.name == **name || of.id == **name))
        {
            let named = Named { id: name, name, kind: "Guardrail", provider: "Custom" };
            rows.push(row(&named, *counts, before.first(&[name.as_str()]), unit(&[name.as_str()])));
        }
        Ok(overview(rows, &now, &units::all(&counted)))
    }

    /// `GET /guardrails/usage/detail/{guardrail_id}`.
    ///
    /// # Errors
    /// 404 for a guardrail that is neither in the database nor in the file.
    pub async fn guardrail_usage_of(&self, id: &str, days: UsageDays) -> Outcome<Json> {
        self.flushed("what a guardrail did").await;
        let known = self.known_guardrails().await?;
        let of = known.iter().find(|of| of.id == id);
        let of = of.ok_or_else(|| not_found("Guardrail not found").with_param("guardrail_id"))?;
        let names = vec![of.name.clone(), of.id.clone()];
        let store = self.store_or_refuse()?;
        let find = |filter: Filter| filter.any_of("guardrail_id", names.clone());
        let now = Sums::guardrails(&store.table::<DailyGuardrailRow>().find(find(days.filter())).await?);
        let before = Sums::guardrails(&store.table::<DailyGuardrailRow>().find(find(days.before())).await?);
        let counted = store.table::<DailyGuardrailUnitsRow>().find(find(days.filter())).await?;
        let named = [
            ("guardrail_id", Json::from(of.id.as_str())),
            ("guardrail_name", Json::from(of.name.as_str())),
            ("type", Json::from(of.kind())),
            ("provider", Json::from(of.provider.as_str())),
        ];
        let rest = [("description", Json::from(of.info.text("description"))), ("time_series", now.chart(true))];
        let judged = judged(now.all(), before.all());
        Ok(Json::object(named.into_iter().chain(judged).chain(rest).chain(units::detail(&counted))))
    }

    /// `GET /policies/usage/overview`. LiteLLM has the table for it; sums that stand there are told.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn policy_usage(&self, days: UsageDays) -> Outcome<Json> {
        let store = self.store_or_refuse()?;
        let now = Sums::policies(&store.table::<DailyPolicyRow>().find(days.filter()).await?);
        let before = Sums::policies(&store.table::<DailyPolicyRow>().find(days.before()).await?);
        let none = Units::default();
        let rows = store.table::<PolicyRow>().find(Filter::new()).await?;
        let rows = rows.iter().map(|policy| {
            let (id, name) = (policy.policy_id.as_str(), policy.policy_name.as_str());
            let named = Named { id, name, kind: "Policy", provider: "LiteLLM" };
            row(&named, now.first(&[id]), before.first(&[id]), &none)
        });
        Ok(overview(rows.collect(), &now, &none))
    }

    /// The names under which a guardrail's calls are found: its id, and its name where the id is known.
    pub(super) async fn names_of_guardrail(&self, id: &str) -> Outcome<Vec<String>> {
        let known = self.known_guardrails().await?;
        let name = known.into_iter().find(|of| of.id == id).map(|of| of.name).filter(|name| name != id);
        Ok(std::iter::once(id.to_owned()).chain(name).collect())
    }

    /// What is finished is written first.
    pub(super) async fn flushed(&self, what: &str) {
        if let Err(error) = self.flush().await {
            tracing::warn!(%error, "{what} is read without the latest calls");
        }
    }

    /// Guardrails of the database and of the file.
    async fn known_guardrails(&self) -> Outcome<Vec<Known>> {
        let rows = self.store_or_refuse()?.table::<GuardrailRow>().find(Filter::new()).await?;
        let file = self.serving()?.section(SECTION);
        let mut out: Vec<Known> = rows.iter().map(Known::of_row).collect();
        let of_file: Vec<Known> = file.as_array().unwrap_or_default().iter().filter_map(Known::of_entry).collect();
        out.extend(of_file);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates_in_order_and_not_too_many() {
        assert!(UsageDays::read(None, None).is_ok());
        assert!(UsageDays::read(Some("2026-01-01"), Some("2026-12-31")).is_ok());
        for (start, end) in [
            ("2026-1-1", "2026-01-02"),
            ("2026-02-30", "2026-03-01"),
            ("2026-03-02", "2026-03-01"),
            ("2024-01-01", "2026-01-01"),
            ("now", "2026-01-01"),
        ] {
            assert!(UsageDays::read(Some(start), Some(end)).is_err(), "{start} {end}");
        }
    }

    #[test]
    fn words_follow_litellms_bounds() {
        let counts = |blocked| Counts { requests: 100, passed: 100 - blocked, blocked };
        let words = |now, before| {
            let judged = judged(counts(now), counts(before));
            [4, 5].map(|at: usize| judged[at].1.as_str().unwrap().to_owned())
        };
        assert_eq!(words(3, 0), ["healthy", "stable"]);
        assert_eq!(words(10, 5), ["warning", "up"]);
        assert_eq!(words(20, 40), ["critical", "down"]);
    }
}
