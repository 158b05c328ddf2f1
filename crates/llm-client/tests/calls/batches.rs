//! The SDK: files and batches.

use llm_client::sdk::{FilePart, Json};
use llm_simulator::Running;
use llm_types::Kind;
use serde_json::{Value, json};

use crate::kept::{client, file, said, tree};
use crate::support::{http, sim};

/// A file of requests.
fn requests(model: &str) -> FilePart {
    let line = |at: usize, text: &str| {
        json!({"custom_id": format!("req-{at}"), "method": "POST", "url": "/v1/chat/completions", "body": {
            "model": model, "max_tokens": 50, "messages": [{"role": "user", "content": text}]}})
        .to_string()
    };
    file("file", "in.jsonl", &[line(0, "one"), line(1, "[[fail]]")].join("\n"))
}

fn begin(input: &Value) -> Json {
    tree(json!({"input_file_id": input, "endpoint": "/v1/chat/completions", "completion_window": "24h"}))
}

/// The answers of a batch, from its file to the lines of its output.
async fn round(provider: &str, model: &str, params: &[(&str, &str)]) -> Vec<Value> {
    let client = client();
    let purpose = || Json::object([("purpose", "batch")]);
    let put = client.create_file(provider, vec![requests(model)], purpose(), params).await.unwrap();
    let (put, id) = (said(&put), said(&put)["id"].as_str().unwrap().to_owned());
    assert_eq!(put["purpose"], "batch", "{put}");
    let facts = said(&client.file_retrieve(provider, &id, params).await.unwrap());
    assert_eq!((&facts["id"], &facts["object"]), (&put["id"], &json!("file")));
    let batch = said(&client.create_batch(provider, begin(&put["id"]), params).await.unwrap());
    assert_eq!((&batch["status"], &batch["input_file_id"]), (&json!("validating"), &put["id"]), "{batch}");
    let id = batch["id"].as_str().unwrap();
    let unpaid = client.retrieve_batch(provider, id, params).await.unwrap();
    let done = said(&unpaid);
    assert_eq!(done["status"], "completed", "{done}");
    let report = client.batch_cost(provider, &unpaid, params).await.unwrap();
    assert_eq!((report.usage.total_tokens(), report.cost_problem.clone()), (1100, None), "{provider}");
    assert!(report.cost.total > 0.0, "{provider}");
    let page = said(&client.list_batches(provider, Json::object([("limit", 5_u64)]), params).await.unwrap());
    assert!(page["data"].as_array().unwrap().iter().any(|one| one["id"] == batch["id"]), "{page}");
    let output = done["output_file_id"].as_str().unwrap();
    let content = client.file_content(provider, output, params).await.unwrap();
    let second = said(&client.create_batch(provider, begin(&put["id"]), params).await.unwrap());
    let ended = client.cancel_batch(provider, second["id"].as_str().unwrap(), params).await.unwrap();
    assert_eq!(said(&ended)["status"], "cancelling");
    let gone = said(&client.file_delete(provider, put["id"].as_str().unwrap(), params).await.unwrap());
    assert_eq!((&gone["deleted"], &gone["id"]), (&json!(true), &put["id"]));
    let gone = client.file_retrieve(provider, put["id"].as_str().unwrap(), params).await.unwrap_err();
    assert_eq!((gone.kind, gone.status()), (Kind::NotFound, 404), "{gone}");
    let text = String::from_utf8(content.body.to_vec()).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.sort_by_key(|line| line["custom_id"].as_str().unwrap().to_owned());
    lines
}

fn answered(lines: &[Value]) {
    assert_eq!((lines.len(), &lines[0]["custom_id"]), (2, &json!("req-0")));
    let body = &lines[0]["response"]["body"];
    assert_eq!(body["choices"][0]["message"]["content"], "You said: one", "{body}");
    assert_eq!((&body["object"], &body["usage"]["total_tokens"]), (&json!("chat.completion"), &json!(1100)));
    assert!(lines[1].to_string().contains("simulated failure"), "{}", lines[1]);
}

#[tokio::test]
async fn files_and_batches_of_hosts_like_openai() {
    let sim = sim().await;
    let v1 = format!("{}/v1", sim.base_url());
    let params = [("api_base", v1.as_str()), ("api_key", "sk-own")];
    answered(&round("openai", "gpt-4o", &params).await);
    assert!(sim.requests().iter().all(|asked| asked.headers["authorization"] == "Bearer sk-own"));
    let page = client().file_list("openai", Json::object([("purpose", "batch_output")]), &params).await.unwrap();
    assert_eq!(said(&page)["data"].as_array().unwrap().len(), 1);
    assert_eq!(sim.requests().last().unwrap().query, "purpose=batch_output");

    let base = sim.base_url();
    let params = [("api_base", base.as_str()), ("api_key", "azure-own"), ("api_version", "2024-10-21")];
    answered(&round("azure", "gpt-4o", &params).await);
    let asked = sim.requests().pop().unwrap();
    assert!(asked.path.starts_with("/openai/files/") && asked.query == "api-version=2024-10-21", "{asked:?}");
    assert_eq!(asked.headers["api-key"], "azure-own");
}

#[tokio::test]
async fn batches_of_other_houses_are_told_in_openais_words() {
    let sim = sim().await;
    let url = sim.base_url();
    let google = json!({"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r",
        "token_uri": format!("{url}/google/token")})
    .to_string();
    let google = [
        ("vertex_credentials", google.as_str()),
        ("vertex_project", "pr"),
        ("vertex_location", "us-central1"),
        ("bucket_name", "files"),
        ("api_base", url.as_str()),
    ];
    answered(&round("vertex_ai", "gemini-2.5-flash", &google).await);
    let aws = [
        ("aws_access_key_id", "AKIATEST"),
        ("aws_secret_access_key", "secret"),
        ("aws_region_name", "us-east-1"),
        ("s3_bucket_name", "requests"),
        ("aws_batch_role_arn", "arn:aws:iam::123456789012:role/batch"),
        ("s3_endpoint_url", url.as_str()),
    ];
    // the place of AWS's jobs is named by the environment only
    let (client, nova) = (client(), "bedrock/us.amazon.nova-lite-v1:0");
    let put =
        client.create_file(nova, vec![requests("any")], Json::object([("purpose", "batch")]), &aws).await.unwrap();
    let id = said(&put)["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("s3://requests/litellm-bedrock-files/us.amazon.nova-lite"), "{id}");
    let content = client.file_content(nova, &id, &aws).await.unwrap();
    assert!(String::from_utf8_lossy(&content.body).contains("modelInput"), "in the words of the house");
    client.file_delete("bedrock", &id, &aws).await.unwrap();
    assert_eq!(client.file_retrieve("bedrock", &id, &aws).await.unwrap_err().status(), 404);
    let unlisted = client.file_list("bedrock", tree(json!({})), &aws).await.unwrap_err();
    assert!(unlisted.status() == 400 && unlisted.message.contains("not listed"), "{unlisted}");
}

/// Puts a batch there that begins at Anthropic itself.
async fn begun(sim: &Running) -> String {
    let message = json!({"role": "user", "content": "one"});
    let params = json!({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [message]});
    let body = json!({"requests": [{"custom_id": "req-0", "params": params}]});
    let mut request = http::Request::post(format!("{}/v1/messages/batches", sim.base_url()));
    let headers = request.headers_mut().unwrap();
    headers.insert("anthropic-version", "2023-06-01".parse().unwrap());
    headers.insert("x-api-key", "k".parse().unwrap());
    let request = request.body(llm_http::Body::from(body.to_string())).unwrap();
    let reply = llm_http::Transport::send(&http(), request, llm_http::Timeouts::NONE).await.unwrap();
    let batch: Value = serde_json::from_slice(&reply.into_body().collect(1 << 20).await.unwrap()).unwrap();
    batch["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_house_that_takes_requests_inline_is_asked_for_what_it_keeps() {
    let (sim, client) = (sim().await, client());
    let base = sim.base_url();
    let params = [("api_base", base.as_str()), ("api_key", "sk-ant-k")];
    let id = begun(&sim).await;
    let done = said(&client.retrieve_batch("anthropic", &id, &params).await.unwrap());
    assert_eq!((&done["object"], &done["status"]), (&json!("batch"), &json!("completed")), "{done}");
    let page = client.list_batches("anthropic", tree(json!({})), &params).await.unwrap();
    assert_eq!(said(&page)["data"][0]["id"], id);
    let lines = client.file_content("anthropic", done["output_file_id"].as_str().unwrap(), &params).await.unwrap();
    let line: Value = serde_json::from_slice(&lines.body).unwrap();
    assert_eq!(line["response"]["body"]["choices"][0]["message"]["content"], "You said: one", "{line}");
    assert_eq!(lines.content_type.as_deref(), Some("application/jsonl"));
    let purpose = Json::object([("purpose", "batch")]);
    let put = client.create_file("anthropic", vec![requests("claude-sonnet-4-5")], purpose, &params).await;
    let begin = client.create_batch("anthropic", begin(&json!("file-1")), &params).await;
    for refused in [put.unwrap_err(), begin.unwrap_err()] {
        assert_eq!(refused.status(), 400);
        assert!(refused.message.contains("anthropic takes the requests of a batch inline"), "{refused}");
    }
}
