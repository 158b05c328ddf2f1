//! Texts that callers keep under keys. A key may have slashes.

use llm_accounts::{MemoryQuery, Outcome};
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/v1/memory" AnyKey list),
    row!("POST" "/v1/memory" AnyKey new),
    row!("GET" "/v1/memory/{*key}" AnyKey one),
    row!("PUT" "/v1/memory/{*key}" AnyKey set),
    row!("DELETE" "/v1/memory/{*key}" AnyKey delete),
];

async fn list(call: Call) -> Outcome<Json> {
    let query = MemoryQuery {
        key: call.owned("key"),
        key_prefix: call.owned("key_prefix"),
        search: call.owned("search"),
        page: call.number("page", 1, 1)?,
        size: call.up_to("page_size", 50, 500)?,
    };
    call.accounts.memories(&call.who, &query).await
}

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_memory(&call.who, &call.body).await
}

async fn one(call: Call) -> Outcome<Json> {
    call.accounts.memory_entry(&call.who, call.named()).await
}

async fn set(call: Call) -> Outcome<Json> {
    call.accounts.set_memory(&call.who, call.named(), &call.body).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_memory(&call.who, call.named()).await
}
