//! What a deployment's parameters, the request's controls and the general settings do to a request.

use llm_client::Engine;
use llm_simulator::Running;
use llm_types::{Format, Kind};
use serde_json::{Value, json};

use crate::support::{answer, call, chat, deployment, engine, hear, messages, refused, sim};

fn engine_of(sim: &Running, mut params: Value) -> Engine {
    let v1 = if params["model"].as_str().unwrap().starts_with("anthropic/") { "" } else { "/v1" };
    params["api_base"] = json!(format!("{}{v1}", sim.base_url()));
    engine(vec![deployment("a", "smart", &params)])
}

/// What the upstream gets of a chat request with these fields.
async fn sent(params: Value, fields: Value) -> (Value, http::HeaderMap) {
    let sim = sim().await;
    let mut body = json!({ "model": "smart", "messages": [{ "role": "user", "content": "hi" }] });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    answer(&engine_of(&sim, params), &chat(&body)).await.unwrap_or_else(|f| panic!("{}", f.error));
    let request = sim.requests().remove(0);
    (request.json(), request.headers)
}

#[tokio::test]
async fn defaults_stand_where_the_client_says_nothing() {
    let params =
        json!({ "model": "openai/gpt-4o", "temperature": 0.3, "seed": 5, "rpm": 10, "weight": 2, "tags": ["x"] });
    let (body, _) = sent(params.clone(), json!({ "temperature": 0.9, "seed": null })).await;
    assert_eq!((&body["temperature"], &body["seed"]), (&json!(0.9), &json!(5)), "null says nothing");
    assert!(["rpm", "weight", "tags", "api_key", "api_base"].iter().all(|k| body[k].is_null()), "{body}");
    let (body, _) = sent(params, json!({})).await;
    assert_eq!((&body["temperature"], &body["seed"]), (&json!(0.3), &json!(5)));
    // the same where the request is translated
    let claude = json!({ "model": "anthropic/claude-sonnet-4-5", "temperature": 0.3, "max_tokens": 77 });
    let (body, _) = sent(claude, json!({})).await;
    assert_eq!((&body["temperature"], &body["max_tokens"]), (&json!(0.3), &json!(77)));
}

#[tokio::test]
async fn extra_body_and_headers_of_the_deployment_go_along() {
    let params = json!({ "model": "openai/gpt-4o", "extra_body": { "top_k": 7, "own": { "b": 1 } },
        "extra_headers": { "x-house": "red", "x-both": "deployment" } });
    let (body, headers) = sent(params.clone(), json!({})).await;
    assert_eq!((&body["top_k"], &body["own"]), (&json!(7), &json!({ "b": 1 })));
    assert!(body["extra_body"].is_null() && body["extra_headers"].is_null(), "{body}");
    assert_eq!(headers["x-house"], "red");
    let own = json!({ "extra_body": { "min_p": 0.1 }, "extra_headers": { "x-client": "c", "x-both": "client" } });
    let (body, headers) = sent(params, own).await;
    assert_eq!((&body["min_p"], &body["top_k"]), (&json!(0.1), &json!(7)));
    for (name, value) in [("x-client", "c"), ("x-both", "client"), ("x-house", "red")] {
        assert_eq!(headers[name], value);
    }
}

#[tokio::test]
async fn clients_name_no_headers_that_frame_a_message_or_prove_who_asks() {
    let named = json!({ "Content-Length": "3", "transfer-encoding": "chunked", "connection": "close, x-y", "Host": "evil.test",
        "authorization": "Bearer evil", "x-api-key": "evil", "cookie": "a=b", "content-type": "text/plain", "x-client": "c" });
    for model in ["openai/gpt-4o", "anthropic/claude-sonnet-4-5"] {
        let (body, headers) = sent(json!({ "model": model }), json!({ "extra_headers": named })).await;
        assert!(body.is_object(), "the body is whole");
        assert_eq!(headers["x-client"], "c", "{model}");
        assert_eq!(headers["content-type"], "application/json", "{model}");
        for name in ["transfer-encoding", "cookie"] {
            assert!(!headers.contains_key(name), "{model}: {name}");
        }
        assert!(
            !headers.values().any(|value| value.to_str().is_ok_and(|v| v.contains("evil"))),
            "{model}: {headers:?}"
        );
    }
}

#[tokio::test]
async fn controls_of_the_gateway_never_reach_a_provider() {
    let fields = json!({ "num_retries": 1, "timeout": 5, "fallbacks": [], "tags": ["a"], "mock_timeout": false, "seed": 1,
            "proxy_server_request": {}, "callbacks": [], "litellm_call_id": "x", "input_cost_per_token": 0, "weights": {} });
    let (body, _) = sent(json!({ "model": "openai/gpt-4o" }), fields).await;
    let names: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(names.iter().all(|n| ["model", "messages", "seed", "stream"].contains(n)), "{names:?}");
}

#[tokio::test]
async fn what_the_provider_does_not_take_is_refused_or_dropped() {
    let body = json!({ "model": "smart", "messages": [{ "role": "user", "content": "hi" }], "logit_bias": { "5": 1 } });
    let claude = json!({ "model": "anthropic/claude-sonnet-4-5" });
    let sim = sim().await;
    let error = refused(&engine_of(&sim, claude.clone()), &chat(&body)).await;
    assert_eq!((error.kind, error.status()), (Kind::UnsupportedParams, 400));
    assert!(error.message.starts_with("litellm.UnsupportedParamsError: "), "{error}");
    assert!(error.message.contains("logit_bias"), "{error}");
    assert!(sim.requests().is_empty(), "nothing was sent");

    let mut general = engine_of(&sim, claude.clone());
    general.settings.drop_params = true;
    let own = engine_of(&sim, json!({ "model": "anthropic/claude-sonnet-4-5", "drop_params": true }));
    let mut wished = chat(&body);
    wished.controls.drop_params = Some(true);
    for (engine, call) in [(&general, &chat(&body)), (&own, &chat(&body)), (&engine_of(&sim, claude), &wished)] {
        let got = answer(engine, call).await.unwrap();
        assert_eq!(got.head.lost, ["logit_bias"]);
        assert!(sim.requests().last().unwrap().json()["logit_bias"].is_null());
    }
    wished.controls.drop_params = Some(false);
    assert_eq!(refused(&general, &wished).await.kind, Kind::UnsupportedParams, "the request has the last word");

    let mut named =
        chat(&json!({ "model": "smart", "messages": [{ "role": "user", "content": "hi" }], "seed": 3, "user": "u" }));
    named.controls.additional_drop_params = vec!["seed".into()];
    let engine = engine_of(&sim, json!({ "model": "openai/gpt-4o", "additional_drop_params": ["user"] }));
    answer(&engine, &named).await.unwrap();
    let body = sim.requests().last().unwrap().json();
    assert!(body["seed"].is_null() && body["user"].is_null(), "{body}");
}

#[tokio::test]
async fn chat_hosts_are_sent_four_texts_of_stop_unless_a_setting_says_otherwise() {
    let sim = sim().await;
    let body = json!({ "model": "smart", "messages": [{ "role": "user", "content": "hi" }], "max_tokens": 9,
        "stop": ["a", "b", "c", "d", "e"] });
    for (model, field) in [("openai/gpt-4o", "stop"), ("anthropic/claude-sonnet-4-5", "stop_sequences")] {
        let mut engine = engine_of(&sim, json!({ "model": model }));
        for (every, count) in [(false, 4), (true, 5)] {
            engine.settings.disable_stop_sequence_limit = every;
            answer(&engine, &chat(&body)).await.unwrap_or_else(|f| panic!("{}", f.error));
            let sent = sim.requests().pop().unwrap().json();
            assert_eq!(sent[field].as_array().unwrap().len(), count, "{model}: {sent}");
        }
    }
}

#[tokio::test]
async fn wildcards_hand_the_name_on() {
    let sim = sim().await;
    let v1 = format!("{}/v1", sim.base_url());
    let engine = engine(vec![
        deployment("a", "anthropic/*", &json!({ "model": "anthropic/*", "api_base": sim.base_url() })),
        deployment("b", "team-*", &json!({ "model": "openai/gpt-4o-*", "api_base": v1 })),
        deployment("c", "*", &json!({ "model": "openai/*", "api_base": v1 })),
    ]);
    for (asked, path, model) in [
        ("anthropic/claude-haiku-4-5", "/v1/messages", "claude-haiku-4-5"),
        ("team-mini", "/v1/chat/completions", "gpt-4o-mini"),
        ("gpt-4.1", "/v1/chat/completions", "gpt-4.1"),
    ] {
        let body = json!({ "model": asked, "messages": [{ "role": "user", "content": "hi" }] });
        let got = answer(&engine, &chat(&body)).await.unwrap_or_else(|f| panic!("{asked}: {}", f.error));
        let request = sim.requests().pop().unwrap();
        assert_eq!((request.path.as_str(), &request.json()["model"]), (path, &json!(model)), "{asked}");
        assert_eq!((&*got.head.model, &got.json()["model"]), (model, &json!(asked)));
        assert!(got.report.cost.total > 0.0, "{asked} has a price: {:?}", got.report.cost_problem);
    }
}

#[tokio::test]
async fn canned_answers_need_no_upstream() {
    let canned = |text: &str| {
        let params = json!({ "model": "openai/gpt-4o", "mock_response": text });
        engine(vec![deployment("a", "smart", &params)])
    };
    let body = json!({ "model": "smart", "max_tokens": 9, "messages": [{ "role": "user", "content": "hi" }] });
    let mut streamed = body.clone();
    streamed["stream"] = json!(true);
    let got = answer(&canned("Hello there."), &chat(&body)).await.unwrap();
    assert_eq!(got.json()["choices"][0]["message"]["content"], "Hello there.");
    assert_eq!((&got.json()["model"], &got.json()["usage"]["total_tokens"]), (&json!("smart"), &json!(30)));
    assert!(got.report.cost.total > 0.0);
    let got = answer(&canned("Hello there."), &chat(&streamed)).await.unwrap();
    let heard = hear(Format::OpenAiChat, &got.text());
    assert_eq!((heard.text.as_str(), heard.finish.as_deref(), heard.ends), ("Hello there.", Some("stop"), 1));
    assert_eq!((got.report.usage.total_input(), got.report.usage.total_output()), (10, 20));
    let got = answer(&canned("Hello there."), &messages(&body)).await.unwrap();
    assert_eq!(got.json()["content"][0]["text"], "Hello there.");
    let heard = hear(Format::AnthropicMessages, &answer(&canned("Hi"), &messages(&streamed)).await.unwrap().text());
    assert_eq!((heard.text.as_str(), heard.ends), ("Hi", 1));
    for (class, kind, status) in
        [("RateLimitError", Kind::RateLimit, 429), ("ContextWindowExceededError", Kind::ContextWindow, 400)]
    {
        let error = refused(&canned(&format!("litellm.{class}")), &chat(&streamed)).await;
        assert_eq!((error.kind, error.status()), (kind, status));
        assert!(error.message.contains(class), "{error}");
    }
    let mut wished = chat(&body);
    wished.controls.mock_response = Some("From the request.".into());
    let got = answer(&canned("From the deployment."), &wished).await.unwrap();
    assert_eq!(got.json()["choices"][0]["message"]["content"], "From the request.");
    let embed = call(Format::OpenAiEmbeddings, br#"{"model":"smart","input":"x"}"#);
    let got = answer(&canned("vector"), &embed).await.unwrap();
    assert!(got.json()["data"][0]["embedding"].is_array(), "{}", got.text());
}

#[tokio::test]
async fn a_shown_request_is_the_one_that_would_be_sent() {
    let sim = sim().await;
    let engine = engine_of(
        &sim,
        json!({ "model": "anthropic/claude-sonnet-4-5", "max_tokens": 77, "extra_headers": { "x-house": "red" } }),
    );
    let call = chat(&json!({ "model": "smart", "messages": [{ "role": "user", "content": "hi" }] }));
    let shown = engine.show(&call).unwrap();
    assert!(sim.requests().is_empty(), "nothing is sent");
    answer(&engine, &call).await.unwrap();
    let sent = sim.requests().remove(0);
    assert_eq!((shown.url.as_str(), &shown.body), (format!("{}/v1/messages", sim.base_url()).as_str(), &sent.body));
    let header = |name: &str| shown.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    assert_eq!((header("x-api-key"), header("x-house")), (Some("*****"), Some("red")));
    assert!(!format!("{shown:?}").contains("sk-upstream"));
}

#[tokio::test]
async fn a_request_to_a_model_of_no_group_can_be_shown() {
    let sim = sim().await;
    let engine = engine_of(&sim, json!({ "model": "openai/gpt-4o" }));
    let ask = |model: &str| chat(&json!({ "model": model, "messages": [{ "role": "user", "content": "hi" }] }));
    let shown = engine.show(&ask("openai/gpt-4.1")).unwrap();
    assert_eq!(shown.url, "https://api.openai.com/v1/chat/completions");
    assert_eq!(serde_json::from_slice::<Value>(&shown.body).unwrap()["model"], "gpt-4.1");
    assert!(engine.show(&ask("nobody-has-this")).is_err());
}

#[tokio::test]
async fn a_search_of_the_web_goes_where_the_provider_makes_it() {
    let sim = sim().await;
    let engine = engine_of(&sim, json!({ "model": "xai/grok-4" }));
    let ask = |more: Value| {
        let mut body = json!({ "model": "smart", "messages": [{ "role": "user", "content": "news?" }] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        chat(&body)
    };
    let search = json!({ "web_search_options": {}, "temperature": 0.5 });
    let reply = answer(&engine, &ask(search.clone())).await.unwrap_or_else(|f| panic!("{}", f.error));
    let asked = sim.requests().remove(0);
    assert_eq!(asked.path, "/v1/responses");
    let body = asked.json();
    assert_eq!((&body["tools"][0]["type"], &body["temperature"]), (&json!("web_search"), &json!(0.5)), "{body}");
    assert!(body["input"].to_string().contains("news?") && body["web_search_options"].is_null(), "{body}");
    assert_eq!(reply.json()["object"], "chat.completion", "{}", reply.text());
    for (more, path) in [
        (json!({}), "/v1/chat/completions"),
        (json!({ "web_search_options": null }), "/v1/chat/completions"),
        (json!({ "web_search_options": {}, "stream": true }), "/v1/responses"),
    ] {
        answer(&engine, &ask(more)).await.unwrap_or_else(|f| panic!("{}", f.error));
        assert_eq!(sim.requests().pop().unwrap().path, path);
    }
}
