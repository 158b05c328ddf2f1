//! Reads our own schema file back into tables, columns and indexes. Not an SQL parser: it knows the form of that file, one
//! column per line, and refuses anything else.

use crate::error::{Result, StoreError};

/// One statement of the schema.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    Type { name: &'a str, sql: &'a str },
    Table { name: &'a str, columns: Vec<(&'a str, &'a str)>, sql: &'a str },
    Index { name: &'a str, table: &'a str, columns: Vec<&'a str>, unique: bool, sql: &'a str },
}

/// The statements of `script`, in order.
pub(super) fn parse(script: &str) -> Result<Vec<Item<'_>>> {
    script
        .split(";\n")
        .map(|statement| {
            let mut rest = statement.trim();
            while rest.starts_with("--") {
                rest = rest.split_once('\n').map_or("", |(_, after)| after).trim_start();
            }
            rest.trim_end_matches(';')
        })
        .filter(|statement| !statement.is_empty())
        .map(|sql| item(sql).ok_or_else(|| StoreError::Schema(format!("a statement has no known form: {sql}"))))
        .collect()
}

fn item(sql: &str) -> Option<Item<'_>> {
    if let Some(rest) = sql.strip_prefix("CREATE TYPE ") {
        return Some(Item::Type { name: name(rest)?.0, sql });
    }
    if let Some(rest) = sql.strip_prefix("CREATE TABLE ") {
        let (name, body) = name(rest)?;
        let body = body.strip_prefix(" (\n")?.strip_suffix("\n)")?;
        return Some(Item::Table { name, columns: columns(body)?, sql });
    }
    let (unique, rest) = match sql.strip_prefix("CREATE UNIQUE INDEX ") {
        Some(rest) => (true, rest),
        None => (false, sql.strip_prefix("CREATE INDEX ")?),
    };
    let (index, rest) = name(rest)?;
    let (table, rest) = name(rest.strip_prefix(" ON ")?)?;
    let inside = rest.strip_prefix('(')?.strip_suffix(')')?;
    let columns = inside.split(", ").map(|column| name(column).map(|(name, _)| name)).collect::<Option<_>>()?;
    Some(Item::Index { name: index, table, columns, unique, sql })
}

/// The quoted name `text` starts with, and what follows it.
fn name(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('"')?.split_once('"')
}

fn columns(body: &str) -> Option<Vec<(&str, &str)>> {
    body.lines()
        .map(|line| line.trim().trim_end_matches(','))
        .filter(|line| !line.starts_with("CONSTRAINT "))
        .map(|line| name(line).map(|(name, definition)| (name, definition.trim())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_schema_is_read() {
        let items = parse(super::super::MIGRATIONS[0].postgres).unwrap();
        let tables = items.iter().filter(|item| matches!(item, Item::Table { .. })).count();
        let indexes = items.iter().filter(|item| matches!(item, Item::Index { .. })).count();
        assert_eq!((tables, indexes), (82, 150));
        let columns: usize =
            items.iter().map(|i| if let Item::Table { columns, .. } = i { columns.len() } else { 0 }).sum();
        let lines = super::super::MIGRATIONS[0].postgres.lines();
        assert_eq!(columns, lines.filter(|line| line.starts_with("    \"")).count());
    }

    #[test]
    fn forms() {
        let script = "-- words\n\nCREATE TABLE \"T\" (\n    \"a\" TEXT NOT NULL,\n    \"b\" TEXT[] DEFAULT ARRAY[]::TEXT[],\n    \
                      CONSTRAINT \"T_pkey\" PRIMARY KEY (\"a\")\n);\nCREATE UNIQUE INDEX \"i\" ON \"T\"(\"a\", \"b\" DESC);\n";
        let items = parse(script).unwrap();
        let [Item::Table { name, columns, .. }, Item::Index { columns: indexed, unique, .. }] = items.as_slice() else {
            panic!("{items:?}")
        };
        assert_eq!(*name, "T");
        assert_eq!(columns, &[("a", "TEXT NOT NULL"), ("b", "TEXT[] DEFAULT ARRAY[]::TEXT[]")]);
        assert_eq!((indexed.as_slice(), *unique), (["a", "b"].as_slice(), true));
        assert!(parse("DROP TABLE \"T\";\n").is_err());
    }
}
