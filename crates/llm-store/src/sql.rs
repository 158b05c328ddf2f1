//! The one place where SQL text and its arguments are put together: placeholders, casts and lists per engine.

use sqlx::error::BoxDynError;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;

use crate::dialect::{Dialect, quoted};
use crate::error::{Result, StoreError};
use crate::value::{ArrayOf, Value};

/// A statement under construction. Text comes from this crate only (literals and checked column names); everything a
/// stranger chose goes through [`Sql::bind`].
pub(crate) struct Sql {
    dialect: Dialect,
    text: String,
    args: Args,
    count: usize,
    failed: Option<BoxDynError>,
    writes: bool,
}

pub(crate) enum Args {
    Sqlite(SqliteArguments),
    Postgres(PgArguments),
}

/// A finished statement.
pub(crate) struct Statement {
    pub(crate) text: String,
    pub(crate) args: Args,
    /// Goes through the writing connection of SQLite.
    pub(crate) writes: bool,
}

impl Sql {
    fn start(dialect: Dialect, text: &str, writes: bool) -> Self {
        let args = match dialect {
            Dialect::Sqlite => Args::Sqlite(SqliteArguments::default()),
            Dialect::Postgres => Args::Postgres(PgArguments::default()),
        };
        Self { dialect, text: text.to_owned(), args, count: 0, failed: None, writes }
    }

    /// A statement that only reads.
    pub(crate) fn read(dialect: Dialect, text: &str) -> Self {
        Self::start(dialect, text, false)
    }

    /// A statement that changes something.
    pub(crate) fn write(dialect: Dialect, text: &str) -> Self {
        Self::start(dialect, text, true)
    }

    pub(crate) const fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    pub(crate) fn name(&mut self, name: &str) -> &mut Self {
        self.text.push_str(&quoted(name));
        self
    }

    /// Several quoted names, separated by commas.
    pub(crate) fn names(&mut self, names: &[&str]) -> &mut Self {
        for (i, name) in names.iter().enumerate() {
            if i > 0 {
                self.text.push_str(", ");
            }
            self.name(name);
        }
        self
    }

    /// A placeholder for `value`.
    pub(crate) fn bind<'a>(&mut self, value: impl Into<Value<'a>>) -> &mut Self {
        let value = value.into();
        self.placeholder();
        if matches!(value, Value::Json(_)) && self.dialect == Dialect::Postgres {
            self.text.push_str("::jsonb");
        }
        let added = match &mut self.args {
            Args::Sqlite(args) => value.add_sqlite(args),
            Args::Postgres(args) => value.add_postgres(args),
        };
        if let Err(error) = added {
            self.failed.get_or_insert(error);
        }
        self
    }

    /// A placeholder for a whole column, on PostgreSQL: an array of values of one type.
    pub(crate) fn bind_array<'a>(&mut self, kind: ArrayOf, values: impl Iterator<Item = Value<'a>>) -> &mut Self {
        self.placeholder();
        let added = match &mut self.args {
            Args::Postgres(args) => kind.add(values, args),
            Args::Sqlite(_) => Err("SQLite has no arrays".into()),
        };
        if let Err(error) = added {
            self.failed.get_or_insert(error);
        }
        self
    }

    fn placeholder(&mut self) {
        self.count += 1;
        match self.dialect {
            // With names (`$1` is one) SQLite searches its list of names for every value.
            Dialect::Sqlite => self.text.push('?'),
            Dialect::Postgres => {
                self.text.push('$');
                self.text.push_str(&self.count.to_string());
            }
        }
    }

    /// ` = ANY (list)`, with one placeholder whatever the length.
    pub(crate) fn is_any_of(&mut self, items: &[String]) -> &mut Self {
        let list = Value::List(items.into());
        match self.dialect {
            Dialect::Sqlite => self.push(" IN (SELECT value FROM json_each(").bind(list).push("))"),
            Dialect::Postgres => self.push(" = ANY(").bind(list).push(")"),
        }
    }

    pub(crate) fn finish(self) -> Result<Statement> {
        match self.failed {
            Some(error) => Err(StoreError::Data(sqlx::Error::Encode(error))),
            None => Ok(Statement { text: self.text, args: self.args, writes: self.writes }),
        }
    }
}
