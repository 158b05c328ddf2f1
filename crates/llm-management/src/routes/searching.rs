//! What is searched: search tools, vector stores and their indexes.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/search_tools/list" Admin tools),
    row!("POST" "/search_tools" Admin new_tool),
    row!("GET" "/search_tools/{search_tool_id}" Admin tool),
    row!("PUT" "/search_tools/{search_tool_id}" Admin update_tool),
    row!("DELETE" "/search_tools/{search_tool_id}" Admin delete_tool),
    row!("POST" "/vector_store/new" Admin new_store),
    row!("GET" "/vector_store/list" AnyKey stores),
    row!("GET" "/v1/vector_store/list" AnyKey stores),
    row!("POST" "/vector_store/info" AnyKey store),
    row!("POST" "/vector_store/update" Admin update_store),
    row!("POST" "/vector_store/delete" Admin delete_store),
    row!("GET" "/v1/indexes" Admin indexes),
    row!("POST" "/v1/indexes" Admin new_index),
];

async fn tools(call: Call) -> Outcome<Json> {
    call.accounts.search_tools().await
}

async fn new_tool(call: Call) -> Outcome<Json> {
    call.accounts.new_search_tool(call.actor(), &call.body).await
}

async fn tool(call: Call) -> Outcome<Json> {
    call.accounts.search_tool(call.named()).await
}

async fn update_tool(call: Call) -> Outcome<Json> {
    call.accounts.update_search_tool(call.actor(), call.named(), &call.body).await
}

async fn delete_tool(call: Call) -> Outcome<Json> {
    call.accounts.delete_search_tool(call.actor(), call.named()).await
}

async fn new_store(call: Call) -> Outcome<Json> {
    call.accounts.new_vector_store(call.actor(), &call.body).await
}

async fn stores(call: Call) -> Outcome<Json> {
    let (page, size) = (call.number("page", 1, 1)?, call.number("page_size", 100, 1)?);
    call.accounts.vector_stores(&call.who, page, size).await
}

async fn store(call: Call) -> Outcome<Json> {
    call.accounts.vector_store_info(&call.who, &call.body).await
}

async fn update_store(call: Call) -> Outcome<Json> {
    call.accounts.update_vector_store(call.actor(), &call.body).await
}

async fn delete_store(call: Call) -> Outcome<Json> {
    call.accounts.delete_vector_store(call.actor(), &call.body).await
}

async fn indexes(call: Call) -> Outcome<Json> {
    call.accounts.vector_indexes().await
}

async fn new_index(call: Call) -> Outcome<Json> {
    call.accounts.new_vector_index(call.actor(), &call.body).await
}
