//! Vector stores of houses that are searched in another way than OpenAI's.

use super::*;

/// What the houses answer.
fn houses(asked: &Asked) -> Said {
    let json = |value: Value| (200, "application/json", value.to_string());
    let path = asked.path.split('?').next().unwrap();
    match path {
        "/indexes/docs/docs/search" => json(json!({"value": [
            {"id": "d1", "content": "Azure knows.", "@search.score": 0.75, "lang": "en"}]})),
        "/v2/vectordb/entities/search" => json(json!({"code": 0, "data": [
            {"id": 7, "distance": 0.5, "text": "Milvus knows.", "page": 3}]})),
        "/QueryVectors" => json(json!({"vectors": [
            {"key": "k", "distance": 0.25, "metadata": {"source_text": "S3 knows.", "chunk_index": 4, "filename": "f.md"}}]})),
        "/knowledgebases/KB1/retrieve" => json(json!({"retrievalResults": [
            {"content": {"text": "AWS knows."}, "score": 0.9, "metadata": {"x-amz-bedrock-kb-source-uri": "s3://b/x/y.pdf"}}]})),
        "/google/token" => json(json!({"access_token": "t", "expires_in": 3600, "token_type": "Bearer"})),
        "/v1/projects/pr/locations/eu-west4:retrieveContexts" => json(json!({"contexts": {"contexts": [
            {"text": "Corpora know.", "sourceUri": "gs://b/c.txt", "sourceDisplayName": "c.txt", "score": 0.4}]}})),
        "/search:search" => json(json!({"results": [{"id": "r1", "document": {"derivedStructData": {
            "title": "T", "link": "https://h/t", "snippets": [{"snippet": "Data stores know."}]}}}]})),
        "/v1beta/models/gemini-2.5-flash:generateContent" => json(json!({"candidates": [{"groundingMetadata": {
            "groundingChunks": [{"retrievedContext": {"text": "Files know.", "title": "f", "uri": "u"}}]}}],
            "usageMetadata": {"promptTokenCount": 1000, "candidatesTokenCount": 100, "totalTokenCount": 1100},
            "modelVersion": "gemini-2.5-flash"})),
        "/v1/vector_stores/pg1/search" => json(json!({"object": "vector_store.search_results.page",
            "search_query": ["q"], "data": [{"file_id": "f", "filename": "n", "score": 0.1, "attributes": {},
            "content": [{"type": "text", "text": "Postgres knows."}]}], "has_more": false, "next_page": null})),
        _ => (404, "application/json", json!({"error": {"message": "no such thing"}}).to_string()),
    }
}

async fn stores() -> (Canned, Running, Gateway) {
    let upstream = Canned::start(houses).await.unwrap();
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let url = upstream.base_url();
    let google = json!({"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r",
        "token_uri": format!("{url}/google/token")});
    let embeds = format!(
        "litellm_embedding_model: openai/text-embedding-3-small, litellm_embedding_config: {{api_base: '{}/v1', api_key: sk-e}}",
        sim.base_url()
    );
    let aws = "aws_access_key_id: AKIA, aws_secret_access_key: secret, aws_region_name: us-east-1";
    let vertex = format!("vertex_project: pr, vertex_location: eu-west4, vertex_credentials: '{google}'");
    let mut registry = String::from("vector_store_registry:\n");
    for (id, provider, base, more) in [
        ("docs", "azure_ai", url.clone(), format!("api_key: sk-a, {embeds}")),
        ("books", "milvus", url.clone(), format!("api_key: sk-m, milvus_text_field: text, {embeds}")),
        ("bucket:index", "s3_vectors", url.clone(), format!("{aws}, embedding_model: embed")),
        ("KB1", "bedrock", url.clone(), aws.to_owned()),
        ("corpus", "vertex_ai", url.clone(), vertex.clone()),
        ("data", "vertex_ai/search_api", format!("{url}/search"), vertex),
        ("fileSearchStores/f1", "gemini", url.clone(), "api_key: sk-g".to_owned()),
        ("pg1", "pg_vector", format!("{url}/v1"), "api_key: sk-p".to_owned()),
    ] {
        registry.push_str(&format!(
            "  - vector_store_name: n\n    litellm_params: {{vector_store_id: '{id}', custom_llm_provider: {provider}, api_base: '{base}', {more}}}\n"
        ));
    }
    let config = Config::empty(&sim)
        .model("gpt", "openai/gpt-4o", &[])
        .model("embed", "openai/text-embedding-3-small", &[])
        .general("proxy_batch_write_at: 1")
        .yaml();
    let gateway = Gateway::start(&format!("{config}{registry}")).await.unwrap();
    (upstream, sim, gateway)
}

#[tokio::test]
async fn stores_of_all_houses_are_searched_in_one_shape() {
    let (upstream, _sim, gateway) = stores().await;
    for (id, text, file, score) in [
        ("docs", "Azure knows.", json!("d1"), json!(0.75)),
        ("books", "Milvus knows.", Value::Null, json!(0.5)),
        ("bucket:index", "S3 knows.", json!("s3-vectors-chunk-4"), json!(0.75)),
        ("KB1", "AWS knows.", json!("s3://b/x/y.pdf"), json!(0.9)),
        ("corpus", "Corpora know.", json!("gs://b/c.txt"), json!(0.4)),
        ("data", "Data stores know.", json!("https://h/t"), json!(1.0)),
        ("fileSearchStores%2Ff1", "Files know.", json!("u"), Value::Null),
        ("pg1", "Postgres knows.", json!("f"), json!(0.1)),
    ] {
        let ask = json!({"query": "q", "max_num_results": 4});
        let found = gateway.ask(&format!("/v1/vector_stores/{id}/search"), &ask).await.unwrap();
        assert_eq!(found.status, 200, "{id}: {}", found.text());
        let found = found.json();
        assert_eq!(found["object"], "vector_store.search_results.page", "{id}");
        let first = &found["data"][0];
        assert_eq!(first["content"], json!([{"type": "text", "text": text}]), "{id}: {found}");
        assert_eq!((&first["file_id"], &first["score"]), (&file, &score), "{id}: {found}");
    }
    let seen = upstream.seen();
    let to = |path: &str| seen.iter().find(|asked| asked.path.starts_with(path)).unwrap();
    let azure = to("/indexes/docs/docs/search?api-version=2024-07-01");
    assert_eq!((azure.header("api-key"), &azure.json["top"]), ("sk-a", &json!(4)));
    assert!(azure.json["vectorQueries"][0]["vector"].as_array().is_some_and(|v| v.len() > 1), "{}", azure.json);
    let milvus = to("/v2/vectordb");
    assert_eq!((&milvus.json["collectionName"], &milvus.json["limit"]), (&json!("books"), &json!(4)));
    assert_eq!(milvus.header("authorization"), "Bearer sk-m");
    let s3 = to("/QueryVectors");
    assert!(s3.header("authorization").contains("/us-east-1/s3vectors/aws4_request"));
    assert_eq!((&s3.json["vectorBucketName"], &s3.json["indexName"]), (&json!("bucket"), &json!("index")));
    assert!(to("/knowledgebases").header("authorization").contains("/bedrock/aws4_request"));
    let rag = to("/v1/projects/pr/locations/eu-west4:retrieveContexts");
    assert_eq!(
        rag.json["vertex_rag_store"]["rag_resources"][0]["rag_corpus"],
        "projects/pr/locations/eu-west4/ragCorpora/corpus"
    );
    assert_eq!(rag.header("authorization"), "Bearer t");
    assert_eq!(to("/v1/vector_stores/pg1").header("authorization"), "Bearer sk-p");

    let refused = gateway.get("/v1/vector_stores/docs", MASTER_KEY).await.unwrap();
    assert_eq!(refused.status, 400, "{}", refused.text());
    let empty = gateway.ask("/v1/vector_stores/docs/search", &json!({})).await.unwrap();
    assert_eq!(empty.status, 400, "{}", empty.text());
}

#[tokio::test]
async fn searches_are_paid_for() {
    let (_upstream, _sim, gateway) = stores().await;
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    for id in ["data", "fileSearchStores%2Ff1"] {
        let path = format!("/v1/vector_stores/{id}/search");
        assert_eq!(gateway.post(&path, &json!({"query": "q"}), &key).await.unwrap().status, 200);
    }
    let rows = gateway.spend_rows(&token, 2).await.unwrap();
    let mut spent: Vec<f64> = rows.iter().map(|row| row["spend"].as_f64().unwrap()).collect();
    spent.sort_by(f64::total_cmp);
    // gemini-2.5-flash: $0.3 and $2.5 per million tokens; Vertex AI Search: $1.5 for a thousand queries
    for (spent, wanted) in spent.iter().zip([1000.0 * 0.3e-6 + 100.0 * 2.5e-6, 0.0015]) {
        assert!((spent - wanted).abs() < 1e-9, "{spent} {wanted}: {rows:?}");
    }
}

#[tokio::test]
async fn what_stores_know_goes_into_the_conversation() {
    let (_upstream, sim, gateway) = stores().await;
    let ask = json!({"model": "gpt", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "Who?"}],
        "vector_store_ids": ["KB1", "unknown"],
        "tools": [{"type": "file_search", "vector_store_ids": ["pg1"], "max_num_results": 2}]});
    let said = gateway.ask("/v1/chat/completions", &ask).await.unwrap();
    assert_eq!(said.status, 200, "{}", said.text());
    let sent = sim.requests().pop().unwrap().json();
    assert_eq!(
        sent["messages"],
        json!([{"role": "system", "content": "s"},
        {"role": "user", "content": "Context:\n\nAWS knows.\n\n"},
        {"role": "user", "content": "Context:\n\nPostgres knows.\n\n"},
        {"role": "user", "content": "Who?"}])
    );
    assert_eq!((&sent["vector_store_ids"], &sent["tools"]), (&Value::Null, &Value::Null));
    let found = &said.json()["choices"][0]["message"]["provider_specific_fields"]["search_results"];
    assert_eq!(found[0]["data"][0]["content"][0]["text"], "AWS knows.", "{}", said.text());
    assert_eq!(found[1]["data"][0]["content"][0]["text"], "Postgres knows.");

    // In streams it is told with the end of the answer, and the search is paid for all the same.
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    let mut ask = json!({"model": "gpt", "stream": true, "messages": [{"role": "user", "content": "Who?"}]});
    assert_eq!(gateway.post("/v1/chat/completions", &ask, &key).await.unwrap().status, 200);
    ask["vector_store_ids"] = json!(["data"]);
    let said = gateway.post("/v1/chat/completions", &ask, &key).await.unwrap().text();
    let events: Vec<Value> =
        said.split("\n\n").filter_map(|e| serde_json::from_str(e.strip_prefix("data: ")?).ok()).collect();
    let end = events.iter().find(|event| event["choices"][0]["finish_reason"].is_string()).unwrap();
    let found = &end["choices"][0]["delta"]["provider_specific_fields"]["search_results"];
    assert_eq!(found[0]["data"][0]["content"][0]["text"], "Data stores know.", "{said}");
    assert_eq!(said.matches("search_results").count(), 2, "{said}");
    let rows = gateway.spend_rows(&token, 2).await.unwrap();
    let mut spent: Vec<f64> = rows.iter().map(|row| row["spend"].as_f64().unwrap()).collect();
    spent.sort_by(f64::total_cmp);
    assert!(spent[1] - spent[0] >= 0.0015 - 1e-9, "{rows:?}");
}

#[tokio::test]
async fn bodies_that_are_passed_on_name_no_others_stores() {
    let (_upstream, sim, gateway) = stores().await;
    let (key, _) = gateway.new_key(&json!({"object_permission": {"vector_stores": ["mine"]}})).await.unwrap();
    let body =
        |id: &str| json!({"model": "gpt", "input": "hi", "tools": [{"type": "file_search", "vector_store_ids": [id]}]});
    let before = sim.requests().len();
    for (path, body) in [
        ("/openai_passthrough/v1/responses", body("others")),
        ("/openai_passthrough/v1/vector_stores/others/search", json!({"query": "q"})),
        ("/openai_passthrough/v1/vector_stores/%6fthers/search", json!({"query": "q"})),
    ] {
        let refused = gateway.post(path, &body, &key).await.unwrap();
        assert_eq!(refused.status, 403, "{path}: {}", refused.text());
    }
    assert_eq!(sim.requests().len(), before, "it was sent");
    assert_ne!(gateway.post("/openai_passthrough/v1/responses", &body("mine"), &key).await.unwrap().status, 403);
}
