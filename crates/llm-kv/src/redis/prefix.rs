//! Deleting all keys of a prefix, a few at a time, so that the server goes on serving.

use std::time::Duration;

use super::client::RedisClient;
use super::command::Reply;
use super::link::Wire;
use crate::KvError;

/// Keys looked at per step.
const STEP: i64 = 500;
/// How long one step may take: this is background work.
const PATIENCE: Duration = Duration::from_secs(2);

impl RedisClient {
    /// Deletes every key that begins with `prefix`, on every master of a cluster. How many there were. Keys written
    /// meanwhile may stay.
    ///
    /// # Errors
    /// As [`RedisClient::call`]; what was deleted before stays deleted.
    pub async fn delete_prefix(&self, prefix: &[u8]) -> Result<u64, KvError> {
        let pattern = [&glob_escaped(prefix), b"*".as_slice()].concat();
        let mut deleted = 0;
        for node in self.masters().await? {
            let mut cursor = "0".to_owned();
            loop {
                let mut scan = redis::cmd("SCAN");
                scan.arg(&cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(STEP);
                let page = self.step(node.as_ref(), scan).await?;
                let (next, keys) = read_page(page)?;
                if !keys.is_empty() {
                    deleted += self.unlink(&keys).await?;
                }
                if next == "0" {
                    break;
                }
                cursor = next;
            }
        }
        Ok(deleted)
    }

    /// One by one: on a cluster the keys of a page lie in many slots.
    async fn unlink(&self, keys: &[Reply]) -> Result<u64, KvError> {
        let commands: Vec<redis::Cmd> = keys
            .iter()
            .filter_map(|key| if let Reply::Bytes(bytes) = key { Some(bytes) } else { None })
            .map(|key| redis::cmd("UNLINK").arg(&key[..]).clone())
            .collect();
        let replies = self.inner.run(PATIENCE, |mut wire| async move { wire.send_all(&commands).await }).await?;
        Ok(replies.into_iter().filter(|reply| *reply == Reply::Int(1)).count() as u64)
    }

    async fn step(&self, node: Option<&(String, u16)>, command: redis::Cmd) -> Result<Reply, KvError> {
        self.inner.run(PATIENCE, |mut wire| async move { wire.send_to(node, command).await }).await.map(Reply::of)
    }

    /// The masters of a cluster; one nameless server elsewhere.
    async fn masters(&self) -> Result<Vec<Option<(String, u16)>>, KvError> {
        let cluster = self.inner.link.load().as_ref().is_some_and(|link| matches!(link.wire, Wire::Cluster(_)));
        if !cluster {
            return Ok(vec![None]);
        }
        let mut slots = redis::cmd("CLUSTER");
        slots.arg("SLOTS");
        let reply = self.step(None, slots).await?;
        let mut masters: Vec<(String, u16)> =
            reply.into_list().unwrap_or_default().into_iter().filter_map(master).collect();
        masters.sort_unstable();
        masters.dedup();
        Ok(masters.into_iter().map(Some).collect())
    }
}

/// Of a range of slots (first, last, master, replicas ...) the master: address, port, ...
fn master(range: Reply) -> Option<(String, u16)> {
    let mut node = range.into_list()?.into_iter().nth(2)?.into_list()?.into_iter();
    let host = node.next()?.as_str()?.to_owned();
    let port = u16::try_from(node.next()?.as_int()?).ok()?;
    Some((host, port))
}

fn read_page(page: Reply) -> Result<(String, Vec<Reply>), KvError> {
    let mut parts = page.into_list().unwrap_or_default().into_iter();
    match (parts.next(), parts.next()) {
        (Some(cursor), Some(Reply::List(keys))) => match cursor.as_str() {
            Some(cursor) => Ok((cursor.to_owned(), keys)),
            None => Err(cursor.unexpected()),
        },
        (first, _) => Err(first.unwrap_or(Reply::Nil).unexpected()),
    }
}

fn glob_escaped(text: &[u8]) -> Vec<u8> {
    let special = |byte: &u8| matches!(byte, b'*' | b'?' | b'[' | b']' | b'\\' | b'^' | b'-');
    text.iter().flat_map(|byte| special(byte).then_some(b'\\').into_iter().chain([*byte])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_no_pattern() {
        assert_eq!(glob_escaped(br"a*[b]?\"), br"a\*\[b\]\?\\");
    }

    #[test]
    fn masters_are_the_third_of_a_range() {
        let text = |text: &'static str| Reply::Bytes(text.into());
        let node = Reply::List(vec![text("10.0.0.1"), Reply::Int(7000), text("id")]);
        let range = Reply::List(vec![Reply::Int(0), Reply::Int(5460), node]);
        assert_eq!(master(range), Some(("10.0.0.1".to_owned(), 7000)));
        assert_eq!(master(Reply::Nil), None);
    }
}
