//! Secret managers that are named in the database.

use llm_accounts::{Outcome, VaultKind};
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/config_overrides/hashicorp_vault" Admin hashicorp),
    row!("POST" "/config_overrides/hashicorp_vault" Admin set_hashicorp),
    row!("DELETE" "/config_overrides/hashicorp_vault" Admin delete_hashicorp),
    row!("POST" "/config_overrides/hashicorp_vault/test_connection" Admin try_hashicorp),
    row!("GET" "/config_overrides/cyberark" Admin conjur),
    row!("POST" "/config_overrides/cyberark" Admin set_conjur),
    row!("DELETE" "/config_overrides/cyberark" Admin delete_conjur),
    row!("POST" "/config_overrides/cyberark/test_connection" Admin try_conjur),
];

async fn hashicorp(call: Call) -> Outcome<Json> {
    call.accounts.vault_settings(VaultKind::Hashicorp).await
}

async fn set_hashicorp(call: Call) -> Outcome<Json> {
    call.accounts.set_vault(call.actor(), VaultKind::Hashicorp, &call.body_or_empty()).await
}

async fn delete_hashicorp(call: Call) -> Outcome<Json> {
    call.accounts.delete_vault(call.actor(), VaultKind::Hashicorp).await
}

async fn try_hashicorp(call: Call) -> Outcome<Json> {
    call.accounts.try_vault(VaultKind::Hashicorp).await
}

async fn conjur(call: Call) -> Outcome<Json> {
    call.accounts.vault_settings(VaultKind::Conjur).await
}

async fn set_conjur(call: Call) -> Outcome<Json> {
    call.accounts.set_vault(call.actor(), VaultKind::Conjur, &call.body_or_empty()).await
}

async fn delete_conjur(call: Call) -> Outcome<Json> {
    call.accounts.delete_vault(call.actor(), VaultKind::Conjur).await
}

async fn try_conjur(call: Call) -> Outcome<Json> {
    call.accounts.try_vault(VaultKind::Conjur).await
}
