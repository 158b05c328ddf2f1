//! End users, under both of their names.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/customer/new" Admin new),
    row!("POST" "/customer/update" Admin update),
    row!("POST" "/customer/delete" Admin delete),
    row!("GET" "/customer/info" Admin info),
    row!("GET" "/customer/list" Admin list),
    row!("POST" "/customer/block" Admin block),
    row!("POST" "/customer/unblock" Admin unblock),
    row!("POST" "/end_user/new" Admin new),
    row!("POST" "/end_user/update" Admin update),
    row!("POST" "/end_user/delete" Admin delete),
    row!("GET" "/end_user/info" Admin info),
    row!("GET" "/end_user/list" Admin list),
    row!("POST" "/end_user/block" Admin block),
    row!("POST" "/end_user/unblock" Admin unblock),
];

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_customer(call.actor(), &call.body).await
}

async fn update(call: Call) -> Outcome<Json> {
    call.accounts.update_customer(call.actor(), &call.body).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_customers(call.actor(), &call.body).await
}

async fn info(call: Call) -> Outcome<Json> {
    call.accounts.customer_info(call.needed("end_user_id")?).await
}

async fn list(call: Call) -> Outcome<Json> {
    call.accounts.list_customers().await
}

async fn block(call: Call) -> Outcome<Json> {
    call.accounts.block_customers(call.actor(), &call.body).await
}

async fn unblock(call: Call) -> Outcome<Json> {
    call.accounts.unblock_customers(call.actor(), &call.body).await
}
