//! Internal users.

use llm_accounts::{Outcome, UserListQuery};
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/user/new" OrgAdmin new),
    row!("POST" "/user/update" Admin update),
    row!("POST" "/user/bulk_update" Admin bulk_update),
    row!("POST" "/user/delete" Admin delete),
    row!("GET" "/user/info" OwnScope info),
    row!("GET" "/v2/user/info" OwnScope row_info),
    row!("GET" "/user/list" OrgAdmin list),
    row!("GET" "/user/filter/ui" OrgAdmin search),
    row!("GET" "/user/available_roles" AnyKey roles),
    row!("GET" "/user/available_users" Admin seats),
    row!("POST" "/management/v1/users/bulk" OrgAdmin bulk_new),
    row!("POST" "/management/v1/users/bulk_delete" Admin bulk_delete),
];

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_user(call.actor(), &call.body_or_empty()).await
}

async fn update(call: Call) -> Outcome<Json> {
    call.accounts.update_user(call.actor(), &call.body).await
}

async fn bulk_update(call: Call) -> Outcome<Json> {
    call.accounts.bulk_update_users(call.actor(), &call.body).await
}

async fn bulk_new(call: Call) -> Outcome<Json> {
    call.accounts.bulk_new_users(call.actor(), &call.body).await
}

async fn bulk_delete(call: Call) -> Outcome<Json> {
    call.accounts.bulk_delete_users(call.actor(), &call.body).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_users(call.actor(), &call.body).await
}

async fn info(call: Call) -> Outcome<Json> {
    call.accounts.user_info(call.actor(), call.text("user_id")).await
}

async fn row_info(call: Call) -> Outcome<Json> {
    call.accounts.user_row_info(call.actor(), call.text("user_id")).await
}

async fn list(call: Call) -> Outcome<Json> {
    let asked = UserListQuery {
        role: call.owned("role"),
        user_ids: call.list("user_ids"),
        sso_user_ids: call.list("sso_user_ids"),
        user_email: call.owned("user_email"),
        search: call.owned("search"),
        team: call.owned("team"),
        organization_ids: call.list("organization_ids"),
    };
    call.accounts.list_users(call.actor(), asked, &call.page("page_size", 25)?).await
}

async fn search(call: Call) -> Outcome<Json> {
    let page = call.page("page_size", 50)?;
    call.accounts.search_users(call.actor(), call.owned("user_id"), call.owned("user_email"), &page).await
}

async fn seats(call: Call) -> Outcome<Json> {
    call.accounts.seats().await
}

async fn roles(call: Call) -> Outcome<Json> {
    Ok(call.accounts.available_roles())
}
