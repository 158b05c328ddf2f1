//! Finding answers by what a question means.
//!
//! Only the words of the user are compared by meaning ([`Question`]). Everything else, parameters, system prompts, tools,
//! pictures and whose question it is, has to be equal: it makes the *bucket* in which is searched.
//!
//! | file | what |
//! |---|---|
//! | `question` | what of a request is compared, and what has to be equal |
//! | `flat` | [`FlatIndex`]: vectors in this process |
//! | `qdrant` | [`QdrantIndex`]: Qdrant's REST API (feature `qdrant`) |
//! | `redis` | [`RedisIndex`]: Redis with its search module, Valkey with its own (feature `redis`) |

mod flat;
#[cfg(feature = "qdrant")]
mod qdrant;
mod question;
#[cfg(feature = "redis")]
mod redis;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::cache::fresh;
use crate::fuse::Fuse;
use crate::{BoxFuture, CacheError, Entry, Guard, Hit, Plan};

pub use flat::{FlatIndex, FlatLimits};
#[cfg(feature = "qdrant")]
pub use qdrant::{QdrantIndex, QdrantSettings};
pub use question::Question;
#[cfg(feature = "redis")]
pub use redis::RedisIndex;

/// Turns a text into a vector.
pub trait Embed: Send + Sync {
    /// The vector of a text.
    fn embed<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<Vec<f32>, CacheError>>;
}

/// How questions are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Meaning {
    /// How like a question must be: 1 is the same.
    pub threshold: f32,
    /// The model group that makes vectors.
    pub model: String,
    /// How long that may take.
    pub timeout: Duration,
    /// How many tokens of a question it reads.
    pub most_tokens: Option<usize>,
}

/// Where a question is searched.
#[derive(Debug, Clone)]
pub struct Spot {
    /// Searched is only among questions of this bucket: 64 hexadecimal digits.
    pub bucket: Arc<str>,
    /// What the question means, as a vector of length one.
    pub vector: Arc<[f32]>,
}

/// What is stored.
#[derive(Debug, Clone)]
pub struct Item {
    /// The key of the whole request: an item of the same key is replaced.
    pub key: String,
    /// Where it is found.
    pub spot: Spot,
    /// The text that was compared.
    pub text: String,
    /// The answer.
    pub entry: Entry,
    /// Its lifetime.
    pub ttl: Option<Duration>,
}

/// The nearest item.
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    /// The answer.
    pub entry: Entry,
    /// Cosine of the angle between the questions: 1 for the same one.
    pub similarity: f32,
}

/// A store of items. Expired items are not given out.
pub trait SemanticIndex: Send + Sync + fmt::Debug {
    /// One word for logs and metrics.
    fn kind(&self) -> &'static str;

    /// The item nearest to a spot, in the same bucket.
    fn nearest<'a>(&'a self, spot: &'a Spot) -> BoxFuture<'a, Result<Option<Near>, CacheError>>;

    /// Stores an item.
    fn insert(&self, item: Item) -> BoxFuture<'_, Result<(), CacheError>>;

    /// Deletes the item of a key; true when it was there.
    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, CacheError>>;

    /// Deletes everything.
    fn clear(&self) -> BoxFuture<'_, Result<(), CacheError>>;

    /// Fails when the store cannot be used.
    fn ping(&self) -> BoxFuture<'_, Result<(), CacheError>>;
}

/// A semantic cache: an index behind a deadline and a breaker, and how like is like enough.
#[derive(Debug)]
pub struct SemanticCache {
    index: Arc<dyn SemanticIndex>,
    fuse: Fuse,
    meaning: Meaning,
}

impl SemanticCache {
    /// Puts an index behind a guard.
    #[must_use]
    pub fn new(index: Arc<dyn SemanticIndex>, meaning: Meaning, guard: Guard) -> Self {
        Self { fuse: Fuse::new(index.kind(), guard), index, meaning }
    }

    /// How questions are compared.
    #[must_use]
    pub const fn meaning(&self) -> &Meaning {
        &self.meaning
    }

    /// The vector of a text, at length one. An embedding model that fails again and again is left alone like an index.
    ///
    /// # Errors
    /// No vector came, or none came in time.
    pub async fn vector(&self, embed: &dyn Embed, text: &str) -> Result<Arc<[f32]>, CacheError> {
        let vector = self.fuse.beside("embed", self.meaning.timeout, embed.embed(text)).await?;
        unit(vector).ok_or_else(|| CacheError::Value("the embedding model gave no vector".to_owned()))
    }

    /// Looks an answer up.
    ///
    /// # Errors
    /// When the index does not work.
    pub async fn get(&self, spot: &Spot, plan: &Plan, now: SystemTime) -> Result<Option<Hit>, CacheError> {
        if !plan.look_up {
            return Ok(None);
        }
        let (index, spot) = (Arc::clone(&self.index), spot.clone());
        let near = self.fuse.read(async move { index.nearest(&spot).await }).await?;
        let Some(near) = near.filter(|near| near.similarity >= self.meaning.threshold) else { return Ok(None) };
        Ok(fresh(near.entry, plan, now).map(|hit| Hit { similarity: Some(near.similarity), ..hit }))
    }

    /// Stores an answer.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn put(&self, item: Item) -> Result<(), CacheError> {
        let index = Arc::clone(&self.index);
        self.fuse.write(async move { index.insert(item).await }).await
    }

    /// Deletes the answer of a key.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn remove(&self, key: &str) -> Result<bool, CacheError> {
        let (index, key) = (Arc::clone(&self.index), key.to_owned());
        self.fuse.command(async move { index.remove(&key).await }).await
    }

    /// Deletes everything.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn clear(&self) -> Result<(), CacheError> {
        let index = Arc::clone(&self.index);
        self.fuse.command(async move { index.clear().await }).await
    }

    /// Fails when the index cannot be used.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn ping(&self) -> Result<(), CacheError> {
        let index = Arc::clone(&self.index);
        self.fuse.command(async move { index.ping().await }).await
    }
}

/// A vector at length one; nothing for one without direction.
fn unit(mut vector: Vec<f32>) -> Option<Arc<[f32]>> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if !length.is_finite() || length <= f32::EPSILON {
        return None;
    }
    vector.iter_mut().for_each(|x| *x /= length);
    Some(vector.into())
}
