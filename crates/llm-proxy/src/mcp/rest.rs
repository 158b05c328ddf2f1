//! `/mcp-rest/tools/*`: the tools of all servers as REST, in LiteLLM's shapes. Tools have their servers' own names there;
//! `server_id` says whose they are.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Response};
use hyper::body::Incoming;
use llm_accounts::Identity;
use llm_mcp::answer;
use llm_mcp::registry::{View, Visible};
use llm_types::{Error, Json, Kind, RawJson};
use llm_wire::top::Top;

use super::view::Place;
use super::{call, held, view};
use crate::body::Reply;
use crate::core::Core;
use crate::errors;
use crate::flow::{Context, Refused};
use crate::pass::who::query;

/// `GET /mcp-rest/tools/list?server_id=&mcp_server_name=&toolset_name=`: `{tools, error, message}`.
pub(super) async fn list(core: &Core, ctx: &mut Context, who: &Arc<Identity>) -> Result<Response<Reply>, Refused> {
    let asked = query(&ctx.parts, "server_id").or_else(|| query(&ctx.parts, "mcp_server_name"));
    let asked = asked.filter(|name| !name.is_empty()).map(std::borrow::Cow::into_owned);
    let toolset = query(&ctx.parts, "toolset_name").filter(|name| !name.is_empty());
    let view = view::of(ctx, who, toolset.as_deref().map_or(Place::All, Place::Toolset))?;
    let mut view = narrowed(view, asked.as_deref())?;
    held::show(core, who, &mut view, &mut None).await?;
    let shown = match answer::tools(&core.app.mcp, &core.http, &view).await {
        Ok(tools) => {
            let tools = tools.into_iter().map(|listed| told(listed.of, &listed.own, listed.tool)).collect();
            shape(tools, None, "Successfully retrieved tools".to_owned())
        }
        Err(error) => shape(Vec::new(), Some("unexpected_error"), error.message),
    };
    Ok(errors::json(200, Bytes::from(shown.to_string()), HeaderMap::new()))
}

/// `POST /mcp-rest/tools/call`: `{server_id, name, arguments}` → the result of the call, as MCP tells it.
pub(super) async fn call(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    body: Incoming,
) -> Result<Response<Reply>, Refused> {
    let body = crate::read::body(&ctx.snapshot, &ctx.parts, body).await?;
    let top = Top::parse(&body)?;
    let needed = |field: &str| {
        let text = top.str(field).map(std::borrow::Cow::into_owned).filter(|text| !text.is_empty());
        text.ok_or_else(|| Error::bad_request(format!("{field} is required in the request body")).with_param(field))
    };
    let (server, name) = (needed("server_id")?, needed("name")?);
    let mut view = narrowed(view::of(ctx, who, Place::All)?, Some(&server))?;
    held::show(core, who, &mut view, &mut None).await?;
    let arguments = top.get("arguments").filter(|a| *a != "null").unwrap_or("{}");
    let params = format!("{{\"name\":{},\"arguments\":{arguments}}}", RawJson::string(&name).get());
    let params = RawJson::parse(params).map_err(|_| Error::bad_request("arguments must be an object"))?;
    let path = ctx.route;
    ctx.no_log = top.is_true("no-log");
    match call::tool(core, ctx, who, (path, &view), &name, &params).await {
        Ok(result) => Ok(errors::json(200, Bytes::from(result.get().to_owned()), HeaderMap::new())),
        Err(call::Failed::Refused(refused)) => Err(*refused),
        Err(call::Failed::Told(error)) => Err(call::fault(error).into()),
    }
}

/// One server of a view.
fn narrowed(mut view: View, named: Option<&str>) -> Result<View, Error> {
    let Some(named) = named else { return Ok(view) };
    view.servers.retain(|visible| visible.server.is_called(named));
    if view.servers.is_empty() {
        let why = format!("MCP server {named} does not exist, or this key may not use it");
        return Err(Error::new(Kind::PermissionDenied, why).with_type("auth_error"));
    }
    Ok(view)
}

pub(super) fn shape(tools: Vec<Json>, error: Option<&str>, message: String) -> Json {
    Json::object([("tools", Json::Array(tools)), ("error", Json::from(error)), ("message", Json::from(message))])
}

/// A tool, and whose it is.
fn told(of: &Visible, own: &str, mut tool: Json) -> Json {
    let server = &of.server;
    let mut info = server.info.clone();
    info.remove("mcp_server_cost_info");
    for (field, value) in
        [("server_id", Json::from(server.id.as_str())), ("server_name", Json::from(server.name.as_str()))]
    {
        if info.get(field).is_none() {
            info.set(field, value);
        }
    }
    tool.set("name", own);
    tool.set("mcp_info", info);
    tool
}
