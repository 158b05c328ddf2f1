//! Where a request comes from, as far as it is counted.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

/// An address; of the sixth version its network, which one client has to itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Source(u128);

impl Source {
    /// The source of an address; an address that is not known is a source like another.
    pub(crate) fn of(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            None => Self(0),
            Some(IpAddr::V4(four)) => Self(u128::from(four.to_bits())),
            Some(IpAddr::V6(six)) => Self(six.to_bits() & !u128::from(u64::MAX)),
        }
    }
}

/// Places of the table.
const PLACES: usize = 4096;

/// Counts by source, anew every minute, in a table of one size: many sources cost no memory. Two sources may share a place;
/// nobody can choose which.
#[derive(Debug)]
pub(crate) struct Counts {
    /// The minute in the upper half, the count in the lower.
    places: Box<[AtomicU64]>,
    hash: RandomState,
}

impl Default for Counts {
    fn default() -> Self {
        Self { places: (0..PLACES).map(|_| AtomicU64::new(0)).collect(), hash: RandomState::new() }
    }
}

impl Counts {
    /// How much was counted in this minute. `now`: milliseconds since 1970.
    pub(crate) fn of(&self, source: Source, now: u64) -> u64 {
        let state = self.place(source).map_or(0, |place| place.load(Ordering::Relaxed));
        if state >> 32 == minute(now) { state & u64::from(u32::MAX) } else { 0 }
    }

    /// Counts one more; two at the same moment may count as one.
    pub(crate) fn add(&self, source: Source, now: u64) {
        let Some(place) = self.place(source) else { return };
        // Below the upper half there is room for what a minute can bring.
        let count = self.of(source, now).saturating_add(1).min(u64::from(u32::MAX));
        place.store(minute(now) << 32 | count, Ordering::Relaxed);
    }

    fn place(&self, source: Source) -> Option<&AtomicU64> {
        let at = self.hash.hash_one(source) % PLACES as u64;
        self.places.get(usize::try_from(at).unwrap_or_default())
    }
}

const fn minute(now: u64) -> u64 {
    (now / 60_000) & u32::MAX as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_is_one_source() {
        let of = |text: &str| Source::of(text.parse().ok());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.2"), of("192.0.2.1"));
    }

    #[test]
    fn every_minute_begins_anew() {
        let (counts, source) = (Counts::default(), Source::of("192.0.2.1".parse().ok()));
        let noon = 60_000 * 1000;
        (0..5).for_each(|_| counts.add(source, noon));
        assert_eq!((counts.of(source, noon + 59_999), counts.of(source, noon + 60_000)), (5, 0));
        counts.add(source, noon + 60_000);
        assert_eq!(counts.of(source, noon + 60_000), 1);
    }
}
