use super::*;

fn found(model: &str, explicit: Option<&str>, base: Option<&str>) -> Option<(String, String)> {
    resolve(model, explicit, base).ok().map(|r| (r.provider.row().id.to_owned(), r.model.into_owned()))
}

fn pair(id: &str, model: &str) -> Option<(String, String)> {
    Some((id.to_owned(), model.to_owned()))
}

#[test]
fn the_first_segment_names_the_provider() {
    assert_eq!(found("groq/llama-3.3-70b", None, None), pair("groq", "llama-3.3-70b"));
    assert_eq!(found("groq/openai/gpt-oss-120b", None, None), pair("groq", "openai/gpt-oss-120b"));
    assert_eq!(found("openai/*", None, None), pair("openai", "*"));
    assert_eq!(found("openrouter/auto", None, None), pair("openrouter", "openrouter/auto"));
    assert_eq!(found("openrouter/anthropic/claude-3", None, None), pair("openrouter", "anthropic/claude-3"));
}

#[test]
fn an_explicit_provider_wins_and_its_prefix_goes() {
    assert_eq!(found("groq/m", Some("openai"), None), pair("openai", "groq/m"));
    assert_eq!(found("openai/m", Some("openai"), None), pair("openai", "m"));
    let error = resolve("m", Some("grok"), None).unwrap_err();
    assert!(error.message.contains("groq"), "{}", error.message);
}

#[test]
fn hosts_are_matched_whole() {
    assert_eq!(found("m", None, Some("https://api.groq.com/openai/v1/")), pair("groq", "m"));
    assert_eq!(found("m", None, Some("https://api.groq.com/openai/v1x")), None);
    assert_eq!(found("m", None, Some("https://api.groq.com.evil.test/openai/v1")), None);
    assert_eq!(found("m", None, Some("https://evil.test/api.groq.com/openai/v1")), None);
}

#[test]
fn known_bare_names_are_found() {
    for (model, id) in [
        ("gpt-4o", "openai"),
        ("o3-mini", "openai"),
        ("*", "openai"),
        ("ft:gpt-4o:org", "openai"),
        ("claude-future-9", "anthropic"),
        ("text-embedding-3-small", "openai"),
        ("gpt-3.5-turbo-instruct", "text-completion-openai"),
    ] {
        assert_eq!(found(model, None, None), pair(id, model));
    }
    let error = resolve("nobody-knows-me", None, None).unwrap_err();
    assert!(error.message.starts_with("LLM Provider NOT provided."));
}
