//! Guardrails and the cache: what is stored is what models said, and each caller's guardrails judge it.

use super::*;

fn words(name: &str, mode: &str, action: &str, word: &str) -> Value {
    json!({"guardrail_name": name, "litellm_params": {"guardrail": "litellm_content_filter", "mode": mode,
        "keyword_redaction_tag": "[GONE]", "blocked_words": [{"keyword": word, "action": action}]}})
}

#[tokio::test]
async fn guardrails_of_a_key_judge_what_another_key_has_asked() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    sim.script(Match::path("/v1/chat/completions"), Script::text("a walrus"));
    let guards = [
        words("blocks", "post_call", "BLOCK", "walrus"),
        words("masks", "post_call", "MASK", "walrus"),
        words("beside", "during_call", "BLOCK", "albatross"),
        words("calm", "post_call", "BLOCK", "zebra"),
    ];
    let yaml = format!("{}guardrails: {}\n", config(&sim, "type: local").yaml(), json!(guards));
    let gateway = Gateway::start(&yaml).await.unwrap();
    let free = new_key(&gateway, &json!({})).await;
    for stream in [false, true] {
        let body = with(say("an albatross"), "stream", json!(stream));
        let ask = async |key: &str| gateway.post(CHAT, &body, key).await.unwrap();
        let key = async |guard: &str| new_key(&gateway, &json!({"guardrails": [guard]})).await;
        let said = |reply: &Reply| match stream {
            true => joined_text(&reply.events()),
            false => reply.json()["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned(),
        };
        assert_eq!(said(&ask(&free).await), "a walrus");
        assert!(is_hit(&ask(&free).await));
        let masked = ask(&key("masks").await).await;
        assert!(is_hit(&masked) && said(&masked) == "a [GONE]", "{}", masked.text());
        let calm = ask(&key("calm").await).await;
        assert!(is_hit(&calm) && said(&calm) == "a walrus", "{}", calm.text());
        let blocked = ask(&key("blocks").await).await;
        assert!(!said_anything(&blocked), "{}", blocked.text());
        let beside = ask(&key("beside").await).await;
        assert_eq!(beside.status, 400, "{}", beside.text());
        let again = ask(&free).await;
        assert!(is_hit(&again) && said(&again) == "a walrus", "what was masked for one is for nobody else");
        // What a guardrail touched is not stored, what it let pass is.
        for (guard, stored) in [("masks", false), ("blocks", false), ("calm", true)] {
            let body = with(say(&format!("{guard} {stream}")), "stream", json!(stream));
            let first = gateway.post(CHAT, &body, &key(guard).await).await.unwrap();
            assert!(first.header("x-litellm-cache-key").is_empty(), "{guard}: {}", first.text());
            let free = gateway.post(CHAT, &body, &free).await.unwrap();
            assert_eq!((is_hit(&free), said(&free).as_str()), (stored, "a walrus"), "{guard}");
        }
    }
}

fn said_anything(reply: &Reply) -> bool {
    reply.text().contains("a walrus") || reply.text().contains("[GONE]")
}
