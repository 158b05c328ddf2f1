//! Regions of providers that are out: errors of several deployments there.

use super::level;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The region of a deployment, by its id; what is not known is in none.
#[derive(Clone)]
pub struct RegionOf(pub Arc<dyn Fn(&str) -> Option<Arc<str>> + Send + Sync>);

impl fmt::Debug for RegionOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegionOf(..)")
    }
}

/// Errors in a region within some time.
#[derive(Debug)]
struct Region {
    since: Instant,
    errors: u32,
    deployments: HashSet<Arc<str>>,
    told: u8,
}

/// All of them. Regions come from the configuration, so there are few.
#[derive(Debug, Default)]
pub(super) struct Regions(HashMap<(Arc<str>, Arc<str>), Region>);

/// What is to be told: how bad it is, errors, deployments.
pub(super) type Told = (&'static str, u32, usize);

impl Regions {
    /// Counts an error of a deployment; what is to be told of its region, if anything is. One deployment alone is no region.
    pub(super) fn count(
        &mut self,
        place: (Arc<str>, Arc<str>),
        deployment: &Arc<str>,
        (window, levels): (Duration, (u32, u32)),
        now: Instant,
    ) -> Option<Told> {
        let new = || Region { since: now, errors: 0, deployments: HashSet::new(), told: 0 };
        let region = self.0.entry(place).or_insert_with(new);
        if now.duration_since(region.since) >= window {
            *region = new();
        }
        region.errors += 1;
        region.deployments.insert(Arc::clone(deployment));
        let (told, word) = level(region.errors, levels)?;
        if region.told >= told || region.deployments.len() < 2 {
            return None;
        }
        region.told = told;
        Some((word, region.errors, region.deployments.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_more_than_one_deployment() {
        let (start, limits) = (Instant::now(), (Duration::from_secs(60), (2, 4)));
        let place = || ("azure".into(), "eastus".into());
        let mut regions = Regions::default();
        let mut count = |deployment: &str, seconds: u64| {
            regions.count(place(), &deployment.into(), limits, start + Duration::from_secs(seconds))
        };
        assert_eq!(count("a", 0), None);
        assert_eq!(count("a", 1), None, "one deployment");
        assert_eq!(count("b", 2), Some(("Minor", 3, 2)));
        assert_eq!(count("b", 3), Some(("Major", 4, 2)));
        assert_eq!(count("a", 4), None, "told already");
        assert_eq!(count("a", 70), None, "another minute");
        assert_eq!(count("b", 71), Some(("Minor", 2, 2)));
    }
}
