//! Callbacks of all calls, of single keys and of single teams: what a service is told.
use llm_simulator::{Simulator, SimulatorConfig};
use llm_tests::{Asked, Canned, Gateway, MASTER_KEY, Options, eventually};
use serde_json::{Value, json};

use super::{config, key};

const PROMPT: &str = "tell me a secret";

/// A service that takes everything.
async fn service() -> Canned {
    Canned::start(|_: &Asked| (207, "application/json", r#"{"successes":[],"errors":[]}"#.to_owned())).await.unwrap()
}

/// The generations that a service was told of, by the alias of the key that made the call.
fn generations(service: &Canned) -> Vec<(String, Value)> {
    let events =
        service.seen().into_iter().flat_map(|asked| asked.json["batch"].as_array().cloned().unwrap_or_default());
    let made = events.filter(|event| event["type"] == "generation-create");
    made.map(|event| (event["body"]["metadata"]["user_api_key_alias"].as_str().unwrap_or_default().to_owned(), event))
        .collect()
}

async fn chat(gateway: &Gateway, key: &str, stream: bool) {
    let body = json!({"model": "gpt", "stream": stream, "messages": [{"role": "user", "content": PROMPT}],
        "metadata": {"generation_name": "mine", "session_id": "s-1"}});
    assert_eq!(gateway.post("/v1/chat/completions", &body, key).await.unwrap().status, 200);
}

#[tokio::test]
async fn keys_and_teams_have_callbacks_of_their_own() {
    let (sim, operators) = (Simulator::start(SimulatorConfig::default()).await.unwrap(), service().await);
    let config = config(&sim, "litellm_settings: {success_callback: [generic_api]}\n");
    let all = service().await;
    let env = [
        ("LANGFUSE_HOST", operators.base_url()),
        ("LANGFUSE_PUBLIC_KEY", "pk-operator".to_owned()),
        ("LANGFUSE_SECRET_KEY", "sk-operator".to_owned()),
        ("GENERIC_LOGGER_ENDPOINT", all.base_url()),
        ("GENERIC_LOGGER_HEADERS", "x-logger=yes".to_owned()),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let gateway = Gateway::start_with(&config, &Options { env, ..Options::default() }).await.unwrap();

    let team = gateway.ask("/team/new", &json!({"team_id": "red"})).await.unwrap();
    assert_eq!(team.status, 200, "{}", team.text());
    let vars = json!({"langfuse_public_key": "pk-red", "langfuse_secret": "sk-of-the-red-team"});
    let attach = json!({"callback_name": "langfuse", "callback_type": "success", "callback_vars": vars});
    let attached = gateway.ask("/team/red/callback", &attach).await.unwrap();
    assert_eq!(attached.status, 200, "{}", attached.text());
    assert!(!attached.text().contains("sk-of-the-red-team"), "the secret is sealed");
    assert_eq!(gateway.ask("/team/red/callback", &attach).await.unwrap().status, 400, "twice");
    let shown = gateway.get("/team/red/callback", MASTER_KEY).await.unwrap().json();
    assert_eq!(shown["data"]["success_callback"], json!(["langfuse"]));
    assert_eq!(gateway.ask("/team/new", &json!({"team_id": "blue"})).await.unwrap().status, 200);

    // What could not be used is refused, and nothing of it is kept.
    for (name, kind, vars, status) in [
        ("nobody", "success", json!({}), 400),
        ("langfuse", "never", json!({}), 422),
        ("langfuse", "failure", json!({"langfuse_public_key": "os.environ/LITELLM_MASTER_KEY"}), 400),
        ("langfuse", "failure", json!({"langfuse_host": "https://elsewhere.example"}), 400),
    ] {
        let body = json!({"callback_name": name, "callback_type": kind, "callback_vars": vars});
        let refused = gateway.ask("/team/blue/callback", &body).await.unwrap();
        assert_eq!(refused.status, status, "{body}: {}", refused.text());
    }
    let blue = gateway.get("/team/blue/callback", MASTER_KEY).await.unwrap().json();
    assert_eq!((&blue["data"]["success_callback"], &blue["data"]["callback_vars"]), (&json!([]), &json!({})));

    let logging = |host: &str| {
        json!([{"callback_name": "langfuse", "callback_type": "success_and_failure", "callback_vars":
            {"langfuse_host": host, "langfuse_public_key": "pk-own", "langfuse_secret_key": "sk-own"}}])
    };
    let of_team = key(&gateway, json!({"team_id": "red", "key_alias": "of-team"})).await;
    let own = key(&gateway, json!({"key_alias": "own", "metadata": {"logging": logging(&operators.base_url())}})).await;
    let inside = service().await;
    let hidden =
        key(&gateway, json!({"key_alias": "inside", "metadata": {"logging": logging(&inside.base_url())}})).await;
    let plain = key(&gateway, json!({"key_alias": "plain"})).await;
    for (key, stream) in [(&of_team, false), (&own, true), (&hidden, false), (&plain, false)] {
        chat(&gateway, key, stream).await;
    }

    eventually("two calls are told", async || (generations(&operators).len() == 2).then_some(())).await;
    let told = generations(&operators);
    for (alias, event) in &told {
        let body = &event["body"];
        assert!(["of-team", "own"].contains(&alias.as_str()), "{event}");
        assert_eq!(body["input"][0]["content"], PROMPT, "{event}");
        assert!(body["output"]["content"].as_str().is_some_and(|text| !text.is_empty()), "{event}");
        assert_eq!((&body["name"], &body["level"]), (&json!("mine"), &json!("DEFAULT")));
        assert!(
            body["usageDetails"]["output"].as_u64().unwrap() > 0
                && body["costDetails"]["total"].as_f64().unwrap() > 0.0
        );
    }
    let mut who: Vec<String> = operators.seen().iter().map(|asked| asked.header("authorization").to_owned()).collect();
    who.sort();
    who.dedup();
    // pk-own:sk-own and pk-red:sk-of-the-red-team
    assert_eq!(who, ["Basic cGstb3duOnNrLW93bg==", "Basic cGstcmVkOnNrLW9mLXRoZS1yZWQtdGVhbQ=="]);

    // The operator's own callback hears of all four; addresses inside are nobody's but the operator's.
    let heard = || all.seen().iter().map(|asked| asked.json.as_array().map_or(0, Vec::len)).sum::<usize>();
    eventually("all calls are told", async || (heard() == 4).then_some(())).await;
    assert!(all.seen().iter().all(|asked| asked.header("x-logger") == "yes"));
    assert!(inside.seen().is_empty(), "a key named an address inside");
    eventually("the loss is told", async || gateway.logs().contains("loses records").then_some(())).await;

    for (key, status) in [(&own, "healthy"), (&hidden, "unhealthy"), (&plain, "healthy")] {
        let health = gateway.post("/key/health", &json!({}), key).await.unwrap().json();
        assert_eq!(health["key"], status, "{health}");
    }
    let tried = gateway.get("/health/services?service=generic_api", MASTER_KEY).await.unwrap();
    assert_eq!((tried.status, tried.json()["status"].clone()), (200, json!("success")));
    for (service, status) in [("langfuse", 422), ("unheard-of", 400), ("", 400)] {
        let path = format!("/health/services?service={service}");
        assert_eq!(gateway.get(&path, MASTER_KEY).await.unwrap().status, status, "{service}");
    }

    // Taken away, the team's calls are told nowhere.
    let off = gateway.ask("/team/red/disable_logging", &json!({})).await.unwrap();
    assert_eq!(off.status, 200, "{}", off.text());
    chat(&gateway, &of_team, false).await;
    chat(&gateway, &own, false).await;
    eventually("one more call is told", async || (generations(&operators).len() == 4).then_some(())).await;
    assert!(generations(&operators).iter().filter(|(alias, _)| alias == "of-team").count() == 1);
}

#[tokio::test]
async fn what_the_operator_hides_is_told_of_calls_that_may_lift_it() {
    let (sim, operators) = (Simulator::start(SimulatorConfig::default()).await.unwrap(), service().await);
    let settings = "litellm_settings: {success_callback: [langfuse], turn_off_message_logging: true}\n";
    let env = [("HOST", operators.base_url()), ("PUBLIC_KEY", "pk".to_owned()), ("SECRET_KEY", "sk".to_owned())];
    let env = env.map(|(name, value)| (format!("LANGFUSE_{name}"), value)).to_vec();
    let options = Options { env, ..Options::default() };
    let gateway = Gateway::start_with(&config(&sim, settings), &options).await.unwrap();
    let may = key(&gateway, json!({"key_alias": "may", "metadata": {"allow_client_message_redaction_opt_out": true}}));
    let (may, others) = (may.await, key(&gateway, json!({"key_alias": "others"})).await);
    let body = json!({"model": "gpt", "messages": [{"role": "user", "content": PROMPT}]}).to_string();
    for key in [&may, &others] {
        let key = format!("Bearer {key}");
        let headers = [
            ("authorization", key.as_str()),
            ("content-type", "application/json"),
            ("litellm-disable-message-redaction", "true"),
        ];
        let path = "/v1/chat/completions";
        let reply = gateway.send(http::Method::POST, path, &headers, body.clone().into()).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    let told = eventually("both calls", async || {
        let told = generations(&operators);
        (told.len() == 2).then(|| json!(told))
    })
    .await;
    for event in told.as_array().unwrap() {
        let (alias, body) = (&event[0], &event[1]["body"]);
        assert_eq!(body["input"].to_string().contains(PROMPT), alias == "may", "{body}");
        assert!(!body["output"].is_null(), "{body}");
    }
}
