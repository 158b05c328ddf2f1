//! A PostgreSQL database that LiteLLM made: add the types, tables, columns and indexes it lacks, leave the rest alone.

use std::collections::HashSet;

use super::script::{Item, parse};
use crate::dialect::{Dialect, quoted};
use crate::error::{Result, StoreError};
use crate::sql::Sql;
use crate::transaction::StoreTx;

/// True when there are tables of LiteLLM's.
pub(super) async fn has_tables(tx: &mut StoreTx) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename LIKE 'LiteLLM\\_%'";
    Ok(crate::access::first_int(&tx.fetch(Sql::read(Dialect::Postgres, sql)).await?)? > 0)
}

/// What the database has.
struct Present {
    types: HashSet<String>,
    tables: HashSet<String>,
    columns: HashSet<(String, String)>,
    /// Table, columns in order, unique.
    indexes: HashSet<(String, Vec<String>, bool)>,
    index_names: HashSet<String>,
}

async fn texts(tx: &mut StoreTx, sql: &str) -> Result<Vec<(String, String)>> {
    let rows = tx.fetch(Sql::read(Dialect::Postgres, sql)).await?;
    rows.iter().map(|row| Ok((row.text(0)?.unwrap_or_default(), row.text(1)?.unwrap_or_default()))).collect()
}

async fn present(tx: &mut StoreTx) -> Result<Present> {
    let types = "SELECT t.typname::text, ''::text FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
                 WHERE n.nspname = current_schema()";
    let types = texts(tx, types).await?.into_iter().map(|(name, _)| name).collect();
    let columns = "SELECT table_name::text, column_name::text FROM information_schema.columns \
                   WHERE table_schema = current_schema()";
    let columns: HashSet<_> = texts(tx, columns).await?.into_iter().collect();
    let tables = columns.iter().map(|(table, _)| table.clone()).collect();
    let indexes = "SELECT t.relname::text, i.relname::text, x.indisunique, \
                   array_agg(a.attname::text ORDER BY k.position) \
                   FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid \
                   JOIN pg_namespace n ON n.oid = t.relnamespace \
                   CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS k(attnum, position) \
                   JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum \
                   WHERE n.nspname = current_schema() AND x.indpred IS NULL AND x.indisvalid GROUP BY 1, 2, 3";
    let mut found = Present { types, tables, columns, indexes: HashSet::new(), index_names: HashSet::new() };
    for row in tx.fetch(Sql::read(Dialect::Postgres, indexes)).await? {
        let table = row.text(0)?.unwrap_or_default();
        found.index_names.insert(row.text(1)?.unwrap_or_default());
        found.indexes.insert((table, row.list(3)?, row.flag(2)?.unwrap_or_default()));
    }
    Ok(found)
}

impl Present {
    /// The statement that adds `item`, and what to call it; nothing when it is there.
    fn missing(&self, item: &Item<'_>) -> Vec<(String, String)> {
        match item {
            Item::Type { name, sql } if !self.types.contains(*name) => {
                vec![(format!("type {name}"), (*sql).to_owned())]
            }
            Item::Type { .. } => Vec::new(),
            Item::Table { name, sql, .. } if !self.tables.contains(*name) => {
                vec![(format!("table {name}"), (*sql).to_owned())]
            }
            Item::Table { name, columns, .. } => columns
                .iter()
                .filter(|(column, _)| !self.columns.contains(&((*name).to_owned(), (*column).to_owned())))
                .map(|(column, definition)| (format!("column {name}.{column}"), add_column(name, column, definition)))
                .collect(),
            Item::Index { name, table, columns, unique, sql } => {
                let columns: Vec<String> = columns.iter().map(|c| (*c).to_owned()).collect();
                let has = |unique| self.indexes.contains(&((*table).to_owned(), columns.clone(), unique));
                if has(true) || (!unique && has(false)) {
                    return Vec::new();
                }
                let sql = if self.index_names.contains(*name) {
                    // The name is taken by an index over other columns, from another version of the schema.
                    sql.replacen(&quoted(name), &quoted(&other_name(name)), 1)
                } else {
                    (*sql).to_owned()
                };
                vec![(format!("index {name}"), sql)]
            }
        }
    }
}

/// A name for an index whose own is taken; PostgreSQL cuts names at 63 bytes.
fn other_name(name: &str) -> String {
    format!("LlmProxy_{name}").chars().take(63).collect()
}

/// Rows that exist need a value for a column that takes no NULL.
fn add_column(table: &str, column: &str, definition: &str) -> String {
    let filler = match definition.split(' ').next().unwrap_or_default() {
        _ if !definition.contains("NOT NULL") || definition.contains(" DEFAULT ") => "",
        "TEXT" => " DEFAULT ''",
        "JSONB" => " DEFAULT '{}'",
        "BYTEA" => " DEFAULT ''::bytea",
        "BOOLEAN" => " DEFAULT FALSE",
        "TIMESTAMP(3)" => " DEFAULT CURRENT_TIMESTAMP",
        "SERIAL" => "",
        _ => " DEFAULT 0",
    };
    format!("ALTER TABLE {} ADD COLUMN {} {definition}{filler}", quoted(table), quoted(column))
}

/// Adds what is missing; what was added, one line each.
pub(super) async fn add_missing(tx: &mut StoreTx, schema: &str) -> Result<Vec<String>> {
    let present = present(tx).await?;
    let mut added = Vec::new();
    for item in parse(schema)? {
        for (what, sql) in present.missing(&item) {
            tx.script(&sql).await.map_err(|e| StoreError::Schema(format!("adding {what}: {e}")))?;
            added.push(what);
        }
    }
    Ok(added)
}
