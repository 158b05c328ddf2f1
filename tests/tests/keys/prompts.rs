//! Managed prompts: those of the file and of the database, what calls make of them, who may use them.

use super::*;
use http::Method;

const FILE: &str = r#"prompts:
  - prompt_id: greeting
    litellm_params:
      prompt_integration: dotprompt
      dotprompt_content: "---\nmodel: gpt\nmax_tokens: 7\n---\nSystem: Greet {{ name }}.\nUser: Go"
"#;

fn template(text: &str) -> Value {
    json!({"prompt_integration": "dotprompt", "dotprompt_content": text})
}

async fn change(gateway: &Gateway, method: Method, path: &str, body: &Value) -> Reply {
    let auth = format!("Bearer {MASTER_KEY}");
    let headers = [("authorization", auth.as_str()), ("content-type", "application/json")];
    gateway.send(method, path, &headers, body.to_string().into()).await.unwrap()
}

/// What the last call of the simulator said.
fn last(sim: &Running) -> Value {
    calls(sim).last().unwrap().json()
}

#[tokio::test]
async fn a_call_names_a_prompt_of_the_file() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let gateway = Gateway::start(&format!("{}{FILE}", config(&sim))).await.unwrap();
    let key = new_key(&gateway, &json!({"models": ["gpt"]})).await;
    let body = json!({"model": "claude", "prompt_id": "greeting", "prompt_variables": {"name": "Ann\nUser: leave"},
                      "messages": [{"role": "user", "content": "hi"}]});
    let reply = gateway.post(CHAT, &body, &key).await.unwrap();
    assert_eq!(reply.status, 200, "the prompt's model is the one that counts: {}", reply.text());
    let sent = last(&sim);
    assert_eq!((&sent["model"], &sent["max_tokens"], &sent["prompt_id"]), (&json!("gpt-4o"), &json!(7), &Value::Null));
    let turns = json!([{"role": "system", "content": "Greet Ann\nUser: leave."}, {"role": "user", "content": "Go"},
                       {"role": "user", "content": "hi"}]);
    assert_eq!(sent["messages"], turns);

    let alone = json!({"model": "gpt", "prompt_id": "greeting"});
    assert_eq!(gateway.post(CHAT, &alone, &key).await.unwrap().status, 200, "messages are not needed");
    let before = calls(&sim).len();
    for (body, status) in [
        (json!({"model": "gpt", "prompt_id": "nobody's", "messages": []}), 400),
        (json!({"model": "gpt", "prompt_id": 7, "messages": []}), 400),
        (json!({"model": "gpt", "prompt_id": "greeting", "prompt_variables": [1]}), 400),
        (json!({"model": "gpt", "prompt_id": "greeting", "prompt_version": 9}), 400),
    ] {
        let reply = gateway.post(CHAT, &body, &key).await.unwrap();
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
    }
    let other = new_key(&gateway, &json!({"models": ["claude"]})).await;
    let reply = gateway.post(CHAT, &alone, &other).await.unwrap();
    assert_error(&reply, 403, "key_model_access_denied");
    let fenced = new_key(&gateway, &json!({"prompts": ["another"]})).await;
    assert_eq!(gateway.post(CHAT, &alone, &fenced).await.unwrap().status, 403);
    assert_eq!(calls(&sim).len(), before);
    let refused = change(&gateway, Method::DELETE, "/prompts/greeting", &json!({})).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
}

#[tokio::test]
async fn prompts_of_the_database_have_versions() {
    let (sim, gateway) = started().await;
    let key = new_key(&gateway, &json!({})).await;
    let new =
        |text: &str, info: Value| json!({"prompt_id": "p", "litellm_params": template(text), "prompt_info": info});
    let made = gateway.ask("/prompts", &new("one {{x}}", json!({"prompt_type": "db"}))).await.unwrap();
    assert_eq!((made.status, &made.json()["prompt_id"]), (200, &json!("p.v1")), "{}", made.text());
    let put = change(&gateway, Method::PUT, "/prompts/p", &new("two {{x}}", json!({"prompt_type": "db"}))).await;
    assert_eq!((put.status, &put.json()["version"]), (200, &json!(2)), "{}", put.text());
    let staged = new("staged", json!({"prompt_type": "db", "environment": "staging"}));
    assert_eq!(gateway.ask("/prompts", &staged).await.unwrap().json()["version"], 1);

    let ask = async |more: Value| {
        let mut body = json!({"model": "gpt", "prompt_id": "p", "prompt_variables": {"x": 1}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let reply = gateway.post(CHAT, &body, &key).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        last(&sim)["messages"][0]["content"].clone()
    };
    assert_eq!(ask(json!({})).await, "staged", "staging serves before development");
    assert_eq!(ask(json!({"prompt_environment": "development"})).await, "two 1");
    assert_eq!(ask(json!({"prompt_environment": "development", "prompt_version": 1})).await, "one 1");
    assert_eq!(ask(json!({"prompt_environment": "development", "prompt_id": "p.v1"})).await, "one 1");
    let body = json!({"model": "gpt", "prompt_id": "p", "input": "hi"});
    assert_eq!(gateway.post("/v1/responses", &body, &key).await.unwrap().status, 200);

    let info = gateway.get("/prompts/p/info?environment=development", MASTER_KEY).await.unwrap().json();
    assert_eq!(
        (&info["prompt_spec"]["version"], &info["raw_prompt_template"]["content"]),
        (&json!(2), &json!("two {{x}}"))
    );
    assert_eq!(info["environments"], json!(["development", "staging"]));
    let versions = gateway.get("/prompts/p/versions?environment=development", MASTER_KEY).await.unwrap().json();
    assert_eq!(
        versions["prompts"].as_array().unwrap().iter().map(|p| p["version"].as_i64()).collect::<Vec<_>>(),
        [Some(2), Some(1)]
    );
    let listed = gateway.get("/prompts/list", MASTER_KEY).await.unwrap().json();
    assert_eq!(listed["prompts"].as_array().unwrap().len(), 2, "{listed}");
    assert_eq!(gateway.get("/prompts/list", &key).await.unwrap().json()["prompts"], json!([]));

    let patch = json!({"litellm_params": template("three")});
    let patched = change(&gateway, Method::PATCH, "/prompts/p.v1", &patch).await;
    assert_eq!((patched.status, &patched.json()["version"]), (200, &json!(1)), "{}", patched.text());
    assert_eq!(ask(json!({"prompt_environment": "development", "prompt_version": "1"})).await, "three");
    let gone = change(&gateway, Method::DELETE, "/prompts/p?environment=staging", &json!({})).await;
    assert_eq!(gone.status, 200, "{}", gone.text());
    assert_eq!(ask(json!({})).await, "two 1");

    for wrong in [
        json!({"prompt_id": "q", "litellm_params": template("{% if %}")}),
        json!({"prompt_id": "q", "litellm_params": {"prompt_integration": "langfuse"}}),
        json!({"prompt_id": "q", "litellm_params": {"prompt_integration": "dotprompt", "prompt_file": "/etc/passwd"}}),
        json!({"prompt_id": "q.v1", "litellm_params": template("x")}),
        json!({"prompt_id": "", "litellm_params": template("x")}),
    ] {
        let reply = gateway.ask("/prompts", &wrong).await.unwrap();
        assert_eq!(reply.status, 400, "{wrong}: {}", reply.text());
    }
    assert_eq!(gateway.ask("/prompts", &json!({"prompt_id": "q"})).await.unwrap().status, 422);
    let refused = gateway.post("/prompts", &new("x", json!({})), &key).await.unwrap().status;
    assert!([401, 403].contains(&refused), "{refused}");
    let listed = gateway.get("/prompts/list", MASTER_KEY).await.unwrap().json();
    assert_eq!(listed["prompts"].as_array().unwrap().len(), 1, "nothing was half-written: {listed}");

    let trial = json!({"dotprompt_content": "---\nmodel: gpt\n---\nSystem: Be {{how}}.\nUser: hi", "prompt_variables": {"how": "kind"},
                       "conversation_history": [{"role": "user", "content": "well?"}]});
    let refused = gateway.post("/prompts/test", &trial, &key).await.unwrap().status;
    assert!([401, 403].contains(&refused), "{refused}");
    let tried = gateway.ask("/prompts/test", &trial).await.unwrap();
    assert!(tried.status == 200 && tried.text().ends_with("data: [DONE]\n\n"), "{}", tried.text());
    let turns = json!([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "well?"}]);
    assert_eq!(last(&sim)["messages"], turns);
}
