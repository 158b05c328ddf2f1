//! Files of Google AI Studio.

use super::*;

/// Google AI Studio, as far as files are concerned.
fn google(asked: &Asked) -> Said {
    let json = |value: Value| (200, "application/json", value.to_string());
    let file = json!({"name": "files/abc", "uri": "https://google.test/v1beta/files/abc", "displayName": "a.txt",
        "sizeBytes": "5", "createTime": "2023-11-14T22:13:20.5Z", "state": "ACTIVE"});
    match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/v1beta/files/abc") => json(file),
        ("GET", "/v1beta/files?pageSize=2") => json(json!({"files": [file], "nextPageToken": "next"})),
        ("GET", "/v1beta/files?pageToken=next") => json(json!({"files": []})),
        ("POST", "/v1/files") => json(json!({"id": "file-in", "object": "file", "filename": "in.jsonl"})),
        ("DELETE", "/v1beta/files/abc") => json(json!({})),
        ("POST", "/upload/v1beta/files") if asked.json["file"]["display_name"] == "in.jsonl" => json(json!({})),
        ("PUT", "/uploaded") => json(json!({"file": file})),
        _ => (404, "application/json", json!({"error": {"code": 404, "message": "no such file"}}).to_string()),
    }
}

#[tokio::test]
async fn googles_files_are_told_as_openais() {
    let upstream = Canned::start(google).await.unwrap();
    let config = format!(
        "model_list:\n  - {{model_name: gem, litellm_params: {{model: gemini/gemini-2.5-flash, api_key: sk-gem, api_base: '{}'}}}}\n\
         \x20 - {{model_name: gpt, litellm_params: {{model: openai/gpt-4o, api_key: sk-gpt, api_base: '{}/v1'}}}}\n\
         general_settings: {{master_key: {MASTER_KEY}}}\n",
        upstream.base_url(),
        upstream.base_url()
    );
    let gateway = Gateway::start_with(&config, &Options::default()).await.unwrap();
    let google = "custom_llm_provider=gemini";
    let file = gateway.get(&format!("/v1/files/files%2Fabc?{google}"), MASTER_KEY).await.unwrap();
    let told = file.json();
    assert_eq!(
        (&told["status"], &told["bytes"], &told["created_at"]),
        (&json!("processed"), &json!(5), &json!(1_700_000_000)),
        "{}",
        file.text()
    );
    assert_eq!(upstream.seen().pop().unwrap().header("x-goog-api-key"), "sk-gem");
    let all = gateway.get(&format!("/v1/files?{google}&limit=2"), MASTER_KEY).await.unwrap().json();
    assert_eq!(all["data"][0]["id"], "https://google.test/v1beta/files/abc", "{all}");
    let bearer = format!("Bearer {MASTER_KEY}");
    let headers = [("authorization", bearer.as_str())];
    let gone = gateway.send(Method::DELETE, &format!("/v1/files/abc?{google}"), &headers, "".into()).await.unwrap();
    assert_eq!(gone.json()["deleted"], true, "{}", gone.text());
    let content = gateway.get(&format!("/v1/files/abc/content?{google}"), MASTER_KEY).await.unwrap();
    assert_eq!(content.status, 400, "{}", content.text());
    let body = form(&[("purpose", "user_data")], "Hello");
    let made = upload(&gateway, MASTER_KEY, &format!("/v1/files?{google}"), &[], body).await;
    let object = made.json();
    assert_eq!(
        (&object["id"], &object["purpose"]),
        (&json!("https://google.test/v1beta/files/abc"), &json!("user_data")),
        "{}",
        made.text()
    );
    let seen = upstream.seen();
    let [.., announced, sent] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!(announced.header("x-goog-upload-command"), "start");
    assert_eq!(announced.header("x-goog-upload-header-content-length"), sent.body.len().to_string());
    assert_eq!((sent.text().as_str(), sent.header("x-goog-upload-command")), ("Hello", "upload, finalize"));

    // A page of a group goes on where the house says.
    let first = gateway.get("/v1/files?target_model_names=gem&limit=2", MASTER_KEY).await.unwrap().json();
    let after = first["last_id"].as_str().unwrap_or_else(|| panic!("{first}"));
    let page = gateway.get(&format!("/v1/files?target_model_names=gem&after={after}"), MASTER_KEY).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.text());

    let body = form(&[("purpose", "user_data"), ("target_model_names", "gem, gpt")], "Hello");
    let kept = upload(&gateway, MASTER_KEY, "/v1/files", &[], body.clone()).await;
    assert_eq!(kept.status, 200, "{}", kept.text());

    let rule = json!({"enforced_file_expires_after": {"anchor": "created_at", "seconds": 7200}});
    let team = gateway.ask("/team/new", &rule).await.unwrap().json();
    let (key, _) = gateway.new_key(&json!({"team_id": team["team_id"]})).await.unwrap();
    let body = form(&[("purpose", "user_data")], "Hello");
    let refused = upload(&gateway, &key, &format!("/v1/files?{google}"), &[], body).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]["param"]),
        (400, &json!("expires_after")),
        "{}",
        refused.text()
    );
}
