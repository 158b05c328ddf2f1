//! What was spent, told to services that collect costs: CloudZero, Vantage, and FOCUS files in a bucket.
//!
//! | file | what |
//! |---|---|
//! | here | which exports there are, and when each is due |
//! | `settings` | settings that live in the database |
//! | `usage` | days of the rollup, with the names of keys, teams, users |
//! | `cbf` | a row as CloudZero takes it |
//! | `focus` | a row as the FOCUS specification has it, as a line of CSV or for Parquet |
//! | `parquet`, `thrift` | files of that format, and what they are written in |
//! | `deliver` | the way out: one day at a time |
//! | `run` | the job, exports that somebody asks for, and what would be exported |
//!
//! The unit is a day of the users' rollup, whole. What a destination holds of a day is replaced by the day as it is now, so a
//! day that is exported again changes nothing, and one that changed late is right afterwards. The job exports every day with a
//! row that was written since the mark, and moves the mark only when all of them arrived. The mark lies a while before the
//! instant at which the days were listed: rows of transactions that were under way then are seen by the next round.

mod cbf;
mod deliver;
mod focus;
mod parquet;
mod run;
mod settings;
mod thrift;
mod usage;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use llm_types::Secret;

/// Where CloudZero listens.
const CLOUDZERO: &str = "https://api.cloudzero.com";

/// An export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// CloudZero's AnyCost Stream.
    CloudZero,
    /// Files of a custom provider at Vantage.
    Vantage,
    /// FOCUS files in a bucket.
    Focus,
}

impl Export {
    /// Every export.
    pub const ALL: [Self; 3] = [Self::CloudZero, Self::Vantage, Self::Focus];

    /// Its name among the callbacks of a configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CloudZero => "cloudzero",
            Self::Vantage => "vantage",
            Self::Focus => "focus",
        }
    }

    /// Its name for people.
    const fn title(self) -> &'static str {
        match self {
            Self::CloudZero => "CloudZero",
            Self::Vantage => "Vantage",
            Self::Focus => "FOCUS",
        }
    }

    /// The export with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|export| export.name() == name)
    }

    /// The job's name in the table of leaders, as LiteLLM calls its lock.
    const fn job(self) -> &'static str {
        match self {
            Self::CloudZero => "cloudzero_export_usage_data",
            Self::Vantage => "vantage_export_usage_data",
            Self::Focus => "focus_export_usage_data",
        }
    }

    /// The row that keeps the mark.
    const fn row(self) -> &'static str {
        match self {
            Self::CloudZero => "llm_proxy_cloudzero_export",
            Self::Vantage => "llm_proxy_vantage_export",
            Self::Focus => "llm_proxy_focus_export",
        }
    }
}

/// When an export is due. Times are UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frequency {
    /// Every hour, so many minutes after it begins.
    Hourly(u32),
    /// Every day, so many minutes after it begins.
    Daily(u32),
    /// Every so many seconds.
    Every(u32),
}

impl Frequency {
    /// Whether it is due at `now`, when it last went through at `last`.
    fn is_due(self, last: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        let Some(last) = last else { return true };
        let minutes = |minutes: u32| TimeDelta::minutes(minutes.into());
        let slot = match self {
            Self::Every(seconds) => return last + TimeDelta::seconds(seconds.into()) <= now,
            Self::Hourly(after) => {
                let hour = now.with_minute(0).and_then(|t| t.with_second(0)).and_then(|t| t.with_nanosecond(0));
                let slot = hour.unwrap_or(now) + minutes(after.min(59));
                if slot > now { slot - TimeDelta::hours(1) } else { slot }
            }
            Self::Daily(after) => {
                let day = now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
                let slot = day + minutes(after.min(24 * 60 - 1));
                if slot > now { slot - TimeDelta::days(1) } else { slot }
            }
        };
        last < slot
    }

    /// How long a round covers: what a first round looks back, twice.
    fn length(self) -> TimeDelta {
        match self {
            Self::Every(seconds) => TimeDelta::seconds(seconds.into()),
            Self::Hourly(_) => TimeDelta::hours(1),
            Self::Daily(_) => TimeDelta::days(1),
        }
    }
}

/// How CloudZero is reached.
#[derive(Debug, Clone)]
pub struct CloudZero {
    /// Proves who we are.
    pub api_key: Secret,
    /// The AnyCost connection.
    pub connection_id: String,
    /// The zone whose midnight a day begins at.
    pub timezone: String,
}

/// How Vantage is reached.
#[derive(Debug, Clone)]
pub struct Vantage {
    /// Proves who we are.
    pub api_key: Secret,
    /// The custom provider; whoever knows it and a key may write there.
    pub integration_token: Secret,
    /// Where Vantage listens.
    pub base_url: String,
}

impl Vantage {
    /// Where it listens, for those who say nothing else.
    pub const URL: &str = "https://api.vantage.sh";
}

/// How FOCUS files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FocusFormat {
    /// As LiteLLM does unless told otherwise.
    Parquet,
    /// Lines of texts.
    Csv,
}

/// What the configuration says of exports.
#[derive(Debug, Clone)]
pub struct ExportPlan {
    /// CloudZero, where the callback is named; settings of the database stand in its place.
    pub cloudzero: Option<CloudZero>,
    /// Where CloudZero listens.
    pub cloudzero_base: String,
    /// How often CloudZero is told.
    pub cloudzero_frequency: Frequency,
    /// Vantage, in the same way.
    pub vantage: Option<Vantage>,
    /// How often Vantage is told.
    pub vantage_frequency: Frequency,
    /// FOCUS files: the folder in the bucket that the server was told of.
    pub focus: Option<String>,
    /// How its files are written.
    pub focus_format: FocusFormat,
    /// How often they are written.
    pub focus_frequency: Frequency,
}

impl Default for ExportPlan {
    fn default() -> Self {
        Self {
            cloudzero: None,
            cloudzero_base: CLOUDZERO.to_owned(),
            cloudzero_frequency: Frequency::Every(3600),
            vantage: None,
            vantage_frequency: Frequency::Hourly(5),
            focus: None,
            focus_format: FocusFormat::Parquet,
            focus_frequency: Frequency::Hourly(5),
        }
    }
}

impl ExportPlan {
    /// How often it is to be asked whether an export is due.
    #[must_use]
    pub fn pause(&self, export: Export) -> Duration {
        match self.frequency(export) {
            Frequency::Every(seconds) => Duration::from_secs(seconds.clamp(1, 30).into()),
            Frequency::Hourly(_) | Frequency::Daily(_) => Duration::from_secs(30),
        }
    }

    const fn frequency(&self, export: Export) -> Frequency {
        match export {
            Export::CloudZero => self.cloudzero_frequency,
            Export::Vantage => self.vantage_frequency,
            Export::Focus => self.focus_frequency,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("2026-11-30T{text}Z").parse().unwrap()
    }

    #[test]
    fn each_slot_is_due_once() {
        let hourly = Frequency::Hourly(5);
        assert!(hourly.is_due(None, at("10:00:00")), "never before");
        assert!(hourly.is_due(Some(at("09:05:10")), at("10:05:00")));
        assert!(!hourly.is_due(Some(at("09:05:10")), at("10:04:59")));
        assert!(!hourly.is_due(Some(at("10:05:01")), at("10:59:00")));
        assert!(hourly.is_due(Some(at("03:05:01")), at("10:01:00")), "slots were missed");
        let daily = Frequency::Daily(125);
        assert!(!daily.is_due(Some(at("00:00:00")), at("02:04:00")), "yesterday's slot was before");
        assert!(daily.is_due(Some(at("00:00:00")), at("02:05:00")));
        assert!(!daily.is_due(Some(at("02:05:00")), at("23:59:00")));
        let every = Frequency::Every(60);
        assert!(!every.is_due(Some(at("02:05:00")), at("02:05:59")));
        assert!(every.is_due(Some(at("02:05:00")), at("02:06:00")));
    }
}
