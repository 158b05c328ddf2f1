//! The trail of changes.

use llm_accounts::{AuditQuery, KeyDigest, Outcome};
use llm_types::Json;

use super::spend::date;
use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[row!("GET" "/audit" Admin list), row!("GET" "/audit/{id}" Admin one)];

async fn list(call: Call) -> Outcome<Json> {
    let query = AuditQuery {
        changed_by: call.owned("changed_by"),
        changed_by_api_key: call.owned("changed_by_api_key"),
        action: call.owned("action"),
        table_name: call.owned("table_name"),
        object_id: call.owned("object_id"),
        object_team_id: call.owned("object_team_id"),
        object_key_hash: call.text("object_key_hash").map(|key| KeyDigest::of_key_or_hash(key).hex()),
        search: call.owned("search"),
        from: date(&call, "start_date", false)?,
        until: date(&call, "end_date", true)?,
        sort_by: call.owned("sort_by"),
        ascending: call.text("sort_order").is_some_and(|order| order.eq_ignore_ascii_case("asc")),
        page: call.number("page", 1, 1)?,
        size: call.number("page_size", 10, 1)?,
    };
    call.accounts.audit_logs(&query).await
}

async fn one(call: Call) -> Outcome<Json> {
    call.accounts.audit_log(call.segment().unwrap_or_default()).await
}
