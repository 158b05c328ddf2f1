//! MCP tools inside of chat, Messages and Responses: the model is told the tools, what it calls is called, and it is asked again with
//! the results, until it answers. Each answer and each call of a tool is authorized, limited, billed and logged by itself.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use llm_accounts::Identity;
use llm_mcp::answer as told;
use llm_types::{Error, Format, OperationKind, RawJson, Result};
use llm_wire::top::Top;

use super::call;
pub use super::offered::Offer;
use super::offered::{Shelf, Tool};
use super::spoken::{Talk, Wished};
use crate::body::Reply;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::inner;

/// How often a model may be asked for one request.
const ROUNDS: usize = 10;
/// Whose rights a tool's call needs: the same as a client's own.
const ROUTE: &str = "/mcp";

/// The gateway's MCP servers that a request wants to use; nothing for calls that know no such tools.
///
/// # Errors
/// 400 for what cannot be followed.
pub fn read(ctx: &Context, top: &Top<'_>) -> Result<Option<Offer>> {
    let knows = matches!(ctx.format, Format::OpenAiChat | Format::AnthropicMessages | Format::OpenAiResponses);
    if !knows || ctx.operation != OperationKind::Generate {
        return Ok(None);
    }
    let Some(offer) = Offer::read(top)? else { return Ok(None) };
    let refused = |field: &'static str, why: &str| {
        Err(Error::bad_request(format!("{why} with MCP tools of the gateway")).with_param(field))
    };
    if top.is_true("background") {
        return refused("background", "answers cannot be made in the background");
    }
    if top.get("n").is_some_and(|n| n != "1" && n != "null") {
        return refused("n", "there is one answer only");
    }
    Ok(Some(offer))
}

/// Answers a request.
///
/// # Errors
/// What it, or a call inside of it, is refused for.
pub async fn answer(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    path_model: Option<String>,
    top: &Top<'_>,
    offer: Offer,
) -> Result<Response<Reply>, Refused> {
    core.app.accounts.permitted(who, ROUTE, ROUTE)?;
    let shelf = Shelf::filled(core, ctx, who, &offer).await?;
    let mut talk = Talk::new(ctx.format, top, &offer.rest, &shelf)?;
    if !shelf.runs() {
        return inner::ask(core, ctx, who, path_model, &talk.body(top, true)).await;
    }
    let mut round = 1;
    loop {
        let (head, body) = inner::round(core, ctx, who, path_model.clone(), round, &talk.body(top, false)).await?;
        let mut answer = inner::read(&body)?;
        let wished = talk.wished(&answer);
        let ours = wished.iter().all(|call| shelf.find(&call.name).is_some_and(|tool| tool.runs));
        if wished.is_empty() || !ours || round == ROUNDS {
            if round == ROUNDS && !wished.is_empty() {
                tracing::warn!(call = %ctx.id, rounds = ROUNDS, "a model that goes on calling tools is stopped");
            }
            talk.tell(&mut answer, &shelf);
            return Ok(inner::finished(ctx, top, head, Bytes::from(answer.to_string()))?);
        }
        talk.said(&answer);
        for call in wished {
            if let Some(tool) = shelf.find(&call.name) {
                let result = run(core, ctx, who, (&shelf, tool), &call).await?;
                talk.called(call, tool, &result);
            }
        }
        round += 1;
    }
}

/// Calls a tool. What a server says of a failure is for the model to read; what the caller may not do ends the request.
async fn run(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    (shelf, tool): (&Shelf, &Tool),
    call: &Wished,
) -> Result<RawJson, Refused> {
    let Some((view, name)) = shelf.place(tool) else { return Err(Error::internal("a tool of no server").into()) };
    let arguments = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
    // One whole value: text of a model must not end it and name another tool behind it.
    let Ok(arguments) = RawJson::parse(arguments.to_owned()) else {
        return Ok(told::failed("the arguments are no JSON"));
    };
    let params = format!("{{\"name\":{},\"arguments\":{}}}", RawJson::string(name).get(), arguments.get());
    let params = RawJson::parse(params).map_err(|e| Error::internal(format!("the call of a tool: {e}")))?;
    let mut beside = ctx.beside(false);
    beside.no_log = ctx.wish.as_ref().is_some_and(|wish| wish.no_log);
    (beside.operation, beside.format, beside.route) = (OperationKind::Tool, Format::OpenAiChat, ROUTE);
    match call::tool(core, &mut beside, who, (ROUTE, view), name, &params).await {
        Ok(result) => Ok(result),
        Err(call::Failed::Told(error)) => Ok(told::failed(&error.message)),
        Err(call::Failed::Refused(refused)) => {
            beside.format = ctx.format;
            *ctx = beside;
            Err(*refused)
        }
    }
}
