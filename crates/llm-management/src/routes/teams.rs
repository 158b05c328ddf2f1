//! Teams and their members.

use llm_accounts::{Outcome, TeamListQuery};
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/team/new" OrgAdmin new),
    row!("POST" "/team/update" TeamAdmin update),
    row!("PATCH" "/team/{team_id}" TeamAdmin patch),
    row!("POST" "/team/delete" OrgAdmin delete),
    row!("POST" "/team/block" Admin block),
    row!("POST" "/team/unblock" Admin unblock),
    row!("GET" "/team/info" AnyKey info),
    row!("GET" "/team/list" OwnScope list),
    row!("GET" "/v2/team/list" OwnScope page),
    row!("POST" "/team/member_add" TeamAdmin member_add),
    row!("POST" "/team/bulk_member_add" TeamAdmin bulk_member_add),
    row!("POST" "/team/member_update" TeamAdmin member_update),
    row!("POST" "/team/member_delete" TeamAdmin member_delete),
    row!("GET" "/team/{team_id}/members/me" OwnScope own_membership),
    row!("POST" "/team/{team_id}/member/{user_id}/reset_spend" TeamAdmin reset_spend),
    row!("POST" "/team/{team_id}/member/{user_id}/reset_budget" TeamAdmin reset_budget),
    row!("POST" "/team/key/bulk_update" TeamAdmin bulk_keys),
    row!("GET" "/team/available" OwnScope available),
    row!("GET" "/team/filter/ui" Admin search),
    row!("POST" "/team/{team_id}/callback" TeamAdmin add_callback),
    row!("GET" "/team/{team_id}/callback" TeamAdmin callbacks),
    row!("DELETE" "/team/{team_id}/callback/{callback_name}" TeamAdmin delete_callback),
    row!("POST" "/team/{team_id}/disable_logging" Admin disable_logging),
    row!("POST" "/team/model/add" TeamAdmin model_add),
    row!("POST" "/team/model/delete" TeamAdmin model_delete),
    row!("GET" "/team/permissions_list" TeamAdmin permissions),
    row!("POST" "/team/permissions_update" TeamAdmin permissions_update),
    row!("POST" "/team/permissions_bulk_update" Admin permissions_bulk_update),
    row!("GET" "/team/metadata_schema" OwnScope metadata_schema),
    row!("POST" "/management/v1/teams/{team_id}/members/bulk_delete" TeamAdmin bulk_delete_members),
    row!("POST" "/management/v1/teams/{team_id}/members/bulk_update" TeamAdmin bulk_update_members),
];

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_team(call.actor(), &call.body_or_empty()).await
}

async fn update(call: Call) -> Outcome<Json> {
    let row = call.accounts.update_team(call.actor(), None, &call.body).await?;
    let id = row.get("team_id").cloned().unwrap_or_default();
    Ok(Json::object([("team_id", id), ("data", row)]))
}

async fn patch(call: Call) -> Outcome<Json> {
    call.accounts.update_team(call.actor(), Some(call.named()), &call.body_or_empty()).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_teams(call.actor(), &call.body).await
}

async fn block(call: Call) -> Outcome<Json> {
    call.accounts.block_team(call.actor(), &call.body, true).await
}

async fn unblock(call: Call) -> Outcome<Json> {
    call.accounts.block_team(call.actor(), &call.body, false).await
}

async fn info(call: Call) -> Outcome<Json> {
    let keys = match call.text("key_limit") {
        None => None,
        Some(_) => Some(call.number("key_limit", 0, 0)? as usize),
    };
    call.accounts.team_info(call.actor(), call.needed("team_id")?, keys).await
}

async fn list(call: Call) -> Outcome<Json> {
    call.accounts.list_teams(call.actor(), call.text("user_id"), call.text("organization_id")).await
}

async fn page(call: Call) -> Outcome<Json> {
    let asked = TeamListQuery {
        user_id: call.owned("user_id"),
        organization_id: call.owned("organization_id"),
        team_id: call.owned("team_id"),
        team_alias: call.owned("team_alias"),
        search: call.owned("search"),
        prefix_id: call.text("search_team_id_match") == Some("prefix"),
        status: call.owned("status"),
    };
    call.accounts.page_teams(call.actor(), asked, &call.page("page_size", 10)?).await
}

async fn member_add(call: Call) -> Outcome<Json> {
    call.accounts.add_team_members(call.actor(), &call.body).await
}

async fn bulk_member_add(call: Call) -> Outcome<Json> {
    call.accounts.bulk_add_team_members(call.actor(), &call.body).await
}

async fn member_update(call: Call) -> Outcome<Json> {
    call.accounts.update_team_member(call.actor(), &call.body).await
}

async fn member_delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_team_member(call.actor(), &call.body).await
}

async fn bulk_delete_members(call: Call) -> Outcome<Json> {
    call.accounts.bulk_delete_members(call.actor(), call.named(), &call.body).await
}

async fn bulk_update_members(call: Call) -> Outcome<Json> {
    call.accounts.bulk_update_members(call.actor(), call.named(), &call.body).await
}

async fn metadata_schema(call: Call) -> Outcome<Json> {
    call.accounts.team_metadata_schema()
}

async fn own_membership(call: Call) -> Outcome<Json> {
    call.accounts.own_membership(call.actor(), call.named()).await
}

async fn reset_spend(call: Call) -> Outcome<Json> {
    call.accounts.reset_member_spend(call.actor(), call.part("team_id"), call.part("user_id"), &call.body).await
}

async fn reset_budget(call: Call) -> Outcome<Json> {
    call.accounts.reset_member_budget(call.actor(), call.part("team_id"), call.part("user_id")).await
}

async fn bulk_keys(call: Call) -> Outcome<Json> {
    call.accounts.bulk_update_team_keys(call.actor(), &call.body).await
}

async fn available(call: Call) -> Outcome<Json> {
    call.accounts.available_teams(call.actor()).await
}

async fn search(call: Call) -> Outcome<Json> {
    let asked = TeamListQuery {
        team_id: call.owned("team_id"),
        team_alias: call.owned("team_alias"),
        search: call.owned("search"),
        prefix_id: true,
        ..TeamListQuery::default()
    };
    call.accounts.search_teams(call.actor(), asked, &call.page("page_size", 50)?).await
}

async fn add_callback(call: Call) -> Outcome<Json> {
    call.accounts.add_team_callback(call.actor(), call.part("team_id"), &call.body).await
}

async fn callbacks(call: Call) -> Outcome<Json> {
    call.accounts.team_callbacks(call.actor(), call.part("team_id")).await
}

async fn delete_callback(call: Call) -> Outcome<Json> {
    call.accounts.delete_team_callback(call.actor(), call.part("team_id"), call.part("callback_name")).await
}

async fn disable_logging(call: Call) -> Outcome<Json> {
    call.accounts.disable_team_logging(call.actor(), call.part("team_id")).await
}

async fn model_add(call: Call) -> Outcome<Json> {
    call.accounts.change_team_models(call.actor(), &call.body, true).await
}

async fn model_delete(call: Call) -> Outcome<Json> {
    call.accounts.change_team_models(call.actor(), &call.body, false).await
}

async fn permissions(call: Call) -> Outcome<Json> {
    call.accounts.team_permissions(call.actor(), call.needed("team_id")?).await
}

async fn permissions_update(call: Call) -> Outcome<Json> {
    call.accounts.update_team_permissions(call.actor(), &call.body).await
}

async fn permissions_bulk_update(call: Call) -> Outcome<Json> {
    call.accounts.add_permissions(call.actor(), &call.body).await
}
