//! The SDK: what providers keep.

use std::sync::Arc;

use llm_client::sdk::calls::Answered;
use llm_client::sdk::{FilePart, Json};
use llm_client::{Client, EngineSettings};
use llm_types::Kind;
use serde_json::{Value, json};

use crate::host::{Asked, host, host_with};
use crate::support::http;

pub(crate) fn client() -> Client {
    Client::new(Arc::new(http()), EngineSettings::default())
}

pub(crate) fn tree(value: Value) -> Json {
    serde_json::from_str(&value.to_string()).unwrap()
}

pub(crate) fn said(answer: &Answered) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

pub(crate) fn file(name: &str, filename: &str, data: &str) -> FilePart {
    FilePart {
        name: name.into(),
        filename: Some(filename.into()),
        data: bytes::Bytes::from(data.to_owned()),
        ..FilePart::default()
    }
}

/// The head line of what came last, and its body.
fn last(asked: &Asked) -> (String, String) {
    let (head, body) = asked.lock().unwrap().last().cloned().unwrap();
    let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
    (line, String::from_utf8(body).unwrap())
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
