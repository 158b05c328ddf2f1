//! Virtual keys.

use llm_accounts::{KeyListQuery, Outcome};
use llm_store::KeyFilter;
use llm_types::{Error, Json};

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/key/generate" OwnScope generate),
    row!("POST" "/key/service-account/generate" OwnScope generate_service),
    row!("POST" "/key/update" OwnScope update),
    row!("POST" "/key/bulk_update" Admin bulk_update),
    row!("POST" "/key/delete" OwnScope delete),
    row!("GET" "/key/info" AnyKey info),
    row!("POST" "/v2/key/info" Admin infos),
    row!("GET" "/key/list" OwnScope list),
    row!("POST" "/key/block" Admin block),
    row!("POST" "/key/unblock" Admin unblock),
    row!("POST" "/key/regenerate" OwnScope regenerate),
    row!("POST" "/key/{key}/regenerate" OwnScope regenerate),
    row!("POST" "/key/{key}/reset_spend" Admin reset_spend),
    row!("GET" "/key/aliases" OwnScope aliases),
    row!("POST" "/key/health" AnyKey health),
];

async fn generate(call: Call) -> Outcome<Json> {
    call.accounts.generate_key(call.actor(), &call.body_or_empty()).await
}

async fn generate_service(call: Call) -> Outcome<Json> {
    call.accounts.generate_service_key(call.actor(), &call.body_or_empty()).await
}

async fn bulk_update(call: Call) -> Outcome<Json> {
    call.accounts.bulk_update_keys(call.actor(), &call.body).await
}

async fn reset_spend(call: Call) -> Outcome<Json> {
    call.accounts.reset_key_spend(call.actor(), call.named(), &call.body).await
}

async fn aliases(call: Call) -> Outcome<Json> {
    let (page, size) = (call.number("page", 1, 1)?, call.number("size", 50, 1)?);
    call.accounts.key_aliases(call.actor(), call.owned("search"), call.owned("team_id"), page, size).await
}

async fn health(call: Call) -> Outcome<Json> {
    call.accounts.key_health(call.actor()).await
}

async fn update(call: Call) -> Outcome<Json> {
    call.accounts.update_key(call.actor(), &call.body).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_keys(call.actor(), &call.body).await
}

async fn info(call: Call) -> Outcome<Json> {
    call.accounts.key_info(call.actor(), call.text("key")).await
}

async fn infos(call: Call) -> Outcome<Json> {
    let keys = call.body.get("keys").and_then(Json::as_array).unwrap_or_default();
    let keys: Vec<String> = keys.iter().filter_map(|k| k.as_str().map(str::to_owned)).collect();
    if keys.is_empty() {
        return Err(Error::bad_request("No keys passed in.").with_param("keys").into());
    }
    call.accounts.keys_info(call.actor(), &keys).await
}

async fn block(call: Call) -> Outcome<Json> {
    call.accounts.block_key(call.actor(), &call.body, true).await
}

async fn unblock(call: Call) -> Outcome<Json> {
    call.accounts.block_key(call.actor(), &call.body, false).await
}

async fn regenerate(call: Call) -> Outcome<Json> {
    let key = call.segment().map(str::to_owned).or_else(|| call.owned("key"));
    call.accounts.regenerate_key(call.actor(), key.as_deref(), &call.body).await
}

async fn list(call: Call) -> Outcome<Json> {
    let filter = KeyFilter {
        user_id: call.owned("user_id"),
        team_id: call.owned("team_id"),
        organization_id: call.owned("organization_id"),
        key_alias: call.owned("key_alias"),
        key_hash: call.owned("key_hash"),
        project_id: call.owned("project_id"),
        agent_id: call.owned("agent_id"),
        access_group_id: call.owned("access_group_id"),
        search: call.owned("search"),
        substring: call.flag("substring_matching", false)?,
        ..KeyFilter::default()
    };
    let query = KeyListQuery {
        filter,
        page: call.number("page", 1, 1)?,
        size: call.number("size", 10, 1)?,
        full: call.flag("return_full_object", false)?,
        include_team_keys: call.flag("include_team_keys", false)?,
        include_created_by_keys: call.flag("include_created_by_keys", false)?,
        sort: call.owned("sort_by").map(|column| (column, call.text("sort_order") != Some("asc"))),
        expires: call.owned("expires"),
        status: call.owned("status"),
        with_users: call.query.iter().any(|(name, value)| name == "expand" && value == "user"),
    };
    call.accounts.list_keys(call.actor(), query).await
}
