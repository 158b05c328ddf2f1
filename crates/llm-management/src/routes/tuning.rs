//! Settings that have calls of their own: fallbacks, discounts, margins, callbacks.

use llm_accounts::Outcome;
use llm_types::Json;

use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("POST" "/fallback" Admin set),
    row!("GET" "/fallback/{*model}" Admin get),
    row!("DELETE" "/fallback/{*model}" Admin delete),
    row!("GET" "/config/cost_discount_config" Admin discounts),
    row!("PATCH" "/config/cost_discount_config" Admin set_discounts),
    row!("GET" "/config/cost_margin_config" Admin margins),
    row!("PATCH" "/config/cost_margin_config" Admin set_margins),
    row!("GET" "/config/block_requests_for_models_without_pricing" Admin only_priced),
    row!("PATCH" "/config/block_requests_for_models_without_pricing" Admin set_only_priced),
    row!("POST" "/config/callback/delete" Admin delete_callback),
    row!("GET" "/callbacks/list" Admin callbacks),
    row!("GET" "/active/callbacks" Admin active),
    row!("GET" "/settings" Admin active),
    row!("GET" "/get/config/callbacks" Admin config_callbacks),
    row!("GET" "/router/settings" Admin router),
    row!("GET" "/router/fields" Admin router_fields),
    row!("POST" "/model_group/make_public" Admin make_public),
    row!("POST" "/model_hub/update_useful_links" Admin useful_links),
];

const DISCOUNTS: &str = "cost_discount_config";
const MARGINS: &str = "cost_margin_config";

async fn set(call: Call) -> Outcome<Json> {
    call.accounts.set_fallback(call.actor(), &call.body).await
}

async fn get(call: Call) -> Outcome<Json> {
    call.accounts.fallback(call.named(), call.text("fallback_type").unwrap_or("general")).await
}

async fn delete(call: Call) -> Outcome<Json> {
    let kind = call.owned("fallback_type").unwrap_or_else(|| "general".to_owned());
    call.accounts.delete_fallback(call.actor(), call.named(), &kind).await
}

async fn discounts(call: Call) -> Outcome<Json> {
    call.accounts.cost_config(DISCOUNTS).await
}

async fn set_discounts(call: Call) -> Outcome<Json> {
    call.accounts.set_cost_config(call.actor(), DISCOUNTS, &call.body).await
}

async fn margins(call: Call) -> Outcome<Json> {
    call.accounts.cost_config(MARGINS).await
}

async fn set_margins(call: Call) -> Outcome<Json> {
    call.accounts.set_cost_config(call.actor(), MARGINS, &call.body).await
}

async fn only_priced(call: Call) -> Outcome<Json> {
    call.accounts.only_priced().await
}

async fn set_only_priced(call: Call) -> Outcome<Json> {
    call.accounts.set_only_priced(call.actor(), &call.body).await
}

async fn callbacks(call: Call) -> Outcome<Json> {
    call.accounts.callbacks_list()
}

async fn active(call: Call) -> Outcome<Json> {
    call.accounts.active_callbacks()
}

async fn config_callbacks(call: Call) -> Outcome<Json> {
    call.accounts.config_callbacks()
}

async fn router(call: Call) -> Outcome<Json> {
    call.accounts.router_settings().await
}

async fn router_fields(call: Call) -> Outcome<Json> {
    Ok(call.accounts.router_fields())
}

async fn make_public(call: Call) -> Outcome<Json> {
    call.accounts.make_groups_public(call.actor(), &call.body).await
}

async fn useful_links(call: Call) -> Outcome<Json> {
    call.accounts.set_useful_links(call.actor(), &call.body).await
}

async fn delete_callback(call: Call) -> Outcome<Json> {
    call.accounts.delete_callback(call.actor(), &call.body).await
}
