//! One codec per column type: how a field of a row struct is written and read.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use llm_types::{RawJson, Secret};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::row::Row;
use crate::value::Value;

/// A type that can be a column. A NULL where the type has none (older databases are laxer) reads as its default.
pub trait Cell: Sized {
    /// True when the column may be NULL.
    const MAY_BE_NULL: bool = false;

    /// The value to store.
    fn value(&self) -> Value<'_>;
    /// Reads column number `at`.
    ///
    /// # Errors
    /// When the column holds another type.
    fn read(row: &Row, at: usize) -> Result<Self>;
}

/// A number the database counts up itself; 0 in a row that is not stored yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Serial(pub i64);

impl Cell for Serial {
    fn value(&self) -> Value<'_> {
        if self.0 == 0 { Value::Unset } else { Value::Int(Some(self.0)) }
    }
    fn read(row: &Row, at: usize) -> Result<Self> {
        Ok(Self(row.int(at)?.unwrap_or_default()))
    }
}

macro_rules! cell {
    ($ty:ty, $variant:ident, $read:ident, |$v:ident| $write:expr, |$r:ident| $make:expr) => {
        impl Cell for $ty {
            fn value(&self) -> Value<'_> {
                let $v = self;
                Value::$variant(Some($write))
            }
            fn read(row: &Row, at: usize) -> Result<Self> {
                Ok(row.$read(at)?.map(|$r| $make).unwrap_or_default())
            }
        }
        cell!(optional $ty, $variant, $read, |$v| $write, |$r| $make);
    };
    (optional $ty:ty, $variant:ident, $read:ident, |$v:ident| $write:expr, |$r:ident| $make:expr) => {
        impl Cell for Option<$ty> {
            const MAY_BE_NULL: bool = true;

            fn value(&self) -> Value<'_> {
                Value::$variant(self.as_ref().map(|$v| $write))
            }
            fn read(row: &Row, at: usize) -> Result<Self> {
                Ok(row.$read(at)?.map(|$r| $make))
            }
        }
    };
}

cell!(String, Text, text, |v| Cow::Borrowed(v.as_str()), |r| r);
cell!(i64, Int, int, |v| *v, |r| r);
cell!(f64, Num, num, |v| *v, |r| r);
cell!(bool, Bool, flag, |v| *v, |r| r);
cell!(DateTime<Utc>, Time, time, |v| *v, |r| r);
cell!(RawJson, Json, json, |v| Cow::Borrowed(v.get()), |r| r);
cell!(Vec<u8>, Bytes, bytes, |v| Cow::Borrowed(v.as_slice()), |r| r);
cell!(optional Secret, Hidden, text, |v| Cow::Borrowed(v.expose()), |r| Secret::new(r));

impl Cell for Vec<String> {
    fn value(&self) -> Value<'_> {
        Value::List(Cow::Borrowed(self))
    }
    fn read(row: &Row, at: usize) -> Result<Self> {
        row.list(at)
    }
}
