//! How many requests were answered, by route: the dashboard's count of everything, calls that were refused included. Each
//! thread counts for itself; every few seconds the counts go to the database. What a killed process had not handed over is lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Method, StatusCode};
use llm_store::{DailyGatewayRow, Store, StoreError};

use crate::routes::Action;
use crate::{agents, mcp};

/// What a request counts as: a kind and a route, as LiteLLM names them.
pub type Key = (&'static str, &'static str);

/// Answered with 2xx, and with anything else.
type Counts = (i64, i64);

/// The counts of one thread.
#[derive(Debug, Default)]
pub struct Shard(Mutex<BTreeMap<Key, Counts>>);

impl Shard {
    /// Counts an answer.
    pub fn count(&self, key: Key, status: StatusCode) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (fine, failed) = counts.entry(key).or_default();
        *(if status.is_success() { fine } else { failed }) += 1;
    }

    fn take(&self) -> BTreeMap<Key, Counts> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The counts of all threads.
#[derive(Debug, Default)]
pub struct Edge {
    shards: Mutex<Vec<Arc<Shard>>>,
    /// What the database did not take.
    kept: Shard,
}

impl Edge {
    /// The counts of a new thread.
    pub fn shard(&self) -> Arc<Shard> {
        let shard = Arc::new(Shard::default());
        self.shards.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&shard));
        shard
    }

    fn take(&self) -> BTreeMap<Key, Counts> {
        let mut all = self.kept.take();
        for shard in self.shards.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            for (key, (fine, failed)) in shard.take() {
                let sum = all.entry(key).or_default();
                *sum = (sum.0 + fine, sum.1 + failed);
            }
        }
        all
    }

    /// Adds what was counted to the sums of today.
    ///
    /// # Errors
    /// When the database does not take it; the counts are kept for the next time.
    pub async fn hand_over(&self, store: &Store) -> Result<(), StoreError> {
        let counts = self.take();
        if counts.is_empty() {
            return Ok(());
        }
        let date = llm_store::defaults::now().format("%Y-%m-%d").to_string();
        let row = |(&(category, route), &(fine, failed)): (&Key, &Counts)| DailyGatewayRow {
            date: date.clone(),
            category: category.to_owned(),
            route: route.to_owned(),
            successful_requests: fine,
            failed_requests: failed,
            ..DailyGatewayRow::default()
        };
        let rows: Vec<DailyGatewayRow> = counts.iter().map(row).collect();
        let done = store.add_gateway_requests(&rows).await;
        if done.is_err() {
            *self.kept.0.lock().unwrap_or_else(PoisonError::into_inner) = counts;
        }
        done
    }
}

/// Ends of paths that make a model work, as LiteLLM counts them; longer ones first.
const ENDS: &[&str] = &[
    "/chat/completions",
    "/completions",
    "/embeddings",
    "/responses",
    "/rerank",
    "/moderations",
    "/images/generations",
    "/images/edits",
    "/images/variations",
    "/audio/transcriptions",
    "/audio/translations",
    "/audio/speech",
    "/videos",
    "/remix",
    "/ocr",
    "/search",
    "/rag/query",
    "/rag/ingest",
    ":generateContent",
    ":streamGenerateContent",
];

/// What a request of a route counts as; nothing for those that make nobody work: lists, look-ups, pages.
#[must_use]
pub fn key(action: Action, name: &'static str, method: &Method) -> Option<Key> {
    match action {
        Action::Mcp(mcp::Verb::Protocol | mcp::Verb::CallTool) => return Some(("mcp", "/mcp")),
        Action::Agent(agents::Verb::Call) => return Some(("a2a", "/a2a")), // the protocol. tidy: provider-id
        _ if *method != Method::POST => return None,
        Action::Call(..) | Action::Rag(_) | Action::Resource(_) => {}
        // `/langfuse` carries what was observed, no calls of models.
        Action::Pass(mount) if !mount.route.starts_with("/langfuse") => {
            let end = mount.route.find("/{").unwrap_or(mount.route.len());
            return mount.route.get(..end).map(|route| ("llm", route));
        }
        _ => return None,
    }
    if name == "/v1/messages" {
        return Some(("llm", name));
    }
    ENDS.iter().find(|end| name.ends_with(**end)).map(|end| ("llm", *end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::find;

    fn counts_as(method: &Method, path: &str) -> Option<Key> {
        find(method, path).and_then(|route| key(route.action, route.name, method))
    }

    #[test]
    fn requests_count_as_in_litellm() {
        for (path, route) in [
            ("/v1/chat/completions", "/chat/completions"),
            ("/openai/deployments/a/b/completions", "/completions"),
            ("/v1/messages", "/v1/messages"),
            ("/v1/responses", "/responses"),
            ("/v1beta/models/m:generateContent", ":generateContent"),
            ("/v1/rag/query", "/rag/query"),
            ("/bedrock/model/m/converse", "/bedrock"),
        ] {
            assert_eq!(counts_as(&Method::POST, path), Some(("llm", route)), "{path}");
        }
        assert_eq!(counts_as(&Method::POST, "/mcp"), Some(("mcp", "/mcp")));
        assert_eq!(counts_as(&Method::POST, "/a2a/one"), Some(("a2a", "/a2a")));
        for path in ["/v1/messages/count_tokens", "/key/generate", "/langfuse/api/public/ingestion", "/v1/files"] {
            assert_eq!(counts_as(&Method::POST, path), None, "{path}");
        }
        assert_eq!(counts_as(&Method::GET, "/v1/videos"), None);
    }

    #[test]
    fn threads_are_added_up_once() {
        let edge = Edge::default();
        let (a, b) = (edge.shard(), edge.shard());
        a.count(("llm", "/x"), StatusCode::OK);
        b.count(("llm", "/x"), StatusCode::UNAUTHORIZED);
        b.count(("llm", "/x"), StatusCode::OK);
        assert_eq!(edge.take(), BTreeMap::from([(("llm", "/x"), (2, 1))]));
        assert!(edge.take().is_empty());
    }
}
