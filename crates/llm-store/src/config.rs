//! Where the rows live.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use url::Url;

use crate::error::{Result, StoreError};

/// Settings of a [`Store`](crate::Store).
#[derive(Debug, Clone)]
pub struct StoreConfig {
    pub(crate) place: Place,
    /// Most connections kept open to PostgreSQL, or most readers of a SQLite file (there is always one writer). Default 10.
    pub max_connections: u32,
    /// Prepared statements kept per connection. 0 turns them off and wraps every statement in a transaction, as transaction
    /// poolers such as pgbouncer need. Default 200; `pgbouncer=true` in the address sets 0.
    pub statement_cache: usize,
    /// How long a call waits for a free connection. Default 10 s.
    pub acquire_timeout: Duration,
}

#[derive(Clone)]
pub(crate) enum Place {
    Memory,
    File(PathBuf),
    Postgres(Box<PgConnectOptions>),
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::File(path) => path.fmt(f),
            // The options hold the password.
            Self::Postgres(o) => write!(f, "postgres at {}:{}", o.get_host(), o.get_port()),
        }
    }
}

impl StoreConfig {
    fn at(place: Place) -> Self {
        Self { place, max_connections: 10, statement_cache: 200, acquire_timeout: Duration::from_secs(10) }
    }

    /// SQLite in memory: gone when the store is closed.
    #[must_use]
    pub fn memory() -> Self {
        Self::at(Place::Memory)
    }

    /// SQLite in a file, made when missing (its folder must exist).
    #[must_use]
    pub fn file(path: impl AsRef<Path>) -> Self {
        Self::at(Place::File(path.as_ref().to_owned()))
    }

    /// Reads `DATABASE_URL`: `postgres://`, `postgresql://`, `sqlite:PATH`, `file:PATH` or `sqlite::memory:`.
    ///
    /// Prisma's parameters are understood (`connection_limit`, `pool_timeout`, `schema`, `pgbouncer`,
    /// `statement_cache_size`), the rest are libpq's.
    ///
    /// # Errors
    /// When the address has another scheme or cannot be read. The message never holds the address, which has a password.
    pub fn from_url(url: &str) -> Result<Self> {
        if url == "sqlite::memory:" {
            return Ok(Self::memory());
        }
        for scheme in ["sqlite://", "sqlite:", "file:"] {
            if let Some(path) = url.strip_prefix(scheme) {
                let path = path.split_once('?').map_or(path, |(path, _)| path);
                return if path.is_empty() { Err(config("the address names no file")) } else { Ok(Self::file(path)) };
            }
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Self::postgres(url);
        }
        Err(config("the address must start with postgresql://, postgres:// or sqlite:"))
    }

    fn postgres(url: &str) -> Result<Self> {
        let mut url = Url::parse(url).map_err(|e| config(&format!("the address cannot be read: {e}")))?;
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let mut out = Self::memory();
        let mut schema = None;
        let mut pooled = false;
        let mut kept = Vec::new();
        for (key, value) in pairs {
            match key.as_str() {
                "connection_limit" => out.max_connections = number(&key, &value)?.max(1),
                "pool_timeout" => out.acquire_timeout = Duration::from_secs(number(&key, &value)?.max(1).into()),
                "statement_cache_size" => out.statement_cache = number(&key, &value)? as usize,
                "pgbouncer" => pooled = value == "true",
                "schema" => schema = Some(value),
                // Prisma's own, with no meaning here.
                "connect_timeout" | "socket_timeout" | "sslidentity" | "sslpassword" | "sslaccept" => {}
                _ => kept.push((key, value)),
            }
        }
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
        let mut options = PgConnectOptions::from_str(url.as_str())
            .map_err(|_| config("the PostgreSQL address cannot be read"))?
            .application_name("llm-proxy");
        if let Some(schema) = schema {
            options = options.options([("search_path", format!("\"{}\"", schema.replace('"', "\"\"")))]);
        }
        if pooled {
            out.statement_cache = 0;
        }
        if out.statement_cache == 0 {
            // Poolers refuse start-up parameters they do not track.
            options = options.extra_float_digits(None);
        }
        out.place = Place::Postgres(Box::new(options));
        Ok(out)
    }
}

fn number(key: &str, value: &str) -> Result<u32> {
    value.parse().map_err(|_| config(&format!("`{key}` in the address is not a number")))
}

fn config(why: &str) -> StoreError {
    StoreError::Config(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        for (url, wanted) in [
            ("sqlite::memory:", "memory"),
            ("sqlite:///var/lib/gateway.db", "\"/var/lib/gateway.db\""),
            ("sqlite:gateway.db?mode=rwc", "\"gateway.db\""),
            ("file:./dev.db", "\"./dev.db\""),
            ("postgresql://u:p@db.internal:5433/litellm", "postgres at db.internal:5433"),
        ] {
            assert_eq!(format!("{:?}", StoreConfig::from_url(url).unwrap().place), wanted, "{url}");
        }
        assert!(StoreConfig::from_url("mysql://u:p@h/d").is_err());
        assert!(StoreConfig::from_url("sqlite:").is_err());
    }

    #[test]
    fn parameters_of_prisma_are_read() {
        let url =
            "postgresql://u:secret@h/d?connection_limit=33&pool_timeout=7&schema=llm&pgbouncer=true&sslmode=disable";
        let config = StoreConfig::from_url(url).unwrap();
        assert_eq!((config.max_connections, config.statement_cache), (33, 0));
        assert_eq!(config.acquire_timeout, Duration::from_secs(7));
        assert!(!format!("{config:?}").contains("secret"));
        let Place::Postgres(options) = config.place else { panic!("not PostgreSQL") };
        assert_eq!(options.get_options(), Some("-c search_path=\"llm\""));
    }

    #[test]
    fn a_wrong_address_is_not_repeated() {
        let error = StoreConfig::from_url("postgresql://u:secret@h:notaport/d").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        let error = StoreConfig::from_url("postgresql://u:secret@h/d?connection_limit=many").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
