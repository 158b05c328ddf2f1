//! Vectors in this process, compared one by one: a bucket is one block of memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::{BoxFuture, Item, Near, SemanticIndex, Spot};
use crate::{CacheError, Entry};

/// Bounds of a [`FlatIndex`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlatLimits {
    /// Items at most.
    pub items: usize,
    /// Bytes of vectors and answers at most.
    pub bytes: usize,
    /// Lifetime of items that come without one.
    pub ttl: Duration,
}

impl Default for FlatLimits {
    fn default() -> Self {
        Self { items: 10_000, bytes: 128 << 20, ttl: Duration::from_secs(3600) }
    }
}

/// Items in memory.
#[derive(Debug)]
pub struct FlatIndex {
    limits: FlatLimits,
    rows: Mutex<Rows>,
}

#[derive(Debug, Default)]
struct Rows {
    buckets: HashMap<Arc<str>, Bucket>,
    items: usize,
    bytes: usize,
    turn: u64,
}

/// The questions of one bucket: row `n` of `vectors` belongs to `rows[n]`.
#[derive(Debug, Default)]
struct Bucket {
    size: usize,
    vectors: Vec<f32>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    key: String,
    entry: Entry,
    expires: Instant,
    used: u64,
}

impl FlatIndex {
    /// An empty index.
    #[must_use]
    pub fn new(limits: FlatLimits) -> Self {
        Self { limits, rows: Mutex::default() }
    }

    /// Number of items and bytes held.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let rows = self.rows.lock();
        (rows.items, rows.bytes)
    }
}

impl Bucket {
    fn weight(&self, row: &Row) -> usize {
        row.key.len() + row.entry.response.len() + self.size * size_of::<f32>()
    }

    /// Takes a row out; the last one moves into its place.
    fn take(&mut self, at: usize) -> usize {
        let row = self.rows.swap_remove(at);
        let (start, last) = (at * self.size, self.rows.len() * self.size);
        if start < last {
            self.vectors.copy_within(last..last + self.size, start);
        }
        self.vectors.truncate(last);
        self.weight(&row)
    }

    fn nearest(&self, vector: &[f32]) -> Option<(usize, f32)> {
        if vector.len() != self.size {
            return None;
        }
        let scored = self.vectors.chunks_exact(self.size.max(1)).map(|other| dot(vector, other));
        scored.enumerate().max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

/// Eight sums at once: the compiler makes vector instructions of it.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (mut sums, (a, rest_a), (b, rest_b)) = ([0.0_f32; 8], a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        for ((sum, x), y) in sums.iter_mut().zip(a).zip(b) {
            *sum += x * y;
        }
    }
    sums.iter().sum::<f32>() + rest_a.iter().zip(rest_b).map(|(x, y)| x * y).sum::<f32>()
}

impl Rows {
    /// Takes out what `gone` says, and what has expired.
    fn retain(&mut self, now: Instant, gone: impl Fn(&Row) -> bool) -> bool {
        let before = self.items;
        for bucket in self.buckets.values_mut() {
            let mut at = 0;
            while let Some(row) = bucket.rows.get(at) {
                if row.expires <= now || gone(row) {
                    self.bytes -= bucket.take(at);
                    self.items -= 1;
                } else {
                    at += 1;
                }
            }
        }
        self.buckets.retain(|_, bucket| !bucket.rows.is_empty());
        self.items < before
    }

    /// Takes out what was not used for the longest time until a tenth of the room is free.
    fn shrink(&mut self, limits: &FlatLimits, now: Instant) {
        if self.items <= limits.items && self.bytes <= limits.bytes {
            return;
        }
        self.retain(now, |_| false);
        let (items, bytes) = (limits.items - limits.items / 10, limits.bytes - limits.bytes / 10);
        let all = self.buckets.values().flat_map(|b| b.rows.iter().map(|row| (row.used, b.weight(row))));
        let mut ages: Vec<(u64, usize)> = all.collect();
        ages.sort_unstable();
        let (mut left, mut held, mut last) = (self.items, self.bytes, None);
        for (used, weight) in ages {
            if left <= items && held <= bytes {
                break;
            }
            (left, held, last) = (left - 1, held - weight, Some(used));
        }
        if let Some(last) = last {
            self.retain(now, |row| row.used <= last);
        }
    }

    fn insert(&mut self, item: Item, expires: Instant) {
        let Item { key, spot, entry, .. } = item;
        self.turn += 1;
        let bucket = self.buckets.entry(spot.bucket).or_default();
        if bucket.size != spot.vector.len() {
            // Another embedding model: what the old one found cannot be compared.
            while !bucket.rows.is_empty() {
                self.bytes -= bucket.take(0);
                self.items -= 1;
            }
            bucket.size = spot.vector.len();
        }
        if let Some(at) = bucket.rows.iter().position(|row| row.key == key) {
            self.bytes -= bucket.take(at);
            self.items -= 1;
        }
        let row = Row { key, entry, expires, used: self.turn };
        self.bytes += bucket.weight(&row);
        self.items += 1;
        bucket.vectors.extend_from_slice(&spot.vector);
        bucket.rows.push(row);
    }
}

impl SemanticIndex for FlatIndex {
    fn kind(&self) -> &'static str {
        "local-semantic"
    }

    fn nearest<'a>(&'a self, spot: &'a Spot) -> BoxFuture<'a, Result<Option<Near>, CacheError>> {
        Box::pin(async move {
            let (now, mut rows) = (Instant::now(), self.rows.lock());
            rows.turn += 1;
            let turn = rows.turn;
            loop {
                let Some(bucket) = rows.buckets.get_mut(&spot.bucket) else { return Ok(None) };
                let Some((at, similarity)) = bucket.nearest(&spot.vector) else { return Ok(None) };
                let Some(row) = bucket.rows.get_mut(at) else { return Ok(None) };
                if row.expires > now {
                    row.used = turn;
                    return Ok(Some(Near { entry: row.entry.clone(), similarity }));
                }
                let freed = bucket.take(at);
                rows.bytes -= freed;
                rows.items -= 1;
            }
        })
    }

    fn insert(&self, item: Item) -> BoxFuture<'_, Result<(), CacheError>> {
        Box::pin(async move {
            let now = Instant::now();
            let ttl = item.ttl.unwrap_or(self.limits.ttl);
            let Some(expires) = now.checked_add(ttl).or_else(|| now.checked_add(Duration::from_secs(1 << 31))) else {
                return Ok(());
            };
            let mut rows = self.rows.lock();
            rows.insert(item, expires);
            rows.shrink(&self.limits, now);
            Ok(())
        })
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, CacheError>> {
        Box::pin(async move {
            let mut rows = self.rows.lock();
            rows.retain(Instant::now(), |_| false);
            Ok(rows.retain(Instant::now(), |row| row.key == key))
        })
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        *self.rows.lock() = Rows::default();
        Box::pin(std::future::ready(Ok(())))
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_is_the_sum_of_products_whatever_the_length() {
        for n in [0_u8, 1, 7, 8, 9, 24, 25] {
            let a: Vec<f32> = (0..n).map(f32::from).collect();
            let plain: f32 = a.iter().map(|x| x * x).sum();
            assert!((dot(&a, &a) - plain).abs() < 0.01, "{n}");
        }
    }

    #[tokio::test]
    async fn bytes_and_items_are_bounded_and_the_least_used_go_first() {
        let limits = FlatLimits { items: 10, bytes: 100_000, ttl: Duration::from_secs(60) };
        let index = FlatIndex::new(limits);
        let spot = |n: u8| Spot { bucket: Arc::from("b"), vector: vec![f32::from(n).cos(), f32::from(n).sin()].into() };
        let item = |n: u8, bytes: usize| Item {
            key: n.to_string(),
            spot: spot(n),
            text: String::new(),
            entry: Entry { stored: Duration::ZERO, response: vec![b'x'; bytes].into() },
            ttl: None,
        };
        for n in 0..10 {
            index.insert(item(n, 10)).await.unwrap();
        }
        index.nearest(&spot(0)).await.unwrap();
        index.insert(item(10, 10)).await.unwrap();
        assert_eq!(index.size().0, 9);
        assert!(index.nearest(&spot(0)).await.unwrap().is_some_and(|n| n.similarity > 0.999), "it was used");
        assert!(index.nearest(&spot(1)).await.unwrap().is_none_or(|n| n.similarity < 0.999), "it was not");
        index.insert(item(11, 99_000)).await.unwrap();
        assert!(index.size().1 <= 100_000);
        index.clear().await.unwrap();
        assert_eq!(index.size(), (0, 0));
    }
}
