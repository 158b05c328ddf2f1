//! Batches of houses that keep them in another way than OpenAI.

use super::*;

/// A file of requests.
fn requests(model: &str, texts: &[&str]) -> String {
    let line = |(at, text): (usize, &&str)| {
        json!({"custom_id": format!("req-{at}"), "method": "POST", "url": "/v1/chat/completions", "body": {
            "model": model, "max_tokens": 50, "messages": [
                {"role": "system", "content": "Be short."}, {"role": "user", "content": text}]}})
        .to_string()
    };
    texts.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

async fn begin(gateway: &Gateway, key: &str, file: &str) -> Value {
    let create = json!({"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"});
    let batch = gateway.post("/v1/batches", &create, key).await.unwrap();
    assert_eq!(batch.status, 200, "{}", batch.text());
    batch.json()
}

/// The lines of a file of answers, by the names of their requests.
async fn answers(gateway: &Gateway, key: &str, file: &Value) -> Vec<Value> {
    let path = format!("/v1/files/{}/content", file.as_str().unwrap());
    let content = gateway.get(&path, key).await.unwrap();
    assert_eq!(content.status, 200, "{}", content.text());
    let mut all: Vec<Value> = content.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    all.sort_by_key(|line| line["custom_id"].as_str().unwrap().to_owned());
    all
}

#[tokio::test]
async fn anthropic_batches_are_told_in_openais_words() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let config = Config::empty(&sim)
        .model("claude", "anthropic/claude-sonnet-4-5", &[])
        .general("proxy_batch_write_at: 1")
        .yaml();
    let gateway = Gateway::start_with(&config, &Options::default()).await.unwrap();
    let (key, token) = gateway.new_key(&json!({"models": ["claude"]})).await.unwrap();
    let (other, _) = gateway.new_key(&json!({"models": ["claude"]})).await.unwrap();

    let body = form(&[("purpose", "batch")], &requests("claude", &["one", "[[fail]]"]));
    let file = upload(&gateway, &key, "/v1/files", &[("x-litellm-model", "claude")], body).await;
    assert_eq!((file.status, &file.json()["purpose"]), (200, &json!("batch")), "{}", file.text());
    let file = file.json()["id"].as_str().unwrap().to_owned();
    assert!(file.starts_with("file-bGl0ZWxsbT"), "the id names the group: {file}");
    let path = format!("/v1/files/{file}");
    assert_eq!(gateway.get(&path, &key).await.unwrap().json()["filename"], "in.jsonl");
    assert_eq!(gateway.get(&path, &other).await.unwrap().status, 404, "a file is its owner's");
    assert!(gateway.get(&format!("{path}/content"), &key).await.unwrap().text().contains("req-1"));

    let batch = begin(&gateway, &key, &file).await;
    assert_eq!((&batch["status"], &batch["input_file_id"]), (&json!("in_progress"), &json!(file)), "{batch}");
    let asked = sim.requests().pop().unwrap();
    let sent: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(
        sent["requests"][0],
        json!({"custom_id": "req-0", "params": {"model": "claude-sonnet-4-5", "max_tokens": 50,
            "system": [{"type": "text", "text": "Be short."}],
            "messages": [{"role": "user", "content": [{"type": "text", "text": "one"}]}]}})
    );
    let path = format!("/v1/batches/{}", batch["id"].as_str().unwrap());
    let done = gateway.get(&path, &key).await.unwrap().json();
    assert_eq!((&done["id"], &done["status"]), (&batch["id"], &json!("completed")), "{done}");
    assert_eq!(done["request_counts"], json!({"total": 2, "completed": 1, "failed": 1}));
    assert_eq!(gateway.get(&path, &key).await.unwrap().status, 200);
    let list = gateway.get("/v1/batches?model=claude&limit=5", &key).await.unwrap().json();
    assert_eq!(list["data"][0]["id"], batch["id"], "{list}");

    let lines = answers(&gateway, &key, &done["output_file_id"]).await;
    let body = &lines[0]["response"]["body"];
    assert_eq!(body["choices"][0]["message"]["content"], "You said: one", "{body}");
    assert_eq!((&body["object"], &body["usage"]["total_tokens"]), (&json!("chat.completion"), &json!(1100)));
    assert_eq!(lines[1]["response"]["status_code"], 400, "{}", lines[1]);
    assert_eq!(lines[1]["error"]["message"], "simulated failure");

    let rows = gateway.spend_rows(&token, 6).await.unwrap();
    let charged: Vec<&Value> = rows.iter().filter(|row| row["spend"].as_f64().unwrap() > 0.0).collect();
    assert_eq!(charged.len(), 1, "once, however often it is looked at: {rows:?}");
    // claude-sonnet-4-5: $3 and $15 per million tokens, half of it in batches
    let spend = charged[0]["spend"].as_f64().unwrap();
    assert!((spend - (1000.0 * 1.5e-6 + 100.0 * 7.5e-6)).abs() < 1e-9, "{}", charged[0]);

    let second = begin(&gateway, &key, &file).await;
    let path = format!("/v1/batches/{}/cancel", second["id"].as_str().unwrap());
    assert_eq!(gateway.post(&path, &json!({}), &key).await.unwrap().json()["status"], "cancelling");
    let bearer = format!("Bearer {key}");
    let gone = gateway
        .send(Method::DELETE, &format!("/v1/files/{file}"), &[("authorization", bearer.as_str())], bytes::Bytes::new())
        .await
        .unwrap();
    assert_eq!(gone.json()["deleted"], true, "{}", gone.text());
    let create = json!({"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"});
    assert_eq!(gateway.post("/v1/batches", &create, &key).await.unwrap().status, 404);
}

#[tokio::test]
async fn batches_of_a_provider_without_a_group() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let config = format!(
        "{}files_settings:\n  - {{custom_llm_provider: anthropic, api_base: '{}', api_key: sk-ant-files}}\n",
        Config::empty(&sim).yaml(),
        sim.base_url()
    );
    let gateway = Gateway::start(&config).await.unwrap();
    let at = [("custom-llm-provider", "anthropic")];
    let body = form(&[("purpose", "batch")], &requests("anthropic/claude-sonnet-4-5", &["one"]));
    let file = upload(&gateway, MASTER_KEY, "/v1/files", &at, body).await.json();
    let create = json!({"input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h",
        "custom_llm_provider": "anthropic"});
    let batch = gateway.ask("/v1/batches", &create).await.unwrap();
    assert!(batch.json()["id"].as_str().unwrap().starts_with("msgbatch_"), "{}", batch.text());
    let asked = sim.requests().pop().unwrap();
    assert_eq!(asked.headers["x-api-key"], "sk-ant-files");
    let sent: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(sent["requests"][0]["params"]["model"], "claude-sonnet-4-5");
    let missing = gateway.get("/v1/batches/msgbatch_none?custom_llm_provider=anthropic", MASTER_KEY).await.unwrap();
    assert_eq!(missing.status, 404, "{}", missing.text());

    let (key, _) = gateway.new_key(&json!({"models": ["gpt"]})).await.unwrap();
    let body = form(&[("purpose", "batch")], &requests("claude-sonnet-4-5", &["one"]));
    let file = upload(&gateway, &key, "/v1/files", &at, body).await.json();
    let create = json!({"input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h",
        "custom_llm_provider": "anthropic"});
    let refused = gateway.post("/v1/batches", &create, &key).await.unwrap();
    assert_eq!(refused.status, 403, "the models inside must be allowed: {}", refused.text());
}

/// Puts a file into a house, begins a batch, looks at it twice and gives its answers and what was charged.
async fn round(sim: &Running, gateway: &Gateway, group: &str, place: &str) -> (Vec<Value>, f64) {
    let (key, token) = gateway.new_key(&json!({"models": [group]})).await.unwrap();
    let body = form(&[("purpose", "batch")], &requests(group, &["one", "[[fail]]"]));
    let file = upload(gateway, &key, "/v1/files", &[("x-litellm-model", group)], body).await;
    assert_eq!(file.status, 200, "{}", file.text());
    let file = file.json()["id"].as_str().unwrap().to_owned();
    let batch = begin(gateway, &key, &file).await;
    assert_eq!((&batch["status"], &batch["input_file_id"]), (&json!("validating"), &json!(file)), "{batch}");
    let asked = String::from_utf8_lossy(&sim.requests().pop().unwrap().body).into_owned();
    assert!(asked.contains(&format!("\"{place}")), "{asked}");
    let path = format!("/v1/batches/{}", batch["id"].as_str().unwrap());
    for _ in 0..2 {
        let done = gateway.get(&path, &key).await.unwrap().json();
        assert_eq!((&done["id"], &done["status"]), (&batch["id"], &json!("completed")), "{done}");
    }
    let done = gateway.get(&path, &key).await.unwrap().json();
    let list = gateway.get(&format!("/v1/batches?model={group}"), &key).await.unwrap().json();
    assert!(list["data"].as_array().unwrap().iter().any(|one| one["id"] == batch["id"]), "{list}");
    let facts = gateway.get(&format!("/v1/files/{file}"), &key).await.unwrap().json();
    assert_eq!((&facts["id"], &facts["created_at"]), (&json!(file), &json!(1_724_179_044)), "{facts}");
    let lines = answers(gateway, &key, &done["output_file_id"]).await;

    let second = begin(gateway, &key, &file).await;
    let path = format!("/v1/batches/{}/cancel", second["id"].as_str().unwrap());
    assert_eq!(gateway.post(&path, &json!({}), &key).await.unwrap().json()["status"], "cancelling");
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str())];
    let path = format!("/v1/files/{file}");
    assert_eq!(
        gateway.send(Method::DELETE, &path, &headers, bytes::Bytes::new()).await.unwrap().json()["deleted"],
        true
    );
    assert_eq!(gateway.get(&path, &key).await.unwrap().status, 404);

    let rows = gateway.spend_rows(&token, 10).await.unwrap();
    let rows: Vec<Value> = rows.into_iter().filter(|row| row["call_type"] == "aretrieve_batch").collect();
    let charged: Vec<f64> = rows.iter().filter_map(|row| row["spend"].as_f64()).filter(|spend| *spend > 0.0).collect();
    assert_eq!(charged.len(), 1, "once, however often it is looked at: {rows:?}");
    (lines, charged[0])
}

fn told(lines: &[Value]) {
    assert_eq!(lines[0]["custom_id"], "req-0");
    let body = &lines[0]["response"]["body"];
    assert_eq!(body["choices"][0]["message"]["content"], "You said: one", "{body}");
    assert_eq!((&body["object"], &body["usage"]["total_tokens"]), (&json!("chat.completion"), &json!(1100)));
    assert!(lines[1]["error"]["message"].as_str().unwrap().contains("simulated failure"), "{}", lines[1]);
}

#[tokio::test]
async fn google_and_aws_batches_are_told_in_openais_words() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let url = sim.base_url();
    let google = json!({"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r",
        "token_uri": format!("{url}/google/token")});
    let google = format!("vertex_credentials: '{google}'");
    let google = ["vertex_project: pr", "vertex_location: us-central1", "bucket_name: files/deep", google.as_str()];
    let s3 = format!("s3_endpoint_url: '{url}'");
    let aws = [
        "aws_access_key_id: AKIATEST",
        "aws_secret_access_key: secret",
        "aws_region_name: us-east-1",
        "s3_bucket_name: requests",
        "s3_output_bucket_name: results/deep",
        "aws_batch_role_arn: 'arn:aws:iam::123456789012:role/batch'",
        s3.as_str(),
    ];
    let config = Config::empty(&sim)
        .model("gemini", "vertex_ai/gemini-2.5-flash", &google)
        .model("vertex-claude", "vertex_ai/claude-sonnet-4-5@20250929", &google)
        .model("haiku", "bedrock/anthropic.claude-haiku-4-5-20251001-v1:0", &aws)
        .model("nova", "bedrock/us.amazon.nova-lite-v1:0", &aws)
        .general("proxy_batch_write_at: 1")
        .yaml()
        // AWS keys sign: no other key may be there
        .replace(&format!("      api_key: '{}'\n", llm_tests::UPSTREAM_KEY), "");
    let options = Options { env: vec![("AWS_ENDPOINT_URL_BEDROCK".to_owned(), url)], ..Options::default() };
    let gateway = Gateway::start_with(&config, &options).await.unwrap();

    let (lines, spend) =
        round(&sim, &gateway, "gemini", "gs://files/deep/litellm-vertex-files/publishers/google/models/").await;
    told(&lines);
    // $0.3 and $2.5 per million tokens, half of it in batches
    assert!((spend - (1000.0 * 0.15e-6 + 100.0 * 1.25e-6)).abs() < 1e-9, "{spend}");
    let put = sim.requests().into_iter().find(|r| r.path.contains("/upload/storage/")).unwrap();
    let first: Value = serde_json::from_slice(put.body.split(|b| *b == b'\n').next().unwrap()).unwrap();
    assert_eq!(first["request"]["contents"][0]["parts"][0]["text"], "one", "{first}");
    assert_eq!(
        first["request"]["systemInstruction"]["parts"][0]["text"]
            .as_str()
            .or(first["request"]["system_instruction"]["parts"][0]["text"].as_str()),
        Some("Be short."),
        "{first}"
    );

    let (lines, spend) =
        round(&sim, &gateway, "vertex-claude", "gs://files/deep/litellm-vertex-files/publishers/anthropic/").await;
    told(&lines);
    assert!((spend - (1000.0 * 1.5e-6 + 100.0 * 7.5e-6)).abs() < 1e-9, "{spend}");

    let (lines, spend) =
        round(&sim, &gateway, "haiku", "s3://requests/litellm-bedrock-files/anthropic.claude-haiku-4-5").await;
    told(&lines);
    // $1 and $5 per million tokens
    assert!((spend - (1000.0 * 0.5e-6 + 100.0 * 2.5e-6)).abs() < 1e-9, "{spend}");
    let put = sim.requests().into_iter().find(|r| r.method == "PUT").unwrap();
    let first: Value = serde_json::from_slice(put.body.split(|b| *b == b'\n').next().unwrap()).unwrap();
    assert_eq!(
        (&first["recordId"], &first["modelInput"]["anthropic_version"]),
        (&json!("req-0"), &json!("bedrock-2023-05-31"))
    );

    let (lines, spend) = round(&sim, &gateway, "nova", "s3://requests/litellm-bedrock-files/us.amazon.nova-lite").await;
    told(&lines);
    assert_eq!(lines[0]["response"]["body"]["model"], "us.amazon.nova-lite-v1:0");
    // $0.06 and $0.24 per million tokens
    assert!((spend - (1000.0 * 0.03e-6 + 100.0 * 0.12e-6)).abs() < 1e-9, "{spend}");

    let secret = gateway.get("/v1/files/gs%3A%2F%2Ffiles%2Fsecret/content?model=gemini", MASTER_KEY).await.unwrap();
    assert_eq!(secret.status, 404, "only what the gateway put there is shown: {}", secret.text());
}

#[tokio::test]
async fn a_file_of_several_groups_has_one_id() {
    let upstream = Canned::start(house).await.unwrap();
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let config = Config::empty(&sim)
        .model("gpt", "openai/gpt-4o", &[])
        .model("claude", "anthropic/claude-sonnet-4-5", &[])
        .yaml()
        .replace(&format!("{}/v1", sim.base_url()), &format!("{}/v1", upstream.base_url()));
    let gateway = Gateway::start(&config).await.unwrap();
    let (key, _) = gateway.new_key(&json!({"models": ["gpt", "claude"]})).await.unwrap();
    let (other, _) = gateway.new_key(&json!({"models": ["gpt"]})).await.unwrap();
    let body = form(&[("purpose", "batch"), ("target_model_names", "gpt, claude")], &requests("any", &["one"]));
    assert_eq!(upload(&gateway, &other, "/v1/files", &[], body.clone()).await.status, 403);
    let file = upload(&gateway, &key, "/v1/files", &[], body).await;
    assert_eq!(file.status, 200, "{}", file.text());
    let file = file.json()["id"].as_str().unwrap().to_owned();
    assert!(file.starts_with("bGl0ZWxsbV9wcm94eT"), "LiteLLM's id of managed files: {file}");
    assert_eq!(upstream.seen().len(), 1, "the house like OpenAI has a copy");
    let path = format!("/v1/files/{file}");
    assert_eq!(gateway.get(&path, &key).await.unwrap().json()["id"], json!(file));
    assert_eq!(gateway.get(&path, &other).await.unwrap().status, 404);

    let mut create = json!({"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"});
    let unnamed = gateway.post("/v1/batches", &create, &key).await.unwrap();
    assert_eq!(unnamed.status, 400, "{}", unnamed.text());
    assert!(unnamed.text().contains("Expected 1 model, got 2"), "{}", unnamed.text());
    create["model"] = json!("claude");
    let batch = gateway.post("/v1/batches", &create, &key).await.unwrap();
    assert_eq!(batch.status, 200, "{}", batch.text());
    assert!(sim.requests().pop().unwrap().path.ends_with("/v1/messages/batches"));
    create["model"] = json!("gpt");
    let batch = gateway.post("/v1/batches", &create, &key).await.unwrap();
    assert_eq!(batch.status, 200, "{}", batch.text());
    assert_eq!(upstream.seen().pop().unwrap().json["input_file_id"], "file-in");

    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str())];
    let gone = gateway.send(Method::DELETE, &path, &headers, bytes::Bytes::new()).await.unwrap();
    assert_eq!((&gone.json()["deleted"], &gone.json()["id"]), (&json!(true), &json!(file)), "{}", gone.text());
    assert_eq!(upstream.seen().pop().unwrap().method, "DELETE");
    assert_eq!(gateway.get(&path, &key).await.unwrap().status, 404);
}
