use super::*;

fn passed(path: &str, kind: &str, body: &[u8]) -> Metered {
    // Whatever the cutting, the counts are the same.
    let at_once = |size: usize| {
        let mut meter = Meter::new(path, kind).unwrap();
        body.chunks(size).for_each(|chunk| meter.feed(chunk));
        meter.finish(true)
    };
    let (one, all) = (at_once(1), at_once(body.len().max(1)));
    let counts =
        |m: &Metered| (m.usage.as_ref().map(|u| u.usage), m.id.clone(), m.model.clone(), m.finished, m.written());
    assert_eq!(counts(&one), counts(&all));
    all
}

fn tokens(m: &Metered) -> (u64, u64, u64) {
    let u = m.usage.as_ref().unwrap().usage;
    (u.total_input(), u.total_cache_read(), u.total_output())
}

#[test]
fn whole_answers_of_every_language() {
    for (path, body, wanted) in [
        (
            "/v1/chat/completions",
            r#"{"id":"c-1","model":"gpt-4o","usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":4}}}"#,
            (9, 4, 3),
        ),
        (
            "/v1/responses",
            r#"{"id":"r-1","object":"response","model":"gpt-5","usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":3,"total_tokens":12}}"#,
            (9, 4, 3),
        ),
        (
            "/v1/messages",
            r#"{"id":"m-1","type":"message","model":"claude","usage":{"input_tokens":5,"cache_read_input_tokens":4,"output_tokens":3}}"#,
            (9, 4, 3),
        ),
        (
            "/v1beta/models/gemini:generateContent",
            r#"{"responseId":"g-1","modelVersion":"gemini","candidates":[],"usageMetadata":{"promptTokenCount":9,"cachedContentTokenCount":4,"candidatesTokenCount":2,"thoughtsTokenCount":1}}"#,
            (9, 4, 3),
        ),
        (
            "/model/m/converse",
            r#"{"output":{},"usage":{"inputTokens":5,"cacheReadInputTokens":4,"outputTokens":3,"totalTokens":12}}"#,
            (9, 4, 3),
        ),
        (
            "/v2/chat",
            r#"{"id":"k-1","usage":{"billed_units":{"input_tokens":7,"output_tokens":3},"tokens":{"input_tokens":9.0,"output_tokens":3.0}}}"#,
            (9, 0, 3),
        ),
        (
            "/v1/embed",
            r#"{"id":"k-2","meta":{"api_version":{"version":"1"},"billed_units":{"input_tokens":9}}}"#,
            (9, 0, 0),
        ),
    ] {
        let m = passed(path, "application/json; charset=utf-8", body.as_bytes());
        assert_eq!(tokens(&m), wanted, "{path}");
        assert!(m.finished && m.usage.unwrap().raw.is_some(), "{path}");
    }
}

#[test]
fn ids_and_models_are_noticed() {
    let m = passed("/x", "application/json", br#"{"id":"c-1","model":"gpt-4o","choices":[]}"#);
    assert_eq!((m.id.as_deref(), m.model.as_deref(), m.usage.is_none()), (Some("c-1"), Some("gpt-4o"), true));
}

#[test]
fn streams_of_every_language() {
    let anthropic = b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m-1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n\
        event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"hi\"}}\n\n\
        event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":3}}\n\n\
        event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let m = passed("/v1/messages", "text/event-stream", anthropic);
    assert_eq!((tokens(&m), m.id.as_deref(), m.written(), m.finished), ((9, 0, 3), Some("m-1"), 1, true));

    let chat = b"data: {\"id\":\"c-1\",\"model\":\"gpt\",\"choices\":[{\"delta\":{\"content\":\"hello\"}}]}\n\n\
        data: {\"id\":\"c-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}\n\ndata: [DONE]\n\n";
    assert_eq!(tokens(&passed("/v1/chat/completions", "text/event-stream; charset=utf-8", chat)), (9, 0, 3));

    let responses = b"data: {\"type\":\"response.output_text.delta\",\"delta\":\"hi\"}\n\n\
        data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r-1\",\"object\":\"response\",\"usage\":{\"input_tokens\":9,\"output_tokens\":3,\"total_tokens\":12}}}\n\n";
    let m = passed("/v1/responses", "text/event-stream", responses);
    assert_eq!((tokens(&m), m.id.as_deref(), m.finished), ((9, 0, 3), Some("r-1"), true));

    let cohere = b"data: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"COMPLETE\",\"usage\":{\"tokens\":{\"input_tokens\":9,\"output_tokens\":3}}}}\n\n";
    assert_eq!(tokens(&passed("/v2/chat", "text/event-stream", cohere)), (9, 0, 3));

    let gemini = b"[{\"usageMetadata\":{\"promptTokenCount\":9,\"candidatesTokenCount\":1}},\n\
        {\"usageMetadata\":{\"promptTokenCount\":9,\"candidatesTokenCount\":3}}]";
    assert_eq!(tokens(&passed("/m:streamGenerateContent", "application/json", gemini)), (9, 0, 3));

    let lines = b"{\"usage\":{\"inputTokens\":9,\"outputTokens\":3}}\n";
    assert_eq!(tokens(&passed("/x", "application/x-ndjson", lines)), (9, 0, 3));
    let metrics =
        b"data: {\"type\":\"x\",\"amazon-bedrock-invocationMetrics\":{\"inputTokenCount\":9,\"outputTokenCount\":3}}\n\n";
    assert_eq!(tokens(&passed("/x", "text/event-stream", metrics)), (9, 0, 3));
}

#[test]
fn interactions_tell_each_kind_of_token() {
    let usage = r#"{"total_tokens":22,"total_input_tokens":9,"total_cached_tokens":4,"total_output_tokens":3,"total_thought_tokens":8,"total_tool_use_tokens":2,"input_tokens_by_modality":[{"modality":"text","tokens":6},{"modality":"audio","tokens":3}]}"#;
    let whole = format!(r#"{{"id":"i-1","object":"interaction","model":"gemini-2.5-flash","usage":{usage}}}"#);
    let m = passed("/v1beta/interactions", "application/json", whole.as_bytes());
    assert_eq!(tokens(&m), (11, 4, 11));
    let u = m.usage.unwrap().usage;
    assert_eq!((u.output_text, u.reasoning, u.input_audio), (3, 8, 3));
    let stream = format!(
        "data: {{\"event_type\":\"interaction.start\",\"interaction\":{{\"id\":\"i-1\"}}}}\n\n\
         data: {{\"event_type\":\"interaction.complete\",\"interaction\":{whole}}}\n\ndata: [DONE]\n\n"
    );
    let m = passed("/v1beta/interactions", "text/event-stream", stream.as_bytes());
    assert_eq!((tokens(&m), m.id.as_deref(), m.finished), ((11, 4, 11), Some("i-1"), true));
}

#[test]
fn a_stream_that_breaks_off_leaves_an_estimate() {
    let chat = b"data: {\"id\":\"c-1\",\"choices\":[{\"delta\":{\"content\":\"hello wide world\"}}]}\n\n";
    let m = passed("/v1/chat/completions", "text/event-stream", chat);
    assert_eq!((m.usage.is_none(), m.finished, m.written()), (true, false, 4));
}

#[test]
fn pictures_are_counted_or_told_in_tokens() {
    let told = r#"{"created":1,"data":[{}],"usage":{"input_tokens":9,"output_tokens":30,"total_tokens":39}}"#;
    let m = passed("/v1/images/generations", "application/json", told.as_bytes());
    assert_eq!(m.usage.unwrap().usage.output_image, 30);
    let m = passed("/v1/images/generations", "application/json", br#"{"created":1,"data":[{},{}]}"#);
    assert_eq!(m.usage.unwrap().usage.images_out, 2);
}

#[test]
fn headers_count_where_the_body_says_nothing() {
    for (body, wanted) in
        [(r#"{"generation":"x"}"#, (9, 0, 3)), (r#"{"usage":{"input_tokens":1,"output_tokens":2}}"#, (1, 0, 2))]
    {
        let mut meter = Meter::new("/model/m/invoke", "application/json").unwrap();
        meter.counted(9, 3);
        meter.feed(body.as_bytes());
        assert_eq!(tokens(&meter.finish(true)), wanted);
    }
}

#[test]
fn predictions_are_vectors_or_pictures() {
    let vectors = r#"{"predictions":[{"embeddings":{"values":[0.1],"statistics":{"token_count":4,"truncated":false}}},{"embeddings":{"statistics":{"token_count":5}}}]}"#;
    let m = passed("/v1/projects/p/models/m:predict", "application/json", vectors.as_bytes());
    assert_eq!(m.usage.unwrap().usage.input_text, 9);
    let pictures = r#"{"predictions":[{"mimeType":"image/png","bytesBase64Encoded":"AA"},{"mimeType":"image/png"}]}"#;
    let m = passed("/v1/projects/p/models/imagen:predict", "application/json", pictures.as_bytes());
    assert_eq!(m.usage.unwrap().usage.images_out, 2);
}

#[test]
fn nothing_is_read_in_sounds_and_nonsense_does_no_harm() {
    assert!(Meter::new("/v1/audio/speech", "audio/mpeg").is_none());
    for body in [&b"{\"usage\":7}"[..], b"nonsense", b"{\"usage\":{\"prompt_tokens\":\"x\"}}", b"", b"[", b"{"] {
        assert!(passed("/x", "application/json", body).usage.is_none(), "{body:?}");
    }
    passed("/x", "application/vnd.amazon.eventstream", b"no frames at all, but many bytes of text");
}
