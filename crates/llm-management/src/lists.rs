//! Lists of LiteLLM's newer kind, wherever their rows come from: `page`, `page_size`, `sort=-a,b`, `q`, `filter[field][op]`, and
//! links to the other pages. What they do not know is refused.

use std::fmt::Display;

use llm_types::{Error, Json};
use url::form_urlencoded;

/// A page of a list, which tells of the others.
#[derive(Debug, Clone, Copy)]
pub struct ListPage<'q> {
    /// The path of the list.
    pub path: &'q str,
    /// What was asked, decoded, in order.
    pub query: &'q [(String, String)],
    /// Which page, from 1.
    pub page: u64,
    /// Items of a page.
    pub size: u64,
}

impl ListPage<'_> {
    /// The body of a list that has `total` items.
    #[must_use]
    pub fn counted(&self, data: Vec<Json>, total: u64) -> Json {
        let Self { page, size, .. } = *self;
        let pages = total.div_ceil(size.max(1));
        let last = pages.max(1);
        let meta = [("total_count", total), ("page", page), ("page_size", size), ("total_pages", pages)];
        let links = [
            ("self", Some(page)),
            ("first", Some(1)),
            ("prev", (page > 1).then(|| page - 1)),
            ("next", (page < last).then(|| page + 1)),
            ("last", Some(last)),
        ];
        self.body(data, Json::object(meta), links)
    }

    /// The body of a list that nobody counts: there are `more` items behind the page, or none.
    #[must_use]
    pub fn uncounted(&self, data: Vec<Json>, more: bool) -> Json {
        let Self { page, size, .. } = *self;
        let meta = [("page", Json::from(page)), ("page_size", Json::from(size)), ("has_more", Json::from(more))];
        let links = [
            ("self", Some(page)),
            ("prev", (page > 1).then(|| page - 1)),
            ("next", more.then(|| page.saturating_add(1))),
        ];
        self.body(data, Json::object(meta), links)
    }

    fn body<const N: usize>(&self, data: Vec<Json>, meta: Json, links: [(&'static str, Option<u64>); N]) -> Json {
        let links = Json::object(links.map(|(name, page)| (name, page.map(|page| self.link(page)))));
        // A field of the answer. tidy: provider-id
        Json::object([("data", Json::Array(data)), ("meta", meta), ("links", links)])
    }

    /// The address of another page of the same list.
    fn link(&self, page: u64) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.query.iter().filter(|(name, _)| name != "page"));
        query.append_pair("page", &page.to_string());
        format!("{}?{}", self.path, query.finish())
    }
}

/// 400 for a parameter.
pub fn refused(name: &str, why: impl Display) -> Error {
    Error::bad_request(format!("{name}: {why}")).with_param(name)
}

/// 400 for a parameter that the list does not know, besides those that it knows.
pub fn unknown(name: &str, known: &[impl AsRef<str>]) -> Error {
    let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
    refused(name, format!("unknown query parameter. Allowed: {}", known.join(", ")))
}

/// Refuses a query that says something twice.
///
/// # Errors
/// 400 naming it.
pub fn once(query: &[(String, String)]) -> Result<(), Error> {
    for (at, (name, _)) in query.iter().enumerate() {
        if query.iter().take(at).any(|(before, _)| before == name) {
            return Err(refused(name, "may stand once; separate several values by commas"));
        }
    }
    Ok(())
}

/// The columns that `sort` names, with whether they fall.
///
/// # Errors
/// 400 for a column that is not `sortable`.
pub fn sort_keys<'q>(sort: Option<&'q str>, sortable: &[&str]) -> Result<Vec<(&'q str, bool)>, Error> {
    let keys = sort.into_iter().flat_map(|keys| keys.split(',')).map(str::trim);
    keys.map(|key| {
        let (column, falls) = key.strip_prefix('-').map_or((key, false), |column| (column, true));
        if sortable.contains(&column) {
            return Ok((column, falls));
        }
        let known = sortable.join(", ");
        Err(refused("sort", format!("`{column}` cannot be sorted by. Allowed: {known}")))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_the_other_pages() {
        let query = [("page", "2"), ("q", "a b&c")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let page = ListPage { path: "/l", query: &query, page: 2, size: 10 };
        let links = |body: Json| body.get("links").unwrap().to_string();
        assert_eq!(
            links(page.counted(Vec::new(), 21)),
            concat!(
                r#"{"self":"/l?q=a+b%26c&page=2","first":"/l?q=a+b%26c&page=1","prev":"/l?q=a+b%26c&page=1","#,
                r#""next":"/l?q=a+b%26c&page=3","last":"/l?q=a+b%26c&page=3"}"#
            )
        );
        assert_eq!(
            links(page.uncounted(Vec::new(), false)),
            r#"{"self":"/l?q=a+b%26c&page=2","prev":"/l?q=a+b%26c&page=1","next":null}"#
        );
        let empty = ListPage { page: 1, ..page }.counted(Vec::new(), 0);
        assert_eq!(
            empty.get("meta").unwrap().to_string(),
            r#"{"total_count":0,"page":1,"page_size":10,"total_pages":0}"#
        );
    }

    #[test]
    fn what_stands_twice_and_what_is_not_known_is_refused() {
        let twice = [("q", "a"), ("q", "b")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(once(&twice).unwrap_err().param.as_deref(), Some("q"));
        assert_eq!(sort_keys(Some("-a, b"), &["a", "b"]).unwrap(), [("a", true), ("b", false)]);
        assert!(sort_keys(Some("a,c"), &["a", "b"]).is_err());
    }
}
