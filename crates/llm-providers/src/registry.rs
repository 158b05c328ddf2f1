//! The providers by id. The table is sorted and static: nothing is built at start.

use std::sync::OnceLock;

use parking_lot::RwLock;

use crate::generated::{PREFIXES, TABLE};
use crate::provider::Provider;

static DECLARED: OnceLock<RwLock<Vec<&'static dyn Provider>>> = OnceLock::new();

/// The provider of an id.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static dyn Provider> {
    let table = TABLE.binary_search_by(|(known, _)| (*known).cmp(id)).ok();
    table.and_then(|at| TABLE.get(at)).map(|(_, p)| *p).or_else(|| declared(|p| p.row().id == id))
}

/// The provider that a first segment of a model string names: its id, or another prefix of it.
#[must_use]
pub fn by_prefix(prefix: &str) -> Option<&'static dyn Provider> {
    by_id(prefix)
        .or_else(|| {
            let at = PREFIXES.binary_search_by(|(known, _)| (*known).cmp(prefix)).ok()?;
            by_id(PREFIXES.get(at)?.1)
        })
        .or_else(|| declared(|p| p.row().prefixes.contains(&prefix)))
}

/// All providers, those of the configuration last.
pub fn all() -> impl Iterator<Item = &'static dyn Provider> {
    let own = DECLARED.get().map(|d| d.read().clone()).unwrap_or_default();
    TABLE.iter().map(|(_, p)| *p).chain(own)
}

/// Adds a provider of the configuration. Its row lives as long as the process: declare at start, not per request. A
/// known id is replaced only for rows that were declared before.
pub fn declare(provider: &'static dyn Provider) {
    let mut list = DECLARED.get_or_init(RwLock::default).write();
    list.retain(|p| p.row().id != provider.row().id);
    list.push(provider);
}

/// Whether a provider of the configuration is like this.
pub(crate) fn any_declared(is: impl Fn(&dyn Provider) -> bool) -> bool {
    DECLARED.get().is_some_and(|own| own.read().iter().any(|p| is(*p)))
}

fn declared(is: impl Fn(&dyn Provider) -> bool) -> Option<&'static dyn Provider> {
    DECLARED.get()?.read().iter().copied().find(|p| is(*p))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_each_id_is_its_rows_own() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(PREFIXES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (id, provider) in TABLE {
            assert_eq!(provider.row().id, *id);
            assert!(by_id(id).is_some());
        }
        for (prefix, id) in PREFIXES {
            assert_eq!(by_prefix(prefix).unwrap().row().id, *id);
        }
    }
}
