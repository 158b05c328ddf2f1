//! Media in Cloud Storage whose names do not tell their types.

use llm_client::engine::{Engine, Open};
use llm_http::{Body, BoxFuture, FetchError, FetchLimits, Fetched, HttpClient, ReplyBody, Timeouts, Transport};
use llm_http::{TransportError, UpgradeReply};
use serde_json::{Value, json};

use crate::host::{Asked, host};
use crate::support::{chat, deployment, engine, http};

/// Google's storage, somewhere else.
struct Moved {
    http: HttpClient,
    to: String,
}

impl Transport for Moved {
    fn send(
        &self,
        mut req: http::Request<Body>,
        timeouts: Timeouts,
    ) -> BoxFuture<'_, Result<http::Response<ReplyBody>, TransportError>> {
        if req.uri().host() == Some("storage.googleapis.com") {
            *req.uri_mut() = format!("{}{}", self.to, req.uri().path_and_query().unwrap()).parse().unwrap();
        }
        self.http.send(req, timeouts)
    }

    fn upgrade(
        &self,
        req: http::Request<Body>,
        timeouts: Timeouts,
    ) -> BoxFuture<'_, Result<UpgradeReply, TransportError>> {
        self.http.upgrade(req, timeouts)
    }

    fn fetch<'a>(&'a self, url: &'a str, limits: &'a FetchLimits) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        self.http.fetch(url, limits)
    }
}

fn google(head: &str) -> (u16, Value) {
    if head.starts_with("POST /token ") {
        (200, json!({"access_token": "ya29", "expires_in": 3600, "token_type": "Bearer"}))
    } else if head.starts_with("GET /storage/v1/b/pets/o/cats%2Ftom?fields=contentType ") {
        (200, json!({"contentType": "image/webp"}))
    } else if head.starts_with("GET ") {
        (403, json!({"error": {"code": 403, "message": "no"}}))
    } else {
        let parts = json!([{"text": "A cat"}]);
        (200, json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}))
    }
}

fn asking(url: &str) -> Value {
    json!({"model": "smart", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}},
    ]}]})
}

/// Gemini on Vertex AI, whose storage is at the same place.
async fn vertex() -> (Engine, Moved, Asked) {
    let (base, asked) = host(google).await;
    let login = json!({"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r",
        "token_uri": format!("{base}/token")});
    let params = json!({"model": "vertex_ai/gemini-2.5-flash", "api_base": base, "vertex_project": "p",
        "vertex_location": "us-central1", "vertex_credentials": login.to_string(), "extra_headers": {"x-mine": "1"}});
    (engine(vec![deployment("a", "smart", &params)]), Moved { http: http(), to: base }, asked)
}

#[tokio::test]
async fn the_bucket_is_asked_for_the_type() {
    let (engine, http, asked) = vertex().await;
    engine.answer(&http, &chat(&asking("gs://pets/cats/tom")), &Open).await.unwrap();
    let refused = engine.answer(&http, &chat(&asking("gs://pets/secret")), &Open).await.unwrap_err();
    assert_eq!(refused.error.kind, llm_types::Kind::BadRequest, "{}", refused.error.message);
    let asked = asked.lock().unwrap();
    let stored = asked.iter().find(|(head, _)| head.starts_with("GET /storage/")).unwrap();
    let head = stored.0.to_lowercase();
    assert!(head.contains("authorization: bearer ya29") && !head.contains("x-mine"), "{head}");
    let models: Vec<Value> = asked
        .iter()
        .filter(|(head, _)| head.contains(":generateContent"))
        .map(|(_, body)| serde_json::from_slice(body).unwrap())
        .collect();
    assert_eq!(models.len(), 1);
    let file = &models[0]["contents"][0]["parts"][1]["file_data"];
    assert_eq!(*file, json!({"mime_type": "image/webp", "file_uri": "gs://pets/cats/tom"}));
}

#[tokio::test]
async fn results_of_tools_are_asked_about_as_well() {
    let (engine, http, asked) = vertex().await;
    let call = json!({"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}});
    let image = json!([{"type": "image_url", "image_url": {"url": "gs://pets/cats/tom"}}]);
    let tool = json!({"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}});
    let body = json!({"model": "smart", "tools": [tool], "messages": [{"role": "user", "content": "Look."},
        {"role": "assistant", "content": null, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": image}]});
    engine.answer(&http, &chat(&body), &Open).await.unwrap();
    let asked = asked.lock().unwrap();
    assert!(asked.iter().any(|(head, _)| head.starts_with("GET /storage/v1/b/pets/o/cats%2Ftom?")), "{asked:?}");
    let (_, told) = asked.iter().find(|(head, _)| head.contains(":generateContent")).unwrap();
    assert!(String::from_utf8_lossy(told).contains("image/webp"), "{}", String::from_utf8_lossy(told));
}
