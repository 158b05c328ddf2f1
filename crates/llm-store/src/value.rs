//! A value on its way into the database, with one codec per column type and engine.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Datelike as _, NaiveDateTime, SubsecRound, Timelike as _, Utc};
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
    /// Text that is not copied on its way to SQLite; JSON text too.
    Shared(Option<Arc<str>>),
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
            Self::Shared(v) => write!(f, "text[{}]", v.as_ref().map_or(0, |t| t.len())),
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
    let year = time.year();
    if !(0..=9999).contains(&year) {
        return time.format("%Y-%m-%d %H:%M:%S%.3f").to_string();
    }
    // Two or three per row of a request: a formatter that reads its pattern every time would show.
    let mut text = String::with_capacity(23);
    digits(&mut text, year.unsigned_abs(), 1000);
    for (mark, number, width) in [
        ('-', time.month(), 10),
        ('-', time.day(), 10),
        (' ', time.hour(), 10),
        (':', time.minute(), 10),
        (':', time.second(), 10),
        // A leap second is written as its millisecond within the second before.
        ('.', time.timestamp_subsec_millis().min(999), 100),
    ] {
        text.push(mark);
        digits(&mut text, number, width);
    }
    text
}

/// Appends the decimal digits of `number`, the first of which counts `unit`.
fn digits(text: &mut String, mut number: u32, mut unit: u32) {
    while unit > 0 {
        text.push(char::from(b'0' + u8::try_from(number / unit).unwrap_or_default()));
        number %= unit;
        unit /= 10;
    }
}

impl Value<'_> {
    pub(crate) fn add_sqlite(self, args: &mut SqliteArguments) -> Result<(), BoxDynError> {
        match self {
            Self::Text(v) | Self::Hidden(v) => args.add(v.map(Cow::into_owned)),
            Self::Shared(v) => args.add(v),
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
            Self::Shared(v) => args.add(v.as_deref().map(clean_text)),
            Self::Int(v) => args.add(v),
            Self::Num(v) => args.add(v.filter(|n| n.is_finite())),
            Self::Bool(v) => args.add(v),
            // PostgreSQL would round; cut instead, so both engines read back the same.
            Self::Time(v) => args.add(v.map(naive)),
            Self::Json(v) => args.add(v.as_deref().map(clean_json)),
            Self::List(v) => args.add(v.iter().map(|s| clean_text(s).into_owned()).collect::<Vec<_>>()),
            Self::Bytes(v) => args.add(v.as_deref()),
            Self::Unset => args.add(None::<String>),
        }
    }
}

fn naive(time: DateTime<Utc>) -> NaiveDateTime {
    time.naive_utc().trunc_subsecs(3)
}

/// The type of an array argument of PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ArrayOf {
    Text,
    /// As text; the statement casts.
    Json,
    Int,
    Num,
    Time,
}

impl ArrayOf {
    /// How SQL calls the array.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Text | Self::Json => "text[]",
            Self::Int => "bigint[]",
            Self::Num => "double precision[]",
            Self::Time => "timestamp[]",
        }
    }

    /// Adds the array. Values of another type become NULL: callers name the type of the column they read.
    pub(crate) fn add<'a>(
        self,
        values: impl Iterator<Item = Value<'a>>,
        args: &mut PgArguments,
    ) -> Result<(), BoxDynError> {
        match self {
            Self::Text | Self::Json => args.add(values.map(|value| self.text(value)).collect::<Vec<_>>()),
            Self::Int => args.add(values.map(|v| if let Value::Int(v) = v { v } else { None }).collect::<Vec<_>>()),
            Self::Num => {
                let num = |v| if let Value::Num(v) = v { v.filter(|n| n.is_finite()) } else { None };
                args.add(values.map(num).collect::<Vec<Option<f64>>>())
            }
            Self::Time => {
                let time = |v| if let Value::Time(v) = v { v.map(naive) } else { None };
                args.add(values.map(time).collect::<Vec<_>>())
            }
        }
    }

    fn text(self, value: Value<'_>) -> Option<Cow<'_, str>> {
        let clean = if self == Self::Json { clean_json } else { clean_text };
        match value {
            Value::Text(Some(Cow::Borrowed(text))) | Value::Json(Some(Cow::Borrowed(text))) => Some(clean(text)),
            Value::Text(Some(text)) | Value::Json(Some(text)) => Some(clean(&text).into_owned().into()),
            Value::Shared(Some(text)) => Some(clean(&text).into_owned().into()),
            _ => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_text_of_fixed_width() {
        for text in ["1970-01-01 00:00:00.000", "2026-12-31 23:59:59.999", "0007-02-28 01:02:03.040"] {
            let time = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").unwrap().and_utc();
            assert_eq!(time_text(time), text);
            assert_eq!(time_text(time), time.format("%Y-%m-%d %H:%M:%S%.3f").to_string());
        }
    }
}
