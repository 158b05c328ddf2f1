//! The registry of tools. Names may have slashes, so what is wanted of a tool stands behind its name in one segment with it.

use llm_accounts::{Accounts, Outcome};
use llm_types::{Error, Json, Kind};

use super::spend::date;
use crate::call::Call;
use crate::table::{Row, row};

pub(crate) static ROWS: &[Row] = &[
    row!("GET" "/v1/tool/list" Admin list),
    row!("POST" "/v1/tool/policy" Admin set),
    row!("GET" "/v1/tool/policy/options" Admin options),
    row!("GET" "/v1/tool/{*tool_name}" Admin one),
    row!("DELETE" "/v1/tool/{*tool_name}" Admin delete),
];

/// Tools of a page of the list, as many as there can be.
const LISTED: u32 = 1000;

async fn list(call: Call) -> Outcome<Json> {
    let pages = (call.number("page", 1, 1)?, call.up_to("page_size", LISTED, LISTED)?);
    call.accounts.tools(call.text("input_policy"), pages).await
}

async fn options(_: Call) -> Outcome<Json> {
    Ok(Accounts::tool_policy_options())
}

async fn set(call: Call) -> Outcome<Json> {
    call.accounts.set_tool_policy(call.actor(), &call.body).await
}

/// `/v1/tool/{tool_name}`, `.../detail` and `.../logs`. A tool may be called so as well: the whole name counts first.
async fn one(call: Call) -> Outcome<Json> {
    if let Some(tool) = call.accounts.known_tool(call.named()).await? {
        return Ok(tool);
    }
    match call.named().rsplit_once('/') {
        Some((name, "detail")) => call.accounts.tool_detail(name).await,
        Some((name, "logs")) => {
            let days = (date(&call, "start_date", false)?, date(&call, "end_date", true)?);
            let pages = (call.number("page", 1, 1)?, call.up_to("page_size", 50, 100)?);
            call.accounts.tool_logs(name, days, pages).await
        }
        _ => call.accounts.tool(call.named()).await,
    }
}

/// `/v1/tool/{tool_name}/overrides`.
async fn delete(call: Call) -> Outcome<Json> {
    let Some((name, "overrides")) = call.named().rsplit_once('/') else {
        return Err(Error::new(Kind::NotFound, "Not Found").into());
    };
    call.accounts.delete_tool_override(call.actor(), name, (call.text("team_id"), call.text("key_hash"))).await
}
