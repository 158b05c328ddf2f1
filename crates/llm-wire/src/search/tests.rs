use llm_types::OperationKind;

use super::*;
use crate::registry;
use crate::task::{ReplyBody, TaskBody};

fn request(fields: &str) -> TaskRequest {
    let fields = serde_json::from_str(fields).unwrap();
    TaskRequest { operation: OperationKind::Search, model: "search".into(), fields, files: Vec::new() }
}

const ASKED: &str =
    r#"{"query":"cats","max_results":50,"search_domain_filter":["a.org","b.org"],"country":"US","own":1}"#;

fn sent(format: Format, fields: &str) -> String {
    let out =
        registry::task(format).unwrap().encode(&request(fields), &mut EncodeContext::for_model("search")).unwrap();
    match out.body {
        TaskBody::Json(body) => String::from_utf8(body.to_vec()).unwrap(),
        _ => out.query.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("&"),
    }
}

fn found(format: Format, reply: &str) -> String {
    let view = ReplyView { status: 200, provider: "p", headers: &[], body: reply.as_bytes() };
    let answer = registry::task(format).unwrap().decode(&request(ASKED), &view, &ReplyContext::default()).unwrap();
    assert_eq!(answer.usage.unwrap().usage.queries, 1);
    let ReplyBody::Json(body) = answer.body else { panic!("no JSON") };
    String::from_utf8(body.to_vec()).unwrap()
}

#[test]
fn every_house_is_asked_in_its_words() {
    let cases = [
        (
            Format::Search,
            r#"{"query":"cats","max_results":50,"search_domain_filter":["a.org","b.org"],"country":"US","own":1}"#,
        ),
        (
            Format::TavilySearch,
            r#"{"query":"cats","max_results":50,"include_domains":["a.org","b.org"],"country":"us","own":1}"#,
        ),
        (
            Format::BraveSearch,
            "q=(cats) AND (site:a.org OR site:b.org)&count=20&country=US&include_fetch_metadata=True&own=1",
        ),
        (Format::SerperSearch, r#"{"q":"(cats) (site:a.org OR site:b.org)","num":50,"gl":"us","own":1}"#),
        (
            Format::DataForSeo,
            r#"[{"keyword":"cats (site:a.org OR site:b.org)","depth":50,"location_name":"US","language_code":"en","own":1}]"#,
        ),
        (
            Format::ParallelSearch,
            r#"{"search_queries":["cats"],"objective":"cats","advanced_settings":{"max_results":50,"source_policy":{"include_domains":["a.org","b.org"]},"location":"US"},"mode":"basic","own":1}"#,
        ),
    ];
    for (format, expected) in cases {
        assert_eq!(sent(format, ASKED), expected, "{format}");
    }
    assert_eq!(sent(Format::SerperSearch, r#"{"query":["a","b"]}"#), r#"{"q":"a b"}"#);
}

#[test]
fn every_house_answers_in_ours() {
    let one = r#"{"object":"search","results":[{"title":"T","url":"https://h","snippet":"S"}]}"#;
    let cases = [
        (Format::TavilySearch, r#"{"results":[{"title":"T","url":"https://h","content":"S"}]}"#),
        (Format::BraveSearch, r#"{"web":{"results":[{"title":"T","url":"https://h","description":"S"}]}}"#),
        (Format::SerperSearch, r#"{"organic":[{"title":"T","link":"https://h","snippet":"S"},{"title":"box"}]}"#),
        (
            Format::DataForSeo,
            r#"{"tasks":[{"result":[{"items":[{"title":"T","url":"https://h","description":"S"}]}]}]}"#,
        ),
        (Format::LinkupSearch, r#"{"results":[{"name":"T","url":"https://h","content":"S"}]}"#),
        (Format::YouSearch, r#"{"results":{"news":[{"title":"T","url":"https://h","snippets":["S","more"]}]}}"#),
        (Format::FirecrawlSearch, r#"{"data":[{"title":"T","url":"https://h","markdown":"S","description":"D"}]}"#),
        (Format::DuckDuckGo, r#"{"RelatedTopics":[{"Topics":[{"Text":"T - S","FirstURL":"https://h"}]}]}"#),
    ];
    for (format, reply) in cases {
        assert_eq!(found(format, reply), one, "{format}");
    }
    assert_eq!(found(Format::GooglePse, "{}"), r#"{"object":"search","results":[]}"#);
}

#[test]
fn more_is_told_where_a_house_tells_it() {
    let brave = r#"{"news":{"results":[{"title":"N","url":"https://n"}]},"web":{"results":[
        {"title":"T","url":"https://h","page_age":"2025-01-02T03:04:05","fetched_content_timestamp":1735776000},
        {"title":"A","url":"https://a","page_age":"2 days ago"},
        {"title":"B","url":"https://b","page_age":"nan","fetched_content_timestamp":"inf"}]}}"#;
    let one = r#"{"title":"T","url":"https://h","snippet":"","date":"2025-01-02","last_updated":"2025-01-02"}"#;
    let undated = |name: &str, host: &str| format!(r#"{{"title":"{name}","url":"https://{host}","snippet":""}}"#);
    let rest = [undated("A", "a"), undated("B", "b"), undated("N", "n")].join(",");
    assert_eq!(found(Format::BraveSearch, brave), format!(r#"{{"object":"search","results":[{one},{rest}]}}"#));
    let parallel =
        r#"{"search_id":"s","usage":{"n":1},"results":[{"title":"T","url":"https://h","excerpts":["S","X"]}]}"#;
    assert_eq!(
        found(Format::ParallelSearch, parallel),
        r#"{"object":"search","results":[{"title":"T","url":"https://h","snippet":"S ... X","excerpts":["S","X"]}],"search_id":"s","parallel_usage":{"n":1}}"#
    );
    let organic = r#"{"tasks":[{"result":[{"items":[{"type":"paid","url":"https://p"},{"type":"organic","url":"https://h"}]}]}]}"#;
    assert!(!found(Format::DataForSeo, organic).contains("https://p"));
    let view = ReplyView { status: 200, provider: "p", headers: &[], body: b"{}" };
    let empty = registry::task(Format::NimbleSearch).unwrap().decode(&request(ASKED), &view, &ReplyContext::default());
    assert!(empty.is_err());
}
