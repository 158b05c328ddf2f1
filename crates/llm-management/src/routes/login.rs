//! What people with a key ask about logins: invitations, their own password, single sign-on.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::login::readiness;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/invitation/new" OrgAdmin invite),
    row!("GET" "/invitation/info" Admin info),
    row!("POST" "/invitation/update" Admin update),
    row!("POST" "/invitation/delete" OrgAdmin delete),
    row!("POST" "/user/password/change" OwnScope password),
    row!("GET" "/sso/readiness" AnyKey readiness),
    row!("GET" "/sso/get/ui_settings" OwnScope settings),
];

async fn invite(call: Call) -> Outcome<Json> {
    call.accounts.new_invitation(call.actor(), &call.body).await
}

async fn info(call: Call) -> Outcome<Json> {
    call.accounts.invitation_info(call.needed("invitation_id")?).await
}

async fn update(call: Call) -> Outcome<Json> {
    call.accounts.update_invitation(call.actor(), &call.body).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_invitation(call.actor(), &call.body).await
}

async fn password(call: Call) -> Outcome<Json> {
    call.accounts.change_password(call.actor(), call.source, &call.body).await
}

/// What LiteLLM's pages ask for first.
async fn settings(call: Call) -> Outcome<Json> {
    let ways = call.accounts.settings();
    let login = &ways.login;
    Ok(Json::object([
        ("PROXY_BASE_URL", Json::from(login.base_url.as_deref())),
        ("PROXY_LOGOUT_URL", Json::from(login.logout_url.as_deref())),
        ("LITELLM_UI_API_DOC_BASE_URL", Json::Null),
        ("DEFAULT_TEAM_DISABLED", Json::Bool(false)),
        ("SSO_ENABLED", Json::Bool(login.sso)),
        ("NUM_SPEND_LOGS_ROWS", Json::from(0_u64)),
        ("DISABLE_EXPENSIVE_DB_QUERIES", Json::Bool(false)),
    ]))
}
