//! Choosing among deployments through the gateway: tags, order, budgets, ties, settings of keys, for every client's language.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failed test"
)]

#[path = "routing/bills.rs"]
mod bills;
#[path = "routing/choice.rs"]
mod choice;
#[path = "routing/costs.rs"]
mod costs;
#[path = "routing/filtered.rs"]
mod filtered;
#[path = "routing/health.rs"]
mod health;
#[path = "routing/metrics.rs"]
mod metrics;
#[path = "routing/regions.rs"]
mod regions;
#[path = "routing/relays.rs"]
mod relays;

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Method;
use llm_simulator::{Fault, Match, Running, Script, Simulator, SimulatorConfig};
use llm_tests::{Canned, Config, Gateway, MASTER_KEY, Reply, calls};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";

async fn sim() -> Running {
    Simulator::start(SimulatorConfig::default()).await.unwrap()
}

/// `m` at `/east` and `/west` with these parameters.
fn two(sim: &Running, east: &[&str], west: &[&str]) -> Config {
    let at = |c: Config, place: &str, more: &[&str]| c.model_below("m", "openai/gpt-4o", place, more);
    at(at(Config::empty(sim), "/east", east), "/west", west)
}

fn say(text: &str) -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": text}]})
}

/// The prefixes of the deployments that were called, in order.
fn places(sim: &Running) -> Vec<String> {
    calls(sim).iter().map(|c| c.path.split('/').nth(1).unwrap().to_owned()).collect()
}

/// Asks with further headers.
async fn ask(gateway: &Gateway, body: &Value, headers: &[(&str, &str)]) -> Reply {
    let bearer = format!("Bearer {MASTER_KEY}");
    let mut all = vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
    all.extend_from_slice(headers);
    gateway.send(Method::POST, CHAT, &all, Bytes::from(body.to_string())).await.unwrap()
}

#[tokio::test]
async fn tags_choose_the_deployment_in_every_language() {
    let sim = sim().await;
    let config = two(&sim, &["tags: [free]"], &["tags: [paid, default]"]).router("enable_tag_filtering: true");
    let gateway = Gateway::start(&config.yaml()).await.unwrap();
    let user = json!([{"role": "user", "content": "hi"}]);
    let bodies = [
        (CHAT, json!({"model": "m", "messages": user})),
        ("/v1/messages", json!({"model": "m", "max_tokens": 64, "messages": user})),
        ("/v1/responses", json!({"model": "m", "input": "hi"})),
        ("/v1beta/models/m:generateContent", json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]})),
    ];
    for (path, body) in &bodies {
        for stream in [false, true] {
            let mut body = body.clone();
            body["tags"] = json!(["free"]);
            let path = if stream { path.replace(":generate", ":streamGenerate") } else { (*path).to_owned() };
            if stream && !path.contains(':') {
                body["stream"] = json!(true);
            }
            let reply = gateway.ask(&path, &body).await.unwrap();
            assert_eq!(reply.status, 200, "{path}: {}", reply.text());
            assert!(reply.header("x-litellm-model-api-base").contains("/east"), "{path}: {:?}", reply.headers);
        }
    }
    assert_eq!(places(&sim).into_iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>(), ["east"]);
    let reply = ask(&gateway, &say("hi"), &[("x-litellm-tags", "unheard, of")]).await;
    assert!(reply.header("x-litellm-model-api-base").contains("/west"), "the default pool");
    let mut body = say("hi");
    body["metadata"] = json!({"tags": ["&free", "&paid"]});
    let refused = gateway.ask(CHAT, &body).await.unwrap();
    assert_eq!(refused.status, 401, "{}", refused.text());
    assert!(refused.text().contains("Not allowed to access model due to tags configuration"), "{}", refused.text());
}

#[tokio::test]
async fn keys_bring_tags_and_settings_of_their_own() {
    let sim = sim().await;
    let config = two(&sim, &["tags: [free]"], &["tags: [paid]"]).router("enable_tag_filtering: true");
    let gateway = Gateway::start(&config.model_below("spare", "openai/gpt-4o", "/spare", &["tags: [paid]"]).yaml())
        .await
        .unwrap();
    let fields = json!({"metadata": {"tags": ["paid"]}, "router_settings": {"fallbacks": [{"m": ["spare"]}]}});
    let key = gateway.ask("/key/generate", &fields).await.unwrap().json()["key"].as_str().unwrap().to_owned();
    let reply = gateway.post(CHAT, &say("hi"), &key).await.unwrap();
    assert!(reply.header("x-litellm-model-api-base").contains("/west"), "{} {:?}", reply.text(), reply.headers);
    sim.script(Match::path("/west"), Script::fault(Fault::Status(500)));
    let reply = gateway.post(CHAT, &say("hi"), &key).await.unwrap();
    assert_eq!((reply.status, reply.header("x-litellm-attempted-fallbacks")), (200, "1"), "{}", reply.text());
    let mut body = say("hi");
    body["tags"] = json!(["paid"]);
    let without = gateway.ask(CHAT, &body);
    assert_eq!(without.await.unwrap().status, 500, "the fallback is the key's own");
}

#[tokio::test]
async fn the_lowest_order_answers_and_the_next_steps_in() {
    let sim = sim().await;
    let gateway = Gateway::start(&two(&sim, &["order: 2"], &["order: 1"]).yaml()).await.unwrap();
    for _ in 0..5 {
        assert_eq!(gateway.ask(CHAT, &say("hi")).await.unwrap().status, 200);
    }
    assert_eq!(places(&sim), ["west"; 5]);
    sim.script(Match::path("/west"), Script::fault(Fault::Status(500)));
    let reply = gateway.ask(CHAT, &say("hi")).await.unwrap();
    assert_eq!((reply.status, places(&sim).pop().as_deref()), (200, Some("east")), "{}", reply.text());
}

#[tokio::test]
async fn sessions_stay_at_their_deployment() {
    let sim = sim().await;
    let config = two(&sim, &[], &[]).router("optional_pre_call_checks: [session_affinity]");
    let gateway = Gateway::start(&config.yaml()).await.unwrap();
    let mut homes = BTreeSet::new();
    for session in 0..12 {
        let id = format!("s{session}");
        let mut own = BTreeSet::new();
        for _ in 0..4 {
            let reply = ask(&gateway, &say("hi"), &[("x-litellm-session-id", &id)]).await;
            own.insert(reply.header("x-litellm-model-api-base").to_owned());
        }
        assert_eq!(own.len(), 1, "{own:?}");
        homes.extend(own);
    }
    assert_eq!(homes.len(), 2, "not all sessions have the same home");
}

#[tokio::test]
async fn encrypted_content_goes_back_to_its_maker() {
    let upstream = Canned::start(|asked| {
        let place = asked.path.split('/').nth(1).unwrap_or_default();
        let item =
            json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": format!("gAAA{place}")});
        let made = json!({"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "gpt-4o",
            "output": [item], "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}});
        match asked.json["stream"] == true {
            true => {
                let event = json!({"type": "response.completed", "sequence_number": 1, "response": made});
                (200, "text/event-stream", format!("event: response.completed\ndata: {event}\n\n"))
            }
            false => (200, "application/json", made.to_string()),
        }
    });
    let upstream = upstream.await.unwrap();
    let models: String = ["east", "west"]
        .map(|place| {
            format!(
                "- model_name: m\n  litellm_params: {{model: openai/gpt-4o, api_base: '{}/{place}/v1', api_key: k}}\n",
                upstream.base_url()
            )
        })
        .concat();
    let yaml = format!(
        "model_list:\n{models}router_settings:\n  optional_pre_call_checks: [encrypted_content_affinity]\n\
         general_settings:\n  master_key: '{MASTER_KEY}'\n"
    );
    let gateway = Gateway::start(&yaml).await.unwrap();
    for stream in [false, true] {
        let first =
            gateway.ask("/v1/responses", &json!({"model": "m", "input": "hi", "stream": stream})).await.unwrap();
        assert_eq!(first.status, 200, "{}", first.text());
        let home = upstream.seen().last().unwrap().path.split('/').nth(1).unwrap().to_owned();
        let item =
            json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": format!("gAAA{home}")});
        let input = json!([{"role": "user", "content": "hi"}, item, {"role": "user", "content": "go on"}]);
        for _ in 0..8 {
            let reply = gateway.ask("/v1/responses", &json!({"model": "m", "input": input})).await.unwrap();
            assert_eq!(reply.status, 200, "{}", reply.text());
            assert_eq!(upstream.seen().last().unwrap().path.split('/').nth(1).unwrap(), home);
        }
    }
}

/// What `POST /router/explain` says: ids in order, and the reasons of those that are out.
async fn explained(gateway: &Gateway, body: &Value) -> (Vec<String>, Vec<String>, Value) {
    let reply = gateway.ask("/router/explain", body).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    let told = reply.json();
    let texts = |list: &Value| list.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect();
    let out = told["candidates"].as_array().unwrap().iter().filter(|c| c["kept"] == false);
    let reasons = out.map(|c| c["reason"].as_str().unwrap().to_owned()).collect();
    (texts(&told["order"]), reasons, told)
}

#[tokio::test]
async fn a_decision_is_explained_before_and_read_back_after() {
    let sim = sim().await;
    let east = ["tags: [free]", "input_cost_per_token: 0.000009", "output_cost_per_token: 0.000009"];
    let config = two(&sim, &east, &["tags: [free]"])
        .model_below("m", "openai/gpt-4o-mini", "/paid", &["tags: [paid]"])
        .model_below("spare", "openai/gpt-4o", "/spare", &["tags: [free]"])
        .router("enable_tag_filtering: true")
        .router("routing_strategy: cost-based-routing")
        .router("fallbacks: [{m: [spare]}]");
    let gateway = Gateway::start(&config.yaml()).await.unwrap();
    let mut body = say("hi");
    body["tags"] = json!(["free"]);
    let (order, reasons, told) = explained(&gateway, &body).await;
    assert_eq!((order.len(), reasons), (2, vec!["tags".to_owned()]), "{told}");
    assert_eq!((&told["strategy"], &told["fallbacks"]), (&json!("cost-based-routing"), &json!(["spare"])));
    let cheapest = told["candidates"].as_array().unwrap().iter().find(|c| c["place"] == 0).unwrap();
    assert!(cheapest["score"].as_f64().unwrap() < 0.000018, "{told}");
    let wrapped = json!({"path": "/v1/messages", "headers": {"x-litellm-tags": "paid"},
        "body": {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}});
    assert_eq!(explained(&gateway, &wrapped).await.0.len(), 1);
    assert!(calls(&sim).is_empty(), "nothing was sent");

    sim.script(Match::path("/west"), Script::fault(Fault::Status(500)));
    let reply = gateway.ask(CHAT, &body).await.unwrap();
    assert_eq!((reply.status, reply.header("x-litellm-attempted-fallbacks")), (200, "1"), "{}", reply.text());
    let id = reply.header("x-llm-decision-id").to_owned();
    let told = gateway.get(&format!("/router/decisions/{id}"), MASTER_KEY).await.unwrap().json();
    let choice = &told["choices"][0];
    assert_eq!((&choice["chosen"], &choice["outcome"]), (&json!(order[0]), &json!("InternalServerError")), "{told}");
    let second = &told["choices"][1];
    assert_eq!((&second["model_group"], &second["outcome"]), (&json!("spare"), &json!("ok")), "{told}");
    assert_eq!((&choice["dropped"][0]["reason"], &told["model"]), (&json!("tags"), &json!("m")), "{told}");
    let mut stream = body.clone();
    stream["tags"] = json!(["paid"]);
    stream["stream"] = json!(true);
    let id = gateway.ask(CHAT, &stream).await.unwrap().header("x-llm-decision-id").to_owned();
    let told = gateway.get(&format!("/router/decisions/{id}"), MASTER_KEY).await.unwrap().json();
    assert_eq!(told["choices"][0]["outcome"], "ok", "{told}");
    let all = gateway.get("/router/decisions?limit=1", MASTER_KEY).await.unwrap().json();
    assert_eq!(all["data"][0]["id"], json!(id));
    assert_eq!(gateway.get("/router/decisions/0000000000000001", MASTER_KEY).await.unwrap().status, 404);
    let key = gateway.ask("/key/generate", &json!({})).await.unwrap().json()["key"].as_str().unwrap().to_owned();
    assert_ne!(gateway.post("/router/explain", &body, &key).await.unwrap().status, 200, "it is the administrators'");
}

#[tokio::test]
async fn a_second_call_saves_a_late_answer() {
    let sim = sim().await;
    let config = two(&sim, &["order: 1"], &["order: 1"])
        .router("routing_strategy: least-busy")
        .router("hedging: {delay: 0.2, max_extra: 1}");
    let gateway = Gateway::start(&config.yaml()).await.unwrap();
    sim.script(Match::path("/east"), Script { delay_ms: Some(20_000), ..Script::default() });
    for stream in [false, true] {
        let mut body = say("hi");
        body["stream"] = json!(stream);
        let reply = gateway.ask(CHAT, &body).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(reply.header("x-litellm-model-api-base").contains("/west"), "{:?}", reply.headers);
    }
    assert_eq!(places(&sim), ["east", "west", "east", "west"]);
}

/// A vector that says whether a text is about code.
fn vector(text: &str) -> Value {
    if text.contains("code") { json!([1.0, 0.0]) } else { json!([0.0, 1.0]) }
}

#[tokio::test]
async fn auto_routers_choose_by_what_is_asked() {
    let upstream = Canned::start(|asked| {
        let input = asked.json["input"].as_array().cloned().unwrap_or_default();
        let data: Vec<Value> = input.iter().enumerate().map(|(n, text)| {
            json!({"object": "embedding", "index": n, "embedding": vector(text.as_str().unwrap_or_default())})
        }).collect();
        (
            200,
            "application/json",
            json!({"object": "list", "data": data, "model": "e", "usage": {"prompt_tokens": 1, "total_tokens": 1}})
                .to_string(),
        )
    });
    let upstream = upstream.await.unwrap();
    let sim = sim().await;
    let routes =
        json!({"routes": [{"name": "coder", "utterances": ["write code"], "score_threshold": 0.5}]}).to_string();
    let yaml = Config::empty(&sim)
        .model_below("small", "openai/gpt-4o-mini", "/small", &[])
        .model_below("large", "openai/gpt-4o", "/large", &[])
        .model_below("coder", "openai/gpt-4o", "/coder", &[])
        .yaml()
        .replace("model_list:\n", &format!(
            "model_list:\n  - model_name: smart\n    litellm_params:\n      model: auto_router/complexity_router\n      \
             complexity_router_config: {{tiers: {{SIMPLE: small, REASONING: large}}}}\n  - model_name: alike\n    litellm_params:\n      \
             model: auto_router/routes\n      auto_router_config: '{routes}'\n      auto_router_default_model: small\n      \
             auto_router_embedding_model: vectors\n  - model_name: vectors\n    litellm_params: {{model: openai/e, api_base: '{}/v1', api_key: k}}\n",
            upstream.base_url()
        ));
    let gateway = Gateway::start(&yaml).await.unwrap();
    let hard = "Think step by step and analyze what follows from this";
    for (model, text, place, tier) in [
        ("smart", "hi", "small", "SIMPLE"),
        ("smart", hard, "large", "REASONING"),
        ("alike", "please code this", "coder", ""),
        ("alike", "sing a song", "small", ""),
    ] {
        for (path, stream) in [(CHAT, false), (CHAT, true), ("/v1/messages", false)] {
            let body = json!({"model": model, "max_tokens": 50, "stream": stream, "messages": [{"role": "user", "content": text}]});
            let reply = gateway.ask(path, &body).await.unwrap();
            assert_eq!(reply.status, 200, "{model}: {}", reply.text());
            assert_eq!(reply.header("x-litellm-complexity-router-tier"), tier);
            assert_eq!(places(&sim).pop().unwrap(), place, "{model}: {text}");
        }
    }
    let told = explained(&gateway, &json!({"model": "smart", "messages": [{"role": "user", "content": hard}]})).await.2;
    assert_eq!((&told["auto"]["tier"], &told["model_group"]), (&json!("REASONING"), &json!("large")), "{told}");
}

#[tokio::test]
async fn routing_groups_are_called_by_name_and_end_users_stay_in_their_region() {
    let sim = sim().await;
    let config = two(&sim, &["region_name: eu"], &["region_name: us-east-1"])
        .model_below("n", "openai/gpt-4o-mini", "/north", &["input_cost_per_token: 0.0", "output_cost_per_token: 0.0"])
        .router("routing_groups: [{group_name: cheap, models: [m, n], routing_strategy: cost-based-routing}]")
        .router("fallbacks: [{m: [n]}]");
    let gateway = Gateway::start(&config.yaml()).await.unwrap();
    let mut body = say("hi");
    body["model"] = json!("cheap");
    let reply = gateway.ask(CHAT, &body).await.unwrap();
    assert_eq!((reply.status, places(&sim).pop().unwrap().as_str()), (200, "north"), "{}", reply.text());
    let key = gateway.ask("/key/generate", &json!({"models": ["m"]})).await.unwrap().json();
    let refused = gateway.post(CHAT, &body, key["key"].as_str().unwrap()).await.unwrap();
    assert_eq!(refused.status, 403, "its name has to be allowed: {}", refused.text());

    for (user, region) in [("ada", "eu"), ("bob", "us")] {
        let made =
            gateway.ask("/customer/new", &json!({"user_id": user, "allowed_model_region": region})).await.unwrap();
        assert_eq!(made.status, 200, "{}", made.text());
        let place = if region == "eu" { "east" } else { "west" };
        for (path, mut body) in [(CHAT, say("hi")), ("/v1/responses", json!({"model": "m", "input": "hi"}))] {
            body["user"] = json!(user);
            for _ in 0..3 {
                let reply = gateway.ask(path, &body).await.unwrap();
                assert_eq!((reply.status, places(&sim).pop().unwrap().as_str()), (200, place), "{}", reply.text());
            }
        }
    }
    let before = calls(&sim).len();
    let mut abroad = say("hi");
    (abroad["model"], abroad["user"]) = (json!("n"), json!("ada"));
    let refused = gateway.ask(CHAT, &abroad).await.unwrap();
    assert_eq!((refused.status, calls(&sim).len()), (429, before), "nobody knows where it runs: {}", refused.text());
}

#[tokio::test]
async fn a_gateway_that_leads_back_to_itself_is_refused() {
    let sim = sim().await;
    let gateway = Gateway::start(&two(&sim, &[], &[]).router("num_retries: 3").yaml()).await.unwrap();
    let params = json!({"model": "openai/circle", "api_base": format!("{}/v1", gateway.url()), "api_key": MASTER_KEY});
    let made = gateway.ask("/model/new", &json!({"model_name": "circle", "litellm_params": params})).await.unwrap();
    assert_eq!(made.status, 200, "{}", made.text());
    for stream in [false, true] {
        let mut body = say("hi");
        (body["model"], body["stream"]) = (json!("circle"), json!(stream));
        let reply = gateway.ask(CHAT, &body).await.unwrap();
        assert!(reply.status == 400 && reply.text().contains("passed this gateway before"), "{}", reply.text());
    }
    let told = gateway.ask(CHAT, &say("hi")).await.unwrap();
    assert_eq!(told.status, 200);
    let via = calls(&sim).pop().unwrap().header("x-llm-via").map(str::len);
    assert_eq!(via, Some(16), "another gateway is told that this one was passed");
}
