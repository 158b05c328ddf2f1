//! `background: true` for providers that have no such thing: the answer is made here, behind the client's back, and read
//! later.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use llm_accounts::Reservation;
use llm_client::Call;
use llm_types::{Error, Json, RawJson};
use llm_wire::top::Top;

use super::turn::{Keeper, Turn};
use crate::body::Reply;
use crate::core::Core;
use crate::errors;
use crate::flow::{self, Context, Refused};
use crate::tail::Ledger;

/// Starts the call and answers at once.
///
/// # Errors
/// When the gateway is going away.
pub fn start(
    core: &Core,
    ctx: &Context,
    turn: &Turn,
    call: Call,
    reservation: Reservation,
) -> Result<Response<Reply>, Box<Refused>> {
    let Some(core) = core.myself() else {
        let error = Error::internal("the gateway is going away");
        return Err(Box::new(Refused::after(error, reservation)));
    };
    let id = turn.promised(&format!("bg_{}", ctx.id));
    let keeper = turn.always();
    let begun = begun(&id, ctx, turn, &call);
    let mut behind = ctx.beside(ctx.own_names);
    behind.wish.clone_from(&ctx.wish);
    behind.id = Arc::clone(&ctx.id);
    // The task waits until its beginning is in the book: its end must not come first.
    let (go, wait) = tokio::sync::oneshot::channel::<()>();
    let (task_id, task_keeper, task_begun) = (id.clone(), keeper.clone(), begun.clone());
    let task = tokio::spawn(async move {
        if wait.await.is_ok() {
            run(&core, behind, call, reservation, &task_id, &task_keeper, &task_begun).await;
        }
    });
    keeper.keep_running(&id, begun.clone(), Some(task.abort_handle()));
    let _ = go.send(()); // the task cannot be gone: it waits
    Ok(errors::json(200, begun, crate::answer::bare_headers(ctx)))
}

async fn run(
    core: &Core,
    mut ctx: Context,
    call: Call,
    reservation: Reservation,
    id: &str,
    keeper: &Keeper,
    begun: &Bytes,
) {
    let made = match Box::pin(flow::run(core, &mut ctx, call, reservation)).await {
        Ok(response) => response
            .into_body()
            .whole()
            .and_then(|body| renamed(&body, id).ok_or_else(|| Error::internal("an answer that cannot be read"))),
        Err(refused) => Err(Ledger::refused(core, &ctx, refused)),
    };
    match made {
        Ok(body) => keeper.keep(id, body),
        Err(error) => keeper.keep(id, ended(begun, "failed", Some(&error))),
    }
}

/// The answer before it is made.
pub(super) fn begun(id: &str, ctx: &Context, turn: &Turn, call: &Call) -> Bytes {
    let top = Top::parse(&call.body).ok();
    let given = |name: &str| {
        let raw = top.as_ref().and_then(|t| t.get(name));
        raw.and_then(|r| serde_json::from_str::<Json>(r).ok()).unwrap_or_default()
    };
    let or = |value: Json, other: Json| if value.is_null() { other } else { value };
    let created = u64::try_from(ctx.started_us / 1_000_000).unwrap_or_default();
    let body = Json::object([
        ("id", Json::from(id)),
        ("object", Json::from("response")),
        ("created_at", Json::from(created)),
        ("status", Json::from("in_progress")),
        ("background", Json::from(true)),
        ("error", Json::Null),
        ("incomplete_details", Json::Null),
        ("instructions", given("instructions")),
        ("metadata", or(given("metadata"), Json::Object(Vec::new()))),
        ("model", Json::from(call.echo.as_deref().unwrap_or(&call.model))),
        ("output", Json::Array(Vec::new())),
        ("parallel_tool_calls", or(given("parallel_tool_calls"), Json::from(true))),
        ("previous_response_id", turn.previous().map_or(Json::Null, Json::from)),
        ("temperature", given("temperature")),
        ("tool_choice", or(given("tool_choice"), Json::from("auto"))),
        ("tools", or(given("tools"), Json::Array(Vec::new()))),
        ("top_p", given("top_p")),
        ("usage", Json::Null),
    ]);
    Bytes::from(body.to_string())
}

fn renamed(body: &Bytes, id: &str) -> Option<Bytes> {
    let top = Top::parse(body).ok()?;
    Some(top.edited(&[("id", Some(RawJson::string(id).get())), ("background", Some("true"))]))
}

/// True for an answer that is still being made.
#[must_use]
pub fn is_running(response: &Bytes) -> bool {
    let status = Top::parse(response).ok().and_then(|top| top.str("status").map(|s| s.into_owned()));
    matches!(status.as_deref(), Some("in_progress" | "queued"))
}

/// An answer that ended before it was made.
#[must_use]
pub fn ended(response: &Bytes, status: &str, error: Option<&Error>) -> Bytes {
    let Ok(top) = Top::parse(response) else { return response.clone() };
    let status = RawJson::string(status);
    let told = error.map(|e| {
        let code = e.code.clone().unwrap_or_else(|| e.openai_type().to_owned());
        Json::object([("code", Json::from(code)), ("message", Json::from(e.message.as_str()))]).to_string()
    });
    let mut edits = vec![("status", Some(status.get()))];
    if let Some(told) = &told {
        edits.push(("error", Some(told)));
    }
    top.edited(&edits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_with_a_status_and_a_reason() {
        let begun = Bytes::from_static(b"{\"id\":\"r\",\"status\":\"in_progress\",\"error\":null}");
        assert!(is_running(&begun));
        let failed = ended(&begun, "failed", Some(&Error::bad_request("no")));
        assert!(!is_running(&failed));
        assert_eq!(
            std::str::from_utf8(&failed).unwrap(),
            r#"{"id":"r","status":"failed","error":{"code":"invalid_request_error","message":"no"}}"#
        );
        assert_eq!(
            renamed(&begun, "x").unwrap(),
            Bytes::from_static(b"{\"id\":\"x\",\"status\":\"in_progress\",\"error\":null,\"background\":true}")
        );
        assert!(!is_running(&ended(&begun, "cancelled", None)));
    }
}
