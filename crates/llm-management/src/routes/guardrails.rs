//! Guardrails that live in the database.

use llm_accounts::{JudgedQuery, Outcome, SubmissionQuery, UsageDays};
use llm_types::Json;

use super::spend::date;
use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/guardrails/list" OwnScope list),
    row!("GET" "/v2/guardrails/list" OwnScope list),
    row!("POST" "/guardrails" Admin new),
    row!("POST" "/guardrails/register" OwnScope register),
    row!("GET" "/guardrails/submissions" OwnScope submissions),
    row!("GET" "/guardrails/submissions/{guardrail_id}" OwnScope submission),
    row!("POST" "/guardrails/submissions/{guardrail_id}/approve" Admin approve),
    row!("POST" "/guardrails/submissions/{guardrail_id}/reject" Admin reject),
    row!("GET" "/guardrails/usage/overview" Admin usage),
    row!("GET" "/guardrails/usage/detail/{guardrail_id}" Admin usage_of),
    row!("GET" "/guardrails/usage/logs" Admin judged),
    row!("GET" "/policies/usage/overview" Admin policies),
    row!("GET" "/guardrails/{guardrail_id}" Admin one),
    row!("GET" "/guardrails/{guardrail_id}/info" Admin one),
    row!("PUT" "/guardrails/{guardrail_id}" Admin replace),
    row!("PATCH" "/guardrails/{guardrail_id}" Admin change),
    row!("DELETE" "/guardrails/{guardrail_id}" Admin delete),
];

async fn list(call: Call) -> Outcome<Json> {
    call.accounts.guardrails(call.actor()).await
}

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_guardrail(call.actor(), &call.body).await
}

async fn one(call: Call) -> Outcome<Json> {
    call.accounts.guardrail(call.named()).await
}

async fn replace(call: Call) -> Outcome<Json> {
    call.accounts.replace_guardrail(call.actor(), call.named(), &call.body).await
}

async fn change(call: Call) -> Outcome<Json> {
    call.accounts.change_guardrail(call.actor(), call.named(), &call.body).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_guardrail(call.actor(), call.named()).await
}

async fn register(call: Call) -> Outcome<Json> {
    call.accounts.register_guardrail(call.actor(), &call.body).await
}

async fn submissions(call: Call) -> Outcome<Json> {
    let query =
        SubmissionQuery { status: call.owned("status"), team_id: call.owned("team_id"), search: call.owned("search") };
    call.accounts.guardrail_submissions(&call.who, &query).await
}

async fn submission(call: Call) -> Outcome<Json> {
    call.accounts.guardrail_submission(&call.who, call.named()).await
}

async fn approve(call: Call) -> Outcome<Json> {
    call.accounts.review_guardrail(call.actor(), call.named(), true).await
}

async fn reject(call: Call) -> Outcome<Json> {
    call.accounts.review_guardrail(call.actor(), call.named(), false).await
}

fn days(call: &Call) -> Outcome<UsageDays> {
    UsageDays::read(call.text("start_date"), call.text("end_date"))
}

async fn usage(call: Call) -> Outcome<Json> {
    call.accounts.guardrail_usage(days(&call)?).await
}

async fn usage_of(call: Call) -> Outcome<Json> {
    call.accounts.guardrail_usage_of(call.named(), days(&call)?).await
}

async fn policies(call: Call) -> Outcome<Json> {
    call.accounts.policy_usage(days(&call)?).await
}

async fn judged(call: Call) -> Outcome<Json> {
    let query = JudgedQuery {
        guardrail_id: call.owned("guardrail_id"),
        policy_id: call.owned("policy_id"),
        action: call.owned("action"),
        from: date(&call, "start_date", false)?,
        until: date(&call, "end_date", true)?,
        page: call.number("page", 1, 1)?,
        size: call.up_to("page_size", 50, 100)?,
    };
    call.accounts.judged_calls(&query).await
}
