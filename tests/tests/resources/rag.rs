//! Documents go into a vector store, questions are answered from it.

use bytes::Bytes;
use http::Method;
use llm_simulator::{Running, Simulator, SimulatorConfig};
use llm_tests::{Asked, Canned, Config, Gateway, MASTER_KEY, Options, Said};
use serde_json::{Value, json};

const HELLO: &str = "aGVsbG8gd29ybGQ=";

/// A house that keeps vector stores, reads documents, ranks and answers.
fn house(asked: &Asked) -> Said {
    let json = |value: Value| (200, "application/json", value.to_string());
    match asked.path.as_str() {
        "/v1/vector_stores" => json(json!({"id": "vs_new", "object": "vector_store"})),
        "/v1/files" => json(json!({"id": "file-1", "object": "file"})),
        "/v1/vector_stores/vs_full/files" => {
            (429, "application/json", json!({"error": {"message": "the store is full"}}).to_string())
        }
        path if path.ends_with("/files") => json(json!({"id": "file-1", "status": "in_progress"})),
        "/v1/vector_stores/vs_1/search" => json(json!({
            "object": "vector_store.search_results.page", "search_query": ["q"], "has_more": false, "next_page": null,
            "data": [
                {"file_id": "file-1", "filename": "a.txt", "score": 0.9, "content": [{"type": "text", "text": "Ships are blue."}]},
                {"file_id": "file-2", "filename": "b.txt", "score": 0.8, "content": [{"type": "text", "text": "Trees are green."}]}
            ]
        })),
        path if path.ends_with("/rerank") => json(json!({
            "id": "rr", "results": [{"index": 1, "relevance_score": 0.99}],
            "meta": {"billed_units": {"search_units": 1}}
        })),
        path if path.ends_with("/ocr") => json(json!({
            "pages": [{"index": 0, "markdown": "# One"}, {"index": 1, "markdown": "Two"}], "model": "mistral-ocr-latest",
            "usage_info": {"pages_processed": 2}
        })),
        "/v1/chat/completions" if asked.json["stream"] == true => {
            let chunk = |delta: Value, finish: Value| {
                let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
                json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o", "choices": [choice]})
            };
            let (one, two) = (chunk(json!({"content": "Green."}), Value::Null), chunk(json!({}), json!("stop")));
            (200, "text/event-stream", format!("data: {one}\n\ndata: {two}\n\ndata: [DONE]\n\n"))
        }
        "/v1/chat/completions" => json(json!({
            "id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Green."}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        })),
        _ => (404, "application/json", json!({"error": {"message": "no such thing"}}).to_string()),
    }
}

/// A house with indexes of vectors, and a model that makes them.
fn vectors(asked: &Asked) -> Said {
    let json = |value: Value| (200, "application/json", value.to_string());
    match asked.path.as_str() {
        "/v1/embeddings" => {
            let texts = asked.json["input"].as_array().map_or(1, Vec::len);
            let one = |at: usize| json!({"index": at, "object": "embedding", "embedding": [0.5, at]});
            let data: Vec<Value> = (0..texts).map(one).collect();
            json(json!({"object": "list", "model": "text-embedding-3-small", "data": data,
                "usage": {"prompt_tokens": 1000, "total_tokens": 1000}}))
        }
        "/PutVectors" => json(json!({})),
        "/QueryVectors" => {
            let metadata = json!({"source_text": "hello", "chunk_index": "0", "filename": "a.txt"});
            json(json!({"vectors": [{"key": "a.txt_0", "distance": 0.25, "metadata": metadata}]}))
        }
        _ => (403, "application/json", json!({"message": "no"}).to_string()),
    }
}

#[tokio::test]
async fn a_document_goes_into_an_index_of_vectors() {
    let upstream = Canned::start(vectors).await.unwrap();
    let url = upstream.base_url();
    let aws = json!({"api_base": url, "aws_region_name": "eu-west-1", "aws_access_key_id": "AKIATEST",
        "aws_secret_access_key": "aws-s3cret", "litellm_embedding_model": "embed", "vector_bucket_name": "mine"});
    let mut registered = aws.clone();
    registered.as_object_mut().unwrap().extend(
        json!({"vector_store_id": "mine:notes", "custom_llm_provider": "s3_vectors"}).as_object().unwrap().clone(),
    );
    let embed = json!({"model": "openai/text-embedding-3-small", "api_base": format!("{url}/v1"), "api_key": "sk-up"});
    let config = json!({
        "model_list": [{"model_name": "embed", "litellm_params": embed}],
        "vector_store_registry": [{"vector_store_name": "notes", "litellm_params": registered}],
        "general_settings": {"master_key": MASTER_KEY, "proxy_batch_write_at": 1},
    });
    let gateway = Gateway::start_with(&config.to_string(), &Options::default()).await.unwrap();
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    let ingest = |store: Value| {
        let options = json!({"vector_store": store, "chunking_strategy": {"chunk_size": 10, "chunk_overlap": 0}});
        json!({"text": "hello world\n\nand more", "filename": "a.txt", "ingest_options": options})
    };
    let notes = json!({"custom_llm_provider": "s3_vectors", "vector_store_id": "mine:notes"});
    let told = gateway.post("/v1/rag/ingest", &ingest(notes.clone()), &key).await.unwrap();
    let answer = told.json();
    assert_eq!((told.status, &answer["status"]), (200, &json!("completed")), "{answer}");
    assert_eq!((&answer["vector_store_id"], &answer["file_id"]), (&json!("mine:notes"), &json!("a.txt")));
    let put = upstream.seen().into_iter().rfind(|asked| asked.path == "/PutVectors").unwrap();
    assert!(
        put.header("authorization").contains("/eu-west-1/s3vectors/aws4_request"),
        "{}",
        put.header("authorization")
    );
    let texts: Vec<&str> = put.json["vectors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["metadata"]["source_text"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["hello", "world", "and more"]);
    assert_eq!(put.json["vectors"][1]["data"]["float32"], json!([0.5, 1]));

    // What it cost is in the row of the ingestion; what was stored is found.
    let row = &gateway.spend_rows(&token, 1).await.unwrap()[0];
    assert!(row["call_type"] == "aingest" && row["spend"].as_f64().unwrap() > 0.0, "{row}");
    let search = json!({"query": "hello", "custom_llm_provider": "s3_vectors"});
    let found = gateway.post("/v1/vector_stores/mine:notes/search", &search, &key).await.unwrap().json();
    assert_eq!(found["data"][0]["content"][0]["text"], "hello", "{found}");

    // Other names of the account are not for everybody; neither are stores that a key may not search.
    let put = || upstream.seen().iter().filter(|asked| asked.path != "/v1/embeddings").count();
    let before = put();
    for store in ["mine:others", "others:notes", ""] {
        let mut other = notes.clone();
        other["vector_store_id"] = json!(store);
        let refused = gateway.post("/v1/rag/ingest", &ingest(other), &key).await.unwrap();
        assert_eq!(refused.status, 403, "{store}: {}", refused.text());
    }
    let permission = json!({"object_permission": {"vector_stores": ["elsewhere"]}});
    let (narrow, _) = gateway.new_key(&permission).await.unwrap();
    assert_eq!(gateway.post("/v1/rag/ingest", &ingest(notes.clone()), &narrow).await.unwrap().status, 403);
    assert_eq!(put(), before);
    let mut secret = notes.clone();
    secret["aws_secret_access_key"] = json!("mine");
    let refused = gateway.post("/v1/rag/ingest", &ingest(secret), &key).await.unwrap();
    assert!(refused.status >= 400, "{}", refused.text());
    let picture = json!({"file": {"filename": "a.png", "content": "/9j/4A==", "content_type": "image/png"},
        "ingest_options": {"vector_store": notes}});
    assert_eq!(gateway.post("/v1/rag/ingest", &picture, &key).await.unwrap().status, 400);
}

async fn setup() -> (Canned, Gateway, Running) {
    let upstream = Canned::start(house).await.unwrap();
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let url = upstream.base_url();
    let config = Config::empty(&sim)
        .model("gpt", "openai/gpt-4o", &[])
        .model("ranker", "cohere/rerank-v3.5", &[])
        .model("reader", "mistral/mistral-ocr-latest", &[])
        .general("proxy_batch_write_at: 1")
        .yaml()
        .replace(&sim.base_url(), &url);
    let config = format!(
        "{config}files_settings:\n  - {{custom_llm_provider: openai, api_base: '{url}/v1', api_key: sk-files}}\n"
    );
    (upstream, Gateway::start_with(&config, &Options::default()).await.unwrap(), sim)
}

fn paths(upstream: &Canned) -> Vec<String> {
    upstream.seen().into_iter().filter(|asked| asked.method == "POST").map(|asked| asked.path).collect()
}

#[tokio::test]
async fn a_document_goes_into_a_store() {
    let (upstream, gateway, _sim) = setup().await;
    let file = json!({"filename": "a.txt", "content": HELLO, "content_type": "text/plain"});
    let body =
        json!({"file": file, "ingest_options": {"name": "mine", "vector_store": {"custom_llm_provider": "openai"}}});
    let reply = gateway.ask("/v1/rag/ingest", &body).await.unwrap();
    let told = reply.json();
    assert_eq!((reply.status, &told["status"]), (200, &json!("completed")), "{told}");
    assert_eq!((&told["vector_store_id"], &told["file_id"]), (&json!("vs_new"), &json!("file-1")));
    assert!(told["id"].as_str().unwrap().starts_with("ingest_"), "{told}");
    assert_eq!(paths(&upstream), ["/v1/vector_stores", "/v1/files", "/v1/vector_stores/vs_new/files"]);
    let seen = upstream.seen();
    assert_eq!(seen[0].json, json!({"name": "mine"}));
    assert!(seen[1].text().contains("name=\"purpose\"\r\n\r\nassistants\r\n"), "{}", seen[1].text());
    assert!(seen[1].text().contains("filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nhello world\r\n"));
    assert_eq!(seen[2].json, json!({"file_id": "file-1", "chunking_strategy": {"type": "auto"}}));
    assert!(seen.iter().all(|asked| asked.header("authorization") == "Bearer sk-files"));

    // A form, a store that is there, sizes in characters.
    let options = json!({"ingest_options": {"vector_store": {"vector_store_id": "vs_1"},
        "chunking_strategy": {"chunk_size": 800, "chunk_overlap": 80}}});
    let form = format!(
        "--b\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n{options}\r\n--b\r\nContent-Disposition: form-data; \
         name=\"file\"; filename=\"b.md\"\r\nContent-Type: text/markdown\r\n\r\n# B\r\n--b--\r\n"
    );
    let bearer = format!("Bearer {MASTER_KEY}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "multipart/form-data; boundary=b")];
    let reply = gateway.send(Method::POST, "/rag/ingest", &headers, Bytes::from(form)).await.unwrap();
    assert_eq!(reply.json()["vector_store_id"], "vs_1", "{}", reply.text());
    let attached = upstream.seen().pop().unwrap();
    let sizes = json!({"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 20});
    assert_eq!(attached.json["chunking_strategy"], json!({"type": "static", "static": sizes}));
}

#[tokio::test]
async fn a_document_is_read_first_and_failures_are_told() {
    let (upstream, gateway, _sim) = setup().await;
    let (key, token) = gateway.new_key(&json!({"models": ["reader"]})).await.unwrap();
    let file = json!({"filename": "scan.pdf", "content": HELLO, "content_type": "application/pdf"});
    let options = json!({"vector_store": {"vector_store_id": "vs_1"}, "ocr": {"model": "reader"}});
    let ingest = json!({"file": file, "ingest_options": options});
    let reply = gateway.post("/v1/rag/ingest", &ingest, &key).await.unwrap();
    assert_eq!(reply.json()["status"], "completed", "{}", reply.text());
    let seen = upstream.seen();
    assert_eq!(seen[0].json["document"]["document_url"], format!("data:application/pdf;base64,{HELLO}"));
    assert!(seen[1].text().contains("filename=\"scan.md\""), "{}", seen[1].text());
    assert!(seen[1].text().contains("# One\n\nTwo\r\n"), "{}", seen[1].text());
    // Each call has its row, and reading is charged.
    let all = gateway.spend_rows(&token, 3).await.unwrap();
    let spend: f64 = all.iter().map(|row| row["spend"].as_f64().unwrap()).sum();
    assert!(spend > 0.0, "{all:?}");

    let mut other = ingest.clone();
    other["ingest_options"]["ocr"]["model"] = json!("gpt");
    let reply = gateway.post("/v1/rag/ingest", &other, &key).await.unwrap();
    assert_eq!(
        (reply.status, reply.json()["error"]["type"].clone()),
        (403, json!("key_model_access_denied")),
        "{}",
        reply.text()
    );
    let full = json!({"text": "hello", "ingest_options": {"vector_store": {"vector_store_id": "vs_full"}}});
    let told = gateway.ask("/v1/rag/ingest", &full).await.unwrap().json();
    assert_eq!((&told["status"], &told["vector_store_id"]), (&json!("failed"), &json!("")), "{told}");
    assert!(told["error"].as_str().unwrap().contains("the store is full"), "{told}");

    let store = json!({"vector_store": {"vector_store_id": "vs_1"}});
    let wrong = [
        (json!({"ingest_options": store}), 400, "file_url"),
        (json!({"text": "a"}), 400, "vector_store"),
        (json!({"text": "a", "ingest_options": {"vector_store": {"vector_store_id": "../files"}}}), 400, "no id"),
        (json!({"text": "a", "ingest_options": {"vector_store": {"api_base": "http://x"}}}), 401, "api_base"),
        (json!({"text": "a", "ingest_options": {"vector_store": {"custom_llm_provider": "nobody"}}}), 400, "nobody"),
        (json!({"file": {"filename": "a", "content": "%%"}, "ingest_options": store}), 400, "base64"),
        // The guard of URLs holds.
        (json!({"file_url": format!("{}/v1/files", upstream.base_url()), "ingest_options": store}), 400, "not allowed"),
    ];
    for (body, status, why) in wrong {
        let reply = gateway.ask("/v1/rag/ingest", &body).await.unwrap();
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
        assert!(reply.text().contains(why), "{body}: {}", reply.text());
    }
    assert_eq!(gateway.post("/v1/rag/ingest", &full, "sk-nobody-0123456789").await.unwrap().status, 401);
}

#[tokio::test]
async fn a_question_is_answered_from_a_store() {
    let (upstream, gateway, _sim) = setup().await;
    let (key, token) = gateway.new_key(&json!({"models": ["gpt", "ranker"]})).await.unwrap();
    let mut ask = json!({
        "model": "gpt", "temperature": 0.5,
        "messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "What are trees?"}],
        "retrieval_config": {"vector_store_id": "vs_1", "custom_llm_provider": "openai", "top_k": 4},
        "rerank": {"enabled": true, "model": "ranker", "top_n": 1}
    });
    let reply = gateway.post("/v1/rag/query", &ask, &key).await.unwrap();
    let told = reply.json();
    let message = &told["choices"][0]["message"];
    assert_eq!((reply.status, &message["content"]), (200, &json!("Green.")), "{told}");
    assert_eq!(message["provider_specific_fields"]["search_results"]["data"][0]["file_id"], "file-1", "{told}");
    assert_eq!(message["provider_specific_fields"]["rerank_results"]["results"][0]["index"], 1, "{told}");
    let seen = upstream.seen();
    assert_eq!(seen[0].json, json!({"query": "What are trees?", "max_num_results": 4}));
    assert_eq!(seen[1].json["documents"], json!(["Ships are blue.", "Trees are green."]));
    let sent = &seen[2].json;
    let context = json!({"role": "user", "content": "Context:\n\nTrees are green.\n\n"});
    assert_eq!((sent["messages"].as_array().unwrap().len(), &sent["messages"][1]), (3, &context), "{sent}");
    assert_eq!(sent["messages"][2]["content"], "What are trees?");
    assert!(sent.get("retrieval_config").is_none() && sent.get("rerank").is_none() && sent["temperature"] == 0.5);
    let all = gateway.spend_rows(&token, 3).await.unwrap();
    let models: Vec<&str> = all.iter().filter_map(|row| row["model_group"].as_str()).collect();
    assert!(models.contains(&"gpt") && models.contains(&"ranker"), "{all:?}");

    ask["stream"] = json!(true);
    ask["rerank"] = Value::Null;
    let stream = gateway.post("/rag/query", &ask, &key).await.unwrap();
    assert!(stream.text().contains("Green.") && stream.text().trim_end().ends_with("[DONE]"), "{}", stream.text());
    let sent = upstream.seen().pop().unwrap().json;
    assert_eq!(sent["messages"][1]["content"], "Context:\n\nShips are blue.\n\nTrees are green.\n\n");

    let (poor, _) = gateway.new_key(&json!({"models": ["ranker"]})).await.unwrap();
    let refused = gateway.post("/v1/rag/query", &ask, &poor).await.unwrap();
    assert_eq!(refused.status, 403, "{}", refused.text());
    ask["retrieval_config"] = json!({"vector_store_id": "vs_gone"});
    let missing = gateway.post("/v1/rag/query", &ask, &key).await.unwrap();
    assert!(missing.status == 404 && missing.text().contains("no such thing"), "{}", missing.text());
    ask["messages"] = json!([]);
    assert_eq!(gateway.post("/v1/rag/query", &ask, &key).await.unwrap().status, 400);
}
