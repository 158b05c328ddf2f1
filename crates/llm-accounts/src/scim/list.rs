//! Lists: what of a filter the store can look for, and pages.

use llm_store::{Filter as StoreFilter, ListQuery};
use llm_types::Json;

use super::ScimQuery;
use super::path::{Filter, Op};

/// Resources of one answer at the most, as in LiteLLM.
const LARGEST: u32 = 100;

/// Where an attribute lies in the store: in one of these columns, or at a place of a JSON column.
#[derive(Debug)]
pub(super) struct Narrow {
    pub(super) attribute: &'static [&'static str],
    pub(super) columns: &'static [&'static str],
    pub(super) json: Option<(&'static str, &'static [&'static str])>,
}

/// A filter of the store that lets through everything that fits, and perhaps more; none where the store cannot help.
pub(super) fn narrowed(filter: &Filter, places: &[Narrow]) -> Option<StoreFilter> {
    match filter {
        Filter::All(parts) => {
            let parts = parts.iter().filter_map(|part| narrowed(part, places));
            parts.reduce(|all, part| all.one_of(vec![part]))
        }
        Filter::Any(parts) => {
            let parts: Option<Vec<StoreFilter>> = parts.iter().map(|part| narrowed(part, places)).collect();
            Some(StoreFilter::new().one_of(parts?))
        }
        Filter::Test(path, Op::Equal | Op::Contains | Op::Starts | Op::Ends, Json::String(text)) => {
            let fits = |place: &&Narrow| {
                place.attribute.len() == path.len()
                    && place.attribute.iter().zip(path).all(|(known, name)| known.eq_ignore_ascii_case(name))
            };
            let place = places.iter().find(fits)?;
            let columns = place.columns.iter().map(|column| StoreFilter::new().contains(column, text.clone()));
            let json = place.json.map(|(column, path)| StoreFilter::new().json_field(column, path, text.clone()));
            Some(StoreFilter::new().one_of(columns.chain(json).collect()))
        }
        Filter::Has(path, inner) => {
            // `emails[value eq "x"]` is `emails.value eq "x"`.
            let Filter::Test(part, op, value) = &**inner else { return None };
            let path = path.iter().chain(part).cloned().collect();
            narrowed(&Filter::Test(path, *op, value.clone()), places)
        }
        Filter::Not(_) | Filter::Test(..) => None,
    }
}

/// The window that is asked for, the oldest first, so that new resources do not move it.
pub(super) fn window(filter: StoreFilter, query: &ScimQuery) -> ListQuery {
    let skip = u64::from(query.start.saturating_sub(1));
    ListQuery::window(filter, skip, query.count.min(LARGEST)).sorted("created_at", false)
}

/// Everything, in the same order.
pub(super) fn all(filter: StoreFilter) -> ListQuery {
    ListQuery::all(filter).sorted("created_at", false)
}

/// The window of resources that are all there.
pub(super) fn cut(resources: Vec<Json>, query: &ScimQuery) -> Json {
    let total = resources.len() as u64;
    let skip = usize::try_from(query.start.saturating_sub(1)).unwrap_or(usize::MAX);
    let most = usize::try_from(query.count.min(LARGEST)).unwrap_or_default();
    answer(resources.into_iter().skip(skip).take(most).collect(), total, query)
}

/// A `ListResponse`.
pub(super) fn answer(resources: Vec<Json>, total: u64, query: &ScimQuery) -> Json {
    Json::object([
        ("schemas", Json::Array(vec![Json::from("urn:ietf:params:scim:api:messages:2.0:ListResponse")])),
        ("totalResults", Json::from(total)),
        ("startIndex", Json::from(query.start.max(1))),
        ("itemsPerPage", Json::from(resources.len() as u64)),
        ("Resources", Json::Array(resources)),
    ])
}
