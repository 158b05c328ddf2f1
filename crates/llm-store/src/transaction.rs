//! Several changes that happen together or not at all.

use sqlx::{AssertSqlSafe, Postgres, Sqlite, Transaction};

use crate::access::Rows;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::row::Row;
use crate::rows::VerificationToken;
use crate::sql::Sql;
use crate::store::{Prepare, Store, execute_postgres, execute_sqlite, fetch_postgres, fetch_sqlite};
use crate::table::Table;

/// What is done once changes last.
type Then = Box<dyn FnOnce() + Send + Sync>;

/// An open transaction; see [`Store::begin`].
pub struct StoreTx {
    open: Open,
    then: Vec<Then>,
}

impl std::fmt::Debug for StoreTx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreTx").field("open", &self.open).finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(crate) enum Open {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres { tx: Transaction<'static, Postgres>, prepare: Prepare },
}

impl StoreTx {
    pub(crate) const fn new(open: Open) -> Self {
        Self { open, then: Vec::new() }
    }

    /// Which engine this is.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        match self.open {
            Open::Sqlite(_) => Dialect::Sqlite,
            Open::Postgres { .. } => Dialect::Postgres,
        }
    }

    /// The rows of one table, inside the transaction.
    #[must_use]
    pub fn table<T: Table>(&mut self) -> Rows<'_, T> {
        Rows::new(Exec::Tx(self))
    }

    /// The virtual keys, inside the transaction.
    #[must_use]
    pub fn keys(&mut self) -> Rows<'_, VerificationToken> {
        self.table()
    }

    /// Makes the changes last.
    ///
    /// # Errors
    /// When the database cannot; then nothing was changed.
    pub async fn commit(self) -> Result<()> {
        match self.open {
            Open::Sqlite(tx) => tx.commit().await?,
            Open::Postgres { tx, .. } => tx.commit().await?,
        }
        self.then.into_iter().for_each(|then| then());
        Ok(())
    }

    /// Undoes everything.
    ///
    /// # Errors
    /// When the connection is lost, which undoes it as well.
    pub async fn rollback(self) -> Result<()> {
        match self.open {
            Open::Sqlite(tx) => tx.rollback().await?,
            Open::Postgres { tx, .. } => tx.rollback().await?,
        }
        Ok(())
    }

    /// Does something once the changes last, never when they do not.
    pub fn then(&mut self, then: impl FnOnce() + Send + Sync + 'static) {
        self.then.push(Box::new(then));
    }

    pub(crate) async fn execute(&mut self, sql: Sql) -> Result<u64> {
        let statement = sql.finish()?;
        match &mut self.open {
            Open::Sqlite(tx) => execute_sqlite(&mut **tx, statement).await,
            Open::Postgres { tx, prepare } => execute_postgres(&mut **tx, statement, *prepare).await,
        }
    }

    pub(crate) async fn fetch(&mut self, sql: Sql) -> Result<Vec<Row>> {
        let statement = sql.finish()?;
        match &mut self.open {
            Open::Sqlite(tx) => fetch_sqlite(&mut **tx, statement).await,
            Open::Postgres { tx, prepare } => fetch_postgres(&mut **tx, statement, *prepare).await,
        }
    }

    /// Runs statements without arguments, as one script. `text` is ours, never a stranger's.
    pub(crate) async fn script(&mut self, text: &str) -> Result<()> {
        match &mut self.open {
            Open::Sqlite(tx) => sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut **tx).await.map(drop)?,
            Open::Postgres { tx, .. } => sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut **tx).await.map(drop)?,
        }
        Ok(())
    }
}

/// Where a statement runs.
#[derive(Debug)]
pub(crate) enum Exec<'a> {
    Store(&'a Store),
    Tx(&'a mut StoreTx),
}

impl Exec<'_> {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Store(store) => store.dialect(),
            Self::Tx(tx) => tx.dialect(),
        }
    }

    /// Does something once the changes of the transaction last, never when they do not; at once outside of one.
    pub(crate) fn then(&mut self, then: Then) {
        match self {
            Self::Store(_) => then(),
            Self::Tx(tx) => tx.then.push(then),
        }
    }

    pub(crate) async fn execute(&mut self, sql: Sql) -> Result<u64> {
        match self {
            Self::Store(store) => store.execute(sql).await,
            Self::Tx(tx) => tx.execute(sql).await,
        }
    }

    pub(crate) async fn fetch(&mut self, sql: Sql) -> Result<Vec<Row>> {
        match self {
            Self::Store(store) => store.fetch(sql).await,
            Self::Tx(tx) => tx.fetch(sql).await,
        }
    }
}
