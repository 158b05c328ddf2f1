//! Rounds of the job, exports that somebody asks for, and what would be exported.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use jiff::tz::TimeZone;
use llm_store::{ConfigRow, DailyFilter, DailyScope, Store};
use llm_types::Json;

use super::deliver::{self, To};
use super::usage::{self, UsageRow};
use super::{Export, ExportPlan, cbf, focus};
use crate::Accounts;
use crate::keys::bad;
use crate::request::{FieldProblem, Outcome, Problem};

/// How long a gateway leads without saying so again: longer than a day takes.
const LEAD: Duration = Duration::from_secs(15 * 60);
/// How far the mark lies before the listing of days: longer than a transaction takes, and clocks differ.
const SLACK: TimeDelta = TimeDelta::minutes(15);
/// Rows that a preview shows.
const SHOWN: usize = 50;
/// Rows that a preview reads at the most.
const MOST: u32 = 10_000;

/// What somebody asks to be exported.
#[derive(Debug, Clone, Default)]
pub(super) struct Wish {
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    /// Rows; whole days only, but one at least.
    limit: Option<u64>,
    operation: Option<String>,
}

impl Accounts {
    /// One look at an export: exports what changed, when that is due. How many rows that were; nothing when it is not due, not
    /// set up, or another gateway does it.
    ///
    /// # Errors
    /// When the store fails or the destination does not take it; the next round begins where this one did.
    pub async fn export_due(&self, export: Export, holder: &str, now: DateTime<Utc>) -> Outcome<Option<u64>> {
        let settings = self.settings();
        let (plan, store) = (&settings.exports, self.store_or_refuse()?);
        let frequency = plan.frequency(export);
        if !self.is_set_up(export, plan).await? || !frequency.is_due(mark(store, export).await?, now) {
            return Ok(None);
        }
        if !store.lead(export.job(), holder, LEAD).await? {
            return Ok(None);
        }
        let done = self.round(export, plan, holder, now).await;
        store.stop_leading(export.job(), holder).await?;
        done
    }

    /// A round of the gateway that leads.
    async fn round(&self, export: Export, plan: &ExportPlan, holder: &str, now: DateTime<Utc>) -> Outcome<Option<u64>> {
        let (store, frequency) = (self.store_or_refuse()?, plan.frequency(export));
        // Who led before may have just done it.
        let last = mark(store, export).await?;
        if !frequency.is_due(last, now) {
            return Ok(None);
        }
        let since = last.map_or(now - frequency.length() * 2, |last| last - SLACK);
        let days = self.changed(store, Some(since), None).await?;
        let rows = self.export_days(export, plan, None, &days, Some(holder)).await?;
        let row = ConfigRow { param_name: export.row().to_owned(), last_run_at: Some(now), ..ConfigRow::default() };
        store.table().put(&row).await?;
        Ok(Some(rows))
    }

    /// `POST /cloudzero/export`, `POST /vantage/export`: days with a row that was written between the given times, or all.
    ///
    /// # Errors
    /// 404 without settings, 422 for a body that cannot be read, 502 when the destination does not take it.
    pub async fn export_now(&self, export: Export, body: &Json) -> Outcome<Json> {
        let wish = Wish::read(body)?;
        let settings = self.settings();
        let (plan, store) = (&settings.exports, self.store_or_refuse()?.clone());
        if !self.is_set_up(export, plan).await? {
            return Err(self.no_export(export)?.into());
        }
        let mut days = self.changed(&store, wish.from, wish.until).await?;
        if let Some(limit) = wish.limit {
            days = within(&store, days, limit).await?;
        }
        let rows = self.export_days(export, plan, wish.operation.as_deref(), &days, None).await?;
        let name = if export == Export::CloudZero { "CloudZero" } else { "Vantage" };
        let mut out = Json::object([
            ("message", Json::from(format!("{name} export completed successfully"))),
            ("status", Json::from("success")),
            ("dry_run_data", Json::Null),
            ("summary", Json::Null),
        ]);
        out.set("records_exported", rows);
        Ok(out)
    }

    /// `POST /cloudzero/dry-run`, `POST /vantage/dry-run`: what would be exported, newest days first.
    ///
    /// # Errors
    /// 422 for a body that cannot be read.
    pub async fn preview_export(&self, export: Export, body: &Json) -> Outcome<Json> {
        let wish = Wish::read(body)?;
        let usual = if export == Export::CloudZero { MOST } else { 500 };
        let size = wish.limit.map_or(usual, |limit| u32::try_from(limit).unwrap_or(MOST)).clamp(1, MOST);
        self.flush().await?;
        let store = self.store_or_refuse()?;
        let rows = store.daily(DailyScope::User, &DailyFilter::default(), 1, size).await?.rows;
        let rows = usage::named(store, rows).await?;
        let (told, summary) = match export {
            Export::CloudZero => {
                let plan = self.settings();
                let zone = self.cloudzero(&plan.exports).await?.map(|target| target.timezone);
                previewed_cbf(&rows, &zone.and_then(|zone| TimeZone::get(&zone).ok()).unwrap_or(TimeZone::UTC))
            }
            Export::Vantage | Export::Focus => previewed_focus(&rows),
        };
        let sample = rows.iter().take(SHOWN).map(UsageRow::shown).collect();
        let (name, field) =
            if export == Export::CloudZero { ("CloudZero", "cbf_data") } else { ("Vantage", "normalized_data") };
        let data = Json::object([("usage_data", Json::Array(sample)), (field, told), ("summary", summary.clone())]);
        Ok(Json::object([
            ("message", Json::from(format!("{name} dry run export completed successfully."))),
            ("status", Json::from("success")),
            ("records_exported", Json::Null),
            ("dry_run_data", data),
            ("summary", summary),
        ]))
    }

    async fn is_set_up(&self, export: Export, plan: &ExportPlan) -> Outcome<bool> {
        Ok(match export {
            Export::CloudZero => self.cloudzero(plan).await?.is_some(),
            Export::Vantage => self.vantage(plan).await?.is_some(),
            Export::Focus => plan.focus.is_some(),
        })
    }

    /// Days that changed, with everything settled so far in them.
    async fn changed(
        &self,
        store: &Store,
        from: Option<DateTime<Utc>>,
        until: Option<DateTime<Utc>>,
    ) -> Outcome<Vec<String>> {
        if let Err(error) = self.flush().await {
            tracing::warn!(%error, "spend is exported without the latest calls; the next round has them");
        }
        Ok(store.daily_changed(from, until).await?)
    }

    /// Exports days one after the other; the lead is kept meanwhile.
    async fn export_days(
        &self,
        export: Export,
        plan: &ExportPlan,
        operation: Option<&str>,
        days: &[String],
        holder: Option<&str>,
    ) -> Outcome<u64> {
        let (store, serving) = (self.store_or_refuse()?, self.serving()?);
        let (cloudzero, vantage) = (self.cloudzero(plan).await?, self.vantage(plan).await?);
        let to = match export {
            Export::CloudZero => cloudzero
                .as_ref()
                .map(|target| To::CloudZero(target, operation.unwrap_or("replace_hourly").to_owned(), plan)),
            Export::Vantage => vantage.as_ref().map(To::Vantage),
            Export::Focus => plan.focus.as_deref().map(To::Bucket),
        };
        let Some(to) = to else { return Err(self.no_export(export)?.into()) };
        let mut rows = 0;
        for date in days {
            if let Some(holder) = holder
                && !store.lead(export.job(), holder, LEAD).await?
            {
                return Err(bad("another gateway has taken the export over").into());
            }
            rows += deliver::day(store, &**serving, &to, date).await?;
        }
        Ok(rows)
    }
}

/// When an export last went through.
async fn mark(store: &Store, export: Export) -> Outcome<Option<DateTime<Utc>>> {
    Ok(store.table::<ConfigRow>().get([export.row()]).await?.and_then(|row| row.last_run_at))
}

/// The newest days that have no more rows than these together, but one at least.
async fn within(store: &Store, days: Vec<String>, limit: u64) -> Outcome<Vec<String>> {
    let (mut kept, mut rows) = (Vec::new(), 0);
    for day in days {
        rows += store.daily_count(&day).await?;
        if rows > limit && !kept.is_empty() {
            break;
        }
        kept.push(day);
    }
    Ok(kept)
}

impl Wish {
    fn read(body: &Json) -> Outcome<Self> {
        let mut problems = Vec::new();
        let mut wrong = |field: &str, kind, message, input: &Json| {
            problems.push(FieldProblem { field: field.to_owned(), kind, message, input: input.clone() });
        };
        let mut time = |name: &str| {
            let value = body.get(name).filter(|value| !value.is_null())?;
            let read = value.as_str().and_then(instant);
            if read.is_none() {
                wrong(name, "datetime_parsing", "Input should be a valid datetime", value);
            }
            read
        };
        let (from, until) = (time("start_time_utc"), time("end_time_utc"));
        let limit = body.get("limit").filter(|value| !value.is_null()).and_then(|value| {
            let read = value.as_i64().and_then(|limit| u64::try_from(limit).ok());
            if read.is_none() {
                wrong("limit", "int_type", "Input should be a valid integer", value);
            }
            read
        });
        let operation = body.text("operation").map(str::to_owned);
        if operation.as_deref().is_some_and(|operation| !OPERATIONS.contains(&operation)) {
            let input = Json::from(operation.as_deref());
            wrong("operation", "literal_error", "Input should be 'replace_hourly' or 'sum'", &input);
        }
        if problems.is_empty() { Ok(Self { from, until, limit, operation }) } else { Err(Problem::Fields(problems)) }
    }
}

/// What CloudZero can do with a body. (A third one replaces whole months.)
const OPERATIONS: [&str; 2] = ["replace_hourly", "sum"];

/// An instant of a body; one without a zone is UTC.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let zoned = DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc());
    let naive = || {
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
            .iter()
            .find_map(|form| chrono::NaiveDateTime::parse_from_str(text, form).ok().map(|at| at.and_utc()))
    };
    let day =
        || Some(chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_time(chrono::NaiveTime::MIN).and_utc());
    zoned.or_else(naive).or_else(day)
}

/// Records as CloudZero would have them, and what they come to.
fn previewed_cbf(rows: &[UsageRow], zone: &TimeZone) -> (Json, Json) {
    let told = rows.iter().filter_map(|row| Some((row, cbf::record(row, &cbf::midnight(&row.date, zone)?)?)));
    let (rows, records): (Vec<&UsageRow>, Vec<Json>) = told.unzip();
    let unique = |field: &str| {
        let texts = records.iter().filter_map(|record| record.text(field)).filter(|text| !text.is_empty());
        texts.collect::<BTreeSet<_>>().len()
    };
    let summary = Json::object([
        ("total_records", Json::from(records.len() as u64)),
        ("total_cost", Json::from(rows.iter().map(|row| row.spend).sum::<f64>())),
        ("total_tokens", Json::from(rows.iter().map(|row| row.prompt_tokens + row.completion_tokens).sum::<i64>())),
        ("unique_accounts", Json::from(unique("resource/account") as u64)),
        ("unique_services", Json::from(unique("resource/service") as u64)),
    ]);
    (Json::Array(records), summary)
}

/// Rows as a FOCUS file would have them, and what they come to.
fn previewed_focus(rows: &[UsageRow]) -> (Json, Json) {
    let unique = |of: fn(&UsageRow) -> &str| rows.iter().map(of).collect::<BTreeSet<_>>().len() as u64;
    let summary = Json::object([
        ("total_records", Json::from(rows.len() as u64)),
        ("total_spend", Json::from(rows.iter().map(|row| row.spend).sum::<f64>())),
        ("total_tokens", Json::from(rows.iter().map(|row| row.prompt_tokens + row.completion_tokens).sum::<i64>())),
        ("unique_teams", Json::from(unique(|row| &row.team_id))),
        ("unique_models", Json::from(unique(|row| &row.model))),
    ]);
    (Json::Array(rows.iter().take(SHOWN).map(focus::shown).collect()), summary)
}
