use llm_wire::top::Top;

use super::*;

fn judge(provider: &str, model: &str, body: &str, policy: &Policy) -> Result<FieldSet> {
    let provider = crate::by_id(provider).unwrap();
    let params = Params::without_env::<String>([]);
    let caps = caps(Catalog::builtin(), provider.row().id, model);
    let top = Top::parse(body.as_bytes())?;
    check(provider, model, &params, &caps, top.known(), &top, policy)
}

fn dropping() -> Policy {
    Policy { drop_params: true, ..Policy::default() }
}

#[test]
fn errors_name_what_is_not_taken_as_litellm_does() {
    let error =
        judge("perplexity", "sonar-pro", r#"{"tool_choice":"auto","tools":[]}"#, &Policy::default()).unwrap_err();
    assert!(error.message.starts_with(
        "perplexity does not support parameters: ['tools', 'tool_choice'], for model=sonar-pro. To drop these, set \
         `litellm.drop_params=True` or for proxy:\n\n`litellm_settings:\n drop_params: true`\n. \n If you want to use these \
         params dynamically send allowed_openai_params=['tools', 'tool_choice'] in your request."
    ));
    assert_eq!((error.kind, error.status()), (Kind::UnsupportedParams, 400));
}

#[test]
fn one_answer_and_end_users_are_tolerated() {
    let dropped = judge("zai", "glm-4.6", r#"{"n":1,"user":"u","stream_options":null}"#, &Policy::default()).unwrap();
    assert_eq!(dropped, FieldSet::of(&[Field::N, Field::User]));
    assert!(judge("zai", "glm-4.6", r#"{"n":2}"#, &Policy::default()).is_err());
}

#[test]
fn wishes_of_responses_clients_are_tolerated() {
    let body = r#"{"safety_identifier":"s","prompt_cache_key":"k"}"#;
    let policy = Policy { client: Some(Format::OpenAiResponses), ..Policy::default() };
    let both = FieldSet::of(&[Field::SafetyIdentifier, Field::PromptCacheKey]);
    assert_eq!(judge("zai", "glm-4.6", body, &policy).unwrap(), both);
    assert!(judge("zai", "glm-4.6", body, &Policy::default()).is_err());
    assert!(judge("groq", "m", body, &policy).unwrap().is_empty());
}

#[test]
fn allowed_parameters_pass() {
    let policy = Policy { allowed_openai_params: vec!["seed".into()], ..Policy::default() };
    assert!(judge("zai", "glm-4.6", r#"{"seed":1}"#, &policy).unwrap().is_empty());
    assert!(judge("zai", "glm-4.6", r#"{"seed":1}"#, &Policy::default()).is_err());
}

#[test]
fn thinking_models_take_no_sampling() {
    let body = r#"{"temperature":0.2,"top_p":0.1}"#;
    assert_eq!(
        judge("openai", "o3-mini", body, &dropping()).unwrap(),
        FieldSet::of(&[Field::Temperature, Field::TopP])
    );
    assert_eq!(judge("openai", "gpt-5", body, &dropping()).unwrap(), FieldSet::of(&[Field::Temperature, Field::TopP]));
    assert!(judge("openai", "gpt-4o", body, &dropping()).unwrap().is_empty());
    assert!(judge("openai", "gpt-5", r#"{"temperature":1}"#, &Policy::default()).unwrap().is_empty());
    let none = r#"{"temperature":0.2,"reasoning_effort":"none"}"#;
    assert!(judge("openai", "gpt-5.1", none, &Policy::default()).unwrap().is_empty());
}

#[test]
fn families_are_told_by_name() {
    use Family::{Gpt5, Gpt5Search, OSeries, Plain};
    let cases = [
        ("o3-mini", OSeries),
        ("o1", OSeries),
        ("o_series/my-dep", OSeries),
        ("my-o4-mini", OSeries),
        ("gpt-4o", Plain),
        ("gpt-4o-mini", Plain),
        ("my-gpt-4o", Plain),
        ("gpt-5-mini", Gpt5),
        ("gpt-5-chat-latest", Plain),
        ("gpt5_series/x", Gpt5),
        ("gpt-5-search-api", Gpt5Search),
        ("ft:gpt-4o", Plain),
    ];
    for (name, family) in cases {
        assert_eq!(Family::of(name), family, "{name}");
    }
}
