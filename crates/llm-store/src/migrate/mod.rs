//! Bringing a database up to date: ordered SQL, one folder per engine, each run once and all in one transaction.
//!
//! SQLite counts in `PRAGMA user_version`. PostgreSQL counts in `LlmProxy_Migration`; a database that LiteLLM made is
//! baselined: what the first migration would create and is missing is added, nothing else is touched.

mod baseline;
mod script;

use crate::dialect::Dialect;
use crate::error::{Result, StoreError};
use crate::sql::Sql;
use crate::store::Store;
use crate::transaction::StoreTx;

struct Migration {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// In order; the version is the position, from 1. Never change one that was released: add another.
const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "0001_litellm_schema",
        sqlite: include_str!("../../migrations/sqlite/0001_litellm_schema.sql"),
        postgres: include_str!("../../migrations/postgres/0001_litellm_schema.sql"),
    },
    Migration {
        name: "0002_gateway_tables",
        sqlite: include_str!("../../migrations/sqlite/0002_gateway_tables.sql"),
        postgres: include_str!("../../migrations/postgres/0002_gateway_tables.sql"),
    },
    Migration {
        name: "0003_lean_spend_indexes",
        sqlite: include_str!("../../migrations/sqlite/0003_lean_spend_indexes.sql"),
        postgres: include_str!("../../migrations/postgres/0003_lean_spend_indexes.sql"),
    },
    Migration {
        name: "0004_spend_indexes",
        sqlite: include_str!("../../migrations/sqlite/0004_spend_indexes.sql"),
        postgres: include_str!("../../migrations/postgres/0004_spend_indexes.sql"),
    },
    Migration {
        name: "0005_report_indexes",
        sqlite: include_str!("../../migrations/sqlite/0005_report_indexes.sql"),
        postgres: include_str!("../../migrations/postgres/0005_report_indexes.sql"),
    },
    Migration {
        name: "0006_sessions_and_pace",
        sqlite: include_str!("../../migrations/sqlite/0006_sessions_and_pace.sql"),
        postgres: include_str!("../../migrations/postgres/0006_sessions_and_pace.sql"),
    },
    Migration {
        name: "0007_tool_calls",
        sqlite: include_str!("../../migrations/sqlite/0007_tool_calls.sql"),
        postgres: include_str!("../../migrations/postgres/0007_tool_calls.sql"),
    },
    Migration {
        name: "0008_span_index",
        sqlite: include_str!("../../migrations/sqlite/0008_span_index.sql"),
        postgres: include_str!("../../migrations/postgres/0008_span_index.sql"),
    },
];

/// Held while migrating, so gateways that start together wait for the first one. Any number of ours does.
const MIGRATION_LOCK: i64 = 0x6c6c_6d5f_6d69_6701;

/// What [`Store::migrate`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Migrated {
    /// The schema version found.
    pub from: i64,
    /// The schema version now. Greater than this program knows when a newer one was here before.
    pub to: i64,
    /// What was added to a database that LiteLLM made, one line each; empty for our own databases.
    pub added: Vec<String>,
    /// The migrations that ran, by name.
    pub applied: Vec<&'static str>,
}

impl Store {
    /// Creates or updates the tables. Safe to call from many gateways at once, and quick when there is nothing to do.
    ///
    /// # Errors
    /// When the database refuses a statement; then nothing was changed.
    pub async fn migrate(&self) -> Result<Migrated> {
        self.migrate_or(true).await
    }

    /// Does what [`Store::migrate`] would do and undoes it: what it tells is what would happen.
    ///
    /// # Errors
    /// When the database would refuse a statement.
    pub async fn migrate_dry(&self) -> Result<Migrated> {
        self.migrate_or(false).await
    }

    async fn migrate_or(&self, keep: bool) -> Result<Migrated> {
        let known = version_number(MIGRATIONS.len());
        let found = current(self).await?;
        if found > known {
            tracing::warn!(found, known, "the database was used by a newer version of this program");
        }
        if found >= known {
            return Ok(Migrated { from: found, to: found, ..Migrated::default() });
        }
        let mut tx = self.begin().await?;
        let done = match self.dialect() {
            Dialect::Sqlite => sqlite(&mut tx).await?,
            Dialect::Postgres => postgres(&mut tx).await?,
        };
        if !keep {
            tx.rollback().await?;
            return Ok(done);
        }
        tx.commit().await?;
        self.renew_writer().await?;
        if done.from < done.to {
            tracing::info!(from = done.from, to = done.to, added = done.added.len(), "database schema updated");
        }
        Ok(done)
    }
}

fn version_number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The migrations after version `from`, with their versions.
fn pending(from: i64) -> impl Iterator<Item = (i64, &'static Migration)> {
    MIGRATIONS.iter().enumerate().map(|(i, m)| (version_number(i + 1), m)).filter(move |(version, _)| *version > from)
}

/// The version without taking a lock.
async fn current(store: &Store) -> Result<i64> {
    match store.dialect() {
        Dialect::Sqlite => {
            let rows = store.fetch(Sql::write(Dialect::Sqlite, "PRAGMA user_version")).await?;
            crate::access::first_int(&rows)
        }
        Dialect::Postgres => {
            let there = "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = \
                         'LlmProxy_Migration'";
            if crate::access::first_int(&store.fetch(Sql::read(Dialect::Postgres, there)).await?)? == 0 {
                return Ok(0);
            }
            crate::access::first_int(&store.fetch(Sql::read(Dialect::Postgres, LAST_VERSION)).await?)
        }
    }
}

const LAST_VERSION: &str = r#"SELECT COALESCE(MAX("version"), 0)::bigint FROM "LlmProxy_Migration""#;

async fn sqlite(tx: &mut StoreTx) -> Result<Migrated> {
    // Asked again under the lock: another process may have been first.
    let rows = tx.fetch(Sql::read(Dialect::Sqlite, "PRAGMA user_version")).await?;
    let from = crate::access::first_int(&rows)?;
    let mut done = Migrated { from, to: from, ..Migrated::default() };
    for (version, migration) in pending(from) {
        tx.script(migration.sqlite).await.map_err(|e| failed(migration.name, &e))?;
        done.to = version;
        done.applied.push(migration.name);
    }
    tx.script(&format!("PRAGMA user_version = {}", done.to)).await?;
    Ok(done)
}

async fn postgres(tx: &mut StoreTx) -> Result<Migrated> {
    lock(tx, MIGRATION_LOCK).await?;
    tx.script(
        r#"CREATE TABLE IF NOT EXISTS "LlmProxy_Migration" (
            "version" INTEGER NOT NULL PRIMARY KEY,
            "name" TEXT NOT NULL,
            "applied_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
        )"#,
    )
    .await?;
    let from = crate::access::first_int(&tx.fetch(Sql::read(Dialect::Postgres, LAST_VERSION)).await?)?;
    let mut done = Migrated { from, to: from, ..Migrated::default() };
    for (version, migration) in pending(from) {
        if version == 1 && baseline::has_tables(tx).await? {
            done.added = baseline::add_missing(tx, migration.postgres).await?;
        } else {
            tx.script(migration.postgres).await.map_err(|e| failed(migration.name, &e))?;
        }
        let mut sql = Sql::write(Dialect::Postgres, r#"INSERT INTO "LlmProxy_Migration" ("version", "name") VALUES ("#);
        sql.bind(version).push(", ").bind(migration.name).push(")");
        tx.execute(sql).await?;
        done.to = version;
        done.applied.push(migration.name);
    }
    Ok(done)
}

/// Takes a PostgreSQL lock that the end of the transaction gives back (session locks do not survive a pooler).
pub(crate) async fn lock(tx: &mut StoreTx, number: i64) -> Result<()> {
    let mut sql = Sql::write(Dialect::Postgres, "SELECT 1 FROM (SELECT pg_advisory_xact_lock(");
    sql.bind(number).push(")) AS taken");
    tx.fetch(sql).await.map(drop)
}

fn failed(what: &str, error: &StoreError) -> StoreError {
    StoreError::Schema(format!("{what}: {error}"))
}
