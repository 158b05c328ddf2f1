//! Settings that live in the database; reading file and database anew.

use llm_accounts::{Defaults, Outcome};
use llm_types::{Error, Json};

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/config/update" Admin update),
    row!("GET" "/config/list" Admin list),
    row!("GET" "/config/field/info" Admin field),
    row!("POST" "/config/field/update" Admin update_field),
    row!("POST" "/config/field/delete" Admin delete_field),
    row!("POST" "/config/reload" Admin reload),
    row!("GET" "/get/internal_user_settings" Admin user_defaults),
    row!("PATCH" "/update/internal_user_settings" Admin set_user_defaults),
    row!("GET" "/get/default_team_settings" Admin team_defaults),
    row!("PATCH" "/update/default_team_settings" Admin set_team_defaults),
    row!("GET" "/get/sso_settings" Admin sso),
    row!("PATCH" "/update/sso_settings" Admin set_sso),
    row!("GET" "/coordination_redis/settings" Admin coordination),
    row!("POST" "/coordination_redis/settings" Admin set_coordination),
    row!("GET" "/email/event_settings" Admin letters),
    row!("PATCH" "/email/event_settings" Admin set_letters),
    row!("POST" "/email/event_settings/reset" Admin reset_letters),
];

async fn update(call: Call) -> Outcome<Json> {
    call.accounts.update_config(call.actor(), &call.body).await
}

async fn list(call: Call) -> Outcome<Json> {
    call.accounts.list_config().await
}

async fn field(call: Call) -> Outcome<Json> {
    call.accounts.config_field(call.needed("field_name")?).await
}

async fn update_field(call: Call) -> Outcome<Json> {
    call.accounts.update_config_field(call.actor(), &call.body).await
}

async fn delete_field(call: Call) -> Outcome<Json> {
    call.accounts.delete_config_field(call.actor(), &call.body).await
}

async fn reload(call: Call) -> Outcome<Json> {
    let texts = |list: Vec<String>| Json::Array(list.into_iter().map(Json::from).collect());
    match call.accounts.serving()?.reload().await {
        Ok(warnings) => Ok(Json::object([("status", Json::from("success")), ("warnings", texts(warnings))])),
        Err(problems) => {
            let why = format!("The configuration was not taken over: {}", problems.join("; "));
            Err(Error::bad_request(why).into())
        }
    }
}

async fn user_defaults(call: Call) -> Outcome<Json> {
    call.accounts.shown_defaults(Defaults::Users).await
}

async fn set_user_defaults(call: Call) -> Outcome<Json> {
    call.accounts.set_defaults(call.actor(), Defaults::Users, &call.body).await
}

async fn team_defaults(call: Call) -> Outcome<Json> {
    call.accounts.shown_defaults(Defaults::Teams).await
}

async fn set_team_defaults(call: Call) -> Outcome<Json> {
    call.accounts.set_defaults(call.actor(), Defaults::Teams, &call.body).await
}

async fn sso(call: Call) -> Outcome<Json> {
    call.accounts.shown_sso().await
}

async fn set_sso(call: Call) -> Outcome<Json> {
    call.accounts.set_sso(call.actor(), &call.body).await
}

async fn coordination(call: Call) -> Outcome<Json> {
    call.accounts.coordination_redis().await
}

async fn set_coordination(call: Call) -> Outcome<Json> {
    call.accounts.set_coordination_redis(call.actor(), &call.body).await
}

async fn letters(call: Call) -> Outcome<Json> {
    call.accounts.email_events().await
}

async fn set_letters(call: Call) -> Outcome<Json> {
    call.accounts.set_email_events(call.actor(), &call.body).await
}

async fn reset_letters(call: Call) -> Outcome<Json> {
    call.accounts.reset_email_events(call.actor()).await
}
