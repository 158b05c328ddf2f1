//! The houses.

use llm_types::Format;

use super::{Also, Beside, Case, Domains, House, Query};

/// What most houses have in common.
const USUAL: House = House {
    format: Format::Search,
    get: false,
    untyped: false,
    query: Query::Text("query"),
    most: Some(("max_results", u64::MAX)),
    domains: Domains::None,
    country: None,
    tokens: None,
    fixed: &[],
    deeper: &[],
    listed: false,
    short: None,
    keep: None,
    also: Also::None,
    beside: Beside::These(&[]),
    results: &[&["results"]],
    strict: false,
    kind: None,
    title: &["title"],
    url: &["url", "link"],
    snippet: &["snippet", "content", "description", "text"],
    date: &["date", "published_date", "publishedDate", "page_age"],
    updated: &["last_updated"],
    days: false,
};

/// Pages as text, which these houses fetch when they are asked to.
const SCRAPE: (&[&str], &str) = (&["scrapeOptions"], r#"{"formats":["markdown"],"onlyMainContent":true}"#);

/// Fields of Parallel's that clients write at the top.
const PARALLEL: &[(&str, &str)] = &[
    ("location", "advanced_settings.location"),
    ("max_chars_per_result", "advanced_settings.excerpt_settings.max_chars_per_result"),
    ("fetch_policy", "advanced_settings.fetch_policy"),
    ("include_domains", "advanced_settings.source_policy.include_domains"),
    ("exclude_domains", "advanced_settings.source_policy.exclude_domains"),
    ("after_date", "advanced_settings.source_policy.after_date"),
];

/// Sections of Brave's answers, in this order.
const BRAVE: &[&[&str]] = &[
    &["web", "results"],
    &["discussions", "results"],
    &["faqs", "results"],
    &["faq", "results"],
    &["news", "results"],
    &["videos", "results"],
];

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
        fixed: &[(&["contents"], r#"{"text":true}"#)],
        snippet: &["text", "summary", "highlights"],
        ..USUAL
    },
    House {
        format: Format::BraveSearch,
        get: true,
        query: Query::Text("q"),
        most: Some(("count", 20)),
        keep: Some(20),
        domains: Domains::SitesApart(" AND "),
        country: Some(("country", Case::AsIs)),
        // as Python writes it
        fixed: &[(&["include_fetch_metadata"], r#""True""#)],
        results: BRAVE,
        date: &["page_age", "age"],
        updated: &["fetched_content_timestamp"],
        days: true,
        ..USUAL
    },
    House {
        format: Format::SerperSearch,
        query: Query::Text("q"),
        most: Some(("num", u64::MAX)),
        domains: Domains::SitesApart(" "),
        country: Some(("gl", Case::Lower)),
        results: &[&["organic"]],
        ..USUAL
    },
    House {
        format: Format::GooglePse,
        get: true,
        query: Query::Text("q"),
        most: Some(("num", 10)),
        domains: Domains::First("siteSearch", ("siteSearchFilter", "i")),
        country: Some(("gl", Case::Upper)),
        results: &[&["items"]],
        ..USUAL
    },
    House {
        format: Format::DataForSeo,
        query: Query::Text("keyword"),
        most: Some(("depth", 700)),
        domains: Domains::Sites,
        country: Some(("location_name", Case::AsIs)),
        fixed: &[(&["language_code", "language_name"], r#""en""#), (&["location_code", "location_name"], "2250")],
        listed: true,
        results: &[&["tasks", "0", "result", "0", "items"]],
        kind: Some(("type", "organic")),
        date: &["timestamp"],
        ..USUAL
    },
    House {
        format: Format::ParallelSearch,
        query: Query::List("search_queries", "objective"),
        most: Some(("advanced_settings.max_results", u64::MAX)),
        domains: Domains::List("advanced_settings.source_policy.include_domains"),
        country: Some(("advanced_settings.location", Case::AsIs)),
        deeper: PARALLEL,
        fixed: &[(&["mode"], r#""basic""#)],
        also: Also::One("excerpts"),
        beside: Beside::These(&[
            ("search_id", "search_id"),
            ("session_id", "session_id"),
            ("usage", "parallel_usage"),
            ("warnings", "warnings"),
        ]),
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
        country: Some(("language", Case::Language)),
        fixed: &[(&["format"], r#""json""#)],
        date: &["publishedDate", "pubdate"],
        ..USUAL
    },
    House {
        format: Format::LinkupSearch,
        query: Query::Text("q"),
        most: Some(("maxResults", u64::MAX)),
        domains: Domains::List("includeDomains"),
        fixed: &[(&["depth"], r#""standard""#), (&["outputType"], r#""searchResults""#)],
        title: &["name", "title"],
        ..USUAL
    },
    House {
        format: Format::FirecrawlSearch,
        most: Some(("limit", 100)),
        domains: Domains::Sites,
        country: Some(("country", Case::AsIs)),
        fixed: &[SCRAPE],
        results: &[&["data", "web"], &["data", "news"]],
        snippet: &["markdown", "description", "snippet"],
        ..USUAL
    },
    House {
        format: Format::FastCrwSearch,
        most: Some(("limit", 100)),
        domains: Domains::Sites,
        fixed: &[SCRAPE],
        results: &[&["data"]],
        snippet: &["markdown", "description"],
        ..USUAL
    },
    House {
        format: Format::YouSearch,
        most: Some(("count", 100)),
        domains: Domains::List("include_domains"),
        country: Some(("country", Case::Lower)),
        results: &[&["results", "web"], &["results", "news"]],
        snippet: &["snippets.0", "description"],
        ..USUAL
    },
    House {
        format: Format::SearchApi,
        get: true,
        query: Query::Text("q"),
        most: Some(("num", 10)),
        domains: Domains::SitesApart(" AND "),
        country: Some(("gl", Case::Lower)),
        fixed: &[(&["engine"], r#""google""#)],
        results: &[&["organic_results"]],
        ..USUAL
    },
    House {
        format: Format::ApiSerpent,
        get: true,
        short: Some(("deep", "/quick")),
        query: Query::Text("q"),
        most: Some(("num", 100)),
        domains: Domains::SitesApart(" "),
        country: Some(("country", Case::Lower)),
        fixed: &[(&["engine"], r#""google""#), (&["country"], r#""us""#), (&["num"], "10"), (&["format"], r#""full""#)],
        results: &[&["results", "organic"]],
        ..USUAL
    },
    House {
        format: Format::TinyFish,
        get: true,
        untyped: true,
        most: None,
        keep: Some(10),
        domains: Domains::SitesApart(" "),
        country: Some(("location", Case::AsIs)),
        also: Also::All,
        beside: Beside::All,
        strict: true,
        ..USUAL
    },
    House {
        format: Format::NimbleSearch,
        domains: Domains::Lists("include_domains", "exclude_domains"),
        country: Some(("country", Case::Upper)),
        snippet: &["content", "description"],
        date: &["additional_data.publish_date"],
        also: Also::One("additional_data"),
        strict: true,
        ..USUAL
    },
];

/// The house of a format.
pub(crate) fn of(format: Format) -> Option<&'static House> {
    HOUSES.iter().find(|h| h.format == format)
}
