//! Entries in an SQLite file of their own, bounded in bytes and in time.
//!
//! | column | what |
//! |---|---|
//! | `key` | the key |
//! | `stored`, `expires`, `used` | seconds, and twice milliseconds, since 1970; `expires` is null for entries that stay |
//! | `bytes` | length of key and answer |
//! | `response` | the answer |

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row, SqlitePool};
use tokio::sync::OnceCell;

use crate::{BoxFuture, CacheBackend, CacheError, Entry};

/// The file's name in its folder.
pub const FILE: &str = "llm-proxy-cache.db";
/// Bytes of keys and answers at most, where nothing is said: a gibibyte, as LiteLLM's disk cache.
pub const BYTES: u64 = 1 << 30;
/// An entry's last use is written down this often, in milliseconds.
const USED_EVERY: i64 = 60_000;
/// Rows deleted at once, so that nobody waits long for the one writer.
const SOME: i64 = 500;

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY NOT NULL, stored REAL NOT NULL, expires INTEGER,
        used INTEGER NOT NULL, bytes INTEGER NOT NULL, response BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS entries_expires ON entries (expires) WHERE expires IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS entries_used ON entries (used)",
];

/// Entries in a file. It is opened when it is first needed, and again until that works.
#[derive(Debug, Clone)]
pub struct DiskCache(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    limit: i64,
    bytes: AtomicI64,
    pool: OnceCell<SqlitePool>,
}

impl DiskCache {
    /// A file in `folder` with at most so many bytes of keys and answers.
    #[must_use]
    pub fn new(folder: &Path, bytes: u64) -> Self {
        Self(Arc::new(Inner {
            path: folder.join(FILE),
            limit: i64::try_from(bytes).unwrap_or(i64::MAX),
            bytes: AtomicI64::new(0),
            pool: OnceCell::new(),
        }))
    }

    /// Deletes what has expired, what is too much, and gives the room back; for a background job.
    ///
    /// # Errors
    /// When the file does not work.
    pub async fn sweep(&self) -> Result<u64, CacheError> {
        let pool = self.0.pool().await?;
        let mut gone = 0;
        loop {
            let sql = "DELETE FROM entries WHERE key IN (SELECT key FROM entries WHERE expires <= $1 LIMIT $2)";
            let some = sqlx::query(sql).bind(now_ms()).bind(SOME).execute(pool).await.map_err(failed)?.rows_affected();
            gone += some;
            if some < SOME.unsigned_abs() {
                break;
            }
        }
        self.0.count(pool).await?;
        gone += self.0.shrink(pool).await?;
        sqlx::query("PRAGMA incremental_vacuum").execute(pool).await.map_err(failed)?;
        Ok(gone)
    }

    /// Bytes of keys and answers in the file, as far as this process knows.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed).unsigned_abs()
    }
}

impl Inner {
    async fn pool(&self) -> Result<&SqlitePool, CacheError> {
        self.pool.get_or_try_init(|| self.open()).await
    }

    async fn open(&self) -> Result<SqlitePool, CacheError> {
        if let Some(folder) = self.path.parent() {
            let why = |e: std::io::Error| CacheError::Backend(format!("{}: {e}", folder.display()));
            tokio::fs::create_dir_all(folder).await.map_err(why)?;
        }
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A cache may lose its last entries when the power goes.
            .synchronous(SqliteSynchronous::Off)
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new()
            .max_connections(2)
            .connect_with(options)
            .await
            .map_err(|error| CacheError::Backend(format!("{}: {error}", self.path.display())))?;
        for sql in SCHEMA {
            sqlx::query(*sql).execute(&pool).await.map_err(failed)?;
        }
        self.count(&pool).await?;
        Ok(pool)
    }

    async fn count(&self, pool: &SqlitePool) -> Result<(), CacheError> {
        let sql = "SELECT COALESCE(SUM(bytes), 0) FROM entries";
        let bytes: i64 = sqlx::query_scalar(sql).fetch_one(pool).await.map_err(failed)?;
        self.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Deletes the entries that were not used for the longest time until a tenth of the room is free again.
    async fn shrink(&self, pool: &SqlitePool) -> Result<u64, CacheError> {
        let held = self.bytes.load(Ordering::Relaxed);
        if held <= self.limit {
            return Ok(0);
        }
        let too_much = held - (self.limit - self.limit / 10);
        let sql =
            "DELETE FROM entries WHERE key IN (SELECT key FROM (SELECT key, SUM(bytes) OVER (ORDER BY used, rowid)
            - bytes AS before FROM entries) WHERE before < $1)";
        let gone = sqlx::query(sql).bind(too_much).execute(pool).await.map_err(failed)?.rows_affected();
        self.count(pool).await?;
        Ok(gone)
    }

    async fn get(&self, key: &str) -> Result<Option<Entry>, CacheError> {
        let (pool, now) = (self.pool().await?, now_ms());
        let sql = "SELECT stored, response, used FROM entries WHERE key = $1 AND (expires IS NULL OR expires > $2)";
        let row = sqlx::query(sql).bind(key).bind(now).fetch_optional(pool).await.map_err(failed)?;
        let Some(row) = row else { return Ok(None) };
        let (stored, response, used): (f64, Vec<u8>, i64) = (
            row.try_get("stored").map_err(damaged)?,
            row.try_get("response").map_err(damaged)?,
            row.try_get("used").map_err(damaged)?,
        );
        if used < now - USED_EVERY {
            let sql = "UPDATE entries SET used = $2 WHERE key = $1";
            sqlx::query(sql).bind(key).bind(now).execute(pool).await.map_err(failed)?;
        }
        let stored = Duration::try_from_secs_f64(stored).map_err(|e| CacheError::Value(e.to_string()))?;
        Ok(Some(Entry { stored, response: response.into() }))
    }

    async fn set(&self, key: &str, entry: &Entry, ttl: Option<Duration>) -> Result<(), CacheError> {
        let (pool, now) = (self.pool().await?, now_ms());
        let bytes = i64::try_from(key.len() + entry.response.len()).unwrap_or(i64::MAX);
        if bytes > self.limit || ttl.is_some_and(|ttl| ttl.is_zero()) {
            return self.remove(key).await.map(drop);
        }
        let ttl = ttl.map(|ttl| i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX));
        let old = "SELECT bytes FROM entries WHERE key = $1";
        let old: Option<i64> = sqlx::query_scalar(old).bind(key).fetch_optional(pool).await.map_err(failed)?;
        let sql = "INSERT INTO entries (key, stored, expires, used, bytes, response) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (key) DO UPDATE SET stored = excluded.stored, expires = excluded.expires, used = excluded.used,
            bytes = excluded.bytes, response = excluded.response";
        sqlx::query(sql)
            .bind(key)
            .bind(entry.stored.as_secs_f64())
            .bind(ttl.map(|ttl| now.saturating_add(ttl)))
            .bind(now)
            .bind(bytes)
            .bind(&entry.response[..])
            .execute(pool)
            .await
            .map_err(failed)?;
        self.bytes.fetch_add(bytes - old.unwrap_or_default(), Ordering::Relaxed);
        self.shrink(pool).await.map(drop)
    }

    async fn remove(&self, key: &str) -> Result<bool, CacheError> {
        let sql = "DELETE FROM entries WHERE key = $1 RETURNING bytes";
        let bytes: Option<i64> =
            sqlx::query_scalar(sql).bind(key).fetch_optional(self.pool().await?).await.map_err(failed)?;
        self.bytes.fetch_sub(bytes.unwrap_or_default(), Ordering::Relaxed);
        Ok(bytes.is_some())
    }
}

fn failed(error: sqlx::Error) -> CacheError {
    CacheError::Backend(error.to_string())
}

fn damaged(error: sqlx::Error) -> CacheError {
    CacheError::Value(error.to_string())
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl CacheBackend for DiskCache {
    fn kind(&self) -> &'static str {
        "disk"
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, CacheError>> {
        Box::pin(self.0.get(key))
    }

    fn set<'a>(&'a self, key: &'a str, entry: Entry, ttl: Option<Duration>) -> BoxFuture<'a, Result<(), CacheError>> {
        Box::pin(async move { self.0.set(key, &entry, ttl).await })
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, CacheError>> {
        Box::pin(self.0.remove(key))
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        Box::pin(async move {
            sqlx::query("DELETE FROM entries").execute(self.0.pool().await?).await.map_err(failed)?;
            self.0.bytes.store(0, Ordering::Relaxed);
            Ok(())
        })
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        Box::pin(async move {
            sqlx::query("SELECT 1 FROM entries LIMIT 1")
                .fetch_optional(self.0.pool().await?)
                .await
                .map(drop)
                .map_err(failed)
        })
    }
}
