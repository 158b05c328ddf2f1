//! Named credentials of providers.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/credentials/migrate-encryption" Admin migrate),
    row!("GET" "/credentials/migrate-encryption/check" Admin check),
    row!("GET" "/credentials" Admin list),
    row!("POST" "/credentials" Admin new),
    row!("GET" "/credentials/by_name/{credential_name}" Admin one),
    row!("GET" "/credentials/by_model/{model_id}" Admin of_model),
    row!("PATCH" "/credentials/{credential_name}" Admin update),
    row!("DELETE" "/credentials/{credential_name}" Admin delete),
];

fn named(call: &Call) -> &str {
    call.segment().unwrap_or_default()
}

async fn list(call: Call) -> Outcome<Json> {
    call.accounts.list_credentials().await
}

async fn new(call: Call) -> Outcome<Json> {
    call.accounts.new_credential(call.actor(), &call.body).await
}

async fn one(call: Call) -> Outcome<Json> {
    call.accounts.credential(named(&call)).await
}

async fn of_model(call: Call) -> Outcome<Json> {
    call.accounts.credential_of_model(named(&call)).await
}

async fn update(call: Call) -> Outcome<Json> {
    call.accounts.update_credential(call.actor(), named(&call), &call.body).await
}

async fn delete(call: Call) -> Outcome<Json> {
    call.accounts.delete_credential(call.actor(), named(&call)).await
}

async fn migrate(call: Call) -> Outcome<Json> {
    call.accounts.migrate_encryption(call.flag("dry_run", false)?).await
}

async fn check(call: Call) -> Outcome<Json> {
    call.accounts.check_encryption().await
}
