//! auto_router: the route whose examples resemble the request most. Vectors come from the owner's embedding function.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use super::{AutoChoice, How};

/// A group and examples of what it should answer.
#[derive(Debug, Clone, Deserialize)]
pub struct SemanticRoute {
    /// The group.
    pub name: Arc<str>,
    /// Examples.
    #[serde(default)]
    pub utterances: Vec<String>,
    /// How alike a request must be, from 0 to 1.
    #[serde(default)]
    pub score_threshold: Option<f64>,
}

/// Routes by resemblance.
#[derive(Debug, Default)]
pub struct Semantic {
    /// The routes.
    pub routes: Vec<SemanticRoute>,
    /// The group for what resembles nothing.
    pub default_model: Arc<str>,
    /// The group that makes vectors.
    pub embedding_model: Arc<str>,
    vectors: OnceLock<Vec<Vec<f32>>>,
}

/// How alike a request must be when a route does not say.
const THRESHOLD: f64 = 0.3;
/// Examples that are looked at: the nearest ones.
const NEAREST: usize = 5;

impl Semantic {
    /// Routes without vectors yet.
    #[must_use]
    pub fn new(routes: Vec<SemanticRoute>, default_model: Arc<str>, embedding_model: Arc<str>) -> Self {
        Self { routes, default_model, embedding_model, vectors: OnceLock::new() }
    }

    /// The examples of all routes, in order: their vectors are wanted once.
    #[must_use]
    pub fn examples(&self) -> Vec<&str> {
        self.routes.iter().flat_map(|r| r.utterances.iter().map(String::as_str)).collect()
    }

    /// True when the vectors of the examples are there.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.vectors.get().is_some()
    }

    /// Takes the vectors of the examples. Those that came first stay.
    pub fn learn(&self, vectors: Vec<Vec<f32>>) {
        if vectors.len() == self.examples().len() {
            let _ = self.vectors.set(vectors); // another call may have been quicker
        }
    }

    /// The group for a request with this vector: the route with the highest mean similarity among the nearest examples, if
    /// its best one is alike enough.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a handful of examples")]
    pub fn choose(&self, query: &[f32]) -> AutoChoice {
        let vectors = self.vectors.get().map(Vec::as_slice).unwrap_or_default();
        let owners = self.routes.iter().enumerate().flat_map(|(at, r)| r.utterances.iter().map(move |_| at));
        let mut near: Vec<(usize, f64)> = owners.zip(vectors).map(|(at, v)| (at, cosine(query, v))).collect();
        near.sort_by(|a, b| b.1.total_cmp(&a.1));
        near.truncate(NEAREST);
        let mut routes: BTreeMap<usize, (f64, usize, f64)> = BTreeMap::new();
        for (at, score) in near {
            let (sum, count, best) = routes.entry(at).or_insert((0.0, 0, f64::MIN));
            (*sum, *count, *best) = (*sum + score, *count + 1, best.max(score));
        }
        let mean = |(sum, count, _): &(f64, usize, f64)| sum / *count as f64;
        let best = routes.iter().max_by(|a, b| mean(a.1).total_cmp(&mean(b.1)));
        let route = best.and_then(|(at, figures)| Some((self.routes.get(*at)?, figures.2)));
        match route.filter(|(r, score)| *score >= r.score_threshold.unwrap_or(THRESHOLD)) {
            Some((route, score)) => AutoChoice { model: Arc::clone(&route.name), how: How::Semantic { score } },
            None => self.usual(),
        }
    }

    /// The default, where nothing resembles a request or nobody can tell.
    #[must_use]
    pub fn usual(&self) -> AutoChoice {
        AutoChoice { model: Arc::clone(&self.default_model), how: How::Semantic { score: 0.0 } }
    }

    pub(super) fn targets(&self) -> Vec<Arc<str>> {
        self.routes.iter().map(|r| Arc::clone(&r.name)).chain([Arc::clone(&self.default_model)]).collect()
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    let length = (dot(a, a) * dot(b, b)).sqrt();
    if length > 0.0 { dot(a, b) / length } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Semantic {
        let route = |name: &str, n: usize, threshold| SemanticRoute {
            name: name.into(),
            utterances: vec!["x".into(); n],
            score_threshold: threshold,
        };
        Semantic::new(vec![route("code", 2, Some(0.8)), route("poems", 1, None)], "other".into(), "embed".into())
    }

    #[test]
    fn the_nearest_route_that_is_near_enough_answers() {
        let r = routes();
        assert_eq!(&*r.choose(&[1.0, 0.0]).model, "other", "no vectors yet");
        r.learn(vec![vec![1.0, 0.0]]);
        assert!(!r.is_ready(), "one vector for each example");
        r.learn(vec![vec![1.0, 0.0], vec![0.9, 0.1], vec![0.0, 1.0]]);
        assert_eq!(&*r.choose(&[2.0, 0.1]).model, "code");
        assert_eq!(&*r.choose(&[0.1, 2.0]).model, "poems");
        assert_eq!(&*r.choose(&[-1.0, 0.0]).model, "other", "alike to nothing");
        assert_eq!(&*r.choose(&[1.0, 1.0]).model, "other", "its best is 0.78, below 0.8");
        assert_eq!(r.targets().len(), 3);
    }
}
