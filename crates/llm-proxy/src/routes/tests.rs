//! The routes, and what is told of them.

use super::told::PATTERNS;
use super::*;

#[test]
fn models_with_slashes_are_found_in_the_middle() {
    let r = find(&Method::POST, "/openai/deployments/azure/gpt-4o/chat/completions").unwrap();
    assert_eq!((r.model, r.name), (Some("azure/gpt-4o"), "/v1/chat/completions"));
    let r = find(&Method::POST, "/engines/a/embeddings").unwrap();
    assert_eq!((r.model, r.action), (Some("a"), EMBEDDINGS));
    assert_eq!(find(&Method::GET, "/v1/models/acme/llama-3").unwrap().model, Some("acme/llama-3"));
}

#[test]
fn what_is_told_is_served_and_what_is_served_is_told() {
    let filled = |path: &str| path.split('/').map(fill).collect::<Vec<_>>().join("/");
    for (method, path) in all() {
        assert!(find(&method, &filled(path)).is_some(), "{method} {path} is told and not served");
    }
    let told = |method: &Method, name: &str| all().any(|(m, path)| m == *method && path == name);
    for (before, behind, _) in WITH_MODEL {
        let of = |path: &str| path.starts_with(before) && path.ends_with(behind);
        assert!(PATTERNS.iter().any(|(_, path)| of(path)), "{before}x{behind} is not told");
    }
    // Names of routes that functions know, not tables.
    for (method, path) in PATTERNS {
        let path = filled(path);
        let name = find(method, &path).map(|route| route.name).unwrap();
        assert!(told(method, name) || name.contains(':'), "{name} is not told");
    }
}

/// A segment with something in it.
fn fill(segment: &str) -> String {
    match (segment.find('{'), segment.find('}')) {
        (Some(from), Some(to)) => format!("{}x{}", &segment[..from], &segment[to + 1..]),
        _ => segment.to_owned(),
    }
}

#[test]
fn videos_are_named_by_their_path() {
    let kind = |method: Method, path| match find(&method, path).map(|r| (r.action, r.model)) {
        Some((Action::Call(kind, _), model)) => Some((kind, model)),
        _ => None,
    };
    assert_eq!(kind(Method::GET, "/v1/videos"), Some((OperationKind::VideoList, None)));
    assert_eq!(kind(Method::POST, "/videos"), Some((OperationKind::Video, None)));
    assert_eq!(kind(Method::GET, "/v1/videos/video_a"), Some((OperationKind::VideoStatus, Some("video_a"))));
    assert_eq!(kind(Method::GET, "/videos/a/b/content"), Some((OperationKind::VideoContent, Some("a/b"))));
    assert_eq!(kind(Method::POST, "/v1/videos/a/remix"), Some((OperationKind::VideoRemix, Some("a"))));
    assert_eq!(kind(Method::DELETE, "/v1/videos/a"), Some((OperationKind::VideoDelete, Some("a"))));
    assert_eq!(kind(Method::POST, "/v1/videos/edits"), None);
}

#[test]
fn the_method_counts() {
    let r = find(&Method::POST, "/search/my-tool").unwrap();
    assert_eq!((r.model, r.action), (Some("my-tool"), SEARCH));
    assert_eq!(find(&Method::GET, "/search/tools").unwrap().action, Action::SearchTools);
    assert!(find(&Method::GET, "/v1/chat/completions").is_none());
    assert!(find(&Method::HEAD, "/health/liveliness").is_some());
    assert!(find(&Method::POST, "/key/generate").is_none(), "management");
}

#[test]
fn below_a_mount_everything_is_the_providers() {
    let r = find(&Method::DELETE, "/anthropic/v1/files/f-1").unwrap();
    assert_eq!((r.name, r.permission), ("/anthropic/{endpoint}", Permission::Llm));
    let r = find(&Method::GET, "/vertex_ai/discovery/v1/x").unwrap();
    assert_eq!(r.name, "/vertex_ai/discovery/{endpoint}");
    let built_in = find(&Method::POST, "/openai/v1/responses").unwrap();
    assert_eq!(built_in.action, RESPONSES);
    assert!(find(&Method::POST, "/anthropic").is_none());
}
