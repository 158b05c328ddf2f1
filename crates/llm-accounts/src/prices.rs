//! The price table is fetched anew when somebody asks for it, or by a schedule. Both live in a row that all gateways on one
//! database look at, so that all of them follow. Call these on the store's runtime.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use llm_store::{ConfigPatch, ConfigRow};
use llm_types::{Error, Json};

use crate::Accounts;
use crate::audit::Action;
use crate::keys::{Actor, bad};
use crate::request::Outcome;

/// The row, as LiteLLM names it.
const ROW: &str = "model_cost_map_reload_config";

/// When the price table is to be fetched anew.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PriceSchedule {
    /// From one time to the next, in hours; nothing: only when somebody asks.
    pub hours: Option<f64>,
    /// Grows whenever somebody asks.
    pub revision: i64,
    /// When it was last fetched because of the row, by any gateway.
    pub last_run: Option<DateTime<Utc>>,
}

impl PriceSchedule {
    fn of(row: Option<&ConfigRow>) -> Self {
        let Some(row) = row else { return Self::default() };
        let value: Json = row.param_value.as_ref().and_then(|raw| raw.read().ok()).unwrap_or_default();
        let hours = value.get("interval_hours").and_then(Json::as_f64).filter(|hours| *hours > 0.0);
        Self { hours, revision: row.reload_revision, last_run: row.last_run_at }
    }

    /// From one time to the next.
    #[must_use]
    pub fn interval(&self) -> Option<TimeDelta> {
        TimeDelta::try_milliseconds((self.hours? * 3_600_000.0) as i64)
    }
}

fn stamp(at: DateTime<Utc>) -> Json {
    Json::from(at.to_rfc3339_opts(SecondsFormat::Micros, false))
}

impl Accounts {
    /// When the price table is to be fetched.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn price_schedule(&self) -> Outcome<PriceSchedule> {
        Ok(PriceSchedule::of(self.store_or_refuse()?.table::<ConfigRow>().get([ROW]).await?.as_ref()))
    }

    /// `POST /reload/model_cost_map`: fetches the table and serves it; the other gateways follow.
    ///
    /// # Errors
    /// 500 with what is wrong with the table; then the old one is still served.
    pub async fn reload_prices(&self, actor: Actor<'_>) -> Outcome<Json> {
        let begun = Utc::now();
        let fetched = self.serving()?.reload_prices().await;
        let models = fetched.map_err(|why| Error::internal(format!("Failed to reload model cost map: {why}")))?;
        self.write_schedule(actor, |schedule| {
            schedule.revision += 1;
            schedule.last_run = Some(begun);
        })
        .await?;
        Ok(Json::object([
            ("message", Json::from(format!("Price data reloaded successfully! {models} models updated."))),
            ("status", Json::from("success")),
            ("models_count", Json::from(models as u64)),
            ("timestamp", stamp(Utc::now())),
        ]))
    }

    /// `POST /schedule/model_cost_map_reload`.
    ///
    /// # Errors
    /// 400 for an interval that is none.
    pub async fn schedule_prices(&self, actor: Actor<'_>, hours: f64) -> Outcome<Json> {
        if !(hours > 0.0 && hours <= 24.0 * 366.0) {
            return Err(bad("Hours must be greater than 0, and a year at the most").with_param("hours").into());
        }
        self.write_schedule(actor, |schedule| schedule.hours = Some(hours)).await?;
        Ok(Json::object([
            ("message", Json::from(format!("Model cost map reload scheduled for every {hours} hours"))),
            ("status", Json::from("success")),
            ("interval_hours", Json::from(hours)),
            ("timestamp", stamp(Utc::now())),
        ]))
    }

    /// `DELETE /schedule/model_cost_map_reload`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unschedule_prices(&self, actor: Actor<'_>) -> Outcome<Json> {
        let was = self.price_schedule().await?.hours.is_some();
        if was {
            self.write_schedule(actor, |schedule| schedule.hours = None).await?;
        }
        let message = if was { "Model cost map reload schedule cancelled" } else { "No reload was scheduled" };
        Ok(Json::object([
            ("message", Json::from(message)),
            ("status", Json::from("success")),
            ("timestamp", stamp(Utc::now())),
        ]))
    }

    /// `GET /schedule/model_cost_map_reload/status`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn price_schedule_status(&self) -> Outcome<Json> {
        let schedule = self.price_schedule().await?;
        let interval = schedule.interval();
        let next =
            interval.and_then(|interval| schedule.last_run.unwrap_or_else(Utc::now).checked_add_signed(interval));
        let last = schedule.last_run.filter(|_| interval.is_some());
        Ok(Json::object([
            ("scheduled", Json::from(interval.is_some())),
            ("interval_hours", Json::from(schedule.hours)),
            ("last_run", last.map(stamp).unwrap_or_default()),
            ("next_run", next.map(stamp).unwrap_or_default()),
        ]))
    }

    /// Notes that the table was fetched by the schedule.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note_price_run(&self, at: DateTime<Utc>) -> Outcome<()> {
        let patch = ConfigPatch { last_run_at: Some(Some(at)), ..ConfigPatch::default() };
        self.store_or_refuse()?.table::<ConfigRow>().update([ROW], &patch).await?;
        Ok(())
    }

    async fn write_schedule(&self, actor: Actor<'_>, change: impl FnOnce(&mut PriceSchedule)) -> Outcome<()> {
        let mut tx = self.store_or_refuse()?.begin().await?;
        let before = tx.table::<ConfigRow>().get([ROW]).await?;
        let mut schedule = PriceSchedule::of(before.as_ref());
        change(&mut schedule);
        let value = Json::object([("interval_hours", Json::from(schedule.hours)), ("force_reload", Json::from(false))]);
        let row = ConfigRow {
            param_name: ROW.to_owned(),
            param_value: Some(value.to_raw()),
            last_run_at: schedule.last_run,
            reload_revision: schedule.revision,
        };
        tx.table().put(&row).await?;
        self.audit(tx.table(), actor, Action::over(before.as_ref()), ROW, before.as_ref(), Some(&row)).await?;
        Ok(tx.commit().await?)
    }

    /// `GET /model/cost_map/source`: where the price table in force came from.
    ///
    /// # Errors
    /// 500 when nothing is served.
    pub fn price_source(&self) -> Outcome<Json> {
        Ok(self.serving()?.prices())
    }
}
