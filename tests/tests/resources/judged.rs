//! Guardrails judge the requests of a batch's file before it goes on.

use super::*;

const WORDS: &str = "{guardrail: litellm_content_filter, mode: MODE, default_on: true, blocked_words: [{keyword: albatross, action: BLOCK}, {keyword: salmon, action: MASK}]}";

async fn guarded(params: &str, more: &str) -> Setup {
    let upstream = Canned::start(house).await.unwrap();
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let url = upstream.base_url();
    let config = format!(
        "{}files_settings:\n  - {{custom_llm_provider: openai, api_base: '{url}/v1', api_key: sk-files}}\nguardrails:\n  - guardrail_name: words\n    litellm_params: {params}\n{more}",
        Config::empty(&sim).model("gpt", "openai/gpt-4o", &[]).yaml()
    );
    let gateway = Gateway::start_with(&config, &Options::default()).await.unwrap();
    Setup { upstream, gateway, _sim: sim }
}

fn request(id: &str, url: &str, body: &str) -> String {
    format!(r#"{{"custom_id":"{id}","method":"POST","url":"{url}","body":{body}}}"#)
}

fn chat(id: &str, text: &str) -> String {
    let body = format!(r#"{{"model":"gpt-4o","messages":[{{"role":"user","content":"{text}"}}]}}"#);
    request(id, "/v1/chat/completions", &body)
}

const BATCH: (&str, &str) = ("purpose", "batch");

async fn put(gateway: &Gateway, fields: &[(&str, &str)], file: &str) -> Reply {
    upload(gateway, MASTER_KEY, "/v1/files", &[], form(fields, file)).await
}

#[tokio::test]
async fn requests_of_a_file_are_judged_as_calls_are() {
    for mode in ["pre_call", "[pre_call, post_call]"] {
        let Setup { upstream, gateway, .. } = guarded(&WORDS.replace("MODE", mode), "").await;
        let (fine, last) = (chat("a", "hello"), chat("f", "bye"));
        let texts = request("d", "https://api.openai.com/v1/embeddings", r#"{"model":"e","input":["a salmon"]}"#);
        let other = request("e", "/v1/elsewhere", r#"{"prompt":"an albatross"}"#);
        let lines = [&fine, "", &chat("b", "an albatross"), &chat("c", "a salmon"), &texts, &other, &last];
        let reply = put(&gateway, &[BATCH], &lines.join("\n")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let told = json!({"submitted_records": 4, "modified_records": [
            {"line": 3, "custom_id": "b", "action": "dropped", "guardrail": "words"},
            {"line": 4, "custom_id": "c", "action": "redacted", "guardrail": null},
            {"line": 5, "custom_id": "d", "action": "redacted", "guardrail": null},
            {"line": 6, "custom_id": "e", "action": "dropped", "guardrail": "words"},
        ]});
        assert_eq!((&reply.json()["id"], &reply.json()["litellm_batch_guardrail"]), (&json!("file-in"), &told));
        let masked = "[KEYWORD_REDACTED]";
        let texts = texts.replace("salmon", masked);
        let file = [&fine, "", &chat("c", &format!("a {masked}")), &texts, &last].join("\n");
        assert_eq!(upstream.seen().pop().unwrap().text(), form(&[BATCH], &file));
        // Nothing is said where nothing was done, and other files are nobody's business.
        let reply = put(&gateway, &[BATCH], &fine).await;
        assert_eq!((reply.status, reply.json().get("litellm_batch_guardrail")), (200, None));
        let reply = put(&gateway, &[("purpose", "fine-tune")], &chat("b", "an albatross")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(upstream.seen().pop().unwrap().text().contains("albatross"));
    }
    let Setup { upstream, gateway, .. } = guarded(&WORDS.replace("MODE", "post_call"), "").await;
    assert_eq!(put(&gateway, &[BATCH], &chat("b", "an albatross")).await.status, 200);
    assert!(upstream.seen().pop().unwrap().text().contains("albatross"));
}

#[tokio::test]
async fn what_cannot_be_judged_goes_nowhere() {
    let Setup { upstream, gateway, .. } = guarded(&WORDS.replace("MODE", "pre_call"), "").await;
    let twice = chat("a", "x").replace(r#""model""#, r#""messages":[],"model""#);
    let beside = chat("a", "x").replace(r#""model""#, r#""extra_body":{"messages":[]},"model""#);
    for (fields, file, param) in [
        (&[BATCH][..], chat("a", "an albatross"), "file"),
        (&[BATCH], request("a", "/v1/elsewhere", r#"{"contents":[]}"#), "file"),
        (&[BATCH], request("a", "/v1/chat/completions", "[]"), "file"),
        (&[BATCH], twice, "file"),
        (&[BATCH], beside, "extra_body"),
        (&[BATCH, ("passthrough", "true")], r#"{"request":{"contents":[]}}"#.to_owned(), "passthrough"),
    ] {
        let reply = put(&gateway, fields, &file).await;
        assert_eq!((reply.status, &reply.json()["error"]["param"]), (400, &json!(param)), "{file}: {}", reply.text());
    }
    assert!(upstream.seen().is_empty(), "nothing was passed on");
    // A guardrail that fails holds the file up, as it holds up a call.
    let params = "{guardrail: generic_guardrail_api, mode: pre_call, default_on: true, api_base: 'http://127.0.0.1:9'}";
    let Setup { upstream, gateway, .. } = guarded(params, "").await;
    let reply = put(&gateway, &[BATCH], &chat("a", "hello")).await;
    assert_eq!(reply.status, 500, "{}", reply.text());
    assert!(upstream.seen().is_empty(), "nothing was passed on");
}

#[tokio::test]
async fn large_files_are_judged_while_they_pass() {
    let Setup { upstream, gateway, .. } = guarded(&WORDS.replace("MODE", "pre_call"), "").await;
    let long = "word ".repeat(100 << 10);
    let mut lines: Vec<String> = (0..40).map(|n| chat(&n.to_string(), &long)).collect();
    lines[20] = chat("20", "an albatross");
    lines[39] = chat("39", "a salmon");
    let reply = put(&gateway, &[BATCH], &lines.join("\n")).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let told = &reply.json()["litellm_batch_guardrail"];
    assert_eq!((&told["submitted_records"], &told["modified_records"][0]["line"]), (&json!(39), &json!(21)));
    lines.remove(20);
    lines[38] = chat("39", "a [KEYWORD_REDACTED]");
    assert!(upstream.seen().pop().unwrap().text() == form(&[BATCH], &lines.join("\n")), "the rest is as it was");

    // What the file is has to be known when it begins, and holds.
    let field =
        |name: &str, text: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
    let late = |before: &[(&str, &str)], name: &str| {
        let form = form(before, &lines.join("\n")).replace("in.jsonl", name);
        form.replace("--b--", &format!("{}--b--", field("purpose", "batch")))
    };
    for (before, name, param) in [
        (&[][..], "in.jsonl", "purpose"),
        (&[], "in.txt", "purpose"),
        (&[("purpose", "user_data")], "in.jsonl", "purpose"),
    ] {
        let reply = upload(&gateway, MASTER_KEY, "/v1/files", &[], late(before, name)).await;
        assert_eq!((reply.status, &reply.json()["error"]["param"]), (400, &json!(param)), "{}", reply.text());
    }
    let worse = lines.join("\n").replace(
        r#""url":"/v1/chat/completions","body":{"model":"gpt-4o","messages""#,
        r#""url":"/x","body":{"things""#,
    );
    let reply = put(&gateway, &[BATCH], &worse).await;
    assert_eq!((reply.status, &reply.json()["error"]["param"]), (400, &json!("file")), "{}", reply.text());
}
