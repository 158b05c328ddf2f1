//! The store: pools, and the few calls every statement goes through.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Executor, PgPool, Postgres, Sqlite, SqlitePool};

use crate::access::Rows;
use crate::config::{Place, StoreConfig};
use crate::dialect::Dialect;
use crate::error::Result;
use crate::row::{Inner, Row};
use crate::rows::VerificationToken;
use crate::sql::{Args, Sql, Statement};
use crate::table::Table;
use crate::transaction::{Exec, Open, StoreTx};

/// The database. Cheap to clone. It belongs to the runtime it was opened on: its connections are driven there.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    pools: Pools,
    statements: AtomicU64,
}

#[derive(Debug)]
enum Pools {
    /// One writer, so writers queue here and not on SQLite's lock; readers see the last commit meanwhile.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
        /// The database is a file; otherwise it lives and dies with the writer's connection.
        file: bool,
    },
    Postgres {
        pool: PgPool,
        prepare: Prepare,
    },
}

/// How PostgreSQL statements are prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prepare {
    /// Named, and kept for the next use.
    Named,
    /// Unnamed, each within a transaction: behind a pooler the next transaction may meet another server connection, where a
    /// name is unknown or taken.
    Unnamed,
}

impl Store {
    /// Opens the database. SQLite makes one connection now; PostgreSQL connects when first used, so a gateway can start
    /// while its database is away ([`Store::ping`] tells).
    ///
    /// # Errors
    /// When the SQLite file cannot be opened.
    pub async fn open(config: &StoreConfig) -> Result<Self> {
        let pools = match &config.place {
            Place::Memory => {
                let options = sqlite_options(config).in_memory(true);
                let pool = one_connection(config).connect_with(options).await?;
                Pools::Sqlite { writer: pool.clone(), readers: pool, file: false }
            }
            Place::File(path) => {
                let options = sqlite_options(config)
                    .filename(path)
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    // With WAL, NORMAL cannot corrupt; a power cut may lose the last commits, which the journal replays.
                    .synchronous(SqliteSynchronous::Normal)
                    // For new files: rows of requests are long, and three times the pages are three times the writes.
                    .page_size(16384)
                    // 32 MB of log: pages that change with every batch are copied into the database now and then only.
                    .pragma("wal_autocheckpoint", "2000")
                    .pragma("temp_store", "MEMORY");
                // A batch fits, so its pages are written once.
                let writer = one_connection(config).connect_with(options.clone().pragma("cache_size", "-8192")).await?;
                let readers = PoolOptions::<Sqlite>::new()
                    .max_connections(config.max_connections.max(1))
                    .acquire_timeout(config.acquire_timeout)
                    .connect_lazy_with(options.create_if_missing(false).pragma("query_only", "ON"));
                Pools::Sqlite { writer, readers, file: true }
            }
            Place::Postgres(options) => Pools::Postgres {
                pool: PoolOptions::<Postgres>::new()
                    .max_connections(config.max_connections.max(1))
                    .acquire_timeout(config.acquire_timeout)
                    .connect_lazy_with(options.as_ref().clone().statement_cache_capacity(config.statement_cache)),
                prepare: if config.statement_cache == 0 { Prepare::Unnamed } else { Prepare::Named },
            },
        };
        Ok(Self(Arc::new(Inside { pools, statements: AtomicU64::new(0) })))
    }

    /// Which engine this is.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match &self.0.pools {
            Pools::Sqlite { .. } => Dialect::Sqlite,
            Pools::Postgres { .. } => Dialect::Postgres,
        }
    }

    /// How many statements were sent outside of transactions since the store was opened.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.0.statements.load(Ordering::Relaxed)
    }

    /// Asks the database for an answer.
    ///
    /// # Errors
    /// When there is none.
    pub async fn ping(&self) -> Result<()> {
        self.fetch(Sql::read(self.dialect(), "SELECT 1")).await.map(drop)
    }

    /// The database's clock, UTC in milliseconds.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn now(&self) -> Result<DateTime<Utc>> {
        let dialect = self.dialect();
        let rows = self.fetch(Sql::read(dialect, &format!("SELECT {}", dialect.now()))).await?;
        Ok(rows.first().map(|row| row.time(0)).transpose()?.flatten().unwrap_or_default())
    }

    /// Makes what was committed survive a power cut; `false` when that has to wait for readers. PostgreSQL does it with every
    /// commit, SQLite (with `synchronous = NORMAL`) only here and when its log is full.
    ///
    /// # Errors
    /// When the database cannot write.
    pub async fn harden(&self) -> Result<bool> {
        if self.dialect() == Dialect::Postgres {
            return Ok(true);
        }
        let rows = self.fetch(Sql::write(Dialect::Sqlite, "PRAGMA wal_checkpoint(PASSIVE)")).await?;
        let Some(row) = rows.first() else { return Ok(false) };
        // Busy or not, pages in the log, pages of them in the database; without a log (in memory) both are -1.
        Ok(row.int(1)? == row.int(2)?)
    }

    /// Closes every connection, after the calls under way.
    pub async fn close(&self) {
        match &self.0.pools {
            Pools::Sqlite { writer, readers, .. } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres { pool, .. } => pool.close().await,
        }
    }

    /// The rows of one table.
    #[must_use]
    pub fn table<T: Table>(&self) -> Rows<'_, T> {
        Rows::new(Exec::Store(self))
    }

    /// The virtual keys.
    #[must_use]
    pub fn keys(&self) -> Rows<'_, VerificationToken> {
        self.table()
    }

    /// Starts a transaction that writes. Dropping it undoes it. On SQLite the store's one writer is taken until it ends: do
    /// not call the store itself for writing meanwhile.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin(&self) -> Result<StoreTx> {
        Ok(match &self.0.pools {
            // IMMEDIATE takes the lock now; a deferred one may fail half-way when another process writes.
            Pools::Sqlite { writer, .. } => StoreTx::new(Open::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?)),
            Pools::Postgres { pool, prepare } => {
                StoreTx::new(Open::Postgres { tx: pool.begin().await?, prepare: *prepare })
            }
        })
    }

    /// Writes go on over a new connection: the one that made the schema would keep megabytes for its statements.
    pub(crate) async fn renew_writer(&self) -> Result<()> {
        if let Pools::Sqlite { writer, file: true, .. } = &self.0.pools {
            writer.acquire().await?.close().await?;
        }
        Ok(())
    }

    pub(crate) async fn execute(&self, sql: Sql) -> Result<u64> {
        let statement = sql.finish()?;
        self.0.statements.fetch_add(1, Ordering::Relaxed);
        match &self.0.pools {
            Pools::Sqlite { writer, .. } => execute_sqlite(writer, statement).await,
            Pools::Postgres { pool, prepare: Prepare::Named } => {
                execute_postgres(pool, statement, Prepare::Named).await
            }
            Pools::Postgres { pool, prepare: unnamed } => {
                // Preparing and executing are two round trips; only a transaction keeps them on one server connection.
                let mut tx = pool.begin().await?;
                let done = execute_postgres(&mut *tx, statement, *unnamed).await?;
                tx.commit().await?;
                Ok(done)
            }
        }
    }

    pub(crate) async fn fetch(&self, sql: Sql) -> Result<Vec<Row>> {
        let statement = sql.finish()?;
        self.0.statements.fetch_add(1, Ordering::Relaxed);
        match &self.0.pools {
            Pools::Sqlite { writer, .. } if statement.writes => fetch_sqlite(writer, statement).await,
            Pools::Sqlite { readers, .. } => fetch_sqlite(readers, statement).await,
            Pools::Postgres { pool, prepare: Prepare::Named } => fetch_postgres(pool, statement, Prepare::Named).await,
            Pools::Postgres { pool, prepare: unnamed } => {
                let mut tx = pool.begin().await?;
                let rows = fetch_postgres(&mut *tx, statement, *unnamed).await?;
                tx.commit().await?;
                Ok(rows)
            }
        }
    }
}

fn sqlite_options(config: &StoreConfig) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .busy_timeout(Duration::from_secs(5))
        .statement_cache_capacity(config.statement_cache.max(1))
}

fn one_connection(config: &StoreConfig) -> PoolOptions<Sqlite> {
    // Never closed when idle: an in-memory database lives in its connection.
    PoolOptions::new()
        .max_connections(1)
        .acquire_timeout(config.acquire_timeout)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

pub(crate) async fn execute_sqlite<'c>(on: impl Executor<'c, Database = Sqlite>, s: Statement) -> Result<u64> {
    let Args::Sqlite(args) = s.args else { return Err(wrong_engine()) };
    Ok(sqlx::query_with(AssertSqlSafe(s.text), args).execute(on).await?.rows_affected())
}

pub(crate) async fn execute_postgres<'c>(
    on: impl Executor<'c, Database = Postgres>,
    s: Statement,
    prepare: Prepare,
) -> Result<u64> {
    let Args::Postgres(args) = s.args else { return Err(wrong_engine()) };
    let query = sqlx::query_with(AssertSqlSafe(s.text), args).persistent(prepare == Prepare::Named);
    Ok(query.execute(on).await?.rows_affected())
}

pub(crate) async fn fetch_sqlite<'c>(on: impl Executor<'c, Database = Sqlite>, s: Statement) -> Result<Vec<Row>> {
    let Args::Sqlite(args) = s.args else { return Err(wrong_engine()) };
    let rows = sqlx::query_with(AssertSqlSafe(s.text), args).fetch_all(on).await?;
    Ok(rows.into_iter().map(|row| Row(Inner::Sqlite(row))).collect())
}

pub(crate) async fn fetch_postgres<'c>(
    on: impl Executor<'c, Database = Postgres>,
    s: Statement,
    prepare: Prepare,
) -> Result<Vec<Row>> {
    let Args::Postgres(args) = s.args else { return Err(wrong_engine()) };
    let query = sqlx::query_with(AssertSqlSafe(s.text), args).persistent(prepare == Prepare::Named);
    let rows = query.fetch_all(on).await?;
    Ok(rows.into_iter().map(|row| Row(Inner::Postgres(row))).collect())
}

fn wrong_engine() -> crate::StoreError {
    crate::StoreError::Config("a statement was written for the other engine".to_owned())
}
