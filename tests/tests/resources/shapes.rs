//! What clients see of resources: errors, ids that find back, accounts that are asked, fields of uploads.

use super::*;

/// What a house answers that has everything, but for what is named `gone`, `slow` and `broken`.
fn everything(asked: &Asked) -> Said {
    let json = |value: Value| (200, "application/json", value.to_string());
    let refused = |status: u16, kind: &str, code: Option<&str>| {
        let error = json!({"error": {"message": "refused", "type": kind, "param": null, "code": code}});
        (status, "application/json", error.to_string())
    };
    let path = asked.path.split('?').next().unwrap();
    let id = path.rsplit('/').next().unwrap();
    match id {
        "gone" => return refused(404, "invalid_request_error", None),
        "slow" => return refused(429, "requests", Some("rate_limit_exceeded")),
        "broken" => return (502, "text/html", "<html>".to_owned()),
        "moved" => return (302, "text/html", String::new()),
        "unchanged" => return (304, "application/json", String::new()),
        "portal" => return (200, "text/html; charset=utf-8", "<html>Sign in</html>".to_owned()),
        _ => {}
    }
    let batch = |id: &str| json!({"id": id, "object": "batch", "status": "in_progress", "input_file_id": "file-in"});
    match (asked.method.as_str(), path) {
        ("GET", "/v1/batches") => json(json!({"object": "list", "data": [batch("batch_1"), batch("batch_2")],
            "first_id": "batch_1", "last_id": "batch_2", "has_more": true})),
        (_, "/v1/batches/batch_1" | "/v1/batches/batch_1/cancel") => json(batch("batch_1")),
        ("POST", "/anthropic/v1/files") => json(json!({"id": "file_a", "type": "file", "filename": "a.txt",
            "mime_type": "text/plain", "size_bytes": 5, "created_at": "2025-04-14T00:00:00Z"})),
        ("GET", "/v1/files/file-in/content") => json(json!({"id": "file-inside"})),
        ("POST", "/v1/containers" | "/openai/v1/containers") | ("GET", "/v1/containers/cntr_1") => {
            json(json!({"id": "cntr_1", "object": "container", "name": "c"}))
        }
        ("GET", "/v1/containers/cntr_1/files/cfile_1/content") => (200, "application/binary", "bytes".to_owned()),
        ("POST", "/v1beta/interactions") => {
            json(json!({"id": "int_1", "model": "gemini-2.5-flash", "status": "completed",
            "outputs": [{"type": "text", "text": "Hello"}], "usage": {"total_input_tokens": 7, "total_output_tokens": 3,
            "total_tokens": 10}}))
        }
        ("POST", path) if path.contains("imagen") => json(json!({"error": {"code": 500, "message": "out of paint"}})),
        ("DELETE", "/v1beta/interactions/int_1") => json(json!({})),
        (_, "/v1/responses/resp_1") => json(json!({"id": "resp_1", "object": "response", "status": "completed"})),
        _ => json(json!({"id": id, "object": "thing"})),
    }
}

async fn shapes(more: &str) -> Setup {
    let upstream = Canned::start(everything).await.unwrap();
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let url = upstream.base_url();
    let models = format!(
        "model_list:
  - {{model_name: gpt, litellm_params: {{model: openai/gpt-4o, api_key: sk-model, api_base: '{url}/v1'}}, model_info: {{id: east}}}}
  - {{model_name: other, litellm_params: {{model: openai/gpt-4o, api_key: sk-other, api_base: '{url}/v1'}}, model_info: {{id: west}}}}
  - {{model_name: claude, litellm_params: {{model: anthropic/claude-sonnet-4-5, api_key: sk-claude, api_base: '{url}/anthropic'}}}}
  - {{model_name: cloud, litellm_params: {{model: azure/d, api_key: sk-cloud, api_base: '{url}', api_version: '2024-10-21'}}}}
  - {{model_name: gem-images, litellm_params: {{model: gemini/imagen-4.0-generate-001, api_key: sk-gem, api_base: '{url}'}}}}
  - {{model_name: gem, litellm_params: {{model: gemini/gemini-2.5-flash, api_key: sk-gem, api_base: '{url}'}}}}
general_settings: {{master_key: {MASTER_KEY}}}
{more}"
    );
    let gateway = Gateway::start_with(&models, &Options::default()).await.unwrap();
    Setup { upstream, gateway, _sim: sim }
}

async fn call(gateway: &Gateway, method: Method, path: &str, more: &[(&str, &str)], body: &Value) -> Reply {
    let bearer = format!("Bearer {MASTER_KEY}");
    let mut headers = vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
    headers.extend_from_slice(more);
    let body = if body.is_null() { String::new() } else { body.to_string() };
    gateway.send(method, path, &headers, body.into()).await.unwrap()
}

#[tokio::test]
async fn refusals_are_told_as_those_of_calls_are() {
    let Setup { upstream, gateway, .. } = shapes("").await;
    for (path, status, kind) in [
        ("/v1/files/gone", 404, "invalid_request_error"),
        ("/v1/files/slow", 429, "requests"),
        ("/v1/batches/slow", 429, "requests"),
        ("/v1/vector_stores/slow", 429, "throttling_error"),
        ("/v1/containers/gone", 404, "invalid_request_error"),
        ("/v1/files/broken", 502, "internal_server_error"),
    ] {
        let reply = gateway.get(path, MASTER_KEY).await.unwrap();
        let error = &reply.json()["error"];
        assert_eq!((reply.status, &error["type"]), (status, &json!(kind)), "{path}: {}", reply.text());
        assert_eq!(error["code"], status.to_string(), "{path}: the code is the status, as text");
        let said = if status == 502 { "<html>" } else { "refused" };
        assert!(error["message"].as_str().unwrap().contains(said), "{path}: {}", reply.text());
        assert!(!reply.header("x-litellm-call-id").is_empty());
    }
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    assert_eq!(gateway.get("/v1/files/gone", &key).await.unwrap().status, 404);
    let row = gateway.spend_rows(&token, 1).await.unwrap().remove(0);
    assert_eq!((&row["status"], &row["call_type"]), (&json!("failure"), &json!("afile_retrieve")), "{row}");
    assert_eq!(upstream.seen().len(), 7);
}

#[tokio::test]
async fn uploads_have_what_they_need() {
    let Setup { upstream, gateway, .. } = shapes("").await;
    let batch = ("purpose", "batch");
    for (fields, file, status, param) in [
        (&[("purpose", "nonsense")][..], REQUEST, 400, "purpose"),
        (&[batch], "not JSON", 400, "file"),
        (&[batch], "", 400, "file"),
        (&[batch], r#"{"custom_id":"1"}"#, 400, "method"),
        (&[batch, ("expires_after[anchor]", "created_at")], REQUEST, 400, "expires_after"),
    ] {
        let reply = upload(&gateway, MASTER_KEY, "/v1/files", &[], form(fields, file)).await;
        assert_eq!((reply.status, &reply.json()["error"]["param"]), (status, &json!(param)), "{}", reply.text());
    }
    let without =
        |name: &str| json!({"type": "missing", "loc": ["body", name], "msg": "Field required", "input": null});
    let text = |name: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\nbatch\r\n--b--\r\n");
    let no_file = json!({"type": "value_error", "loc": ["body", "file"], "input": "batch", "ctx": {"error": {}},
        "msg": "Value error, Expected UploadFile, received: <class 'str'>"});
    for (form, detail) in [
        (form(&[], REQUEST), json!([without("purpose")])),
        (text("purpose"), json!([without("file")])),
        (text("file"), json!([without("purpose"), no_file])),
    ] {
        let reply = upload(&gateway, MASTER_KEY, "/v1/files", &[], form).await;
        assert_eq!((reply.status, reply.json()), (422, json!({"detail": detail})));
    }
    let reply = upload(&gateway, MASTER_KEY, "/v1/audio/transcriptions", &[], text("model")).await;
    assert_eq!((reply.status, reply.json()), (422, json!({"detail": [without("file")]})));
    let reply = upload(&gateway, MASTER_KEY, "/v1/images/edits", &[], text("image")).await;
    let fault = json!({"type": "value_error", "loc": ["body", "image", 0], "input": "batch", "ctx": {"error": {}},
        "msg": "Value error, Expected UploadFile, received: <class 'str'>"});
    assert_eq!((reply.status, reply.json()), (422, json!({"detail": [fault]})));
    assert_eq!(gateway.get("/v1/files?limit=0", MASTER_KEY).await.unwrap().status, 400);
    for path in ["/v1/files?limit=x", "/v1/batches?limit=x", "/v1/containers?limit=x"] {
        let reply = gateway.get(path, MASTER_KEY).await.unwrap();
        let detail = json!([{"type": "int_parsing", "loc": ["query", "limit"], "input": "x",
            "msg": "Input should be a valid integer, unable to parse string as an integer"}]);
        assert_eq!((reply.status, reply.json()), (422, json!({"detail": detail})), "{path}");
    }
    let reply = call(&gateway, Method::POST, "/v1/batches", &[], &json!({"input_file_id": "file-1"})).await;
    assert_eq!((reply.status, &reply.json()["error"]["param"]), (400, &json!("endpoint")), "{}", reply.text());
    let reply = call(&gateway, Method::POST, "/v1/fine_tuning/jobs", &[], &json!({"model": "m"})).await;
    let detail = json!([{"type": "missing", "loc": ["body", "training_file"], "msg": "Field required", "input": {"model": "m"}}]);
    assert_eq!((reply.status, reply.json()), (422, json!({"detail": detail})));
    assert!(upstream.seen().is_empty(), "nobody was asked");

    // As the SDK writes lists and objects.
    let fields = [
        batch,
        ("target_model_names[]", "gpt"),
        ("litellm_metadata[tags]", "t"),
        ("expires_after[anchor]", "created_at"),
        ("expires_after[seconds]", "3600"),
    ];
    let reply = upload(&gateway, MASTER_KEY, "/v1/files", &[], form(&fields, REQUEST)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let asked = upstream.seen().pop().unwrap();
    assert_eq!(asked.header("authorization"), "Bearer sk-model");
    assert!(asked.text().contains("expires_after[seconds]"), "{}", asked.text());
    assert!(!asked.text().contains("litellm_metadata") && !asked.text().contains("target_model_names"));
}

#[tokio::test]
async fn ids_find_back_and_plain_ones_stay_plain() {
    let Setup { upstream, gateway, .. } = shapes("").await;
    // base64 of `litellm:batch_1;model,other`, and so on
    let batch = "batch_bGl0ZWxsbTpiYXRjaF8xO21vZGVsLG90aGVy";
    let next = "batch_bGl0ZWxsbTpiYXRjaF8yO21vZGVsLG90aGVy";
    let file = "file-bGl0ZWxsbTpmaWxlLWluO21vZGVsLG90aGVy";
    for (method, path) in [(Method::GET, ""), (Method::POST, "/cancel")] {
        let reply = call(&gateway, method.clone(), &format!("/v1/batches/{batch}{path}"), &[], &Value::Null).await;
        assert_eq!(reply.json()["id"], batch, "{}", reply.text());
        assert_eq!(reply.json()["input_file_id"], file);
        let named = [("x-litellm-model", "other")];
        let reply = call(&gateway, method, &format!("/v1/batches/batch_1{path}"), &named, &Value::Null).await;
        assert_eq!((&reply.json()["id"], &reply.json()["input_file_id"]), (&json!("batch_1"), &json!("file-in")));
        assert_eq!(upstream.seen().pop().unwrap().header("authorization"), "Bearer sk-other");
    }
    // The page behind an id of ours: the id names the group, the provider sees its own.
    let page = gateway.get(&format!("/v1/batches?limit=2&after={batch}"), MASTER_KEY).await.unwrap().json();
    assert_eq!(page["last_id"], next, "{page}");
    let asked = upstream.seen().pop().unwrap();
    assert_eq!((&*asked.path, asked.header("authorization")), ("/v1/batches?limit=2&after=batch_1", "Bearer sk-other"));
    // What is in a file is nobody's to change.
    let content = gateway.get(&format!("/v1/files/{file}/content"), MASTER_KEY).await.unwrap();
    assert_eq!(content.text(), r#"{"id":"file-inside"}"#);
}

#[tokio::test]
async fn the_accounts_of_models_keep_files_where_nothing_is_configured() {
    let Setup { upstream, gateway, .. } = shapes("").await;
    let keys = |path: &str| {
        let (gateway, path) = (&gateway, path.to_owned());
        let seen = &upstream;
        async move {
            let reply = gateway.get(&path, MASTER_KEY).await.unwrap();
            assert_eq!(reply.status, 200, "{}", reply.text());
            let asked = seen.seen().pop().unwrap();
            (
                asked.header("authorization").to_owned(),
                asked.header("api-key").to_owned(),
                asked.header("openai-beta").to_owned(),
            )
        }
    };
    assert_eq!(keys("/v1/files").await.0, "Bearer sk-model");
    assert_eq!(keys("/azure/v1/batches").await.1, "sk-cloud");
    // A key of the environment there is none: the account of a model is asked for other things too.
    assert_eq!(keys("/v1/vector_stores").await, ("Bearer sk-model".into(), String::new(), "assistants=v2".into()));
    let (key, _) = gateway.new_key(&json!({"models": ["other"]})).await.unwrap();
    assert_eq!(gateway.get("/v1/files", &key).await.unwrap().status, 200);
    let asked = upstream.seen().pop().unwrap();
    assert_eq!(asked.header("authorization"), "Bearer sk-other", "the account of a model that the key may use");
    let (key, _) = gateway.new_key(&json!({"models": ["gem"]})).await.unwrap();
    assert_ne!(gateway.get("/v1/files", &key).await.unwrap().status, 200, "no such model, no account");

    let fields = [("purpose", "user_data"), ("custom_llm_provider", "anthropic")];
    let told = upload(&gateway, MASTER_KEY, "/v1/files", &[], form(&fields, "hello")).await.json();
    assert_eq!(
        (&told["object"], &told["bytes"], &told["created_at"], &told["purpose"]),
        (&json!("file"), &json!(5), &json!(1_744_588_800), &json!("messages")),
        "{told}"
    );
    let batches = "/v1/vector_stores/vs_1/file_batches";
    let reply = call(&gateway, Method::POST, batches, &[], &json!({"file_ids": ["file-1"], "model": "other"})).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let asked = upstream.seen().pop().unwrap();
    assert_eq!((&*asked.path, asked.header("authorization")), (batches, "Bearer sk-other"));
    assert_eq!(asked.json, json!({"file_ids": ["file-1"]}), "a model says only whose store it is");
}

#[tokio::test]
async fn containers_find_back_to_the_deployment_that_made_them() {
    let Setup { upstream, gateway, .. } = shapes("router_settings: {model_group_alias: {box: other}}").await;
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = json!({"name": "c", "model": "other"}).to_string();
    let made = gateway.send(Method::POST, "/v1/containers", &headers, body.into()).await.unwrap();
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("cntr_bGl0ZWxsbTpjdXN0b21fbGxtX3Byb3ZpZGVy"), "{}", made.text());
    assert_eq!(
        (made.header("x-litellm-response-cost"), &upstream.seen().pop().unwrap().json),
        ("0.03", &json!({"name": "c"}))
    );
    assert_eq!(gateway.spend_rows(&token, 1).await.unwrap()[0]["spend"], 0.03);

    assert_eq!(gateway.get(&format!("/v1/containers/{id}"), &key).await.unwrap().json()["id"], id);
    let content = format!("/v1/containers/{id}/files/cfile_1/content");
    assert_eq!(gateway.get(&content, &key).await.unwrap().text(), "bytes");
    let asked = upstream.seen().pop().unwrap();
    assert_eq!(asked.path, "/v1/containers/cntr_1/files/cfile_1/content");
    assert_eq!(asked.header("authorization"), "Bearer sk-other");
    // Anybody can write such an id: it opens no account that its holder may not use.
    let (narrow, _) = gateway.new_key(&json!({"models": ["gpt"]})).await.unwrap();
    assert_eq!(gateway.get(&format!("/v1/containers/{id}"), &narrow).await.unwrap().status, 403);
    let (aliased, _) = gateway.new_key(&json!({"models": ["box"]})).await.unwrap();
    let made = gateway.post("/v1/containers?model=box", &json!({"name": "c"}), &aliased).await.unwrap();
    let boxed = made.json()["id"].as_str().unwrap().to_owned();
    let back = gateway.get(&format!("/v1/containers/{boxed}"), &aliased).await.unwrap();
    assert_eq!((back.status, &back.json()["id"]), (200, &json!(boxed)), "{}", back.text());

    let reply =
        call(&gateway, Method::POST, "/v1/containers", &[], &json!({"name": "c", "custom_llm_provider": "azure"}))
            .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(upstream.seen().pop().unwrap().path, "/openai/v1/containers?api-version=v1");
}

#[tokio::test]
async fn interactions_are_told_by_the_name_of_their_group() {
    let Setup { upstream, gateway, .. } = shapes("").await;
    let ask = async |body: Value| call(&gateway, Method::POST, "/v1beta/interactions", &[], &body).await;
    let reply = ask(json!({"model": "gem", "input": "Hi"})).await;
    assert_eq!((&reply.json()["model"], reply.status), (&json!("gem"), 200), "{}", reply.text());
    let cost = reply.header("x-litellm-response-cost").parse::<f64>().unwrap();
    assert!((cost - (7.0 * 0.3e-6 + 3.0 * 2.5e-6)).abs() < 1e-12, "{cost}: input and output are told apart");
    let reply = ask(json!({"model": "gemini/gemini-2.5-flash", "input": "Hi", "stream": true})).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let asked = upstream.seen().pop().unwrap();
    assert_eq!((&*asked.path, &asked.json["model"]), ("/v1beta/interactions?alt=sse", &json!("gemini-2.5-flash")));
    let gone = call(&gateway, Method::DELETE, "/v1beta/interactions/int_1", &[], &Value::Null).await;
    assert_eq!(gone.json(), json!({"success": true, "id": "int_1"}));
    assert_eq!(upstream.seen().pop().unwrap().header("content-type"), "application/json");
}

#[tokio::test]
async fn ids_of_responses_without_a_signature_are_for_those_who_are_trusted() {
    // base64 of `litellm:custom_llm_provider:openai;model_id:west;response_id:`, behind which the id stands
    const OURS: &str = "bGl0ZWxsbTpjdXN0b21fbGxtX3Byb3ZpZGVyOm9wZW5haTttb2RlbF9pZDp3ZXN0O3Jlc3BvbnNlX2lk";
    let id = |end: &str| format!("/v1/responses/resp_{OURS}{end}");
    let Setup { upstream, gateway, .. } = shapes("").await;
    let (key, _) = gateway.new_key(&json!({})).await.unwrap();
    assert_eq!(gateway.get(&id("OnJlc3BfMQ"), &key).await.unwrap().status, 403);
    let reply = gateway.get(&id("OnJlc3BfMQ"), MASTER_KEY).await.unwrap();
    assert_eq!((reply.status, reply.header("x-litellm-model-id")), (200, "west"), "{}", reply.text());
    let asked = upstream.seen().pop().unwrap();
    assert_eq!((&*asked.path, asked.header("authorization")), ("/v1/responses/resp_1", "Bearer sk-other"));
    assert_ne!(gateway.get(&id("Oi4uL2ZpbGVz"), MASTER_KEY).await.unwrap().status, 200, "the id is no path");
    let reply = gateway.get(&id("OmdvbmU"), MASTER_KEY).await.unwrap();
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (404, &json!("404")), "{}", reply.text());
}

#[tokio::test]
async fn what_teams_upload_goes_away_when_their_rule_says() {
    let Setup { upstream, gateway, .. } = shapes("").await;
    let rule = json!({"anchor": "created_at", "seconds": 7200});
    let malformed = json!({"enforced_file_expires_after": {"anchor": "created_at", "days": 1}});
    for body in [malformed.clone(), json!({"metadata": malformed})] {
        assert_eq!(gateway.ask("/team/new", &body).await.unwrap().status, 400, "{body}");
    }
    let team = json!({"enforced_file_expires_after": rule, "enforced_batch_output_expires_after": rule});
    let team = gateway.ask("/team/new", &team).await.unwrap().json();
    let (key, _) = gateway.new_key(&json!({"team_id": team["team_id"]})).await.unwrap();
    let (free, _) = gateway.new_key(&json!({})).await.unwrap();
    let own = [
        ("purpose", "batch"),
        ("expires_after[anchor]", "created_at"),
        ("expires_after[seconds]", "3600"),
        ("model", "gpt"),
    ];
    let large = format!("{REQUEST}\n").repeat(400_000);
    for (key, file, (ours, theirs)) in
        [(&key, REQUEST, (true, false)), (&key, &large, (true, false)), (&free, REQUEST, (false, true))]
    {
        let reply = upload(&gateway, key, "/v1/files", &[], form(&own, file)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let asked = upstream.seen().pop().unwrap().text();
        assert_eq!((asked.contains("7200"), asked.contains("3600")), (ours, theirs), "{:.400}", asked);
        assert_eq!(asked.matches("expires_after[seconds]").count(), 1);
        assert!(asked.ends_with(&format!("{file}\r\n--b--\r\n")));
    }
    let body = json!({"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h",
        "model": "gpt", "output_expires_after": {"anchor": "created_at", "seconds": 3600}});
    for (key, seconds) in [(&key, 7200), (&free, 3600)] {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let reply = gateway.send(Method::POST, "/v1/batches", &headers, body.to_string().into()).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(upstream.seen().pop().unwrap().json["output_expires_after"]["seconds"], seconds);
    }
}

/// Nobody is sent elsewhere, nobody reads a page for people as a file.
#[tokio::test]
async fn what_is_no_answer_is_an_error() {
    let Setup { upstream: _upstream, gateway, .. } = shapes("").await;
    let who = [("x-litellm-model", "gpt")];
    for id in ["moved", "unchanged", "portal"] {
        for path in [format!("/v1/files/{id}"), format!("/v1/batches/{id}")] {
            let reply = call(&gateway, Method::GET, &path, &who, &Value::Null).await;
            assert_eq!(
                (reply.status, &reply.json()["error"]["code"]),
                (502, &json!("502")),
                "{path}: {}",
                reply.text()
            );
        }
    }
    // Images, whose host hides its error behind a 200.
    let hidden = json!({"model": "gem-images", "prompt": "x"});
    let reply = gateway.ask("/v1/images/generations", &hidden).await.unwrap();
    assert!(reply.status >= 400 && reply.text().contains("out of paint"), "{} {}", reply.status, reply.text());
}
