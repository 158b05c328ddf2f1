//! Gemini's generateContent and streamGenerateContent as a client sees them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests fail the test")]

mod client;

use client::{chunks, open, post, raw_post, read_all, send, sim};
use http::Method;
use llm_simulator::{Match, Script, Simulator, SimulatorConfig};
use serde_json::{Value, json};

const WHOLE: &str = "/v1beta/models/gemini-2.5-flash:generateContent";
const EVENTS: &str = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse";
const ARRAY: &str = "/v1beta/models/gemini-2.5-flash:streamGenerateContent";

fn ask(text: &str) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": text}]}]})
}

#[tokio::test]
async fn a_whole_reply_has_every_field() {
    let sim = sim().await;
    let answer = post(&sim, WHOLE, &ask("hello")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json; charset=UTF-8"));
    let body = answer.json();
    assert_eq!(
        body["candidates"],
        json!([{"content": {"parts": [{"text": "You said: hello"}], "role": "model"}, "finishReason": "STOP", "index": 0}])
    );
    assert_eq!(
        body["usageMetadata"],
        json!({"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7,
               "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 3}]})
    );
    assert_eq!((&body["modelVersion"], body["responseId"].as_str().unwrap().len()), (&json!("gemini-2.5-flash"), 22));
    // Vertex AI's paths mean the same
    let path = "/v1/projects/p/locations/global/publishers/google/models/gemini-2.5-pro:generateContent";
    assert_eq!(post(&sim, path, &ask("x")).await.json()["modelVersion"], "gemini-2.5-pro");
}

#[tokio::test]
async fn a_stream_comes_as_events_or_as_an_array() {
    let sim = sim().await;
    let answer = post(&sim, EVENTS, &ask("hello")).await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let events = chunks(&answer);
    let texts: Vec<&str> =
        events.iter().map(|e| e["candidates"][0]["content"]["parts"][0]["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["You ", "said: ", "hello", ""]);
    assert_eq!(events[0]["usageMetadata"], json!({"promptTokenCount": 3, "totalTokenCount": 3}));
    assert_eq!(events[0]["candidates"][0].get("finishReason"), None);
    assert_eq!(events[3]["candidates"][0]["finishReason"], "STOP");
    assert_eq!(events[3]["usageMetadata"]["candidatesTokenCount"], 4);
    let answer = post(&sim, ARRAY, &ask("hello")).await;
    assert_eq!(answer.header("content-type"), "application/json; charset=UTF-8");
    let items = answer.json();
    assert_eq!(items.as_array().unwrap().len(), 4);
    assert_eq!(items[3]["candidates"][0]["finishReason"], "STOP");
}

#[tokio::test]
async fn thoughts_text_and_tools() {
    let sim = sim().await;
    let script =
        r#"[[sim reasoning="let me see" text="Looking." tool=get_weather args={"city": "Paris"} cached_tokens=2]]"#;
    let body = post(&sim, WHOLE, &ask(&format!("Weather? {script}"))).await.json();
    let parts = &body["candidates"][0]["content"]["parts"];
    assert_eq!(parts[0], json!({"text": "let me see", "thought": true}));
    assert_eq!(parts[1]["text"], "Looking.");
    assert!(parts[1]["thoughtSignature"].as_str().unwrap().len() > 40);
    assert_eq!(parts[2], json!({"functionCall": {"name": "get_weather", "args": {"city": "Paris"}}}));
    let counts = &body["usageMetadata"];
    assert_eq!((&counts["thoughtsTokenCount"], &counts["cachedContentTokenCount"]), (&json!(3), &json!(2)));
    let sum = ["promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"].map(|n| counts[n].as_u64().unwrap());
    assert_eq!(counts["totalTokenCount"], sum.iter().sum::<u64>());
    let events = chunks(&post(&sim, EVENTS, &ask(&format!("Weather? {script}"))).await);
    let thoughts = events.iter().filter(|e| e["candidates"][0]["content"]["parts"][0]["thought"] == true).count();
    assert_eq!(thoughts, 3);
    let calls: Vec<&Value> = events
        .iter()
        .map(|e| &e["candidates"][0]["content"]["parts"][0]["functionCall"])
        .filter(|c| c.is_object())
        .collect();
    assert_eq!(calls, [&json!({"name": "get_weather", "args": {"city": "Paris"}})]);
}

#[tokio::test]
async fn tools_schemas_and_limits_follow_the_request() {
    let sim = sim().await;
    let mut request = ask("hi");
    request["tools"] = json!([{"function_declarations": [{"name": "f", "parameters": {"type": "OBJECT",
        "properties": {"n": {"type": "INTEGER"}}}}]}]);
    request["toolConfig"] = json!({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}});
    let part = post(&sim, WHOLE, &request).await.json()["candidates"][0]["content"]["parts"][0].clone();
    assert_eq!(part, json!({"functionCall": {"name": "f", "args": {"n": 1}}}));
    request["contents"] = json!([
        {"role": "user", "parts": [{"text": "hi"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"out": 5}}}]}]);
    request["toolConfig"] = json!(null);
    let body = post(&sim, WHOLE, &request).await.json();
    assert_eq!(body["candidates"][0]["content"]["parts"][0]["text"], "The tool said: {\"out\":5}");
    let mut request = ask("one two three");
    request["generationConfig"] = json!({"maxOutputTokens": 3});
    assert_eq!(post(&sim, WHOLE, &request).await.json()["candidates"][0]["finishReason"], "MAX_TOKENS");
    request["generationConfig"] = json!({"response_mime_type": "application/json", "response_schema":
        {"type": "OBJECT", "properties": {"ok": {"type": "BOOLEAN"}}}, "candidateCount": 2});
    let body = post(&sim, WHOLE, &request).await.json();
    assert_eq!(body["candidates"][1]["content"]["parts"][0]["text"], "{\"ok\":true}");
    let blocked = post(&sim, WHOLE, &ask("x [[sim refusal=no]]")).await.json();
    assert_eq!(
        (&blocked["promptFeedback"]["blockReason"], blocked.get("candidates")),
        (&json!("PROHIBITED_CONTENT"), None)
    );
}

#[tokio::test]
async fn bad_requests_get_the_services_complaints() {
    let sim = sim().await;
    let cases = [
        (json!({}), "contents is not specified"),
        (json!({"contents": []}), "contents is not specified"),
        (json!({"contents": [{"role": "user", "parts": []}]}), "contents.parts must not be empty"),
        (json!({"contents": [{"role": "system", "parts": [{"text": "x"}]}]}), "Please use a valid role: user, model."),
        (json!({"contents": [{"role": "user", "parts": [{}]}]}), "must have one initialized field"),
        (json!({"contents": [{"parts": [{"text": "x"}]}], "frog": 1}), "Unknown name \"frog\": Cannot find field."),
        (
            json!({"contents": [{"parts": [{"text": "x"}]}], "generationConfig": {"max_tokens": 1}}),
            "Unknown name \"max_tokens\" at 'generation_config'",
        ),
        (
            json!({"contents": [{"parts": [{"text": "x"}]}], "generationConfig": {"temperature": 3}}),
            "temperature must be in the range",
        ),
        (
            json!({"contents": [{"parts": [{"text": "x"}]}], "generationConfig": {"maxOutputTokens": 0}}),
            "max_output_tokens must be positive",
        ),
        (
            json!({"contents": [{"role": "model", "parts": [{"functionCall": {"name": "f"}}]},
                                {"role": "user", "parts": [{"text": "x"}]}]}),
            "number of function response parts is equal",
        ),
    ];
    for (request, message) in cases {
        let answer = post(&sim, WHOLE, &request).await;
        let error = answer.json()["error"].clone();
        assert_eq!((answer.status, &error["code"], &error["status"]), (400, &json!(400), &json!("INVALID_ARGUMENT")));
        assert!(error["message"].as_str().unwrap().contains(message), "{request}: {error}");
    }
    let answer = send(&sim, Method::POST, WHOLE, &[], "{").await;
    assert!(answer.status == 400 && answer.text().contains("Invalid JSON payload"));
    let answer = post(&sim, ARRAY, &json!({})).await;
    assert_eq!((answer.status, &answer.json()[0]["error"]["code"]), (400, &json!(400)));
}

#[tokio::test]
async fn keys_and_status_faults() {
    let config = SimulatorConfig { require_key: Some("AIza".into()), ..SimulatorConfig::default() };
    let locked = Simulator::start(config).await.unwrap();
    let body = ask("x").to_string();
    let path = format!("{WHOLE}?key=AIza");
    assert_eq!(send(&locked, Method::POST, &path, &[], body.clone()).await.status, 200);
    assert_eq!(send(&locked, Method::POST, WHOLE, &[("x-goog-api-key", "AIza")], body.clone()).await.status, 200);
    let wrong = send(&locked, Method::POST, WHOLE, &[("x-goog-api-key", "no")], body.clone()).await;
    assert_eq!((wrong.status, wrong.json()["error"]["details"][0]["reason"].clone()), (400, json!("API_KEY_INVALID")));
    assert_eq!(send(&locked, Method::POST, WHOLE, &[], body).await.status, 403);

    let sim = sim().await;
    let cases = [
        ("401", 401, "UNAUTHENTICATED"),
        ("404", 404, "NOT_FOUND"),
        ("429", 429, "RESOURCE_EXHAUSTED"),
        ("500", 500, "INTERNAL"),
        ("503", 503, "UNAVAILABLE"),
        ("504", 504, "DEADLINE_EXCEEDED"),
        ("context", 400, "INVALID_ARGUMENT"),
        ("quota", 429, "RESOURCE_EXHAUSTED"),
    ];
    for (fault, status, word) in cases {
        sim.script(Match::model("gemini-2.5-flash"), Script::fault(fault.parse().unwrap()).times(1));
        let answer = post(&sim, WHOLE, &ask("x")).await;
        assert_eq!((answer.status, answer.json()["error"]["status"].clone()), (status, json!(word)), "{fault}");
    }
}

#[tokio::test]
async fn streams_fail_in_their_own_format() {
    let sim = sim().await;
    let with = |fault: &str| ask(&format!("hello [[sim chunks=8 {fault}]]"));
    let events = chunks(&post(&sim, EVENTS, &with("fault=error-event after=3 message=boom")).await);
    assert_eq!(
        (events.len(), &events[3]["error"]),
        (4, &json!({"code": 503, "message": "boom", "status": "UNAVAILABLE"}))
    );
    let items = post(&sim, ARRAY, &with("fault=error-event after=3")).await.json();
    assert_eq!((items.as_array().unwrap().len(), &items[3]["error"]["code"]), (4, &json!(503)));
    let events = chunks(&post(&sim, EVENTS, &with("fault=no-end")).await);
    assert!(events.len() == 8 && !events.iter().any(|e| e["candidates"][0].get("finishReason").is_some()));
    let (bytes, error) = raw_post(sim.addr(), EVENTS, &with("fault=cut after=2")).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(error.is_none() && text.contains("\"said: \"") && !text.contains("finishReason"));
    for path in [EVENTS, ARRAY] {
        let response = open(&sim, Method::POST, path, &[], with("fault=half-close").to_string(), false).await.unwrap();
        assert!(!read_all(response.into_body()).await.1);
    }
    let answer = post(&sim, EVENTS, &with("fault=malformed after=1")).await;
    let broken = answer.events().iter().filter(|e| serde_json::from_str::<Value>(&e.data).is_err()).count();
    assert_eq!((broken, answer.events().len()), (1, 10));
}

#[tokio::test]
async fn embeddings_and_pictures() {
    let sim = sim().await;
    let part = |text: &str| json!({"parts": [{"text": text}]});
    let one = post(
        &sim,
        "/v1beta/models/gemini-embedding-001:embedContent",
        &json!({"content": part("hello"), "outputDimensionality": 8}),
    )
    .await;
    assert_eq!(one.json()["embedding"]["values"].as_array().unwrap().len(), 8);
    let path = "/v1beta/models/gemini-embedding-001:batchEmbedContents";
    let request =
        |text: &str| json!({"model": "models/gemini-embedding-001", "content": part(text), "outputDimensionality": 8});
    let both = post(&sim, path, &json!({"requests": [request("hello"), request("there")]})).await.json();
    assert_eq!((&both["embeddings"][0], both["embeddings"].as_array().unwrap().len()), (&one.json()["embedding"], 2));
    let refused = post(&sim, path, &json!({"requests": [{"model": "models/other", "content": part("x")}]})).await;
    assert_eq!((refused.status, refused.json()["error"]["status"].clone()), (400, json!("INVALID_ARGUMENT")));
    let limited = post(&sim, path, &json!({"requests": [request("x [[sim fault=429]]")]})).await;
    assert_eq!((limited.status, limited.json()["error"]["code"].clone()), (429, json!(429)));
    let path = "/v1beta/models/imagen-4.0-generate-001:predict";
    let pictures =
        post(&sim, path, &json!({"instances": [{"prompt": "a cat"}], "parameters": {"sampleCount": 2}})).await.json();
    assert_eq!(
        (pictures["predictions"].as_array().unwrap().len(), &pictures["predictions"][0]["mimeType"]),
        (2, &json!("image/png"))
    );
}
