//! Indexes of vector stores that a passed call names, and the right that it needs there.
//!
//! Azure AI Search: <https://learn.microsoft.com/en-us/rest/api/searchservice/>, Milvus:
//! <https://milvus.io/api-reference/restful/v2.4.x/About.md>.

use http::Method;

use super::path::decoded;
use crate::aws::escaped;

/// Where a call names its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indexes {
    /// Behind `indexes/`, as in Azure AI Search.
    Path,
    /// In the field [`COLLECTION`] of the body, as in Milvus.
    Body,
}

/// The field that names an index of Milvus.
const COLLECTION: &str = "collectionName";

/// What a call does to an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexRight {
    /// It looks at what is in it.
    Read,
    /// It changes what is in it.
    Write,
    /// Anything else: the index itself is made, changed, deleted.
    Manage,
}

impl IndexRight {
    /// The right in `index_permissions` of `allowed_vector_store_indexes`; none: administrators have it.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Read => Some("read"),
            Self::Write => Some("write"),
            Self::Manage => None,
        }
    }
}

/// Operations of Milvus, and what they do.
const MILVUS: [(&str, IndexRight); 5] = [
    ("v2/vectordb/entities/search", IndexRight::Read),
    ("v2/vectordb/entities/get", IndexRight::Read),
    ("v2/vectordb/entities/query", IndexRight::Read),
    ("v2/vectordb/entities/upsert", IndexRight::Write),
    ("v2/vectordb/entities/insert", IndexRight::Write),
];

/// Operations of Azure AI Search that are posted below an index, and what they do.
const AZURE: [(&str, IndexRight); 5] = [
    ("docs/search", IndexRight::Read),
    ("docs/suggest", IndexRight::Read),
    ("docs/autocomplete", IndexRight::Read),
    ("analyze", IndexRight::Read),
    ("docs/index", IndexRight::Write),
];

impl Indexes {
    /// The field of a body that names the index.
    #[must_use]
    pub const fn field(self) -> Option<&'static str> {
        match self {
            Self::Path => None,
            Self::Body => Some(COLLECTION),
        }
    }

    /// The index that a path names.
    #[must_use]
    pub fn of_path(self, rest: &str) -> Option<String> {
        let plain = decoded(rest);
        let named = || segments(plain.trim_start_matches('/')).filter(|(name, _)| !name.is_empty());
        (self == Self::Path).then(named).flatten().map(|(name, _)| name.to_owned())
    }

    /// The path with another index in the place of the one that it names; nothing for paths that escape what needs no escape.
    #[must_use]
    pub fn with_index(self, rest: &str, index: &str) -> Option<String> {
        if self == Self::Body {
            return Some(rest.to_owned());
        }
        let (_, behind) = segments(rest)?;
        Some(format!("{INDEXES}/{}{behind}", escaped(index)))
    }

    /// What a call does.
    #[must_use]
    pub fn right(self, method: &Method, rest: &str) -> IndexRight {
        let rest = rest.trim_end_matches('/');
        let of = |table: &[(&str, IndexRight)], path: &str| {
            table.iter().find(|(known, _)| *known == path).map_or(IndexRight::Manage, |(_, right)| *right)
        };
        match (self, method) {
            (Self::Path, &Method::GET) => IndexRight::Read,
            (Self::Path, &Method::POST) => {
                let behind = segments(rest).map_or("", |(_, behind)| behind);
                // OData writes operations with their namespace as well: docs/search.post.search.
                of(&AZURE, behind.trim_start_matches('/').split(".post.").next().unwrap_or_default())
            }
            (Self::Body, &Method::POST) => of(&MILVUS, rest),
            _ => IndexRight::Manage,
        }
    }

    /// True for a call that makes an index, whose name stands in its body.
    #[must_use]
    pub fn makes_one(self, method: &Method, rest: &str) -> bool {
        let plain = decoded(rest);
        let path = plain.trim_matches('/');
        self == Self::Path && *method == Method::POST && path.rsplit('/').next() == Some(INDEXES)
    }
}

const INDEXES: &str = "indexes";

/// The name of the index in a path, as it is written, and what stands behind it.
fn segments(rest: &str) -> Option<(&str, &str)> {
    let below = rest.strip_prefix(INDEXES)?.strip_prefix('/')?;
    Some(below.split_at(below.find('/').unwrap_or(below.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_their_index_and_what_is_done_to_it() {
        let path = Indexes::Path;
        assert_eq!(path.of_path("indexes/a%20b/docs/search").as_deref(), Some("a b"));
        assert_eq!(path.of_path("openai/indexes/x"), None);
        assert_eq!(path.of_path("indexes/"), None);
        assert_eq!(path.of_path("/%69ndexes%2Fa/docs").as_deref(), Some("a"), "whatever it is written like");
        assert_eq!(path.with_index("indexes/a/docs/index", "r n").as_deref(), Some("indexes/r%20n/docs/index"));
        assert_eq!(path.with_index("%69ndexes/a/docs/index", "r"), None);
        for (method, rest, right) in [
            (Method::GET, "indexes/a", IndexRight::Read),
            (Method::GET, "indexes/a/docs/$count", IndexRight::Read),
            (Method::POST, "indexes/a/docs/search", IndexRight::Read),
            (Method::POST, "indexes/a/docs/search.post.search", IndexRight::Read),
            (Method::POST, "indexes/analyze/docs/index", IndexRight::Write),
            (Method::POST, "indexes/a/analyze", IndexRight::Read),
            (Method::POST, "indexes/a/resetIndexer/docs/search", IndexRight::Manage),
            (Method::PUT, "indexes/a", IndexRight::Manage),
            (Method::DELETE, "indexes/a", IndexRight::Manage),
        ] {
            assert_eq!(path.right(&method, rest), right, "{method} {rest}");
        }
        assert!(path.makes_one(&Method::POST, "indexes/") && path.makes_one(&Method::POST, "x/%69ndexes"));
        assert!(!path.makes_one(&Method::GET, "indexes") && !path.makes_one(&Method::POST, "indexes/a/docs/index"));
        let body = Indexes::Body;
        assert_eq!(body.right(&Method::POST, "v2/vectordb/entities/upsert"), IndexRight::Write);
        assert_eq!(body.right(&Method::POST, "v2/vectordb/entities/delete"), IndexRight::Manage);
        assert_eq!(body.right(&Method::POST, "v2/vectordb/collections/drop"), IndexRight::Manage);
    }
}
