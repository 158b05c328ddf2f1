//! Bad input: a 4xx in LiteLLM's shape, nothing half-written, never a 500.

use llm_management::rows;
use llm_store::{Filter, TeamRow, UserRow, VerificationToken};
use llm_types::Json;

use crate::models::served;
use crate::support::{MASTER, at, ok, text};

/// Path, body, status.
const WRONG: &[(&str, &str, u16)] = &[
    ("/key/generate", r#"{"max_budget":-1}"#, 400),
    ("/key/generate", r#"{"soft_budget":-0.5}"#, 400),
    ("/key/generate", r#"{"max_budget":"NaN"}"#, 400),
    ("/key/generate", r#"{"max_budget":1e400}"#, 422),
    ("/key/generate", r#"{"budget_limits":{}}"#, 422),
    ("/key/generate", r#"{"budget_limits":[{"max_budget":1}]}"#, 422),
    ("/key/generate", r#"{"budget_limits":[{"budget_duration":"1d","max_budget":"NaN"}]}"#, 400),
    ("/key/generate", r#"{"budget_limits":[{"budget_duration":"1d","max_budget":-1}]}"#, 400),
    ("/key/generate", r#"{"budget_limits":[{"budget_duration":"soon","max_budget":1}]}"#, 400),
    ("/key/generate", r#"{"model_max_budget":{"m":"much"}}"#, 422),
    ("/key/generate", r#"{"model_max_budget":{"m":{"budget_limit":"NaN","time_period":"1d"}}}"#, 400),
    ("/team/new", r#"{"model_max_budget":{"m":{"budget_limit":1,"time_period":"soon"}}}"#, 400),
    ("/user/new", r#"{"model_max_budget":{"m":{"budget_limit":-1}}}"#, 400),
    ("/budget/new", r#"{"budget_id":"b","model_max_budget":{"m":[]}}"#, 422),
    ("/key/generate", r#"{"spend":"Infinity"}"#, 400),
    ("/key/generate", r#"{"max_parallel_requests":2147483648}"#, 400),
    ("/key/generate", r#"{"budget_duration":"soon"}"#, 400),
    ("/key/generate", r#"{"budget_duration":"-5d"}"#, 400),
    ("/key/generate", r#"{"duration":"1 fortnight"}"#, 400),
    ("/key/generate", r#"{"duration":"99999999999999999999d"}"#, 400),
    ("/key/generate", r#"{"key_type":"root"}"#, 400),
    ("/key/generate", r#"{"key":"short"}"#, 400),
    ("/key/generate", r#"{"key_alias":"taken"}"#, 400),
    ("/key/generate", r#"{"budget_id":"none"}"#, 400),
    ("/key/generate", r#"{"organization_id":"none"}"#, 400),
    ("/key/generate", r#"{"models":"gpt-4o"}"#, 422),
    ("/key/generate", r#"{"max_budget":"much"}"#, 422),
    ("/key/generate", r#"{"tpm_limit":1.5}"#, 422),
    ("/key/generate", r#"{"metadata":[]}"#, 422),
    ("/key/generate", r#"{"object_permission":{"mcp_servers":{}}}"#, 422),
    ("/key/generate", "[]", 422),
    ("/key/generate", "{", 422),
    ("/key/generate", r#"{"key_alias":"a\u0000b"}"#, 422),
    ("/key/generate", r#"{"metadata":{"a\u0000":1}}"#, 422),
    ("/key/update", r#"{"key":"sk-nothing-0123456789"}"#, 404),
    ("/key/delete", r#"{"keys":[]}"#, 400),
    ("/team/new", r#"{"max_budget":-1}"#, 400),
    ("/team/new", r#"{"rpm_limit":-1}"#, 400),
    ("/team/new", r#"{"max_parallel_requests":9223372036854775807}"#, 400),
    ("/team/new", r#"{"budget_duration":"1y"}"#, 400),
    ("/team/new", r#"{"team_id":"taken"}"#, 400),
    ("/team/new", r#"{"organization_id":"none"}"#, 400),
    ("/team/new", r#"{"team_member_budget":-1}"#, 400),
    ("/team/update", r#"{"team_id":"none"}"#, 404),
    ("/user/new", r#"{"max_budget":-1}"#, 400),
    ("/user/new", r#"{"user_role":"god"}"#, 400),
    ("/user/new", r#"{"sso_user_id":"taken"}"#, 400),
    ("/user/new", r#"{"budget_duration":"x"}"#, 400),
    ("/user/new", r#"{"user_id":"taken"}"#, 400),
    ("/user/update", r#"{"user_id":"none"}"#, 404),
    ("/organization/new", r#"{"organization_alias":"o","max_budget":-1}"#, 400),
    ("/organization/new", r#"{}"#, 422),
    ("/project/new", r#"{"team_id":"none"}"#, 404),
    ("/customer/new", r#"{"user_id":"c","max_budget":-1}"#, 400),
    ("/customer/new", r#"{"user_id":"c","allowed_model_region":"mars"}"#, 422),
    ("/budget/new", r#"{"budget_id":"b","max_budget":-1}"#, 400),
    ("/budget/new", r#"{"budget_id":"b","budget_duration":"7 days"}"#, 400),
    ("/tag/new", r#"{"name":"t","max_budget":-1}"#, 400),
    ("/fallback", r#"{"model":"gpt-4o","fallback_models":[]}"#, 400),
    ("/guardrails", "{}", 422),
    ("/guardrails", r#"{"guardrail":{"guardrail_name":"g"}}"#, 422),
    ("/guardrails", r#"{"guardrail":{"guardrail_name":"g","litellm_params":[]}}"#, 422),
    ("/guardrails", r#"{"guardrail":{"guardrail_name":"g\u0000","litellm_params":{}}}"#, 422),
    ("/team/taken/callback", r#"{"callback_name":"langfuse"}"#, 422),
    ("/team/taken/callback", r#"{"callback_name":"langfuse","callback_type":"never","callback_vars":{}}"#, 422),
    ("/team/taken/callback", r#"{"callback_name":"unheard-of","callback_vars":{}}"#, 400),
    ("/team/none/callback", r#"{"callback_name":"langfuse","callback_vars":{}}"#, 404),
    ("/model/new", r#"{"model_name":"m","litellm_params":{"model":"broken"}}"#, 400),
];

/// Queries that are no pages, or very large ones.
const PAGES: &[(&str, u16)] = &[
    ("/key/list?page=0", 422),
    ("/key/list?page=-1", 422),
    ("/key/list?size=x", 422),
    ("/key/list?page=4294967295&size=4294967295", 200),
    ("/key/list?page=99999999999999999999", 422),
    ("/user/list?page=4294967295&page_size=4294967295", 200),
    ("/user/list?sort_by=password;--", 400),
    ("/v2/team/list?page=4294967295&page_size=4294967295", 200),
    ("/v2/team/list?sort_by=%22%3B", 400),
    ("/spend/logs/v2?page=4294967295&page_size=4294967295", 200),
    ("/audit?page=4294967295&page_size=4294967295", 200),
    ("/key/list?key_alias=a%00b", 422),
];

#[tokio::test]
async fn wrong_values_are_refused_in_litellms_shape() {
    let (gateway, _) = served().await;
    ok(&gateway, MASTER, "POST", "/key/generate", r#"{"key_alias":"taken"}"#).await;
    ok(&gateway, MASTER, "POST", "/team/new", r#"{"team_id":"taken"}"#).await;
    ok(&gateway, MASTER, "POST", "/user/new", r#"{"user_id":"taken","sso_user_id":"taken","auto_create_key":false}"#)
        .await;
    let store = gateway.accounts.store().unwrap().clone();
    let count = async || {
        (
            store.table::<VerificationToken>().count(&Filter::new()).await.unwrap(),
            store.table::<TeamRow>().count(&Filter::new()).await.unwrap(),
            store.table::<UserRow>().count(&Filter::new()).await.unwrap(),
        )
    };
    let before = count().await;
    for (path, body, wanted) in WRONG {
        let (status, answer) = gateway.post(MASTER, path, body).await;
        assert_eq!(status, *wanted, "{path} {body}: {answer}");
        shaped(status, &answer, path);
    }
    assert_eq!(count().await, before, "nothing is half-written");
    for (path, wanted) in PAGES {
        let (status, answer) = gateway.get(MASTER, path).await;
        assert_eq!(status, *wanted, "{path}: {answer}");
        shaped(status, &answer, path);
    }
}

/// Whatever is sent to whatever route: never a 500, always a known shape.
#[tokio::test]
async fn no_route_breaks_on_odd_bodies() {
    let (gateway, _) = served().await;
    let long = "x".repeat(100_000);
    let nasty = r#"'; DROP TABLE \"LiteLLM_VerificationToken\"; -- ${jndi:ldap://x} <script> \ud83d\ude00 %s %00"#;
    let text = format!(r#""{nasty}""#);
    let names = [
        "key",
        "keys",
        "key_alias",
        "user_id",
        "user_ids",
        "user_email",
        "team_id",
        "team_ids",
        "team_alias",
        "organization_id",
        "organization_ids",
        "organization_alias",
        "project_id",
        "project_ids",
        "budget_id",
        "budgets",
        "id",
        "name",
        "names",
        "model",
        "model_name",
        "model_id",
        "access_group",
        "access_group_name",
        "credential_name",
        "field_name",
        "member",
        "members",
        "models",
        "metadata",
        "litellm_params",
        "callback_name",
        "reset_to",
        "fallback_models",
        "max_budget",
        "duration",
        "permissions",
        "users",
        "update_fields",
        "model_groups",
    ];
    let object = |value: &str| {
        let fields = names.map(|name| format!(r#""{name}":{value}"#));
        format!("{{{}}}", fields.join(","))
    };
    let list = format!("[{text}]");
    let bodies =
        ["null", "[]", "7", "\"x\"", &object(&text), &object(&list), &object("-1"), &object("{}"), &object("1e400")];
    let longest = object(&format!("\"{long}\""));
    for row in rows().filter(|row| !row.path.starts_with("/global/spend/reset")) {
        let path = row.path.split('/').map(|part| if part.starts_with('{') { "%27%3B--%20%22" } else { part });
        let path =
            path.collect::<Vec<_>>().join("/") + "?page=7&start_date=%27&end_date=%22&team_id=%27%3B&user_id=%3B--";
        for body in bodies.iter().copied().chain([longest.as_str()]) {
            let (status, answer) = gateway.call(Some(MASTER), row.method, &path, body).await;
            assert!(status < 500, "{} {path} {:.80}: {status} {answer}", row.method, body);
            shaped(status, &answer, &path);
        }
    }
    ok(&gateway, MASTER, "GET", "/key/list", "").await;
}

/// An error is `{"error":{...}}` with the status as its code, or a list of what is wrong with the fields.
fn shaped(status: u16, answer: &Json, path: &str) {
    if status == 422 && answer.get("detail").is_some() {
        assert!(!at(answer, "detail").as_array().unwrap().is_empty(), "{path}: {answer}");
    } else if status >= 400 && !path.contains("/scim/") {
        assert_eq!(text(answer, "error.code"), status.to_string(), "{path}: {answer}");
        assert!(
            !text(answer, "error.message").is_empty() && at(answer, "error.type").as_str().is_some(),
            "{path}: {answer}"
        );
    }
}
