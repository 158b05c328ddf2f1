use super::*;

#[test]
fn videos_are_beside_the_deployments() {
    assert_eq!(videos("https://r.openai.azure.com/", None), "https://r.openai.azure.com/openai/v1/videos");
    assert_eq!(
        videos("https://r/openai/deployments/x", Some("preview")),
        "https://r/openai/v1/videos?api-version=preview"
    );
}

#[test]
fn urls_follow_the_version_and_the_base() {
    let chat = Format::OpenAiChat;
    let cases = [
        (
            "https://r.openai.azure.com",
            chat,
            "2024-10-21",
            "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21",
        ),
        ("https://r.openai.azure.com", chat, "v1", "https://r.openai.azure.com/openai/v1/chat/completions"),
        (
            "https://r.openai.azure.com/openai/v1",
            chat,
            "latest",
            "https://r.openai.azure.com/openai/v1/chat/completions",
        ),
        ("https://r/openai/deployments/x", chat, "2", "https://r/openai/deployments/x/chat/completions?api-version=2"),
        ("https://r", Format::OpenAiResponses, "preview", "https://r/openai/v1/responses?api-version=preview"),
        ("https://r", Format::OpenAiEmbeddings, "2", "https://r/openai/deployments/d/embeddings?api-version=2"),
        ("https://r?api-version=9", chat, "2", "https://r/openai/deployments/d/chat/completions?api-version=9"),
    ];
    for (base, format, version, expected) in cases {
        assert_eq!(url(base, OperationKind::Generate, format, "d", version), expected);
    }
}

#[test]
fn filtered_content_is_named_so() {
    let body = br#"{"error":{"message":"filtered","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#;
    let reply = ReplyView { status: 400, provider: "azure", headers: &[], body };
    let error = error::decode(&reply).unwrap();
    assert_eq!((error.kind, error.param), (llm_types::Kind::ContentPolicy, None));
    let other = ReplyView { body: br#"{"error":{"message":"no","code":"429"}}"#, ..reply };
    assert!(error::decode(&other).is_none());
}
