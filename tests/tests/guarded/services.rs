//! What each service is asked, what its answers do, and what clients are told.

use llm_tests::{Canned, Gateway, MASTER_KEY};
use serde_json::{Value, json};

use super::{KEY, at, config, gateway, gives_back, guardrail, house};

async fn chat(gateway: &Gateway, guardrail: &str, text: &str) -> (u16, Value) {
    let messages = json!([{"role": "system", "content": "Be kind."}, {"role": "user", "content": text}]);
    let body = json!({"model": "gpt-4o", "messages": messages, "guardrails": [guardrail]});
    let reply = gateway.post("/v1/chat/completions", &body, MASTER_KEY).await.unwrap();
    (reply.status, reply.json())
}

/// What the model was told last.
fn told(house: &Canned) -> String {
    let asked = at(house, "/v1/chat/completions").pop().unwrap();
    asked.json["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_a_service_stops_is_told_as_in_litellm() {
    let house = house().await;
    let base = house.base_url();
    let on = |mode: &str| json!({"mode": mode, "api_base": base});
    let gateway = gateway(&house, &[
        guardrail("gen", "generic_guardrail_api", on("pre_call")),
        guardrail("lak", "lakera_v2", on("pre_call")),
        guardrail("mod", "openai_moderation", json!({"mode": "pre_call", "api_base": format!("{base}/v1/")})),
        guardrail("shield", "azure/prompt_shield", on("pre_call")),
        guardrail("text", "azure/text_moderations", on("pre_call")),
        guardrail("apo", "aporia", on("during_call")),
        guardrail("bed", "bedrock", json!({"mode": "pre_call", "guardrailIdentifier": "gid", "guardrailVersion": "DRAFT",
            "api_key": null, "aws_region_name": "us-east-1", "aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "s",
            "aws_bedrock_runtime_endpoint": base})),
    ]).await;
    let flagged = json!([{"detector_type": "prompt_attack", "detected": true}, {"detector_type": "pii/email", "detected": false}]);
    let blocked = json!([{"policy": "topicPolicy", "matches": [{"category": "topics", "name": "Bad", "type": "DENY", "action": "BLOCKED"}]},
        {"policy": "wordPolicy", "matches": [{"category": "customWords", "action": "BLOCKED"}]}]);
    // Bodies as LiteLLM 1.104.5 answers them.
    for (name, mode, message, more) in [
        (
            "lak",
            "pre_call",
            "Violated guardrail policy",
            json!({"lakera_guardrail_response": {"flagged": true, "breakdown": flagged}}),
        ),
        (
            "mod",
            "pre_call",
            "Violated OpenAI moderation policy",
            json!({"moderation_result": {"violated_categories": ["hate"], "category_scores": {"hate": 0.9, "violence": 0.1}}}),
        ),
        (
            "shield",
            "pre_call",
            "Violated Azure Prompt Shield guardrail policy",
            json!({"detection_message": "Attack detected: {'attackDetected': True}"}),
        ),
        ("text", "pre_call", "Azure Content Safety Guardrail: Hate crossed severity 2, Got severity: 4", json!({})),
        ("apo", "during_call", "Violated guardrail policy", json!({"aporia_ai_response": {"action": "block"}})),
        (
            "bed",
            "pre_call",
            "Violated guardrail policy",
            json!({"bedrock_guardrail_response": "Sorry, no.",
            "guardrailIdentifier": "gid", "guardrailVersion": "DRAFT", "assessments": blocked}),
        ),
    ] {
        let mut fields = json!({"error": message, "guardrail_name": name, "guardrail_mode": mode});
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let expected = json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": "400",
            "provider_specific_fields": fields}});
        assert_eq!(chat(&gateway, name, "a BADWORD").await, (400, expected), "{name}");
        assert_eq!(chat(&gateway, name, "a good word").await.0, 200, "{name}");
    }
    let expected =
        json!({"error": {"message": "no such words", "type": "invalid_request_error", "param": null, "code": "400"}});
    assert_eq!(chat(&gateway, "gen", "a BADWORD").await, (400, expected));
    asked_as_in_litellm(&house);
}

/// Bodies and credentials as LiteLLM 1.104.5 sends them.
fn asked_as_in_litellm(house: &Canned) {
    let first = |path: &str| at(house, path).remove(0);
    let messages = json!([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "a BADWORD"}]);
    let asked = first("/v2/guard");
    assert_eq!(asked.header("authorization"), "Bearer guard-key-0123");
    assert_eq!(
        asked.json,
        json!({"messages": messages, "project_id": null, "payload": true, "breakdown": true, "metadata": null, "dev_info": true})
    );
    let asked = first("/v1/moderations");
    assert_eq!(
        (asked.header("authorization"), &asked.json),
        ("Bearer guard-key-0123", &json!({"model": "omni-moderation-latest", "input": "a BADWORD"}))
    );
    let asked = first("text:shieldPrompt");
    assert_eq!(asked.path, "/contentsafety/text:shieldPrompt?api-version=2024-09-01");
    assert_eq!(
        (asked.header("ocp-apim-subscription-key"), &asked.json),
        ("guard-key-0123", &json!({"documents": [], "userPrompt": "a BADWORD"}))
    );
    assert_eq!(
        first("text:analyze").json,
        json!({"text": "a BADWORD", "categories": ["Hate", "Sexual", "SelfHarm", "Violence"],
        "blocklistNames": null, "haltOnBlocklistHit": false, "outputType": "FourSeverityLevels"})
    );
    let asked = first("/validate");
    assert_eq!(
        (asked.header("x-aporia-api-key"), &asked.json),
        ("guard-key-0123", &json!({"messages": messages, "validation_target": "prompt"}))
    );
    let asked = first("/guardrail/");
    assert_eq!(asked.path, "/guardrail/gid/version/DRAFT/apply");
    assert!(
        asked.header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"),
        "{:?}",
        asked.headers
    );
    assert!(asked.header("authorization").contains("/us-east-1/bedrock/aws4_request"), "{:?}", asked.headers);
    assert_eq!(
        asked.json,
        json!({"source": "INPUT", "content": [{"text": {"text": "Be kind."}}, {"text": {"text": "a BADWORD"}}]})
    );
    let asked = first("/beta/litellm_basic_guardrail_api");
    assert_eq!(asked.header("x-api-key"), KEY);
    let mut body = asked.json;
    let fields = body.as_object_mut().unwrap();
    assert_eq!((&fields["texts"], &fields["structured_messages"]), (&json!(["Be kind.", "a BADWORD"]), &messages));
    assert_eq!((&fields["input_type"], &fields["model"]), (&json!("request"), &json!("gpt-4o")));
    assert!(fields["litellm_call_id"].is_string() && fields["request_data"]["user_api_key_hash"].is_string());
    assert_eq!(fields["request_headers"]["content-type"], "application/json");
    assert_eq!(fields["request_headers"]["authorization"], "[present]", "keys of the gateway are nobody's");
}

#[tokio::test]
async fn what_a_service_masks_goes_out_masked() {
    let house = house().await;
    let base = house.base_url();
    let gateway = gateway(
        &house,
        &[
            guardrail(
                "gen",
                "generic_guardrail_api",
                json!({"mode": ["pre_call", "post_call"], "api_base": base,
            "headers": {"x-tenant": "t1"}, "additional_provider_specific_params": {"level": 1}}),
            ),
            guardrail("lak", "lakera_v2", json!({"mode": "pre_call", "api_base": base})),
            guardrail(
                "bed",
                "bedrock",
                json!({"mode": "pre_call", "guardrailIdentifier": "gid", "guardrailVersion": "1",
            "api_key": "a-bedrock-key", "aws_bedrock_runtime_endpoint": base}),
            ),
        ],
    )
    .await;
    let (status, answer) = chat(&gateway, "gen", "hello MASKWORD").await;
    assert_eq!((status, told(&house)), (200, "hello ***".to_owned()), "{answer}");
    let asked = at(&house, "/beta/");
    assert_eq!(
        (asked[0].header("x-tenant"), &asked[0].json["additional_provider_specific_params"]),
        ("t1", &json!({"level": 1}))
    );
    assert_eq!(
        (&asked[1].json["input_type"], &asked[1].json["texts"]),
        (&json!("response"), &json!(["You said: hello ***"]))
    );
    // What a client gives to one guardrail.
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "guardrails": [{"gen": {"extra_body": {"level": 2, "x": "y"}}}]});
    assert_eq!(gateway.post("/v1/chat/completions", &body, MASTER_KEY).await.unwrap().status, 200);
    assert_eq!(at(&house, "/beta/")[2].json["additional_provider_specific_params"], json!({"level": 2, "x": "y"}));

    assert_eq!(chat(&gateway, "bed", "hello MASKWORD").await.0, 200);
    assert_eq!(told(&house), "hello {NAME}");
    assert_eq!(at(&house, "/apply")[0].header("authorization"), "Bearer a-bedrock-key");
    assert_eq!(chat(&gateway, "lak", "Grüße an a@b.co!").await.0, 200);
    assert_eq!(told(&house), "Grüße an [MASKED EMAIL]!", "places are counted in characters");
    let (status, refused) = chat(&gateway, "lak", "BADWORD a@b.co").await;
    assert_eq!(status, 400);
    assert!(!refused.to_string().contains("the words"), "{refused}");
}

#[tokio::test]
async fn presidio_masks_and_gives_back() {
    let house = house().await;
    let base = house.base_url();
    let presidio = |name: &str, more: Value| {
        let mut params = json!({"mode": "pre_call", "presidio_analyzer_api_base": base, "presidio_anonymizer_api_base": format!("{base}/")});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        guardrail(name, "presidio", params)
    };
    let gateway = gateway(&house, &[
        presidio("masks", json!({"presidio_filter_scope": "input", "presidio_language": "de"})),
        presidio("answers", json!({"presidio_filter_scope": "output"})),
        presidio("back", json!({"output_parse_pii": true, "pii_entities_config": {"CREDIT_CARD": "BLOCK", "EMAIL_ADDRESS": "MASK", "PERSON": "MASK"}})),
        presidio("sure", json!({"presidio_filter_scope": "input", "presidio_score_thresholds": {"PERSON": 0.9}})),
    ]).await;
    let says = |answer: &Value| answer["choices"][0]["message"]["content"].as_str().unwrap().to_owned();

    let (_, answer) = chat(&gateway, "masks", "Zoë is a@b.co").await;
    assert_eq!(
        (told(&house), says(&answer)),
        ("<PERSON> is <EMAIL_ADDRESS>".to_owned(), "You said: <PERSON> is <EMAIL_ADDRESS>".to_owned())
    );
    let asked = at(&house, "/analyze");
    assert_eq!(asked[1].json, json!({"text": "Zoë is a@b.co", "language": "de"}));
    assert_eq!(at(&house, "/anonymize")[0].json["analyzer_results"][0]["entity_type"], "EMAIL_ADDRESS");

    let (_, answer) = chat(&gateway, "answers", "Zoë is here").await;
    assert_eq!((told(&house), says(&answer)), ("Zoë is here".to_owned(), "You said: <PERSON> is here".to_owned()));

    let (_, answer) = chat(&gateway, "back", "Zoë, a@b.co, Zoë").await;
    assert_eq!(told(&house), "<PERSON_1>, <EMAIL_ADDRESS_2>, <PERSON_1>");
    assert_eq!(says(&answer), "You said: Zoë, a@b.co, Zoë", "the caller has their own words again");
    let last = at(&house, "/analyze").pop().unwrap();
    assert_eq!(last.json["entities"], json!(["CREDIT_CARD", "EMAIL_ADDRESS", "PERSON"]));
    let why = "Blocked entity detected: CREDIT_CARD by Guardrail: back. This entity is not allowed to be used in this request.";
    let (status, refused) = chat(&gateway, "back", "my card is 4111").await;
    assert_eq!((status, &refused["error"]["message"]), (400, &json!(why)));

    assert_eq!(chat(&gateway, "sure", "Zoë is a@b.co").await.0, 200);
    let results = at(&house, "/anonymize").pop().unwrap().json["analyzer_results"].clone();
    assert_eq!(
        (results.as_array().map(Vec::len), &results[0]["entity_type"]),
        (Some(1), &json!("EMAIL_ADDRESS")),
        "{results}"
    );
}

#[tokio::test]
async fn what_is_given_back_is_for_nobody_else() {
    let house = house().await;
    let config = config(&house, &[gives_back(&house)]);
    let mut config: Value = serde_json::from_str(&config).unwrap();
    config["litellm_settings"] = json!({"cache": true, "cache_params": {"type": "local"}});
    let gateway = Gateway::start(&config.to_string()).await.unwrap();
    // The first two are the same to the model.
    for words in ["Zoë says hi", "Ann says hi", "nobody says hi"] {
        for _ in 0..2 {
            let (_, answer) = chat(&gateway, "back", words).await;
            assert_eq!(answer["choices"][0]["message"]["content"], format!("You said: {words}"), "{answer}");
        }
    }
    let asked = at(&house, "/v1/chat/completions");
    let asked: Vec<&str> = asked.iter().map(|a| a.json["messages"][1]["content"].as_str().unwrap()).collect();
    let masked = "<PERSON_1> says hi";
    assert_eq!(asked, [masked, masked, masked, masked, "nobody says hi"], "the rest is cached");
}

#[tokio::test]
async fn a_service_that_is_away_closes_unless_it_may_open() {
    let house = house().await;
    let base = house.base_url();
    let nobody = "http://127.0.0.1:9";
    let gateway = gateway(
        &house,
        &[
            guardrail("closed", "generic_guardrail_api", json!({"mode": "pre_call", "api_base": nobody})),
            guardrail(
                "open",
                "generic_guardrail_api",
                json!({"mode": "pre_call", "api_base": nobody, "unreachable_fallback": "fail_open"}),
            ),
            guardrail(
                "away",
                "lakera_v2",
                json!({"mode": "pre_call", "api_base": base, "unreachable_fallback": "fail_open"}),
            ),
            guardrail(
                "odd",
                "generic_guardrail_api",
                json!({"mode": "pre_call", "api_base": format!("{base}/v1/odd"), "unreachable_fallback": "fail_open"}),
            ),
            guardrail(
                "careless",
                "generic_guardrail_api",
                json!({"mode": "pre_call", "api_base": format!("{base}/v1/odd"), "fail_on_error": false}),
            ),
        ],
    )
    .await;
    for (name, status) in [("closed", 500), ("open", 200), ("odd", 500), ("careless", 200)] {
        let (told, answer) = chat(&gateway, name, "hi").await;
        assert_eq!(told, status, "{name}: {answer}");
        assert!(!answer.to_string().contains("127.0.0.1"), "{answer}");
    }
    assert_eq!(chat(&gateway, "away", "FAILS-WITH-503").await.0, 200);
    assert!(gateway.logs().contains("a guardrail failed"), "{}", gateway.logs());
    assert!(!gateway.logs().contains(KEY), "the key is in the log");
}

#[tokio::test]
async fn what_is_wrong_with_a_service_is_told_at_start() {
    let house = house().await;
    for (kind, params, why) in [
        ("generic_guardrail_api", json!({}), "api_base: is missing"),
        ("generic_guardrail_api", json!({"api_base": "no address"}), "is no address"),
        ("lakera_v2", json!({"on_flagged": "inject_system_message"}), "is not served yet"),
        ("openai_moderation", json!({"api_key": null}), "api_key: is missing"),
        (
            "azure/prompt_shield",
            json!({"mode": "post_call", "api_base": "http://x"}),
            "does not run in the mode `post_call`",
        ),
        ("bedrock", json!({"api_key": null}), "guardrailIdentifier: is missing"),
        (
            "presidio",
            json!({"presidio_analyzer_api_base": "x", "presidio_anonymizer_api_base": "y", "presidio_filter_scope": "all"}),
            "presidio_filter_scope",
        ),
        ("presidio", json!({"presidio_analyzer_api_base": "x"}), "presidio_anonymizer_api_base: is missing"),
        ("lakera_v2", json!({"timeout": "soon"}), "must be a number of seconds"),
        ("aporia", json!({"api_base": "http://x", "unheard_of": 1}), "unheard_of: is not served yet"),
    ] {
        let mut all = json!({"mode": "pre_call"});
        all.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
        let started = Gateway::start(&config(&house, &[guardrail("g", kind, all)])).await;
        let error = format!("{:#}", started.expect_err(kind));
        assert!(error.contains(why), "{kind}: {error}");
        assert!(!error.contains(KEY), "{error}");
    }
}
