use llm_types::Json;

use super::*;

fn sent(model: &str, stream: bool, fields: Vec<(&str, Json)>, key: Option<&str>) -> Result<(Endpoint, String)> {
    let params = Params::without_env(fields);
    let key = key.map(Secret::new);
    let call = Call {
        stream,
        api_base: Some("https://eu-de.ml.cloud.ibm.com/"),
        api_key: key.as_ref(),
        ..Call::new(OperationKind::Generate, Format::OpenAiChat, model, &params)
    };
    let mut out = Endpoint::default();
    Watsonx.endpoint(&call, &mut out)?;
    let body = Watsonx.prepare(&call, Bytes::from_static(br#"{"model":"m","tool_choice":"auto"}"#))?;
    Ok((out, String::from_utf8(body.to_vec()).unwrap()))
}

#[test]
fn addresses_and_payers() {
    let project = || vec![("project_id", Json::from("p"))];
    let (out, body) = sent("ibm/granite", true, project(), Some("k")).unwrap();
    assert_eq!(out.url, "https://eu-de.ml.cloud.ibm.com/ml/v1/text/chat_stream?version=2024-03-13");
    assert!(matches!(out.auth, Some(AuthNeed::Ibm(_))) && !out.headers.contains_key("authorization"));
    assert_eq!(body, r#"{"model":"m","model_id":"ibm/granite","project_id":"p","tool_choice_option":"auto"}"#);
    let (out, body) =
        sent("deployment/abc", false, vec![("api_version", Json::from("2025-01-01"))], Some("k")).unwrap();
    assert_eq!(out.url, "https://eu-de.ml.cloud.ibm.com/ml/v1/deployments/abc/text/chat?version=2025-01-01");
    assert_eq!(body, r#"{"model":"m","tool_choice_option":"auto"}"#);
    assert!(sent("ibm/granite", false, Vec::new(), Some("k")).unwrap_err().message.contains("project_id"));
}

#[test]
fn keys_of_three_kinds() {
    let header = |fields: Vec<(&str, Json)>| {
        let (out, _) = sent("deployment/x", false, fields, None).unwrap();
        out.headers.get("authorization").map(|v| v.to_str().unwrap().to_owned())
    };
    assert_eq!(header(vec![("token", Json::from("t"))]).as_deref(), Some("Bearer t"));
    assert_eq!(header(vec![("zen_api_key", Json::from("z"))]).as_deref(), Some("ZenApiKey z"));
    let error = sent("deployment/x", false, Vec::new(), None).unwrap_err();
    assert_eq!(error.kind, Kind::Authentication);
}
