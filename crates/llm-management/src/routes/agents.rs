//! A2A agents. Calling them is the gateway's.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/v1/agents" AnyKey list),
    row!("POST" "/v1/agents" Admin new),
    row!("POST" "/v1/agents/make_public" Admin publish_all),
    row!("GET" "/v1/agents/{agent_id}" AnyKey one),
    row!("PUT" "/v1/agents/{agent_id}" Admin replace),
    row!("PATCH" "/v1/agents/{agent_id}" Admin change),
    row!("DELETE" "/v1/agents/{agent_id}" Admin delete),
    row!("POST" "/v1/agents/{agent_id}/make_public" Admin publish),
    row!("POST" "/v1/agents/{agent_id}/kill_switch" Admin stop),
];

async fn list(call: Call) -> Outcome<Json> {
    call.accounts.agents(&call.who, call.flag("health_check", false)?, call.text("query")).await
}

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_agent(call.actor(), &call.body).await
}

async fn one(call: Call) -> Outcome<Json> {
    call.accounts.agent(&call.who, call.named()).await
}

async fn replace(call: Call) -> Outcome<Json> {
    call.accounts.change_agent(call.actor(), call.named(), &call.body, true).await
}

async fn change(call: Call) -> Outcome<Json> {
    call.accounts.change_agent(call.actor(), call.named(), &call.body, false).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_agent(call.actor(), call.named()).await
}

async fn publish_all(call: Call) -> Outcome<Json> {
    call.accounts.make_agents_public(call.actor(), &call.body).await
}

async fn publish(call: Call) -> Outcome<Json> {
    call.accounts.make_agent_public(call.actor(), call.named()).await
}

async fn stop(call: Call) -> Outcome<Json> {
    call.accounts.fire_kill_switch(call.actor(), call.named()).await
}
