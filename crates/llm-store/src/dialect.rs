//! What differs between the two engines, in one place.

/// The engine behind a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Embedded, the default.
    Sqlite,
    /// By `DATABASE_URL`.
    Postgres,
}

impl Dialect {
    /// The database's own clock, in the form our time columns have (UTC, milliseconds, no zone).
    pub(crate) const fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "strftime('%Y-%m-%d %H:%M:%f', 'now')",
            Self::Postgres => "(clock_timestamp() AT TIME ZONE 'UTC')::timestamp(3)",
        }
    }

    /// A fresh random id, made by the database.
    pub(crate) const fn random_id(self) -> &'static str {
        match self {
            Self::Sqlite => "lower(hex(randomblob(16)))",
            Self::Postgres => "gen_random_uuid()::text",
        }
    }

    /// The day of a time column as `YYYY-MM-DD` text. `column` is already quoted.
    pub(crate) fn day(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("substr({column}, 1, 10)"),
            Self::Postgres => format!("to_char({column}, 'YYYY-MM-DD')"),
        }
    }

    /// A text to group by, empty for none. Bytes are compared, for the rules of a language take longer than the sums; texts
    /// that are equal are equal either way. `column` is already quoted.
    pub(crate) fn group(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("COALESCE({column}, '')"),
            Self::Postgres => format!("COALESCE({column}, '') COLLATE \"C\""),
        }
    }

    /// `SUM` that is a float, zero over no rows.
    pub(crate) fn sum_float(self, column: &str) -> String {
        format!("COALESCE(SUM({column}), 0.0)")
    }

    /// `SUM` that is an integer, zero over no rows.
    pub(crate) fn sum_int(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("COALESCE(SUM({column}), 0)"),
            Self::Postgres => format!("COALESCE(SUM({column}), 0)::bigint"),
        }
    }
}

/// `name` as a quoted identifier.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
