//! Google's interactions: those of models of other houses, and those that are made in the background.

use super::*;

const INTERACTIONS: &str = "/v1beta/interactions";

fn house(asked: &Asked) -> Said {
    let json = |value: Value| (200, "application/json", value.to_string());
    let interaction = |status: &str| {
        json!({"id": "int_1", "object": "interaction", "model": "gemini-2.5-flash", "status": status,
            "usage": {"total_input_tokens": 7, "total_output_tokens": 3, "total_tokens": 10}})
        .to_string()
    };
    let told = |status: &str| (200, "application/json", interaction(status));
    let response = json!({"id": "resp_up", "object": "response", "created_at": 1_700_000_000, "status": "completed",
        "model": "gpt-4o", "output": [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "Hello", "annotations": []}]}],
        "usage": {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}});
    let events = |status: &str, end: bool| {
        let told = json!({"id": "int_1", "object": "interaction", "status": "in_progress"});
        let begun = json!({"event_type": "interaction.created", "interaction": told});
        let told: Value = serde_json::from_str(&interaction(status)).unwrap();
        let over = json!({"event_type": "interaction.completed", "interaction": told});
        let over = if end { format!("data: {over}\n\n") } else { String::new() };
        (200, "text/event-stream", format!("data: {begun}\n\n{over}"))
    };
    match (asked.method.as_str(), asked.path.split('?').next().unwrap()) {
        ("GET", _) if asked.path.contains("after=none") => {
            (404, "application/json", json!({"error": {"message": "no such event"}}).to_string())
        }
        ("GET", "/v1beta/interactions/int_1") if asked.path.contains("tream=true") => {
            events("completed", !asked.path.contains("after=half"))
        }
        ("POST", "/v1beta/interactions") if asked.json["stream"] == true => {
            events("completed", asked.json["input"] != "Half")
        }
        ("POST", "/v1beta/interactions/int_1/cancel") => told("cancelled"),
        ("POST", "/v1beta/interactions") => told("in_progress"),
        ("GET", "/v1beta/interactions/int_1") => told("completed"),
        ("POST", "/v1/responses") if asked.json["stream"] == true => {
            let delta = json!({"type": "response.output_text.delta", "output_index": 0, "delta": "Hello"});
            let end = json!({"type": "response.completed", "response": response});
            (200, "text/event-stream", format!("data: {delta}\n\ndata: {end}\n\n"))
        }
        ("POST" | "GET", "/v1/responses" | "/v1/responses/resp_up") => json(response),
        ("DELETE", "/v1/responses/resp_up") => json(json!({"id": "resp_up", "object": "response", "deleted": true})),
        _ => (404, "application/json", json!({"error": {"message": "no such thing"}}).to_string()),
    }
}

async fn started() -> (Canned, Gateway) {
    let upstream = Canned::start(house).await.unwrap();
    let url = upstream.base_url();
    let config = format!(
        "model_list:
  - {{model_name: gpt, litellm_params: {{model: openai/gpt-4o, api_key: sk-model, api_base: '{url}/v1'}}}}
  - {{model_name: gem, litellm_params: {{model: gemini/gemini-2.5-flash, api_key: sk-gem, api_base: '{url}'}}}}
litellm_settings: {{cache: true, cache_params: {{type: local}}}}
general_settings: {{master_key: {MASTER_KEY}}}
"
    );
    (upstream, Gateway::start_with(&config, &Options::default()).await.unwrap())
}

#[tokio::test]
async fn other_houses_answer_as_responses() {
    let (upstream, gateway) = started().await;
    let (key, token) = gateway.new_key(&json!({"models": ["gpt"]})).await.unwrap();
    let ask = json!({"model": "gpt", "input": [{"type": "text", "text": "Hi"}], "system_instruction": "Be brief",
        "generation_config": {"temperature": 0.5, "thinking_level": "low"}});
    let made = gateway.post(INTERACTIONS, &ask, &key).await.unwrap();
    let told = made.json();
    assert_eq!(
        (made.status, &told["model"], &told["object"]),
        (200, &json!("gpt"), &json!("interaction")),
        "{}",
        made.text()
    );
    assert_eq!(told["outputs"], json!([{"type": "text", "text": "Hello"}]));
    assert_eq!(told["usage"], json!({"total_input_tokens": 7, "total_output_tokens": 3}));
    let asked = upstream.seen().pop().unwrap();
    assert_eq!(asked.path, "/v1/responses");
    assert_eq!(
        asked.json,
        json!({"model": "gpt-4o", "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
            "instructions": "Be brief", "temperature": 0.5})
    );
    let row = &gateway.spend_rows(&token, 1).await.unwrap()[0];
    assert!(row["spend"].as_f64().unwrap() > 0.0, "{row}");

    let path = format!("{INTERACTIONS}/{}", told["id"].as_str().unwrap());
    let again = gateway.get(&path, &key).await.unwrap().json();
    assert_eq!((&again["id"], &again["status"]), (&told["id"], &json!("completed")), "{again}");
    let on = json!({"model": "gpt", "input": "And?", "previous_interaction_id": told["id"]});
    assert_eq!(gateway.post(INTERACTIONS, &on, &key).await.unwrap().status, 200);
    assert_eq!(upstream.seen().pop().unwrap().json["previous_response_id"], "resp_up");
    let gone =
        gateway.send(Method::DELETE, &path, &[("authorization", &format!("Bearer {key}"))], "".into()).await.unwrap();
    assert_eq!(gone.json(), json!({"success": true, "id": told["id"]}));

    // Who may not call the path learns nothing of it either.
    let elsewhere = json!({"models": ["gpt"], "allowed_routes": ["/v1/chat/completions"]});
    let (elsewhere, _) = gateway.new_key(&elsewhere).await.unwrap();
    let bearer = format!("Bearer {elsewhere}");
    let before = upstream.seen().len();
    for (method, path) in
        [(Method::GET, path.clone()), (Method::DELETE, path.clone()), (Method::POST, format!("{path}/cancel"))]
    {
        let refused = gateway.send(method, &path, &[("authorization", &bearer)], "".into()).await.unwrap();
        assert_eq!((refused.status, upstream.seen().len()), (403, before), "{}", refused.text());
    }

    let (none, _) = gateway.new_key(&json!({"models": ["gem"]})).await.unwrap();
    assert_eq!(gateway.post(INTERACTIONS, &ask, &none).await.unwrap().status, 403);
    let wrong = json!({"model": "gpt", "input": {"type": "video", "uri": "u"}});
    let wrong = gateway.post(INTERACTIONS, &wrong, &key).await.unwrap();
    assert_eq!((wrong.status, &wrong.json()["error"]["param"]), (400, &json!("input")), "{}", wrong.text());
}

#[tokio::test]
async fn other_houses_stream_steps() {
    let (upstream, gateway) = started().await;
    let ask = json!({"model": "gpt", "input": "Hi", "stream": true});
    let first = gateway.post(INTERACTIONS, &ask, MASTER_KEY).await.unwrap().text();
    told_as_steps(&first);
    let again = gateway.post(INTERACTIONS, &ask, MASTER_KEY).await.unwrap();
    assert_eq!(upstream.seen().len(), 1, "the second comes from the cache");
    told_as_steps(&again.text());
}

fn told_as_steps(text: &str) {
    let mut events: Vec<Value> =
        text.lines().filter_map(|l| serde_json::from_str(l.strip_prefix("data: ")?).ok()).collect();
    // The house of these tests does not say this itself; a cache does.
    events.retain(|e| e["event_type"] != "interaction.created");
    let kinds: Vec<&str> = events.iter().map(|e| e["event_type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["step.start", "step.delta", "step.stop", "interaction.completed"], "{text}");
    assert_eq!((&events[1]["delta"]["text"], &events[3]["status"]), (&json!("Hello"), &json!("completed")));
    assert!(events[3]["id"].as_str().unwrap().starts_with("resp_bGl0"), "an id that finds back: {text}");
    assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
}

#[tokio::test]
async fn the_background_is_charged_once_at_its_end() {
    let (upstream, gateway) = started().await;
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    let begun =
        gateway.post(INTERACTIONS, &json!({"model": "gem", "input": "Hi", "background": true}), &key).await.unwrap();
    assert_eq!((begun.status, &begun.json()["status"]), (200, &json!("in_progress")), "{}", begun.text());
    assert_eq!(upstream.seen().pop().unwrap().json["background"], true);
    let path = format!("{INTERACTIONS}/int_1?model=gem");
    for _ in 0..2 {
        assert_eq!(gateway.get(&path, &key).await.unwrap().json()["status"], "completed");
    }
    charged_once(&gateway, &token, 3).await;
}

async fn charged_once(gateway: &Gateway, token: &str, rows: usize) {
    let rows = gateway.spend_rows(token, rows).await.unwrap();
    let spent: Vec<f64> = rows.iter().map(|row| row["spend"].as_f64().unwrap()).filter(|spend| *spend > 0.0).collect();
    assert_eq!(spent.len(), 1, "{rows:?}");
    assert!((spent[0] - (7.0 * 0.3e-6 + 3.0 * 2.5e-6)).abs() < 1e-12, "{spent:?}");
}

#[tokio::test]
async fn who_leaves_before_the_end_of_the_background_pays_later() {
    let (_upstream, gateway) = started().await;
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    let begun = json!({"model": "gem", "input": "Hi", "background": true});
    assert_eq!(gateway.post(INTERACTIONS, &begun, &key).await.unwrap().status, 200);
    let path = format!("{INTERACTIONS}/int_1?model=gem");
    for (more, status) in [("&stream=true&after=none", 404), ("&stream=true&after=half", 200), ("", 200)] {
        assert_eq!(gateway.get(&format!("{path}{more}"), &key).await.unwrap().status, status, "{more}");
    }
    charged_once(&gateway, &token, 4).await;
}

#[tokio::test]
async fn no_spelling_of_a_look_charges_twice() {
    let (_upstream, gateway) = started().await;
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    let begun = json!({"model": "gem", "input": "Hi", "background": true});
    assert_eq!(gateway.post(INTERACTIONS, &begun, &key).await.unwrap().status, 200);
    let path = format!("{INTERACTIONS}/int_1");
    let bearer = format!("Bearer {key}");
    for (at, more) in
        ["?model=gem&%73tream=true", "?model=gem&stream=false&stream=true", "?model=gem"].iter().enumerate()
    {
        assert_eq!(gateway.get(&format!("{path}{more}"), &key).await.unwrap().status, 200, "{more}");
        // The claim is made when the stream is over.
        gateway.spend_rows(&token, at + 2).await.unwrap();
    }
    let cancel = format!("{path}/cancel?model=gem");
    let stopped = gateway.send(Method::POST, &cancel, &[("authorization", &bearer)], "".into()).await.unwrap();
    assert_eq!(stopped.json()["status"], "cancelled", "{}", stopped.text());
    charged_once(&gateway, &token, 5).await;
}

#[tokio::test]
async fn a_stream_that_begins_the_background_is_remembered() {
    for (input, looks) in [("Half", 2), ("Whole", 1)] {
        let (_upstream, gateway) = started().await;
        let (key, token) = gateway.new_key(&json!({})).await.unwrap();
        let begun = json!({"model": "gem", "input": input, "background": true, "stream": true});
        let begun = gateway.post(INTERACTIONS, &begun, &key).await.unwrap();
        assert!(begun.text().contains("interaction.created"), "{}", begun.text());
        gateway.spend_rows(&token, 1).await.unwrap();
        for _ in 0..looks {
            assert_eq!(gateway.get(&format!("{INTERACTIONS}/int_1?model=gem"), &key).await.unwrap().status, 200);
        }
        charged_once(&gateway, &token, 1 + looks).await;
    }
}

/// OpenAI makes answers in the background: what it says of them at first, and at their end.
fn slow_house(asked: &Asked) -> Said {
    let response = |status: &str, usage: Value| {
        let text = json!({"id": "resp_slow", "object": "response", "created_at": 1_700_000_000, "status": status,
            "background": true, "model": "gpt-4o", "output": [], "usage": usage});
        (200, "application/json", text.to_string())
    };
    let used = json!({"input_tokens": 70, "output_tokens": 3000, "total_tokens": 3070});
    match asked.method.as_str() {
        "POST" if asked.path.ends_with("/cancel") => response("cancelled", used),
        "POST" => response("queued", Value::Null),
        "DELETE" => {
            (200, "application/json", json!({"id": "resp_slow", "object": "response", "deleted": true}).to_string())
        }
        _ => response("completed", used),
    }
}

/// What all rows of a key cost; its price is that of `slow_house`'s whole answer.
async fn charged_for_all(gateway: &Gateway, token: &str, rows: usize) {
    let rows = gateway.spend_rows(token, rows).await.unwrap();
    let spent: f64 = rows.iter().map(|row| row["spend"].as_f64().unwrap()).sum();
    assert!((spent - (70.0 * 2.5e-6 + 3000.0 * 10e-6)).abs() < 1e-9, "{rows:?}");
    let tokens: i64 = rows.iter().map(|row| row["total_tokens"].as_i64().unwrap()).sum();
    assert_eq!(tokens, 3070, "{rows:?}");
}

#[tokio::test]
async fn what_openai_makes_in_the_background_is_charged_once_at_its_end() {
    let upstream = Canned::start(slow_house).await.unwrap();
    let config = format!(
        "model_list:
  - {{model_name: gpt, litellm_params: {{model: openai/gpt-4o, api_key: sk-model, api_base: '{}/v1'}}}}
general_settings: {{master_key: {MASTER_KEY}}}
",
        upstream.base_url()
    );
    let gateway = Gateway::start(&config).await.unwrap();
    let ask = json!({"model": "gpt", "input": "Hi", "background": true});
    // As an interaction and as a response; looked at, stopped, deleted; whoever comes later pays nothing.
    let looks = [
        (INTERACTIONS, vec![(Method::GET, ""), (Method::GET, "")]),
        ("/v1/responses", vec![(Method::GET, ""), (Method::POST, "/cancel"), (Method::GET, "")]),
        ("/v1/responses", vec![(Method::DELETE, "")]),
        ("/v1/responses", vec![(Method::POST, "/cancel"), (Method::DELETE, "")]),
    ];
    for (at, (path, looks)) in looks.into_iter().enumerate() {
        let gateway = if at == 0 { &gateway } else { &Gateway::start(&config).await.unwrap() };
        let (key, token) = gateway.new_key(&json!({})).await.unwrap();
        let begun = gateway.post(path, &ask, &key).await.unwrap();
        assert_eq!(begun.status, 200, "{}", begun.text());
        let first = gateway.spend_rows(&token, 1).await.unwrap();
        assert!(first[0]["spend"].as_f64().unwrap() < 1e-3, "the prompt at first: {first:?}");
        let id = begun.json()["id"].as_str().unwrap().to_owned();
        for (method, behind) in looks {
            let path = format!("{path}/{id}{behind}");
            let bearer = format!("Bearer {key}");
            let told = gateway.send(method, &path, &[("authorization", &bearer)], "".into()).await.unwrap();
            assert_eq!(told.status, 200, "{path}: {}", told.text());
        }
        charged_for_all(gateway, &token, 2).await;
    }
}

/// A gateway that dies between the journal and the row that says what was charged.
#[tokio::test]
async fn who_dies_before_it_is_written_down_charges_nobody_twice() {
    use llm_store::{Filter, ManagedObjectRow, SpendLogRow, Store, StoreConfig};
    let upstream = Canned::start(slow_house).await.unwrap();
    let config = format!(
        "model_list:
  - {{model_name: gpt, litellm_params: {{model: openai/gpt-4o, api_key: sk-model, api_base: '{}/v1'}}}}
general_settings: {{master_key: {MASTER_KEY}}}
",
        upstream.base_url()
    );
    let folder = tempfile::tempdir().unwrap();
    let options = Options { state_dir: Some(folder.path().to_owned()), ..Options::default() };
    let mut gateway = Gateway::start_with(&config, &options).await.unwrap();
    let (key, token) = gateway.new_key(&json!({})).await.unwrap();
    let begun = gateway.post("/v1/responses", &json!({"model": "gpt", "input": "Hi", "background": true}), &key).await;
    let path = format!("/v1/responses/{}", begun.unwrap().json()["id"].as_str().unwrap());
    let marks = async || {
        let store = Store::open(&StoreConfig::file(folder.path().join("store.db"))).await.unwrap();
        let marks = store.table::<ManagedObjectRow>().find(Filter::new().is("file_purpose", "response")).await.unwrap();
        let marks: Vec<_> = marks.into_iter().filter(|row| row.unified_object_id.ends_with(":charged")).collect();
        (store, marks)
    };
    for _ in 0..2 {
        assert_eq!(gateway.get(&path, &key).await.unwrap().json()["status"], "completed");
        gateway.terminate().unwrap();
        assert!(gateway.exited(std::time::Duration::from_secs(60)).await.unwrap().success(), "{}", gateway.logs());
        let (store, marks) = marks().await;
        assert_eq!(marks.len(), 1, "{marks:?}");
        let mut table = store.table::<ManagedObjectRow>();
        assert!(table.delete([marks[0].id.as_str()]).await.unwrap());
        let rows = store.table::<SpendLogRow>().find(Filter::new().is("api_key", token.clone())).await.unwrap();
        let spent: f64 = rows.iter().map(|row| row.spend).sum();
        assert!((spent - (70.0 * 2.5e-6 + 3000.0 * 10e-6)).abs() < 1e-9, "{rows:?}");
        drop(store);
        gateway = Gateway::start_with(&config, &options).await.unwrap();
    }
}
