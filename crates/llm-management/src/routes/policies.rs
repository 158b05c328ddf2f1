//! Policies of guardrails: their versions, and whose calls they are for.

use llm_accounts::Outcome;
use llm_types::{Error, Json};

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/policies" Admin new),
    row!("GET" "/policies/list" Admin list),
    row!("GET" "/policies/compare" Admin compare),
    row!("POST" "/policies/resolve" Admin resolve),
    row!("POST" "/policies/attachments" Admin attach),
    row!("POST" "/policies/attachments/estimate-impact" Admin estimate),
    row!("GET" "/policies/attachments/list" Admin attachments),
    row!("GET" "/policies/attachments/{attachment_id}" Admin attachment),
    row!("DELETE" "/policies/attachments/{attachment_id}" Admin detach),
    row!("GET" "/policies/name/{policy_name}/versions" Admin versions),
    row!("POST" "/policies/name/{policy_name}/versions" Admin new_version),
    row!("DELETE" "/policies/name/{policy_name}/all-versions" Admin delete_all),
    row!("GET" "/policies/{policy_id}" Admin one),
    row!("PUT" "/policies/{policy_id}" Admin change),
    row!("DELETE" "/policies/{policy_id}" Admin delete),
    row!("PUT" "/policies/{policy_id}/status" Admin status),
    row!("GET" "/policies/{policy_id}/resolved-guardrails" Admin resolved),
    row!("GET" "/policy/list" Admin served),
    row!("GET" "/policy/info/{policy_name}" Admin info),
    row!("POST" "/policy/test" Admin test),
    row!("POST" "/policy/validate" Admin validate),
];

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_policy(call.actor(), &call.body).await
}

async fn list(call: Call) -> Outcome<Json> {
    call.accounts.policies(call.text("version_status")).await
}

async fn compare(call: Call) -> Outcome<Json> {
    call.accounts.compare_policies(call.needed("version_a")?, call.needed("version_b")?).await
}

async fn resolve(call: Call) -> Outcome<Json> {
    if call.flag("force_sync", false)? {
        let reloaded = call.accounts.serving()?.reload().await;
        reloaded.map_err(|problems| Error::bad_request(problems.join("; ")))?;
    }
    call.accounts.resolve_policies(&call.body)
}

async fn attach(call: Call) -> Outcome<Json> {
    call.accounts.new_policy_attachment(call.actor(), &call.body).await
}

async fn estimate(call: Call) -> Outcome<Json> {
    call.accounts.estimate_policy_impact(call.actor(), &call.body).await
}

async fn attachments(call: Call) -> Outcome<Json> {
    call.accounts.policy_attachments().await
}

async fn attachment(call: Call) -> Outcome<Json> {
    call.accounts.policy_attachment(call.named()).await
}

async fn detach(call: Call) -> Outcome<Json> {
    call.accounts.delete_policy_attachment(call.actor(), call.named()).await
}

async fn versions(call: Call) -> Outcome<Json> {
    call.accounts.policy_versions(call.named()).await
}

async fn new_version(call: Call) -> Outcome<Json> {
    call.accounts.new_policy_version(call.actor(), call.named(), &call.body_or_empty()).await
}

async fn delete_all(call: Call) -> Outcome<Json> {
    call.accounts.delete_policy_versions(call.actor(), call.named()).await
}

async fn one(call: Call) -> Outcome<Json> {
    call.accounts.policy(call.named()).await
}

async fn change(call: Call) -> Outcome<Json> {
    call.accounts.change_policy(call.actor(), call.named(), &call.body).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_policy(call.actor(), call.named()).await
}

async fn status(call: Call) -> Outcome<Json> {
    call.accounts.set_policy_status(call.actor(), call.named(), &call.body).await
}

async fn resolved(call: Call) -> Outcome<Json> {
    call.accounts.resolved_guardrails(call.named()).await
}

async fn served(call: Call) -> Outcome<Json> {
    call.accounts.served_policies()
}

async fn info(call: Call) -> Outcome<Json> {
    call.accounts.served_policy(call.named())
}

async fn test(call: Call) -> Outcome<Json> {
    call.accounts.test_policies(&call.body)
}

async fn validate(call: Call) -> Outcome<Json> {
    call.accounts.validate_policies(&call.body).await
}
