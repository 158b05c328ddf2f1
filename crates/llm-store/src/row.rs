//! A row on its way out of the database. Reading is lenient where older LiteLLM databases differ: integer widths, JSON kept
//! as text, times with a zone.

use chrono::{DateTime, NaiveDateTime, Utc};
use llm_types::RawJson;
use sqlx::postgres::{PgRow, PgTypeKind};
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Row as _, TypeInfo as _, ValueRef as _};

use crate::error::{Result, StoreError};

/// One row of an answer, read by position.
pub struct Row(pub(crate) Inner);

pub(crate) enum Inner {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Row(..)")
    }
}

fn refused(column: &str, why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Data(sqlx::Error::ColumnDecode { index: column.to_owned(), source: why.into() })
}

impl Row {
    fn name(&self, at: usize) -> String {
        match &self.0 {
            Inner::Sqlite(row) => row.columns().get(at).map(|c| c.name().to_owned()),
            Inner::Postgres(row) => row.columns().get(at).map(|c| c.name().to_owned()),
        }
        .unwrap_or_else(|| at.to_string())
    }

    pub(crate) fn text(&self, at: usize) -> Result<Option<String>> {
        Ok(match &self.0 {
            Inner::Sqlite(row) => row.try_get_unchecked(at)?,
            // Enums and domains over text have the same bytes.
            Inner::Postgres(row) => row.try_get_unchecked(at)?,
        })
    }

    pub(crate) fn int(&self, at: usize) -> Result<Option<i64>> {
        match &self.0 {
            Inner::Sqlite(row) => Ok(row.try_get_unchecked(at)?),
            Inner::Postgres(row) => {
                let raw = row.try_get_raw(at)?;
                Ok(match raw.type_info().name() {
                    "INT2" => row.try_get::<Option<i16>, _>(at)?.map(i64::from),
                    "INT4" => row.try_get::<Option<i32>, _>(at)?.map(i64::from),
                    _ => row.try_get(at)?,
                })
            }
        }
    }

    pub(crate) fn num(&self, at: usize) -> Result<Option<f64>> {
        match &self.0 {
            Inner::Sqlite(row) => Ok(row.try_get_unchecked(at)?),
            Inner::Postgres(row) => {
                let raw = row.try_get_raw(at)?;
                Ok(match raw.type_info().name() {
                    "FLOAT4" => row.try_get::<Option<f32>, _>(at)?.map(f64::from),
                    _ => row.try_get(at)?,
                })
            }
        }
    }

    pub(crate) fn flag(&self, at: usize) -> Result<Option<bool>> {
        Ok(match &self.0 {
            Inner::Sqlite(row) => row.try_get_unchecked(at)?,
            Inner::Postgres(row) => row.try_get(at)?,
        })
    }

    pub(crate) fn time(&self, at: usize) -> Result<Option<DateTime<Utc>>> {
        match &self.0 {
            Inner::Sqlite(_) => {
                let Some(text) = self.text(at)? else { return Ok(None) };
                parse_time(&text).map(Some).ok_or_else(|| refused(&self.name(at), "not a time"))
            }
            Inner::Postgres(row) => {
                let raw = row.try_get_raw(at)?;
                Ok(match raw.type_info().name() {
                    "TIMESTAMPTZ" => row.try_get(at)?,
                    _ => row.try_get::<Option<NaiveDateTime>, _>(at)?.map(|t| t.and_utc()),
                })
            }
        }
    }

    pub(crate) fn json(&self, at: usize) -> Result<Option<RawJson>> {
        let text = match &self.0 {
            Inner::Sqlite(_) => self.text(at)?,
            Inner::Postgres(row) => {
                let raw = row.try_get_raw(at)?;
                if raw.is_null() {
                    None
                } else if raw.type_info().name() == "JSONB" {
                    // The binary form is one version byte before the text.
                    let bytes = raw.as_bytes().map_err(|e| refused(&self.name(at), e))?;
                    let text = bytes.get(1..).unwrap_or_default();
                    Some(std::str::from_utf8(text).map_err(|e| refused(&self.name(at), e))?.to_owned())
                } else {
                    self.text(at)?
                }
            }
        };
        text.map(|t| RawJson::parse(t).map_err(|e| refused(&self.name(at), e))).transpose()
    }

    pub(crate) fn list(&self, at: usize) -> Result<Vec<String>> {
        match &self.0 {
            Inner::Sqlite(_) => match self.text(at)? {
                None => Ok(Vec::new()),
                Some(text) => serde_json::from_str(&text).map_err(|e| refused(&self.name(at), e)),
            },
            Inner::Postgres(row) => {
                let raw = row.try_get_raw(at)?;
                if !raw.is_null() && !matches!(pg_kind(&raw), PgTypeKind::Array(_)) {
                    return Err(refused(&self.name(at), "not a list"));
                }
                Ok(row.try_get::<Option<Vec<String>>, _>(at)?.unwrap_or_default())
            }
        }
    }

    pub(crate) fn bytes(&self, at: usize) -> Result<Option<Vec<u8>>> {
        Ok(match &self.0 {
            Inner::Sqlite(row) => row.try_get_unchecked(at)?,
            Inner::Postgres(row) => row.try_get(at)?,
        })
    }
}

fn pg_kind(raw: &sqlx::postgres::PgValueRef<'_>) -> PgTypeKind {
    raw.type_info().kind().clone()
}

/// Reads what we write (`2026-01-31 12:00:00.000`) and what people type (`T`, a zone, no fraction).
fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f")
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f"))
        .map(|t| t.and_utc())
        .or_else(|_| DateTime::parse_from_rfc3339(text).map(|t| t.with_timezone(&Utc)))
        .ok()
}
