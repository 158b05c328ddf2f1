//! A small cache over the system's resolver.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::{ErrorKind, Phase, TransportError};

/// More names than this and expired ones are thrown out before a new one is stored.
const CAPACITY: usize = 1024;

#[derive(Debug)]
pub(crate) struct Dns {
    ttl: Duration,
    known: Mutex<HashMap<Box<str>, (Instant, Arc<[IpAddr]>)>>,
}

impl Dns {
    pub(crate) fn new(ttl: Duration) -> Self {
        Dns { ttl, known: Mutex::default() }
    }

    /// The addresses of `name` (without brackets), in the resolver's order, IPv6 and IPv4 alternating.
    pub(crate) async fn resolve(&self, name: &str, port: u16) -> Result<Vec<SocketAddr>, TransportError> {
        if let Ok(ip) = name.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let ips = match self.cached(name) {
            Some(ips) => ips,
            None => self.look_up(name, port).await?,
        };
        Ok(ips.iter().map(|ip| SocketAddr::new(*ip, port)).collect())
    }

    /// Forgets a name whose addresses did not answer.
    pub(crate) fn forget(&self, name: &str) {
        self.known.lock().remove(name);
    }

    fn cached(&self, name: &str) -> Option<Arc<[IpAddr]>> {
        let known = self.known.lock();
        let (at, ips) = known.get(name)?;
        (at.elapsed() < self.ttl).then(|| ips.clone())
    }

    async fn look_up(&self, name: &str, port: u16) -> Result<Arc<[IpAddr]>, TransportError> {
        let failed = |why: String| {
            TransportError::unsent(Phase::Connect, ErrorKind::Dns, format!("cannot look up {name}: {why}"))
        };
        let found = tokio::net::lookup_host((name, port)).await.map_err(|error| failed(error.to_string()))?;
        let ips = alternate(found.map(|address| address.ip()));
        if ips.is_empty() {
            return Err(failed("no address".to_owned()));
        }
        let ips: Arc<[IpAddr]> = ips.into();
        let mut known = self.known.lock();
        if known.len() >= CAPACITY {
            known.retain(|_, (at, _)| at.elapsed() < self.ttl);
        }
        if known.len() < CAPACITY {
            known.insert(name.into(), (Instant::now(), ips.clone()));
        }
        Ok(ips)
    }
}

/// Distinct addresses, families alternating, beginning with the family that came first.
fn alternate(ips: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut same = Vec::new();
    let mut other = Vec::new();
    for ip in ips {
        let of_first_family = same.first().is_none_or(|first: &IpAddr| first.is_ipv4() == ip.is_ipv4());
        let list = if of_first_family { &mut same } else { &mut other };
        if !list.contains(&ip) {
            list.push(ip);
        }
    }
    let mut out = Vec::with_capacity(same.len() + other.len());
    let (mut same, mut other) = (same.into_iter(), other.into_iter());
    loop {
        let before = out.len();
        out.extend(same.next());
        out.extend(other.next());
        if out.len() == before {
            return out;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_alternate_and_repeats_vanish() {
        let ips = ["::1", "::2", "::1", "1.1.1.1", "::3", "2.2.2.2"].map(|ip| ip.parse().unwrap());
        let got: Vec<String> = alternate(ips.into_iter()).iter().map(ToString::to_string).collect();
        assert_eq!(got, ["::1", "1.1.1.1", "::2", "2.2.2.2", "::3"]);
    }

    #[tokio::test]
    async fn names_are_cached_and_forgotten() {
        let dns = Dns::new(Duration::from_secs(30));
        assert!(!dns.resolve("localhost", 80).await.unwrap().is_empty());
        assert!(dns.cached("localhost").is_some());
        dns.forget("localhost");
        assert!(dns.cached("localhost").is_none());
        assert_eq!(dns.resolve("no-such-name.invalid", 80).await.unwrap_err().kind(), ErrorKind::Dns);
    }
}
