//! MCP servers that live in the database. Reading them is the gateway's: it knows which are served.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/v1/mcp/server" Admin new),
    row!("PUT" "/v1/mcp/server" Admin update),
    row!("DELETE" "/v1/mcp/server/{server_id}" Admin delete),
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
