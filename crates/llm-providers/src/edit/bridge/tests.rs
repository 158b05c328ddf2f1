use bytes::BytesMut;
use llm_wire::RequestView;
use llm_wire::codec::EncodeContext;

use super::*;

/// What a chat host is sent for the body of a Messages client, without the model.
fn told(provider: &str, model: &str, caps: &ModelCaps, body: &str) -> (Json, Vec<(String, String)>) {
    let decoder = llm_wire::registry::client_generate(MESSAGES).unwrap();
    let view = RequestView { path: "", query: "", body: body.as_bytes() };
    let mut request = decoder.decode_request(&view).unwrap();
    let params = Params::without_env::<String>([]);
    let provider = crate::by_id(provider).unwrap();
    let upstream = Format::OpenAiChat;
    let names = Bridge { provider, model, params: &params, caps, upstream }.cross(&mut request);
    let mut out = BytesMut::new();
    let encoder = llm_wire::registry::upstream_generate(upstream).unwrap();
    encoder.encode_request(&request, &mut EncodeContext::for_model(model), &mut out).unwrap();
    let mut tree: Json = serde_json::from_slice(&out).unwrap();
    tree.remove("model");
    (tree, names)
}

fn chat(body: &str) -> String {
    told("hosted_vllm", "qwen", &ModelCaps::default(), body).0.to_string()
}

#[test]
fn what_says_nothing_is_gone() {
    let cases = [
        (
            r#"{"system":"","messages":[{"role":"user","content":[{"type":"text","text":" "},{"type":"text","text":"a"}]},{"role":"assistant","content":[{"type":"text","text":""}]},{"role":"user","content":""}]}"#,
            r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]}"#,
        ),
        (
            r#"{"system":[],"messages":[{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}"#,
            r#"{"messages":[{"role":"assistant","content":"ab"}]}"#,
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(chat(body), expected);
    }
}

#[test]
fn late_instructions_are_notes_behind_results() {
    let body = r#"{"messages":[{"role":"system","content":"S"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"system","content":"Late."},{"role":"user","content":[{"type":"text","text":"x"},{"type":"tool_result","tool_use_id":"t","content":"r"}]}]}"#;
    let note = RawJson::string(OPERATOR_NOTE);
    let expected = format!(
        r#"{{"messages":[{{"role":"system","content":"S"}},{{"role":"assistant","tool_calls":[{{"id":"t","type":"function","function":{{"name":"f","arguments":"{{}}"}}}}]}},{{"role":"tool","tool_call_id":"t","content":"r"}},{{"role":"user","content":[{{"type":"text","text":"x"}}]}},{{"role":"user","content":[{{"type":"text","text":{}}},{{"type":"text","text":"Late."}}]}}]}}"#,
        note.get()
    );
    assert_eq!(chat(body), expected);
    let knows = ModelCaps { mid_system: true, ..ModelCaps::default() };
    let kept = told(
        "hosted_vllm",
        "qwen",
        &knows,
        r#"{"messages":[{"role":"user","content":"a"},{"role":"system","content":"b"}]}"#,
    );
    assert_eq!(kept.0.to_string(), r#"{"messages":[{"role":"user","content":"a"},{"role":"system","content":"b"}]}"#);
}

#[test]
fn efforts_come_from_thinking_only() {
    let effort = |caps: &ModelCaps, fields: &str| {
        let body = format!(r#"{{"messages":[],{fields}}}"#);
        let tree = told("hosted_vllm", "qwen", caps, &body).0;
        assert!(tree.get("thinking").is_none(), "{tree}");
        tree.text("reasoning_effort").map(str::to_owned)
    };
    let (plain, able) =
        (ModelCaps::default(), ModelCaps { effort_xhigh: true, effort_minimal: true, ..ModelCaps::default() });
    let cases = [
        (&plain, r#""output_config":{"effort":"high"}"#, None),
        (&plain, r#""thinking":{"type":"adaptive"}"#, Some("medium")),
        (&plain, r#""thinking":{"type":"adaptive"},"output_config":{"effort":"max"}"#, Some("high")),
        (&able, r#""thinking":{"type":"adaptive"},"output_config":{"effort":"max"}"#, Some("xhigh")),
        (&plain, r#""thinking":{"type":"enabled","budget_tokens":512}"#, Some("low")),
        (&able, r#""thinking":{"type":"enabled","budget_tokens":512}"#, Some("minimal")),
        (
            &plain,
            r#""thinking":{"type":"enabled","budget_tokens":4096},"output_config":{"effort":"low"}"#,
            Some("high"),
        ),
        (&plain, r#""thinking":{"type":"disabled"}"#, Some("none")),
        (&plain, r#""reasoning_effort":"low","thinking":{"type":"adaptive"}"#, Some("low")),
    ];
    for (caps, fields, expected) in cases {
        assert_eq!(effort(caps, fields).as_deref(), expected, "{fields}");
    }
    let disabled = r#"{"messages":[],"thinking":{"type":"disabled"}}"#;
    assert!(told("azure", "gpt-5", &plain, disabled).0.get("reasoning_effort").is_none());
}

#[test]
fn results_keep_texts_and_leave_pictures_to_the_user() {
    let result = |content: &str| {
        let body = format!(
            r#"{{"messages":[{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t","content":{content}}}]}}]}}"#
        );
        let tree: Json = serde_json::from_str(&chat(&body)).unwrap();
        let list = tree.get("messages").and_then(Json::as_array).unwrap().to_vec();
        (
            list[0].get("content").unwrap().to_string(),
            list.get(1).map(|m| m.get("content").unwrap().as_array().unwrap()[1].text("type").unwrap().to_owned()),
        )
    };
    let picture = r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}}"#;
    let pdf = r#"{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AA=="}}"#;
    let alone = r#""[Tool returned an image - see the following user message]""#;
    let cases = [
        (format!("[{picture}]"), alone, Some("image_url")),
        (format!("[{pdf}]"), alone, Some("file")),
        (format!(r#"[{{"type":"text","text":"a"}},{picture}]"#), r#"[{"type":"text","text":"a"}]"#, Some("image_url")),
        (r#"[{"type":"tool_reference","tool_name":"f"}]"#.to_owned(), r#""""#, None),
        (
            r#"[{"type":"search_result","source":"s","title":"T","content":[{"type":"text","text":"found"}]}]"#
                .to_owned(),
            r#""T\ns\nfound""#,
            None,
        ),
    ];
    for (content, expected, behind) in cases {
        assert_eq!(result(&content), (expected.to_owned(), behind.map(str::to_owned)), "{content}");
    }
}

#[test]
fn long_names_are_short_and_told_back() {
    let long = "a".repeat(80);
    let body = format!(
        r#"{{"messages":[],"tools":[{{"name":"{long}","input_schema":{{}}}}],"tool_choice":{{"type":"tool","name":"{long}"}}}}"#
    );
    let (tree, names) = told("azure", "m", &ModelCaps::default(), &body);
    let [(sent, original)] = names.as_slice() else { panic!("{names:?}") };
    assert_eq!((sent.len(), original), (64, &long));
    assert_eq!(tree.get("tool_choice").unwrap().get("function").unwrap().text("name"), Some(sent.as_str()));
}

#[test]
fn fields_of_the_host_go_along_and_anthropics_own_stay() {
    let body = r#"{"messages":[],"own":{"a":1},"seed":3,"speed":"fast","mcp_servers":[{"authorization_token":"t"}],"metadata":{"user_id":"{\"session_id\":\"s1\"}"}}"#;
    let tree = told("azure", "gpt-4o", &ModelCaps::default(), body).0;
    assert!(tree.get("own").is_some() && tree.get("seed").is_some());
    assert!(tree.get("speed").is_none() && tree.get("mcp_servers").is_none());
    assert_eq!(tree.text("prompt_cache_key"), Some("s1"));
}

#[test]
fn schemas_are_closed_for_strict_modes() {
    let body = r#"{"messages":[],"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"type":"array","items":{"type":"object","properties":{}}}}}}}}"#;
    let format = told("azure", "m", &ModelCaps::default(), body).0.get("response_format").unwrap().to_string();
    let closed = r#"{"type":"json_schema","json_schema":{"name":"structured_output","schema":{"type":"object","properties":{"a":{"type":"array","items":{"type":"object","properties":{},"additionalProperties":false,"required":[]}}},"additionalProperties":false,"required":["a"]},"strict":true}}"#;
    assert_eq!(format, closed);
}

#[test]
fn marks_stay_with_those_who_read_them() {
    let body =
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}]}"#;
    assert!(!chat(body).contains("cache_control"));
    let claude = told("openrouter", "anthropic/claude-sonnet-4.5", &ModelCaps::default(), body).0;
    assert!(claude.to_string().contains("cache_control"));
}

#[test]
fn a_summary_stands_for_what_was_said_before_it() {
    let summed = |system: &str, rest: &str| {
        chat(&format!(
            r#"{{{system}"messages":[{{"role":"user","content":"old"}},{{"role":"assistant","content":[{{"type":"text","text":"lost"}},{{"type":"compaction","content":"S"}},{{"type":"text","text":"kept"}}]}}{rest}]}}"#
        ))
    };
    let (prefix, new) = ("What was said before, summed up: S", r#",{"role":"user","content":"new"}"#);
    assert_eq!(
        summed(r#""system":"Be kind.","#, new),
        format!(
            r#"{{"messages":[{{"role":"system","content":"{prefix}\n\nBe kind."}},{{"role":"assistant","content":"kept"}},{{"role":"user","content":"new"}}]}}"#
        )
    );
    // Without a later question the last one is asked again; what Claude could not sum up stays.
    assert_eq!(
        summed("", ""),
        format!(
            r#"{{"messages":[{{"role":"system","content":"{prefix}"}},{{"role":"user","content":"old"}},{{"role":"assistant","content":"kept"}}]}}"#
        )
    );
    let failed = r#"{"messages":[{"role":"user","content":"old"},{"role":"assistant","content":[{"type":"compaction","content":null}]},{"role":"user","content":"new"}]}"#;
    assert!(chat(failed).contains("old"));
}
