//! The houses.

use llm_types::Format;

use super::{Also, Case, Domains, House, Query};

/// What most houses have in common.
const USUAL: House = House {
    format: Format::Search,
    get: false,
    query: Query::Text("query"),
    most: Some(("max_results", u64::MAX)),
    domains: Domains::None,
    country: None,
    tokens: None,
    fixed: &[],
    listed: false,
    short: None,
    keep: None,
    also: Also::None,
    results: &["results"],
    title: &["title"],
    url: &["url", "link"],
    snippet: &["snippet", "content", "description", "text"],
    date: &["date", "published_date", "publishedDate", "page_age"],
};

static HOUSES: &[House] = &[
    House {
        format: Format::Search,
        query: Query::AsIs("query"),
        domains: Domains::List("search_domain_filter"),
        country: Some(("country", Case::AsIs)),
        tokens: Some("max_tokens_per_page"),
        ..USUAL
    },
    House {
        format: Format::TavilySearch,
        domains: Domains::List("include_domains"),
        country: Some(("country", Case::Lower)),
        ..USUAL
    },
    House {
        format: Format::ExaSearch,
        most: Some(("numResults", u64::MAX)),
        domains: Domains::List("includeDomains"),
        country: Some(("userLocation", Case::AsIs)),
        fixed: &[("contents", r#"{"text":true}"#)],
        snippet: &["text", "summary", "highlights"],
        ..USUAL
    },
    House {
        format: Format::BraveSearch,
        get: true,
        query: Query::Text("q"),
        most: Some(("count", 20)),
        domains: Domains::Sites,
        country: Some(("country", Case::AsIs)),
        results: &["web", "results"],
        date: &["page_age", "age"],
        ..USUAL
    },
    House {
        format: Format::SerperSearch,
        query: Query::Text("q"),
        most: Some(("num", u64::MAX)),
        domains: Domains::Sites,
        country: Some(("gl", Case::Lower)),
        results: &["organic"],
        ..USUAL
    },
    House {
        format: Format::GooglePse,
        get: true,
        query: Query::Text("q"),
        most: Some(("num", 10)),
        domains: Domains::Sites,
        country: Some(("gl", Case::Lower)),
        results: &["items"],
        ..USUAL
    },
    House {
        format: Format::DataForSeo,
        query: Query::Text("keyword"),
        most: Some(("depth", 700)),
        domains: Domains::Sites,
        country: Some(("location_name", Case::AsIs)),
        fixed: &[("language_code", r#""en""#)],
        listed: true,
        results: &["tasks", "0", "result", "0", "items"],
        date: &["timestamp"],
        ..USUAL
    },
    House {
        format: Format::ParallelSearch,
        query: Query::List("search_queries", "objective"),
        fixed: &[("mode", r#""basic""#)],
        snippet: &["excerpts"],
        date: &["publish_date"],
        ..USUAL
    },
    House {
        format: Format::SearXng,
        get: true,
        query: Query::Text("q"),
        most: None,
        domains: Domains::Sites,
        country: Some(("language", Case::Lower)),
        fixed: &[("format", r#""json""#)],
        ..USUAL
    },
    House {
        format: Format::LinkupSearch,
        query: Query::Text("q"),
        most: Some(("maxResults", u64::MAX)),
        domains: Domains::List("includeDomains"),
        fixed: &[("depth", r#""standard""#), ("outputType", r#""searchResults""#)],
        title: &["name", "title"],
        ..USUAL
    },
    House {
        format: Format::FirecrawlSearch,
        most: Some(("limit", 100)),
        domains: Domains::Sites,
        country: Some(("country", Case::AsIs)),
        results: &["data", "web"],
        ..USUAL
    },
    House {
        format: Format::FastCrwSearch,
        most: Some(("limit", 100)),
        domains: Domains::Sites,
        results: &["data"],
        ..USUAL
    },
    House {
        format: Format::YouSearch,
        get: true,
        most: Some(("count", 100)),
        domains: Domains::Sites,
        country: Some(("country", Case::AsIs)),
        results: &["results", "web"],
        snippet: &["snippets", "description"],
        ..USUAL
    },
    House {
        format: Format::DuckDuckGo,
        get: true,
        query: Query::Text("q"),
        most: None,
        domains: Domains::Sites,
        fixed: &[("format", r#""json""#), ("no_html", r#""1""#), ("skip_disambig", r#""1""#)],
        results: &["RelatedTopics"],
        title: &["Text"],
        url: &["FirstURL"],
        snippet: &["Text"],
        ..USUAL
    },
    House {
        format: Format::SearchApi,
        get: true,
        query: Query::Text("q"),
        most: Some(("num", 100)),
        domains: Domains::Sites,
        country: Some(("gl", Case::Lower)),
        fixed: &[("engine", r#""google""#)],
        results: &["organic_results"],
        ..USUAL
    },
    House {
        format: Format::ApiSerpent,
        get: true,
        short: Some(("deep", "/quick")),
        query: Query::Text("q"),
        most: Some(("num", 100)),
        domains: Domains::SitesApart,
        country: Some(("country", Case::Lower)),
        fixed: &[("engine", r#""google""#), ("country", r#""us""#), ("num", "10"), ("format", r#""full""#)],
        results: &["results", "organic"],
        ..USUAL
    },
    House {
        format: Format::TinyFish,
        get: true,
        most: None,
        keep: Some(10),
        domains: Domains::SitesApart,
        country: Some(("location", Case::AsIs)),
        also: Also::All,
        ..USUAL
    },
    House {
        format: Format::NimbleSearch,
        domains: Domains::Lists("include_domains", "exclude_domains"),
        country: Some(("country", Case::Upper)),
        snippet: &["content", "description"],
        date: &["additional_data.publish_date"],
        also: Also::One("additional_data"),
        ..USUAL
    },
];

/// The house of a format.
pub(crate) fn of(format: Format) -> Option<&'static House> {
    HOUSES.iter().find(|h| h.format == format)
}
