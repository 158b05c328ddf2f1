//! Which rows. Column names are checked against the table before they reach SQL.

use chrono::{DateTime, Utc};

use crate::dialect::Dialect;
use crate::error::Result;
use crate::sql::Sql;
use crate::table::Table;
use crate::value::Value;

/// Conditions that all hold. Empty: every row.
#[derive(Debug, Clone, Default)]
pub struct Filter(Vec<(String, Test)>);

#[derive(Debug, Clone)]
enum Test {
    Is(Value<'static>),
    IsNot(Value<'static>),
    AnyOf(Vec<String>),
    Contains(String),
    Starts(String),
    Compare(&'static str, Value<'static>),
    Null(bool),
    ListHas(String),
    JsonListHas(String),
    ListHasAny(Vec<String>),
    JsonListNames(&'static str, Vec<String>),
    JsonField(&'static [&'static str], String),
    JsonContains(&'static [&'static str], String),
    JsonPositive(&'static [&'static str]),
    TextContains(String),
    Failure,
    Span,
    Session(String),
    OneOf(Vec<Filter>),
}

impl Filter {
    /// No condition.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn with(mut self, column: &str, test: Test) -> Self {
        self.0.push((column.to_owned(), test));
        self
    }

    /// The column has this value.
    #[must_use]
    pub fn is(self, column: &str, value: impl Into<Value<'static>>) -> Self {
        self.with(column, Test::Is(value.into()))
    }

    /// [`Filter::is`] when there is a value.
    #[must_use]
    pub fn maybe(self, column: &str, value: Option<impl Into<Value<'static>>>) -> Self {
        match value {
            Some(value) => self.is(column, value),
            None => self,
        }
    }

    /// The column has another value or none.
    #[must_use]
    pub fn is_not(self, column: &str, value: impl Into<Value<'static>>) -> Self {
        self.with(column, Test::IsNot(value.into()))
    }

    /// The text column has one of these values.
    #[must_use]
    pub fn any_of(self, column: &str, values: Vec<String>) -> Self {
        self.with(column, Test::AnyOf(values))
    }

    /// The text column contains this text, in any case.
    #[must_use]
    pub fn contains(self, column: &str, text: impl Into<String>) -> Self {
        self.with(column, Test::Contains(text.into()))
    }

    /// The text column starts with this text, in this case.
    #[must_use]
    pub fn starts(self, column: &str, text: impl Into<String>) -> Self {
        self.with(column, Test::Starts(text.into()))
    }

    /// The column is at least this.
    #[must_use]
    pub fn at_least(self, column: &str, value: impl Into<Value<'static>>) -> Self {
        self.with(column, Test::Compare(">=", value.into()))
    }

    /// The column is at most this.
    #[must_use]
    pub fn at_most(self, column: &str, value: impl Into<Value<'static>>) -> Self {
        self.with(column, Test::Compare("<=", value.into()))
    }

    /// The column is below this.
    #[must_use]
    pub fn below(self, column: &str, value: impl Into<Value<'static>>) -> Self {
        self.with(column, Test::Compare("<", value.into()))
    }

    /// The time column lies in `from..=until`; an open end is no condition.
    #[must_use]
    pub fn between(mut self, column: &str, from: Option<DateTime<Utc>>, until: Option<DateTime<Utc>>) -> Self {
        if let Some(from) = from {
            self = self.at_least(column, from);
        }
        if let Some(until) = until {
            self = self.at_most(column, until);
        }
        self
    }

    /// The column is NULL (`true`) or is not (`false`).
    #[must_use]
    pub fn null(self, column: &str, null: bool) -> Self {
        self.with(column, Test::Null(null))
    }

    /// The `text[]` column has this item.
    #[must_use]
    pub fn list_has(self, column: &str, item: impl Into<String>) -> Self {
        self.with(column, Test::ListHas(item.into()))
    }

    /// The JSON column is a list that has this text.
    #[must_use]
    pub fn json_list_has(self, column: &str, item: impl Into<String>) -> Self {
        self.with(column, Test::JsonListHas(item.into()))
    }

    /// The `text[]` column has one of these items.
    #[must_use]
    pub fn list_has_any(self, column: &str, items: Vec<String>) -> Self {
        self.with(column, Test::ListHasAny(items))
    }

    /// The JSON column is a list of objects, one of which has one of these texts in `field`.
    #[must_use]
    pub fn json_list_names(self, column: &str, field: &'static str, texts: Vec<String>) -> Self {
        self.with(column, Test::JsonListNames(field, texts))
    }

    /// The field at `path` of the JSON column has this text.
    #[must_use]
    pub fn json_field(self, column: &str, path: &'static [&'static str], text: impl Into<String>) -> Self {
        self.with(column, Test::JsonField(path, text.into()))
    }

    /// The field at `path` of the JSON column is a text that contains this one, in this case.
    #[must_use]
    pub fn json_contains(self, column: &str, path: &'static [&'static str], part: impl Into<String>) -> Self {
        self.with(column, Test::JsonContains(path, part.into()))
    }

    /// The field at `path` of the JSON column is a number above zero.
    #[must_use]
    pub fn json_positive(self, column: &str, path: &'static [&'static str]) -> Self {
        self.with(column, Test::JsonPositive(path))
    }

    /// The JSON column, as text, contains this one, in this case.
    #[must_use]
    pub fn contains_text(self, column: &str, part: impl Into<String>) -> Self {
        self.with(column, Test::TextContains(part.into()))
    }

    /// The request failed; in the words of the index of failures, which no bound value would find.
    pub(crate) fn failed(self) -> Self {
        self.with("status", Test::Failure)
    }

    /// The request called no model but an agent, a tool or a batch; in the words of the index of such.
    pub(crate) fn no_model(self) -> Self {
        self.with("call_type", Test::Span)
    }

    /// The request belongs to this session; in the words of SQLite's index, which leaves out calls that are their own.
    pub(crate) fn in_session(self, session: Option<String>) -> Self {
        match session {
            Some(session) => self.with("session_id", Test::Session(session)),
            None => self,
        }
    }

    /// At least one of these filters holds.
    #[must_use]
    pub fn one_of(self, filters: Vec<Self>) -> Self {
        self.with("", Test::OneOf(filters))
    }

    /// Writes ` WHERE ...`, or nothing.
    pub(crate) fn write<T: Table>(&self, sql: &mut Sql) -> Result<()> {
        if !self.0.is_empty() {
            sql.push(" WHERE ");
            self.conditions::<T>(sql)?;
        }
        Ok(())
    }

    /// Writes the conditions alone, and one that always holds where there are none.
    pub(crate) fn conditions<T: Table>(&self, sql: &mut Sql) -> Result<()> {
        if self.0.is_empty() {
            sql.push("1 = 1");
        }
        for (i, (column, test)) in self.0.iter().enumerate() {
            if i > 0 {
                sql.push(" AND ");
            }
            if let Test::OneOf(filters) = test {
                one_of::<T>(filters, sql)?;
            } else {
                test.write(T::column(column)?, sql);
            }
        }
        Ok(())
    }
}

fn one_of<T: Table>(filters: &[Filter], sql: &mut Sql) -> Result<()> {
    sql.push("(1 = 0");
    for filter in filters {
        sql.push(" OR (");
        filter.conditions::<T>(sql)?;
        sql.push(")");
    }
    sql.push(")");
    Ok(())
}

impl Test {
    fn write(&self, column: &str, sql: &mut Sql) {
        let postgres = sql.dialect() == Dialect::Postgres;
        match self {
            Self::Is(value) => sql.name(column).push(" = ").bind(value.clone()),
            Self::IsNot(value) => sql.name(column).push(" IS DISTINCT FROM ").bind(value.clone()),
            Self::AnyOf(values) => sql.name(column).is_any_of(values),
            Self::Contains(text) => contains(sql, column, text),
            Self::Starts(text) => {
                let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
                sql.push("SUBSTR(").name(column).push(", 1, ").bind(length);
                sql.push(if postgres { "::int" } else { "" }).push(") = ").bind(text)
            }
            Self::Compare(operator, value) => sql.name(column).push(" ").push(operator).push(" ").bind(value.clone()),
            Self::Null(true) => sql.name(column).push(" IS NULL"),
            Self::Null(false) => sql.name(column).push(" IS NOT NULL"),
            Self::ListHas(item) if postgres => sql.bind(item).push(" = ANY(").name(column).push(")"),
            Self::JsonListHas(item) if postgres => sql.name(column).push(" @> to_jsonb(ARRAY[").bind(item).push("])"),
            Self::ListHas(item) | Self::JsonListHas(item) => {
                sql.bind(item).push(" IN (SELECT value FROM json_each(").name(column).push("))")
            }
            Self::ListHasAny(items) if postgres => {
                sql.name(column).push(" && ").bind(Value::List(items.as_slice().into()))
            }
            Self::ListHasAny(items) => {
                sql.push("EXISTS (SELECT 1 FROM json_each(").name(column).push(") AS item WHERE item.value");
                sql.is_any_of(items).push(")")
            }
            Self::JsonListNames(field, texts) if postgres => {
                // What is no list has no items.
                sql.push("EXISTS (SELECT 1 FROM jsonb_array_elements(CASE jsonb_typeof(").name(column);
                sql.push(") WHEN 'array' THEN ").name(column).push(" ELSE '[]' END) AS item WHERE item ->> ");
                sql.bind(*field).is_any_of(texts).push(")")
            }
            Self::JsonListNames(field, texts) => {
                sql.push("EXISTS (SELECT 1 FROM json_each(").name(column).push(") AS item WHERE CASE item.type WHEN ");
                sql.push("'object' THEN json_extract(item.value, ").bind(format!("$.\"{field}\"")).push(") END");
                sql.is_any_of(texts).push(")")
            }
            Self::JsonField(path, text) => {
                json_text(column, path, sql);
                sql.push(" = ").bind(text)
            }
            Self::JsonContains(path, part) => holds(sql, part, |sql| json_text(column, path, sql)),
            // What is no number must not be read as one; only CASE says what is looked at first.
            Self::JsonPositive(path) if postgres => {
                sql.push("CASE WHEN jsonb_typeof(").name(column).push(" #> ").bind(path_of(path));
                sql.push(") = 'number' THEN (");
                json_text(column, path, sql);
                sql.push(")::numeric > 0 ELSE FALSE END")
            }
            Self::JsonPositive(path) => {
                json_text(column, path, sql);
                sql.push(" > 0 AND json_type(").name(column).push(", ").bind(sqlite_path(path));
                sql.push(") IN ('integer', 'real')")
            }
            Self::TextContains(part) => holds(sql, part, |sql| {
                sql.name(column).push(if postgres { "::text" } else { "" });
            }),
            Self::Span => {
                sql.name(column).push(" IN ('asend_message', 'call_mcp_tool', 'list_mcp_tools', 'acreate_batch', ");
                sql.push("'create_batch', 'aretrieve_batch', 'retrieve_batch')")
            }
            Self::Failure => sql.name(column).push(" = 'failure'"),
            Self::Session(id) if postgres => sql.name(column).push(" = ").bind(id),
            Self::Session(id) => {
                sql.push("((\"session_id\" = ").bind(id).push(" AND \"session_id\" IS NOT \"litellm_call_id\")");
                sql.push(" OR (\"litellm_call_id\" = ").bind(id).push(" AND \"session_id\" = ").bind(id).push("))")
            }
            // Written by `one_of`, which knows the table.
            Self::OneOf(_) => sql,
        };
    }
}

/// The column contains this text, in any case.
pub(crate) fn contains<'s>(sql: &'s mut Sql, column: &str, part: &str) -> &'s mut Sql {
    let pattern = part.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    sql.push("LOWER(").name(column).push(") LIKE ").bind(format!("%{pattern}%")).push(" ESCAPE '\\'")
}

/// The text that `text` writes contains this one, in this case.
pub(crate) fn holds<'s>(sql: &'s mut Sql, part: &str, text: impl FnOnce(&mut Sql)) -> &'s mut Sql {
    if sql.dialect() == Dialect::Postgres {
        sql.push("POSITION(").bind(part).push(" IN ");
        text(sql);
    } else {
        sql.push("INSTR(");
        text(sql);
        sql.push(", ").bind(part);
    }
    sql.push(") > 0")
}

/// The text at `path` of a JSON column.
fn json_text(column: &str, path: &[&str], sql: &mut Sql) {
    if sql.dialect() == Dialect::Postgres {
        sql.name(column).push(" #>> ").bind(path_of(path));
    } else {
        sql.push("json_extract(").name(column).push(", ").bind(sqlite_path(path)).push(")");
    }
}

fn path_of(path: &[&str]) -> Value<'static> {
    Value::List(path.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>().into())
}

fn sqlite_path(path: &[&str]) -> String {
    path.iter().fold("$".to_owned(), |all, p| format!("{all}.\"{p}\""))
}
