use super::*;

const CHAT: &str = concat!(
    ": hello\n\n",
    "data: {\"id\":\"c1\",\"model\":\"gpt-4o-2024\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"c1\",\"model\":\"gpt-4o-2024\",\"choices\":[{\"delta\":{\"content\":\"say \\\"model\\\":\\\"x\\\"\"},\"finish_reason\":null}]}\r\n\r\n",
    "data: {\"id\":\"c1\",\"choices\":[{\"delta\":{},\"finish_reason\": \"stop\"}],\"model\": \"gpt-4o-2024\"}\n\n",
    "data: {\"id\":\"c1\",\"model\":\"gpt-4o-2024\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n",
    "data: [DONE]\n\n",
);

fn relay(text: &str, size: usize, model: Option<&str>, hide: bool) -> (String, Seen) {
    let mut r = StreamRelay::new(Format::OpenAiChat, model, hide, 4096);
    let mut out = Vec::new();
    for c in text.as_bytes().chunks(size) {
        out.extend_from_slice(&r.chunk(Bytes::copy_from_slice(c)).unwrap());
    }
    out.extend_from_slice(&r.finish());
    (String::from_utf8(out).unwrap(), r.take_seen())
}

/// The stream without its usage event.
fn no_usage() -> String {
    CHAT.split_inclusive("\n\n").filter(|event| !event.contains("usage")).collect()
}

#[test]
fn nothing_to_edit_means_the_same_bytes() {
    let text = no_usage();
    for size in [1, 2, 3, 7, 50, 10_000] {
        assert_eq!(relay(&text, size, None, false).0, text, "chunks of {size}");
    }
    let mut r = StreamRelay::new(Format::OpenAiChat, None, false, 4096);
    let chunk = Bytes::from(text);
    assert_eq!(r.chunk(chunk.clone()).unwrap().as_ptr(), chunk.as_ptr(), "shared, not copied");
}

#[test]
fn the_model_is_spliced_and_our_usage_event_hidden() {
    for size in [1, 5, 64, 10_000] {
        let (text, seen) = relay(CHAT, size, Some("mine"), true);
        assert_eq!(text.matches("\"mine\"").count(), 3, "chunks of {size}: {text}");
        assert!(!text.contains("gpt-4o-2024") && !text.contains("usage") && text.ends_with("data: [DONE]\n\n"));
        assert!(text.contains("say \\\"model\\\":\\\"x\\\""));
        assert_eq!(seen.usage.first().unwrap().get(), "{\"prompt_tokens\":1,\"completion_tokens\":2}");
        assert!(seen.finished && seen.done);
        assert_eq!((seen.id.as_deref(), seen.model.as_deref()), (Some("c1"), Some("gpt-4o-2024")));
    }
}

#[test]
fn a_cut_stream_is_not_finished_and_an_error_is_noticed() {
    let cut = CHAT.split("data: {\"id\":\"c1\",\"choices\"").next().unwrap();
    assert!(!relay(cut, 9, None, false).1.finished);
    let (_, seen) = relay("data: {\"error\":{\"message\":\"no\"}}\n\n", 100, None, false);
    assert_eq!(seen.error.unwrap().get(), "{\"message\":\"no\"}");
}

/// What the gateway tells next must not become part of what the upstream left behind.
#[test]
fn a_stream_that_breaks_off_inside_an_event_tells_nothing_of_it() {
    let whole = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n\n";
    for (rest, kept, malformed) in [
        ("data: {\"candidates\":[{\"content\":{\"parts\":[]}", "", true),
        ("data: {\"candidates\":[]}", "data: {\"candidates\":[]}\n\n", false),
        (": hm", ": hm\n\n", false),
    ] {
        let mut r = StreamRelay::new(Format::GeminiGenerate, None, false, 4096);
        let text = format!("{whole}{rest}");
        let mut out = r.chunk(Bytes::from(text)).unwrap().to_vec();
        out.extend_from_slice(&r.finish());
        assert_eq!(String::from_utf8(out).unwrap(), format!("{whole}{kept}"));
        assert_eq!(r.seen().malformed, malformed, "{rest}");
    }
}

#[test]
fn an_end_marker_alone_is_no_answer() {
    let (out, seen) = relay(": hello\n\ndata: [DONE]\n\n", 5, None, false);
    assert!(!seen.finished && !seen.done && !out.contains("[DONE]"), "{out}");
}

#[test]
fn a_host_that_gives_up_is_noticed_and_its_end_is_not_told() {
    let text = CHAT.replace("\"finish_reason\": \"stop\"", "\"finish_reason\": \"error\"");
    for size in [1, 64, 10_000] {
        let (out, seen) = relay(&text, size, Some("mine"), false);
        assert!(seen.gave_up && seen.done && seen.usage.len() == 1, "chunks of {size}");
        assert!(out.contains("\"finish_reason\": null}],\"model\": \"mine\"") && !out.contains("[DONE]"), "{out}");
    }
    let silent = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"error\"}]}\n\ndata: [DONE]\n\n";
    assert!(!relay(silent, 100, None, false).1.begun, "another host may answer");
}

#[test]
fn anthropic_streams_report_usage_twice() {
    let text = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"claude-x\",\"usage\":{\"input_tokens\":3}}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"hello\"}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":5}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let mut r = StreamRelay::new(Format::AnthropicMessages, Some("mine"), false, 4096);
    let out = r.chunk(Bytes::from_static(text.as_bytes())).unwrap();
    assert_eq!(std::str::from_utf8(&out).unwrap(), text.replace("claude-x", "mine"));
    let seen = r.take_seen();
    assert_eq!((seen.usage.len(), seen.finished, seen.done, seen.text_bytes), (2, true, true, 5));
}

#[test]
fn endless_events_are_refused() {
    let mut r = StreamRelay::new(Format::OpenAiChat, None, false, 16);
    assert!(r.chunk(Bytes::from_static(b"data: 0123456789abcdef0123")).is_err());
}

#[test]
fn usage_is_written_as_litellm_writes_it_for_streams() {
    for size in [1, 33, 10_000] {
        let (text, seen) = relay(CHAT, size, Some("mine"), false);
        let wanted = "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3,\
                      \"completion_tokens_details\":{\"reasoning_tokens\":0,\"text_tokens\":2}}";
        assert!(text.contains(wanted), "{text}");
        assert_eq!(text.matches("\"mine\"").count(), 4);
        assert_eq!(seen.usage.first().unwrap().get(), "{\"prompt_tokens\":1,\"completion_tokens\":2}");
    }
    let beside =
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}],\"usage\": {\"prompt_tokens\":1}}\n\n";
    assert_eq!(relay(beside, 99, None, true).0, beside.replace("{\"prompt_tokens\":1}", "null"));
}

#[test]
fn refusals_and_ends_of_tool_calls_are_where_clients_of_litellm_look() {
    let refusal =
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"refusal\":\"I \\\"can't\\\"\"},\"finish_reason\":null}]}\n\n";
    let moved = "{\"provider_specific_fields\":{\"refusal\":\"I \\\"can't\\\"\"}}";
    assert!(relay(refusal, 10, None, false).0.contains(moved));
    let calls = concat!(
        "data: {\"choices\":[{\"index\":1,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\"}]},\"finish_reason\":null}]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"choices\":[{\"index\":1,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    );
    let (out, _) = relay(calls, 1000, None, false);
    assert_eq!(
        out,
        calls.replace(
            "\"index\":1,\"delta\":{},\"finish_reason\":\"stop\"",
            "\"index\":1,\"delta\":{},\"finish_reason\":\"tool_calls\""
        )
    );
}

/// The fixtures of the format are what an upstream sends.
#[test]
fn responses_go_on_as_they_came() {
    let whole = include_str!("../../fixtures/openai-responses/two-tools.stream.sse");
    for size in [1, 50, 10_000] {
        let mut r = StreamRelay::new(Format::OpenAiResponses, Some("mine"), true, 1 << 16);
        let mut out = Vec::new();
        whole.as_bytes().chunks(size).for_each(|c| out.extend(r.chunk(Bytes::copy_from_slice(c)).unwrap()));
        out.extend(r.finish());
        assert_eq!(std::str::from_utf8(&out).unwrap(), whole, "chunks of {size}");
        let seen = r.take_seen();
        assert!(seen.finished && !seen.done && seen.text_events == 6 && seen.error.is_none());
        assert_eq!(seen.model.as_deref(), Some("gpt-5-2025-08-07"));
        assert!(seen.usage.first().unwrap().get().contains("\"output_tokens\": 87"));
    }
}

#[test]
fn a_failed_response_is_noticed_and_held_back() {
    for (text, message) in [
        (include_str!("../../fixtures/openai-responses/failed.stream.sse"), "The model failed."),
        (include_str!("../../fixtures/openai-responses/error-middle.stream.sse"), "The server had an error"),
        (include_str!("../../fixtures/openai-responses/error-first.stream.sse"), "Rate limit reached"),
    ] {
        let mut r = StreamRelay::new(Format::OpenAiResponses, None, false, 1 << 16);
        let out = r.chunk(Bytes::copy_from_slice(text.as_bytes())).unwrap();
        assert!(!String::from_utf8_lossy(&out).contains(message), "{message}");
        let seen = r.take_seen();
        assert!(!seen.finished && seen.error.unwrap().get().contains(message));
    }
}

#[test]
fn what_gemini_looked_up_is_counted() {
    let text = include_str!("../../fixtures/gemini-generate/grounding.stream.sse");
    let mut r = StreamRelay::new(Format::GeminiGenerate, Some("mine"), false, 1 << 16);
    let _ = r.chunk(Bytes::copy_from_slice(text.as_bytes())).unwrap();
    let streamed = r.take_seen().report(Format::GeminiGenerate).unwrap().usage;
    assert!(streamed.web_search_medium > 0, "{streamed:?}");
    let whole = r#"{"candidates":[{"content":{},"groundingMetadata":{"webSearchQueries":["a","b"]}}],
        "usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4,"totalTokenCount":7}}"#;
    let usage = Whole::read(Format::GeminiGenerate, whole.as_bytes()).unwrap().report(Format::GeminiGenerate);
    assert_eq!(usage.unwrap().usage.web_search_medium, 2);
}

#[test]
fn data_in_several_lines_is_read_as_one() {
    let text = "event: x\ndata: {\"id\":\"c\",\ndata: \"model\":\"up\",\"choices\":[{\"delta\":{\"content\":\"Hi\"},\ndata: \"finish_reason\":\"stop\"}]}\n\n";
    for size in [1, 7, 1000] {
        let (out, seen) = relay(text, size, Some("mine"), false);
        assert!(!seen.malformed && seen.finished, "{out}");
        let one = "event: x\ndata: {\"id\":\"c\", \"model\":\"mine\",\"choices\":[{\"delta\":{\"content\":\"Hi\"}, \"finish_reason\":\"stop\"}]}\n\n";
        assert_eq!(out, one);
    }
}

#[test]
fn an_error_may_be_told_by_the_name_of_the_event() {
    let (out, seen) = relay("event: error\ndata: {\"message\":\"no\"}\n\n", 9, None, false);
    assert_eq!((out.as_str(), seen.error.unwrap().get()), ("", "{\"message\":\"no\"}"));
}

/// Found by fuzzing: another field's value stood where the model's name had stood.
#[test]
fn the_same_word_in_another_field_is_no_model() {
    let event = |key: &str| format!("data: {{\"id\":\"c\",\"{key}\":\"m\",\"choices\":[]}}\n\n");
    let (out, _) = relay(&format!("{}{}{}", event("model"), event("modus"), event("model")), 50, Some("mine"), false);
    assert_eq!(out.matches("\"model\":\"mine\"").count(), 2, "{out}");
    assert!(out.contains("\"modus\":\"m\""), "{out}");
}

#[test]
fn words_in_metadata_are_no_events() {
    let text = "data: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"metadata\":{\"a\":\"response.failed\",\"b\":\"response.completed\"}}}\n\n";
    let mut r = StreamRelay::new(Format::OpenAiResponses, None, false, 4096);
    assert_eq!(r.chunk(Bytes::from_static(text.as_bytes())).unwrap(), text);
    let seen = r.take_seen();
    assert!(seen.error.is_none() && !seen.finished && seen.id.as_deref() == Some("r"));
}

/// Streams near to good ones: what comes out, and what is seen, does not depend on the cutting.
#[test]
fn the_cutting_of_damaged_streams_changes_nothing() {
    const PIECES: [&str; 10] =
        ["\n", "\r\n", "\n\n", "\r", "\ndata: ", "event: error\n", "data: [DONE]\n\n", "{", "\"usage\"", ": x\n\n"];
    let streams = [
        (Format::OpenAiChat, CHAT),
        (Format::AnthropicMessages, include_str!("../../fixtures/anthropic-messages/text.stream.sse")),
        (Format::OpenAiResponses, include_str!("../../fixtures/openai-responses/two-tools.stream.sse")),
        (Format::GeminiGenerate, include_str!("../../fixtures/gemini-generate/grounding.stream.sse")),
    ];
    let run = |format: Format, text: &[u8], size: usize| {
        let mut r = StreamRelay::new(format, Some("mine"), false, 1 << 20);
        let mut out: Vec<u8> = Vec::new();
        text.chunks(size).for_each(|c| out.extend_from_slice(&r.chunk(Bytes::copy_from_slice(c)).unwrap()));
        out.extend_from_slice(&r.finish());
        // Empty lines behind an event say nothing: they go with this one or the next.
        let lines: Vec<String> = String::from_utf8_lossy(&out).lines().map(str::to_owned).collect();
        let lines: Vec<String> = lines.into_iter().filter(|l| !l.trim().is_empty()).collect();
        (lines, format!("{:?}", r.take_seen()))
    };
    let mut seed = 11_u64;
    let mut below = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(seed >> 33).unwrap() % n.max(1)
    };
    for (format, good) in streams {
        for _ in 0..150 {
            let mut text = good.as_bytes().to_vec();
            for _ in 0..=below(3) {
                let (from, piece) = (below(text.len()), PIECES[below(PIECES.len())]);
                let to = (from + below(9)).min(text.len());
                text.splice(from..to, piece.bytes());
            }
            let whole = run(format, &text, text.len());
            for size in [1, 2, 1 + below(90)] {
                let pieces = run(format, &text, size);
                assert_eq!(pieces, whole, "{format} in pieces of {size}: {:?}", String::from_utf8_lossy(&text));
            }
        }
    }
}
