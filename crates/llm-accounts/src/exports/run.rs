//! Rounds of the job, exports that somebody asks for, and what would be exported.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use jiff::tz::TimeZone;
use llm_store::{ConfigRow, DailyFilter, DailyScope, Store};
use llm_types::{Error, Json, Kind};
use uuid::Uuid;

use super::deliver::{self, Target};
use super::settings::Place;
use super::usage::{self, UsageRow};
use super::{Export, ExportPlan, Frequency, cbf, focus};
use crate::Accounts;
use crate::keys::bad;
use crate::request::{FieldProblem, Outcome, Problem, field};

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
        let Some(target) = self.export_target(export, plan).await? else { return Ok(None) };
        if !frequency.is_due(mark(store, export).await?, now) {
            return Ok(None);
        }
        if !store.lead(export.job(), holder, LEAD).await? {
            return Ok(None);
        }
        let done = self.round(export, (frequency, &target), holder, now).await;
        store.stop_leading(export.job(), holder).await?;
        done
    }

    /// A round of the gateway that leads.
    async fn round(
        &self,
        export: Export,
        (frequency, target): (Frequency, &Target),
        holder: &str,
        now: DateTime<Utc>,
    ) -> Outcome<Option<u64>> {
        let store = self.store_or_refuse()?;
        // Who led before may have just done it.
        let last = mark(store, export).await?;
        if !frequency.is_due(last, now) {
            return Ok(None);
        }
        let since = last.map_or(now - frequency.length() * 2, |last| last - SLACK);
        let days = self.changed(store, Some(since), None).await?;
        let rows = self.export_days(target, None, &days, (export, holder)).await?;
        let row = ConfigRow { param_name: export.row().to_owned(), last_run_at: Some(now), ..ConfigRow::default() };
        store.table().put(&row).await?;
        Ok(Some(rows))
    }

    /// `POST /cloudzero/export`, `POST /vantage/export`: days with a row that was written between the given times, or all.
    ///
    /// # Errors
    /// 404 without settings, 409 while another export of the kind runs, 422 for a body that cannot be read, 502 when the
    /// destination does not take it.
    pub async fn export_now(&self, export: Export, body: &Json) -> Outcome<Json> {
        let wish = Wish::read(body)?;
        let settings = self.settings();
        let (plan, store) = (&settings.exports, self.store_or_refuse()?.clone());
        let Some(target) = self.export_target(export, plan).await? else {
            return Err(Place::of(export)?.missing().into());
        };
        let mut days = self.changed(&store, wish.from, wish.until).await?;
        if let Some(limit) = wish.limit {
            days = within(&store, days, limit).await?;
        }
        // Two that write the same day at once would leave a part of each.
        let holder = Uuid::new_v4().to_string();
        if !store.lead(export.job(), &holder, LEAD).await? {
            return Err(Error::new(Kind::Conflict, "an export is running already").into());
        }
        let done = self.export_days(&target, wish.operation.as_deref(), &days, (export, &holder)).await;
        store.stop_leading(export.job(), &holder).await?;
        let rows = done?;
        let mut out = Json::object([
            ("message", Json::from(format!("{} export completed successfully", export.title()))),
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
        let field = if export == Export::CloudZero { "cbf_data" } else { "normalized_data" };
        let data = Json::object([("usage_data", Json::Array(sample)), (field, told), ("summary", summary.clone())]);
        Ok(Json::object([
            ("message", Json::from(format!("{} dry run export completed successfully.", export.title()))),
            ("status", Json::from("success")),
            ("records_exported", Json::Null),
            ("dry_run_data", data),
            ("summary", summary),
        ]))
    }

    /// Where an export goes; nothing for one that is not set up.
    async fn export_target(&self, export: Export, plan: &ExportPlan) -> Outcome<Option<Target>> {
        Ok(match export {
            Export::CloudZero => {
                let base = plan.cloudzero_base.clone();
                self.cloudzero(plan).await?.map(|target| Target::CloudZero(target, base))
            }
            Export::Vantage => self.vantage(plan).await?.map(Target::Vantage),
            Export::Focus => plan.focus.clone().map(|prefix| Target::Bucket(prefix, plan.focus_format)),
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

    /// Exports days one after the other; the lead is kept meanwhile. `operation`: what CloudZero is to do
    /// with a day.
    async fn export_days(
        &self,
        target: &Target,
        operation: Option<&str>,
        days: &[String],
        (export, holder): (Export, &str),
    ) -> Outcome<u64> {
        let (store, serving) = (self.store_or_refuse()?, self.serving()?);
        let operation = operation.unwrap_or("replace_hourly");
        let mut rows = 0;
        for date in days {
            if !store.lead(export.job(), holder, LEAD).await? {
                return Err(bad("another gateway has taken the export over").into());
            }
            rows += deliver::day(store, &**serving, (target, operation), date).await?;
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
        let from = field(body, "start_time_utc", &mut problems).flatten();
        let until = field(body, "end_time_utc", &mut problems).flatten();
        let mut wrong = |field: &str, kind, message, input: &Json| {
            problems.push(FieldProblem { field: field.to_owned(), kind, message, input: input.clone() });
        };
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
