//! A value on its way into the database, with one codec per column type and engine.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, SubsecRound, Utc};
use sqlx::Arguments as _;
use sqlx::error::BoxDynError;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;

use crate::clean::{clean_json, clean_text};

/// A typed value; `None` is a typed NULL (PostgreSQL wants to know the type of a NULL as well).
#[derive(Clone)]
#[non_exhaustive]
pub enum Value<'a> {
    /// Text.
    Text(Option<Cow<'a, str>>),
    /// Text that `Debug` does not show.
    Hidden(Option<Cow<'a, str>>),
    /// `integer` and `bigint`.
    Int(Option<i64>),
    /// `double precision`. NaN and infinities are stored as NULL.
    Num(Option<f64>),
    /// `boolean`.
    Bool(Option<bool>),
    /// `timestamp(3)` without zone, UTC; text with milliseconds on SQLite.
    Time(Option<DateTime<Utc>>),
    /// `jsonb`; text on SQLite.
    Json(Option<Cow<'a, str>>),
    /// `text[]`; a JSON list as text on SQLite.
    List(Cow<'a, [String]>),
    /// `bytea`, blob.
    Bytes(Option<Cow<'a, [u8]>>),
    /// The column is left out of an insert, so the database fills it.
    Unset,
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(v) => v.fmt(f),
            Self::Hidden(v) => f.write_str(if v.is_some() { "(hidden)" } else { "None" }),
            Self::Int(v) => v.fmt(f),
            Self::Num(v) => v.fmt(f),
            Self::Bool(v) => v.fmt(f),
            Self::Time(v) => v.fmt(f),
            // JSON columns carry parameters and prompts: only their size is for logs.
            Self::Json(v) => write!(f, "json[{}]", v.as_ref().map_or(0, |t| t.len())),
            Self::List(v) => v.fmt(f),
            Self::Bytes(v) => write!(f, "bytes[{}]", v.as_ref().map_or(0, |t| t.len())),
            Self::Unset => f.write_str("unset"),
        }
    }
}

/// The text form of a time on SQLite: fixed width, so text order is time order.
pub(crate) fn time_text(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

impl Value<'_> {
    pub(crate) fn add_sqlite(self, args: &mut SqliteArguments) -> Result<(), BoxDynError> {
        match self {
            Self::Text(v) | Self::Hidden(v) => args.add(v.map(Cow::into_owned)),
            Self::Int(v) => args.add(v),
            Self::Num(v) => args.add(v.filter(|n| n.is_finite())),
            Self::Bool(v) => args.add(v),
            Self::Time(v) => args.add(v.map(time_text)),
            Self::Json(v) => args.add(v.map(Cow::into_owned)),
            Self::List(v) => args.add(serde_json::to_string(&v)?),
            Self::Bytes(v) => args.add(v.map(Cow::into_owned)),
            Self::Unset => args.add(None::<String>),
        }
    }

    pub(crate) fn add_postgres(self, args: &mut PgArguments) -> Result<(), BoxDynError> {
        match self {
            Self::Text(v) | Self::Hidden(v) => args.add(v.as_deref().map(clean_text)),
            Self::Int(v) => args.add(v),
            Self::Num(v) => args.add(v.filter(|n| n.is_finite())),
            Self::Bool(v) => args.add(v),
            // PostgreSQL would round; cut instead, so both engines read back the same.
            Self::Time(v) => args.add(v.map(|t| t.naive_utc().trunc_subsecs(3))),
            Self::Json(v) => args.add(v.as_deref().map(clean_json)),
            Self::List(v) => args.add(v.iter().map(|s| clean_text(s).into_owned()).collect::<Vec<_>>()),
            Self::Bytes(v) => args.add(v.as_deref()),
            Self::Unset => args.add(None::<String>),
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(Cow::Borrowed(text)))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Some(Cow::Owned(text)))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Self::Num(Some(number))
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Bool(Some(flag))
    }
}

impl From<DateTime<Utc>> for Value<'_> {
    fn from(time: DateTime<Utc>) -> Self {
        Self::Time(Some(time))
    }
}
