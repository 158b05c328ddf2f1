//! The SDK: what providers keep.

use std::sync::Arc;

use llm_client::sdk::calls::Answered;
use llm_client::sdk::{FilePart, Json};
use llm_client::{Client, EngineSettings};
use llm_simulator::Running;
use llm_types::Kind;
use serde_json::{Value, json};

use crate::host::{Asked, host, host_with};
use crate::support::{http, sim};

fn client() -> Client {
    Client::new(Arc::new(http()), EngineSettings::default())
}

fn tree(value: Value) -> Json {
    serde_json::from_str(&value.to_string()).unwrap()
}

fn said(answer: &Answered) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn file(name: &str, filename: &str, data: &str) -> FilePart {
    FilePart {
        name: name.into(),
        filename: Some(filename.into()),
        data: bytes::Bytes::from(data.to_owned()),
        ..FilePart::default()
    }
}

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

/// The head line of what came last, and its body.
fn last(asked: &Asked) -> (String, String) {
    let (head, body) = asked.lock().unwrap().last().cloned().unwrap();
    let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
    (line, String::from_utf8(body).unwrap())
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

#[tokio::test]
async fn every_call_goes_where_its_row_says() {
    let (base, asked) = host(|_| (200, json!({"id": "x", "object": "thing"}))).await;
    let v1 = format!("{base}/v1");
    let params = [("api_base", v1.as_str()), ("api_key", "k")];
    let (client, body) = (client(), || tree(json!({"name": "n"})));
    macro_rules! sent {
        ($call:expr => $line:literal, $body:expr) => {
            let answer = $call.await.unwrap();
            assert_eq!(said(&answer)["id"], "x");
            assert_eq!(last(&asked), ($line.to_owned(), $body.to_owned()));
        };
    }
    let page = || tree(json!({"limit": 2, "after": "a b"}));
    sent!(client.vector_store_create("openai", body(), &params) => "POST /v1/vector_stores", r#"{"name":"n"}"#);
    assert!(asked.lock().unwrap().last().unwrap().0.to_lowercase().contains("openai-beta: assistants=v2"));
    sent!(client.vector_store_list("openai", page(), &params) => "GET /v1/vector_stores?after=a%20b&limit=2", "");
    sent!(client.vector_store_update("openai", "vs", body(), &params) => "POST /v1/vector_stores/vs", r#"{"name":"n"}"#);
    sent!(client.vector_store_search("openai", "v/s", body(), &params) => "POST /v1/vector_stores/v%2Fs/search", r#"{"name":"n"}"#);
    sent!(client.vector_store_file_delete("openai", "vs", "f", &params) => "DELETE /v1/vector_stores/vs/files/f", "");
    sent!(client.vector_store_file_batch_list_files("openai", "vs", "b", page(), &params)
        => "GET /v1/vector_stores/vs/file_batches/b/files?after=a%20b&limit=2", "");
    sent!(client.create_fine_tuning_job("openai", body(), &params)
        => "POST /v1/fine_tuning/jobs", r#"{"name":"n","hyperparameters":{}}"#);
    sent!(client.list_fine_tuning_events("openai", "ft", page(), &params)
        => "GET /v1/fine_tuning/jobs/ft/events?after=a%20b&limit=2", "");
    sent!(client.run_thread("openai", "t", body(), &params) => "POST /v1/threads/t/runs", r#"{"name":"n"}"#);
    sent!(client.submit_tool_outputs("openai", "t", "r", body(), &params)
        => "POST /v1/threads/t/runs/r/submit_tool_outputs", r#"{"name":"n"}"#);
    sent!(client.create_eval("openai", body(), &params) => "POST /v1/evals", r#"{"name":"n"}"#);
    sent!(client.cancel_run("openai", "e", "r", &params) => "POST /v1/evals/e/runs/r", "");
    sent!(client.retrieve_container_file_content("openai", "c", "f", &params)
        => "GET /v1/containers/c/files/f/content", "");
    sent!(client.create_realtime_client_secret("openai", body(), &params)
        => "POST /v1/realtime/client_secrets", r#"{"name":"n"}"#);
    let made = client.create_container("openai", body(), &params).await.unwrap();
    assert!(made.cost() > 0.0, "a session of the code interpreter has a price");
    let put =
        client.upload_container_file("openai", "c", vec![file("file", "a.txt", "TEXT")], tree(json!({})), &params);
    put.await.unwrap();
    let (line, form) = last(&asked);
    assert!(line == "POST /v1/containers/c/files" && form.contains("filename=\"a.txt\"") && form.contains("TEXT"));
    let offer = tree(json!({"sdp": "v=0", "session": {"type": "realtime"}, "tags": ["a"]}));
    client.realtime_calls("openai", Vec::new(), offer, &params).await.unwrap();
    let (_, form) = last(&asked);
    for part in ["name=\"sdp\"\r\n\r\nv=0", "name=\"session[type]\"\r\n\r\nrealtime", "name=\"tags[]\"\r\n\r\na"] {
        assert!(form.contains(part), "{form}");
    }

    let there = [("api_base", base.as_str()), ("api_key", "k")];
    let skill = vec![file("files[]", "s/SKILL.md", "one"), file("files[]", "s/run.py", "two")];
    client.create_skill("anthropic", skill, tree(json!({"display_title": "t"})), &there).await.unwrap();
    let (line, form) = last(&asked);
    assert_eq!(line, "POST /v1/skills?beta=true");
    assert!(form.matches("name=\"files[]\"").count() == 2 && form.contains("display_title"));
    sent!(client.create_interaction("gemini", tree(json!({"model": "gemini/g", "input": "hi"})), &there)
        => "POST /v1beta/interactions", r#"{"input":"hi","model":"g"}"#);
    let gone = client.delete_interaction("gemini", "i", &there).await.unwrap();
    assert_eq!(said(&gone), json!({"success": true, "id": "i"}));
    sent!(client.list_agents("gemini", tree(json!({})), &there) => "GET /v1beta/agents", "");

    let before = asked.lock().unwrap().len();
    for refused in [
        client.file_retrieve("nobody", "f", &params).await,
        client.file_retrieve("openai", "..", &params).await,
        client.vector_store_file_retrieve("openai", "vs", "a/../b", &params).await,
        client.create_skill("openai", Vec::new(), tree(json!({})), &params).await,
        client.create_batch("openai", Json::from("text"), &params).await,
        client.list_batches("openai", Json::from("text"), &params).await,
    ] {
        assert_eq!(refused.unwrap_err().status(), 400);
    }
    assert_eq!(asked.lock().unwrap().len(), before, "nobody was asked");
}

#[tokio::test]
async fn refusals_have_the_kind_and_the_words_of_the_provider() {
    let (base, _) = host_with(|head| match head {
        head if head.contains("/files/slow") => (
            429,
            "retry-after: 7\r\ncontent-type: application/json".to_owned(),
            r#"{"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}}"#.to_owned(),
        ),
        head if head.contains("/files/page ") => (200, "content-type: text/html".to_owned(), "<html>".to_owned()),
        head if head.contains("/files/page/content") => {
            (200, "content-type: text/html".to_owned(), "<html>".to_owned())
        }
        _ => (302, "location: http://elsewhere.test/".to_owned(), String::new()),
    })
    .await;
    let client = client();
    let params = [("api_base", base.as_str()), ("api_key", "k")];
    let slow = client.file_retrieve("openai", "slow", &params).await.unwrap_err();
    assert_eq!((slow.kind, slow.status()), (Kind::RateLimit, 429), "{slow}");
    assert!(slow.message.contains("slow down") && slow.retry_after.is_some(), "{slow:?}");
    for id in ["page", "moved"] {
        assert_eq!(client.file_retrieve("openai", id, &params).await.unwrap_err().kind, Kind::BadGateway, "{id}");
    }
    assert_eq!(&client.file_content("openai", "page", &params).await.unwrap().body[..], b"<html>");
}

#[tokio::test]
async fn houses_with_other_words_for_jobs_files_and_searches() {
    let (base, asked) = host_with(|head| {
        let line = head.lines().next().unwrap_or_default();
        let place = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
        let headers = format!("content-type: application/json\r\nx-goog-upload-url: http://{place}/put/there");
        let body = match line {
            line if line.contains("/fine_tuning/") => json!({"id": "ftjob-1", "object": "fine_tuning.job", "status": "pending"}),
            line if line.starts_with("PUT /put/there") => json!({"file": {"name": "files/f1", "state": "ACTIVE", "uri": "u"}}),
            line if line.contains("/v1beta/files") => json!({"files": [{"name": "files/f1", "uri": "u"}]}),
            line if line.contains("/embeddings") => {
                json!({"object": "list", "model": "e", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
                    "usage": {"prompt_tokens": 3, "total_tokens": 3}})
            }
            _ => json!({"data": [{"id": 1, "distance": 0.75, "words": "found"}]}),
        };
        (200, headers, body.to_string())
    })
    .await;
    let client = client();
    let params = [("api_base", base.as_str()), ("api_key", "k")];
    let job = tree(json!({"model": "azure/gpt-4o-mini", "training_file": "file-1"}));
    let job = client.create_fine_tuning_job("azure", job, &params).await.unwrap();
    assert_eq!(said(&job)["status"], "queued", "Azure's word for it is another one");
    assert!(last(&asked).1.contains(r#""model":"gpt-4o-mini""#) && last(&asked).1.contains("trainingType"));
    client.cancel_fine_tuning_job("azure", "ftjob-1", &params).await.unwrap();
    assert!(last(&asked).0.starts_with("POST /openai/fine_tuning/jobs/ftjob-1/cancel?"));

    let put = client.create_file(
        "gemini",
        vec![file("file", "a.txt", "TEXT")],
        Json::object([("purpose", "user_data")]),
        &params,
    );
    let put = said(&put.await.unwrap());
    assert_eq!((&put["id"], &put["purpose"], &put["status"]), (&json!("u"), &json!("user_data"), &json!("processed")));
    assert_eq!(last(&asked), ("PUT /put/there".to_owned(), "TEXT".to_owned()));
    let page = client.file_list("gemini", Json::object([("limit", 3_u64)]), &params).await.unwrap();
    assert_eq!(
        (said(&page)["data"][0]["id"].as_str(), last(&asked).0.as_str()),
        (Some("u"), "GET /v1beta/files?pageSize=3")
    );
    let given = client.file_content("gemini", "files/f1", &params).await.unwrap_err();
    assert!(given.status() == 400 && given.message.contains("does not give files back"), "{given}");

    let v1 = format!("{base}/v1");
    let embedder = json!({"api_base": v1, "api_key": "k2"});
    let with =
        tree(json!({"litellm_embedding_model": "openai/text-embedding-3-small", "litellm_embedding_config": embedder,
        "milvus_text_field": "words"}));
    let found = client
        .with_params(with)
        .unwrap()
        .vector_store_search("milvus", "book", tree(json!({"query": "q", "max_num_results": 3})), &params)
        .await
        .unwrap();
    let page = said(&found);
    assert_eq!(page["data"][0]["content"][0]["text"], "found", "{page}");
    assert!(last(&asked).1.contains(r#""data":[[0.5]]"#) && found.cost() > 0.0, "the vector is paid for");
    let only = client.vector_store_create("milvus", tree(json!({})), &params).await;
    let only = only.unwrap_err();
    assert!(only.status() == 400 && only.message.contains("can only be searched"), "{only}");
}

#[tokio::test]
async fn answers_that_are_kept_and_interactions_made_of_such() {
    let (base, asked) = host(|head| match head.lines().next().unwrap_or_default() {
        line if line.starts_with("DELETE") => (200, json!({"id": "resp_1", "object": "response", "deleted": true})),
        line if line.contains("/input_items") => (200, json!({"object": "list", "data": []})),
        _ => {
            let text = json!({"type": "output_text", "text": "hello", "annotations": []});
            let message =
                json!({"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]});
            (
                200,
                json!({"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "gpt-4o",
                "output": [message], "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}}),
            )
        }
    })
    .await;
    let (client, v1) = (client(), format!("{base}/v1"));
    let params = [("api_base", v1.as_str()), ("api_key", "k")];
    let kept = client.get_responses("openai/gpt-4o", "resp_1", tree(json!({"include": ["x"]})), &params).await.unwrap();
    assert_eq!(
        (said(&kept)["id"].as_str(), last(&asked).0.as_str()),
        (Some("resp_1"), "GET /v1/responses/resp_1?include[]=x")
    );
    assert_eq!(kept.report.usage.total_tokens(), 15);
    client.list_input_items("openai", "resp_1", tree(json!({"limit": 1})), &params).await.unwrap();
    assert_eq!(last(&asked).0, "GET /v1/responses/resp_1/input_items?limit=1");
    client.cancel_responses("openai", "resp_1", &params).await.unwrap();
    assert_eq!(last(&asked), ("POST /v1/responses/resp_1/cancel".to_owned(), "{}".to_owned()));
    client.delete_responses("openai", "resp_1", &params).await.unwrap();
    assert_eq!(client.get_responses("cohere", "r", tree(json!({})), &params).await.unwrap_err().kind, Kind::NotFound);
    assert_eq!(client.delete_responses("openai", "..", &params).await.unwrap_err().status(), 400);
    client.compact_responses("openai/gpt-4o", tree(json!({"input": "long"})), &params).await.unwrap();
    assert_eq!(last(&asked).0, "POST /v1/responses/compact");

    let body = tree(json!({"model": "gpt-4o", "input": "hi"}));
    let told = client.create_interaction("openai", body, &params).await.unwrap();
    let interaction = said(&told);
    assert_eq!((&interaction["object"], &interaction["model"]), (&json!("interaction"), &json!("gpt-4o")));
    assert!(interaction["outputs"].to_string().contains("hello") && told.cost() > 0.0, "{interaction}");
    let told = client.get_interaction("openai", "resp_1", &params).await.unwrap();
    assert_eq!(said(&told)["status"], "completed");
    let gone = client.delete_interaction("openai", "resp_1", &params).await.unwrap();
    assert_eq!(said(&gone), json!({"success": true, "id": "resp_1"}));
    assert_eq!(client.list_agents("openai", tree(json!({})), &params).await.unwrap_err().status(), 400);
}
