//! Entries in Redis or Valkey, in the form in which LiteLLM keeps them: a Redis shared with LiteLLM answers both.

use std::time::Duration;

use llm_kv::KvError;
use llm_kv::redis::{Command, RedisClient, Reply};
use llm_types::Json;

use crate::{BoxFuture, CacheBackend, CacheError, Entry};

/// Entries in one server, behind Sentinel, or in a cluster.
#[derive(Debug, Clone)]
pub struct RedisCache(RedisClient);

impl RedisCache {
    /// Entries where a client leads.
    #[must_use]
    pub const fn new(client: RedisClient) -> Self {
        Self(client)
    }

    async fn all(&self, commands: &[Command]) -> Result<Vec<Reply>, CacheError> {
        self.0.pipeline(commands).await.map_err(|error| failed(error, self.0.deadline()))
    }

    async fn one(&self, command: Command) -> Result<Reply, CacheError> {
        self.0.call(&command).await.map_err(|error| failed(error, self.0.deadline()))
    }
}

/// What went wrong, in the words of caches.
pub(crate) fn failed(error: KvError, deadline: Duration) -> CacheError {
    match error {
        KvError::Timeout => CacheError::Timeout(deadline),
        other => CacheError::Backend(other.to_string()),
    }
}

fn get(key: &str) -> Command {
    Command::new("GET").arg(key)
}

fn set(key: &str, entry: &Entry, ttl: Option<Duration>) -> Result<Command, CacheError> {
    let command = Command::new("SET").arg(key).arg(entry.encode()?);
    Ok(match ttl.map(|ttl| milliseconds(ttl).max(1)) {
        Some(ttl) => command.arg("PX").int(ttl),
        None => command,
    })
}

/// A lifetime as Redis takes it; it adds the time of day, which must not overflow.
pub(crate) fn milliseconds(ttl: Duration) -> i64 {
    i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX).min(i64::MAX / 1024)
}

fn entry(reply: Reply) -> Result<Option<Entry>, CacheError> {
    match reply {
        Reply::Nil => Ok(None),
        Reply::Refused(why) => Err(CacheError::Backend(why)),
        other => {
            let unexpected = other.unexpected();
            let bytes = other.into_bytes().ok_or_else(|| CacheError::Value(unexpected.to_string()))?;
            Entry::decode(&bytes).map(Some)
        }
    }
}

impl CacheBackend for RedisCache {
    fn kind(&self) -> &'static str {
        "redis"
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, CacheError>> {
        Box::pin(async move { entry(self.one(get(key)).await?) })
    }

    fn get_many<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<Option<Entry>>, CacheError>> {
        Box::pin(async move {
            let commands: Vec<Command> = keys.iter().map(|key| get(key)).collect();
            self.all(&commands).await?.into_iter().map(entry).collect()
        })
    }

    fn set<'a>(&'a self, key: &'a str, entry: Entry, ttl: Option<Duration>) -> BoxFuture<'a, Result<(), CacheError>> {
        Box::pin(async move { self.one(set(key, &entry, ttl)?).await.map(drop) })
    }

    fn set_many(&self, entries: Vec<(String, Entry)>, ttl: Option<Duration>) -> BoxFuture<'_, Result<(), CacheError>> {
        Box::pin(async move {
            let commands = entries.iter().map(|(key, entry)| set(key, entry, ttl)).collect::<Result<Vec<_>, _>>()?;
            refused(self.all(&commands).await?)
        })
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, CacheError>> {
        Box::pin(async move { Ok(self.one(Command::new("DEL").arg(key)).await?.as_int() == Some(1)) })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        Box::pin(async move { self.one(Command::new("FLUSHDB")).await.map(drop) })
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        Box::pin(async move {
            // A client that has just been made may still be connecting.
            self.0.ready(Duration::from_secs(1)).await;
            self.0.ping().await.map_err(|error| failed(error, self.0.deadline()))
        })
    }

    fn info(&self) -> BoxFuture<'_, Result<Option<Json>, CacheError>> {
        Box::pin(async move {
            let clients = self.one(Command::new("CLIENT").arg("LIST")).await?;
            let clients: Vec<Json> = clients.as_str().unwrap_or_default().lines().map(client).collect();
            let info = self.one(Command::new("INFO")).await?;
            let info = info.as_str().unwrap_or_default().lines().filter_map(|line| line.split_once(':'));
            let info = info.map(|(name, value)| (name.to_owned(), value_of(value))).collect();
            Ok(Some(Json::object([
                ("num_clients", Json::from(clients.len() as u64)),
                ("clients", Json::Array(clients)),
                ("info", Json::Object(info)),
            ])))
        })
    }
}

/// The first refusal among the answers of a pipeline.
pub(crate) fn refused(replies: Vec<Reply>) -> Result<(), CacheError> {
    replies.into_iter().try_for_each(|reply| match reply {
        Reply::Refused(why) => Err(CacheError::Backend(why)),
        _ => Ok(()),
    })
}

/// A line of `CLIENT LIST`: `id=3 addr=127.0.0.1:1 ...`. LiteLLM's library keeps these values as texts.
fn client(line: &str) -> Json {
    let pairs = line.split(' ').filter_map(|pair| pair.split_once('='));
    Json::Object(pairs.map(|(name, value)| (name.to_owned(), Json::from(value))).collect())
}

/// A value of `INFO`, as LiteLLM's library reads it: a number, a list like `keys=1,expires=0`, or a text.
fn value_of(text: &str) -> Json {
    if let Some(number) = number(text) {
        return number;
    }
    if text.contains(',') && text.split(',').all(|pair| pair.contains('=')) {
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        return Json::Object(pairs.map(|(n, v)| (n.to_owned(), number(v).unwrap_or_else(|| Json::from(v)))).collect());
    }
    Json::from(text)
}

fn number(text: &str) -> Option<Json> {
    let numeric = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
    (numeric && text.matches('.').count() < 2).then(|| serde_json::from_str(text).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_tell_is_read() {
        assert_eq!(value_of("7").to_string(), "7");
        assert_eq!(value_of("1.5").to_string(), "1.5");
        assert_eq!(value_of("7.0.15").to_string(), "\"7.0.15\"");
        assert_eq!(value_of("keys=2,expires=0,avg_ttl=x").to_string(), r#"{"keys":2,"expires":0,"avg_ttl":"x"}"#);
        assert_eq!(client("id=3 name= cmd=client|list").to_string(), r#"{"id":"3","name":"","cmd":"client|list"}"#);
    }
}
