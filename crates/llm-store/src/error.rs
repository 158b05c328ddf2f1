//! What can go wrong, sorted by what the caller can do about it.

use sqlx::error::ErrorKind;

/// A failed call to the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, or no connection became free in time. Trying again later may help.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// Another transaction was in the way (deadlock, serialization, lock). Trying again at once may help.
    #[error("the database was busy: {0}")]
    Busy(#[source] sqlx::Error),
    /// A row with the same unique value exists. The text names the constraint or the columns.
    #[error("already exists: {0}")]
    Conflict(String),
    /// The row refers to one that does not exist, or others refer to it (foreign keys of a database LiteLLM made).
    #[error("refers to a missing row: {0}")]
    Reference(String),
    /// The database refused a value: too long, out of range, not the right form. Trying again does not help.
    #[error("the database refused a value: {0}")]
    Data(#[source] sqlx::Error),
    /// A filter, a sort order or a change names a column the table does not have.
    #[error("{table} has no column `{column}`")]
    Column {
        /// The table's name.
        table: &'static str,
        /// The unknown column.
        column: String,
    },
    /// The address or the settings of the store make no sense.
    #[error("store settings: {0}")]
    Config(String),
    /// The schema cannot be brought up to date.
    #[error("database schema: {0}")]
    Schema(String),
    /// Anything else the database said.
    #[error("database: {0}")]
    Sql(#[source] sqlx::Error),
}

/// The result of a call to the store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

impl StoreError {
    /// True when the database cannot be reached: the gateway answers 503 `no_db_connection`.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// True when the same call may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Busy(_))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        let db = match &error {
            E::Database(db) => db,
            E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::Protocol(_) => {
                return Self::Unavailable(error);
            }
            E::ColumnDecode { .. } | E::Decode(_) | E::Encode(_) => return Self::Data(error),
            _ => return Self::Sql(error),
        };
        match db.kind() {
            ErrorKind::UniqueViolation => {
                return Self::Conflict(db.constraint().unwrap_or_else(|| db.message()).to_owned());
            }
            ErrorKind::ForeignKeyViolation => {
                return Self::Reference(db.constraint().unwrap_or_else(|| db.message()).to_owned());
            }
            ErrorKind::NotNullViolation | ErrorKind::CheckViolation => return Self::Data(error),
            _ => {}
        }
        let code = db.code().unwrap_or_default().into_owned();
        if db.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
            return from_sqlite_code(&code, error);
        }
        // https://www.postgresql.org/docs/current/errcodes-appendix.html
        match code.as_str() {
            "40001" | "40P01" | "55P03" => Self::Busy(error),
            "3D000" | "28000" | "28P01" => Self::Unavailable(error),
            c if c.starts_with("22") || c.starts_with("54") => Self::Data(error),
            c if c.starts_with("08") || c.starts_with("57P") || c.starts_with("53") => Self::Unavailable(error),
            _ => Self::Sql(error),
        }
    }
}

/// SQLite result codes; the low byte is the primary code. <https://www.sqlite.org/rescode.html>
fn from_sqlite_code(code: &str, error: sqlx::Error) -> StoreError {
    match code.parse::<u32>().unwrap_or(0) & 0xff {
        5 | 6 => StoreError::Busy(error),
        18 | 20 => StoreError::Data(error),
        8 | 10 | 13 | 14 => StoreError::Unavailable(error),
        _ => StoreError::Sql(error),
    }
}
