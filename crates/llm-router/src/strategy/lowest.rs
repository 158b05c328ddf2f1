//! What several strategies share: the lowest figure wins.

use super::Ranking;

/// Who wins among figures that are equal, or nearly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Tie {
    /// The first in the order of the configuration.
    First,
    /// A random one of those within this share of the lowest.
    Within(f64),
}

/// Fills the ranking from `figures` (position, figure), lowest first.
pub(super) fn lowest(mut figures: Vec<(usize, f64)>, tie: Tie, out: &mut Ranking) {
    for (at, figure) in &figures {
        out.score(*at, *figure);
    }
    while out.picks().len() < out.wanted() {
        let Some(low) = figures.iter().map(|(_, f)| *f).reduce(f64::min) else { return };
        let limit = match tie {
            Tie::First => low,
            Tie::Within(share) => low + share * low,
        };
        let mut near = 0;
        let mut pick = None;
        for (slot, (_, figure)) in figures.iter().enumerate() {
            if *figure <= limit {
                near += 1;
                // Each of those seen so far has the same chance to be the one.
                if pick.is_none() || tie != Tie::First && out.rng.below(near) == 0 {
                    pick = Some(slot);
                }
            }
        }
        let Some(slot) = pick else { return };
        let (at, _) = figures.remove(slot);
        out.push(at);
    }
}
