//! What is kept of the results of tools.

use llm_tests::{Asked, Canned, Gateway, MASTER_KEY, Options, eventually};
use serde_json::json;

use super::said;

#[tokio::test]
async fn results_are_kept_as_guardrails_of_logs_leave_them() {
    let git = Canned::start(said).await.unwrap();
    let logger = Canned::start(|_: &Asked| (200, "application/json", "{}".to_owned())).await.unwrap();
    let filter = json!({"guardrail": "litellm_content_filter", "mode": "logging_only",
        "blocked_words": [{"keyword": "albatross", "action": "MASK"}]});
    let config = json!({
        "model_list": [],
        "mcp_servers": {"git": {"url": format!("{}/mcp", git.base_url()), "transport": "http", "server_id": "git-1"}},
        "guardrails": [{"guardrail_name": "logs", "litellm_params": filter}],
        "litellm_settings": {"success_callback": ["generic_api"]},
        "general_settings": {"master_key": MASTER_KEY},
    });
    let env = vec![("GENERIC_LOGGER_ENDPOINT".to_owned(), logger.base_url())];
    let options = Options { env, ..Options::default() };
    let gateway = Gateway::start_with(&config.to_string(), &options).await.unwrap();
    let call = async |arguments: &str, silent: bool| {
        let body = json!({"server_id": "git-1", "name": "log", "arguments": {"a": arguments}, "no-log": silent});
        let reply = gateway.ask("/mcp-rest/tools/call", &body).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(reply.text().contains(arguments), "the client reads all of it: {}", reply.text());
    };
    call("a pelican", true).await;
    call("an albatross", false).await;
    call("the last", false).await;
    let logged = || logger.seen().iter().map(|asked| asked.json.to_string()).collect::<String>();
    let told = eventually("the calls are told", async || Some(logged()).filter(|all| all.contains("the last"))).await;
    assert!(told.contains("[KEYWORD_REDACTED]"), "{told}");
    assert!(!told.contains("albatross") && !told.contains("pelican"), "{told}");
}
