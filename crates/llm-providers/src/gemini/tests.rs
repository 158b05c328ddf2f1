use llm_types::Secret;

use super::*;
use crate::params::Params;

fn url(model: &str, stream: bool, api_base: Option<&str>) -> String {
    let (params, key) = (Params::without_env::<String>([]), Secret::new("k"));
    let call = Call {
        stream,
        api_base,
        api_key: Some(&key),
        ..Call::new(OperationKind::Generate, Format::GeminiGenerate, model, &params)
    };
    let mut out = Endpoint::default();
    Gemini.endpoint(&call, &mut out).unwrap();
    assert_eq!(out.headers.get("x-goog-api-key").unwrap(), "k");
    out.url
}

#[test]
fn urls_name_version_model_and_verb() {
    let home = "https://generativelanguage.googleapis.com";
    assert_eq!(url("gemini-2.5-flash", false, None), format!("{home}/v1beta/models/gemini-2.5-flash:generateContent"));
    assert_eq!(
        url("gemini-3-pro-preview", true, None),
        format!("{home}/v1alpha/models/gemini-3-pro-preview:streamGenerateContent?alt=sse")
    );
    assert_eq!(
        url("models/gemini-2.5-pro", false, Some(home)),
        format!("{home}/v1beta/models/gemini-2.5-pro:generateContent")
    );
    assert_eq!(
        url("gemini-2.5-flash", true, Some("http://127.0.0.1:1/x/")),
        "http://127.0.0.1:1/x/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    );
}

#[test]
fn labels_do_not_go() {
    let (params, key) = (Params::without_env::<String>([]), Secret::new("k"));
    let call = Call {
        api_key: Some(&key),
        ..Call::new(OperationKind::Generate, Format::GeminiGenerate, "gemini-2.5-flash", &params)
    };
    assert!(Gemini.prepares(&call));
    let body = Bytes::from_static(br#"{"contents":[],"labels":{"a":"b"}}"#);
    assert_eq!(&Gemini.prepare(&call, body).unwrap()[..], br#"{"contents":[]}"#);
}
