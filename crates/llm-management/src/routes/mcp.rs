//! MCP servers and toolsets that live in the database. Reading servers is the gateway's: it knows which are served.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/v1/mcp/server" Admin new),
    row!("PUT" "/v1/mcp/server" Admin update),
    row!("DELETE" "/v1/mcp/server/{server_id}" Admin delete),
    row!("GET" "/v1/mcp/toolset" AnyKey toolsets),
    row!("POST" "/v1/mcp/toolset" Admin new_toolset),
    row!("PUT" "/v1/mcp/toolset" Admin update_toolset),
    row!("GET" "/v1/mcp/toolset/{toolset_id}" AnyKey toolset),
    row!("DELETE" "/v1/mcp/toolset/{toolset_id}" Admin delete_toolset),
];

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_mcp_server(call.actor(), &call.body).await
}

async fn update(call: Call) -> Outcome<Json> {
    call.accounts.update_mcp_server(call.actor(), &call.body).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_mcp_server(call.actor(), call.named()).await
}

async fn toolsets(call: Call) -> Outcome<Json> {
    call.accounts.mcp_toolsets(&call.who).await
}

async fn new_toolset(call: Call) -> Outcome<Json> {
    call.accounts.new_mcp_toolset(call.actor(), &call.body).await
}

async fn update_toolset(call: Call) -> Outcome<Json> {
    call.accounts.update_mcp_toolset(call.actor(), &call.body).await
}

async fn toolset(call: Call) -> Outcome<Json> {
    call.accounts.mcp_toolset(&call.who, call.named()).await
}

async fn delete_toolset(call: Call) -> Outcome<Json> {
    call.accounts.delete_mcp_toolset(call.actor(), call.named()).await
}
