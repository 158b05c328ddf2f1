//! What a row struct knows of its table, and the macro that writes it down once.

use std::fmt;

use crate::error::{Result, StoreError};
use crate::row::Row;
use crate::value::Value;

/// A row struct: one table, its columns in order, its key.
pub trait Table: Sized + Send + Sync {
    /// The table's name, as LiteLLM spells it.
    const NAME: &'static str;
    /// The columns, in the order of the struct's fields.
    const COLUMNS: &'static [&'static str];
    /// Which of them may be NULL.
    const MAY_BE_NULL: &'static [bool];
    /// The columns of the primary key.
    const KEY: &'static [&'static str];

    /// The values, in the order of [`Self::COLUMNS`].
    fn values(&self) -> Vec<Value<'_>>;
    /// Reads a row whose columns stand in the order of [`Self::COLUMNS`].
    ///
    /// # Errors
    /// When a column holds another type.
    fn read(row: &Row) -> Result<Self>;

    /// `column` in the spelling of the table.
    ///
    /// # Errors
    /// When the table has no such column.
    fn column(column: &str) -> Result<&'static str> {
        Self::COLUMNS
            .iter()
            .find(|c| **c == column)
            .copied()
            .ok_or_else(|| StoreError::Column { table: Self::NAME, column: column.to_owned() })
    }

    /// True when `column` may be NULL.
    fn may_be_null(column: &str) -> bool {
        Self::COLUMNS.iter().zip(Self::MAY_BE_NULL).any(|(c, null)| *c == column && *null)
    }
}

/// A partial update of a row: a field left `None` is untouched, `Some(None)` writes NULL.
pub trait Patch: Send + Sync {
    /// The row struct it belongs to.
    type Row: Table;
    /// The columns to write.
    fn changes(&self) -> Vec<(&'static str, Value<'_>)>;
}

pub(crate) fn debug_row<T: Table>(name: &str, row: &T, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut out = f.debug_struct(name);
    for (column, value) in T::COLUMNS.iter().zip(row.values()) {
        out.field(column, &value);
    }
    out.finish()
}

pub(crate) fn debug_patch<P: Patch>(name: &str, patch: &P, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut out = f.debug_struct(name);
    for (column, value) in patch.changes() {
        out.field(column, &value);
    }
    out.finish_non_exhaustive()
}

/// Writes the row struct, its patch, its default (the columns' defaults) and its [`Table`].
///
/// `field as "Column": Type = default`, where `as` is for columns that are not snake case and the default for columns whose
/// default is not the type's. `Debug` shows no secrets and only the size of JSON.
macro_rules! table {
    (
        $(#[$meta:meta])*
        pub struct $row:ident / $patch:ident in $table:literal by [$($key:literal),+] {
            $( $(#[$field_meta:meta])* $field:ident $(as $column:literal)? : $ty:ty $(= $default:expr)? ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, serde::Serialize)]
        pub struct $row {
            $( $(#[$field_meta])* $(#[serde(rename = $column)])? pub $field: $ty, )+
        }

        #[doc = concat!("A partial update of [`", stringify!($row), "`]: `None` is untouched, `Some(None)` writes NULL.")]
        #[derive(Clone, Default)]
        #[allow(missing_docs, reason = "the columns of the row, documented there")]
        pub struct $patch {
            $( pub $field: Option<$ty>, )+
        }

        impl Default for $row {
            fn default() -> Self {
                Self { $( $field: table!(@default $($default)?), )+ }
            }
        }

        impl crate::table::Table for $row {
            const NAME: &'static str = $table;
            const COLUMNS: &'static [&'static str] = &[$( table!(@column $field $($column)?) ),+];
            const MAY_BE_NULL: &'static [bool] = &[$( <$ty as crate::cell::Cell>::MAY_BE_NULL ),+];
            const KEY: &'static [&'static str] = &[$($key),+];
            fn values(&self) -> Vec<crate::value::Value<'_>> {
                vec![$( crate::cell::Cell::value(&self.$field) ),+]
            }
            fn read(row: &crate::row::Row) -> crate::error::Result<Self> {
                let mut at = 0..;
                let mut next = || at.next().unwrap_or_default();
                Ok(Self { $( $field: crate::cell::Cell::read(row, next())?, )+ })
            }
        }

        impl crate::table::Patch for $patch {
            type Row = $row;
            fn changes(&self) -> Vec<(&'static str, crate::value::Value<'_>)> {
                let mut out = Vec::new();
                $( if let Some(value) = &self.$field {
                    out.push((table!(@column $field $($column)?), crate::cell::Cell::value(value)));
                } )+
                out
            }
        }

        impl std::fmt::Debug for $row {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                crate::table::debug_row(stringify!($row), self, f)
            }
        }

        impl std::fmt::Debug for $patch {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                crate::table::debug_patch(stringify!($patch), self, f)
            }
        }
    };
    (@default) => { Default::default() };
    (@default $default:expr) => { $default };
    (@column $field:ident) => { stringify!($field) };
    (@column $field:ident $column:literal) => { $column };
}
pub(crate) use table;
