//! Vector stores of houses that are searched in another way than OpenAI's.

use super::*;

/// What the houses answer.
fn houses(asked: &Asked) -> Said {
    let json = |value: Value| (200, "application/json", value.to_string());
    let path = asked.path.split('?').next().unwrap();
    match path {
        "/indexes/docs/docs/search" => json(json!({"value": [
            {"id": "d1", "content": "Azure knows.", "@search.score": 0.75, "lang": "en"}]})),
        "/indexes/docs/docs/index" => json(json!({"value": [{"key": "1", "status": true}]})),
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
            "  - vector_store_name: 'the {id}'\n    litellm_params: {{vector_store_id: '{id}', custom_llm_provider: {provider}, api_base: '{base}', {more}}}\n"
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

#[tokio::test]
async fn keys_use_the_indexes_that_they_have_rights_on() {
    let (upstream, _sim, gateway) = stores().await;
    for (name, index, store) in
        [("papers", "docs", "the docs"), ("novels", "books", "the books"), ("lost", "x", "no store")]
    {
        let body =
            json!({"index_name": name, "litellm_params": {"vector_store_index": index, "vector_store_name": store}});
        let made = gateway.ask("/v1/indexes", &body).await.unwrap();
        assert_eq!((made.status, &made.json()["index_name"]), (200, &json!(name)), "{}", made.text());
        assert_eq!(gateway.ask("/v1/indexes", &body).await.unwrap().status, 400, "the name is taken");
    }
    let rights = |name: &str, granted: Value| json!({"index_name": name, "index_permissions": granted});
    let (reader, _) = gateway
        .new_key(&json!({"allowed_vector_store_indexes": [rights("papers", json!(["read"])), rights("novels", json!(["read"])),
            rights("lost", json!(["read"]))]}))
        .await
        .unwrap();
    let team = json!({"team_id": "t", "allowed_vector_store_indexes": [rights("papers", json!(["read", "write"]))]});
    assert_eq!(gateway.ask("/team/new", &team).await.unwrap().status, 200);
    let (writer, _) = gateway.new_key(&json!({"team_id": "t"})).await.unwrap();
    let fenced = json!({"team_id": "t", "object_permission": {"vector_stores": ["other"]}});
    let (fenced, _) = gateway.new_key(&fenced).await.unwrap();
    let (nobody, _) = gateway.new_key(&json!({})).await.unwrap();

    let (search, index) = ("/azure_ai/indexes/papers/docs/search", "/azure_ai/indexes/papers/docs/index");
    let milvus = "/milvus/v2/vectordb/entities/search";
    let novels = json!({"collectionName": "novels", "data": [[0.1]]});
    for (path, body, key, wanted) in [
        (search, json!({"search": "x"}), &reader, 200),
        (search, json!({"search": "x"}), &writer, 200),
        (search, json!({"search": "x"}), &fenced, 403),
        (search, json!({"search": "x"}), &nobody, 403),
        ("/azure_ai/%69ndexes/papers/docs/search", json!({}), &nobody, 403),
        (index, json!({"value": []}), &writer, 200),
        (index, json!({"value": []}), &reader, 403),
        ("/azure/indexes", json!({"name": "papers"}), &writer, 403),
        ("/azure_ai/indexes/lost/docs/search", json!({}), &reader, 500),
        (milvus, novels.clone(), &reader, 200),
        (milvus, novels.clone(), &nobody, 403),
        (milvus, json!({"collectionName": "books"}), &reader, 403),
        (milvus, json!({"collectionName": "novels", "dbName": "theirs"}), &reader, 403),
        ("/milvus/v2/vectordb/entities/delete", novels.clone(), &reader, 403),
        ("/milvus/v2/vectordb/entities/search", json!({"data": []}), &reader, 403),
    ] {
        let reply = gateway.post(path, &body, key).await.unwrap();
        assert_eq!(reply.status, wanted, "{path} {body}: {}", reply.text());
    }
    let twice = bytes::Bytes::from_static(br#"{"collectionName":"books","collectionName":"novels"}"#);
    let bearer = format!("Bearer {reader}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    assert_eq!(gateway.send(Method::POST, milvus, &headers, twice).await.unwrap().status, 400);
    let headers = [("authorization", bearer.as_str())];
    let gone = gateway.send(Method::DELETE, "/azure_ai/indexes/papers", &headers, bytes::Bytes::new()).await.unwrap();
    assert_eq!(gone.status, 403, "{}", gone.text());

    let seen = upstream.seen();
    let azure = seen.iter().find(|asked| asked.path.starts_with("/indexes/docs/docs/index")).unwrap();
    assert_eq!((azure.header("api-key"), azure.header("authorization")), ("sk-a", ""));
    let milvus = seen.iter().find(|asked| asked.path.starts_with("/v2/vectordb")).unwrap();
    assert_eq!((&milvus.json["collectionName"], milvus.header("authorization")), (&json!("books"), "Bearer sk-m"));
    assert_eq!(seen.iter().filter(|asked| asked.path.starts_with("/v2/vectordb")).count(), 1);

    // Files of stores are judged for keys that name any index.
    for (key, wanted) in [(&reader, 403), (&writer, 403)] {
        let reply = gateway.get("/v1/vector_stores/vs_1/files", key).await.unwrap();
        assert_eq!(reply.status, wanted, "{}", reply.text());
    }
    let listed = gateway.get("/v1/indexes", MASTER_KEY).await.unwrap().json();
    assert_eq!((&listed["object"], listed["data"].as_array().unwrap().len()), (&json!("list"), 3), "{listed}");
    assert_eq!(listed["data"][0]["litellm_params"].as_object().unwrap().len(), 2);
    assert_eq!(gateway.get("/v1/indexes", &reader).await.unwrap().status, 401);
}
