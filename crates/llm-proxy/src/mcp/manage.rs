//! `/v1/mcp/*`, as far as it is read: servers, their health, their tools, their groups. Writing is management's, for it
//! changes rows; which servers are served is known here, so which of them everybody may know of is said here.
//! `/mcp-rest/test/*` tries a server that is not stored yet.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderMap, Response};
use hyper::body::Incoming;
use llm_accounts::{Actor, Identity, Permission};
use llm_mcp::discovery::texts;
use llm_mcp::hub::Kind;
use llm_mcp::registry::Asked;
use llm_mcp::server::Source;
use llm_mcp::{Grant, Registry, Server, ServerSpec, View, Visible, answer};
use llm_types::{Error, Json, Kind as ErrorKind, RawJson, Result};
use llm_wire::top::Top;

use super::held::background;
use super::{Verb, held, rest, view};
use crate::body::Reply;
use crate::core::Core;
use crate::errors;
use crate::flow::Context;
use crate::snapshot::Snapshot;

/// Answers a question about servers.
pub(super) async fn answer(
    core: &Core,
    ctx: &Context,
    who: &Arc<Identity>,
    (verb, named): (Verb, Option<&str>),
    body: Incoming,
) -> Result<Response<Reply>> {
    let path = ctx.parts.uri.path();
    let tests = matches!(verb, Verb::TestConnection | Verb::TestTools);
    let admins = tests || verb == Verb::Publish;
    who.authorize(if admins { Permission::Admin } else { Permission::AnyKey }, path, !admins)?;
    let shown = match verb {
        Verb::Servers => Json::Array(servers(core, ctx, who).await?),
        Verb::Server => {
            let named = named.unwrap_or_default();
            let found = servers(core, ctx, who).await?.into_iter().find(|s| s.text("server_id") == Some(named));
            found.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("MCP Server not found, server_id={named}")))?
        }
        Verb::Health => Json::Array(health(core, ctx, who).await),
        Verb::Tools => {
            let view = seen(ctx, who);
            let tools = answer::tools(&core.app.mcp, &core.http, &view).await;
            let tools = tools.map_err(|e| Error::new(ErrorKind::Api, e.message))?;
            Json::object([("tools", Json::Array(tools.into_iter().map(|listed| listed.tool).collect()))])
        }
        Verb::Groups => {
            let view = seen(ctx, who);
            let mut groups: Vec<&str> =
                view.servers.iter().flat_map(|v| v.server.groups.iter().map(String::as_str)).collect();
            groups.sort_unstable();
            groups.dedup();
            Json::object([("access_groups", Json::Array(groups.into_iter().map(Json::from).collect()))])
        }
        Verb::TestConnection | Verb::TestTools => {
            let body = crate::read::body(&ctx.snapshot, &ctx.parts, body).await?;
            tried(core, verb, &body).await?
        }
        Verb::Publish => {
            let body = crate::read::body(&ctx.snapshot, &ctx.parts, body).await?;
            let shown = publish(core, ctx, who, &body).await?;
            return Ok(errors::json(202, Bytes::from(shown.to_string()), HeaderMap::new()));
        }
        Verb::OwnCredentials => held::own(core, ctx, who).await?,
        Verb::Protocol | Verb::ListTools | Verb::CallTool | Verb::Held(_) | Verb::Resource | Verb::Issuer => {
            return Ok(errors::not_found());
        }
    };
    Ok(errors::json(200, Bytes::from(shown.to_string()), HeaderMap::new()))
}

pub(super) fn seen(ctx: &Context, who: &Identity) -> View {
    let grant = if who.sees_all() { Grant::All } else { view::grant(&ctx.snapshot.mcp, who) };
    ctx.snapshot.mcp.view(grant, &Asked::default(), &HeaderMap::new())
}

/// The servers that a caller sees; administrators also see those of the database that are not served.
async fn servers(core: &Core, ctx: &Context, who: &Identity) -> Result<Vec<Json>> {
    let accounts = core.app.accounts.clone();
    let rows = background(core, async move { accounts.mcp_servers().await }).await?;
    let all = who.sees_all();
    let mut out = Vec::new();
    for visible in seen(ctx, who).servers {
        let server = &visible.server;
        let row = rows.iter().find(|row| row.text("server_id") == Some(&server.id));
        out.push(match row {
            Some(row) if all && server.stored => row.clone(),
            _ => described(server, all),
        });
    }
    if all {
        let served = |row: &Json| out.iter().any(|s| s.text("server_id") == row.text("server_id"));
        let rest: Vec<Json> = rows.iter().filter(|row| !served(row)).cloned().collect();
        out.extend(rest);
    }
    Ok(out)
}

/// A server in LiteLLM's shape. Addresses are for those who oversee it; credentials for nobody.
fn described(server: &Server, all: bool) -> Json {
    let maybe = |text: Option<&str>| Json::from(text);
    let mut info = server.info.clone();
    info.remove("mcp_server_cost_info");
    Json::object([
        ("server_id", Json::from(server.id.as_str())),
        ("server_name", Json::from(server.name.as_str())),
        ("alias", maybe(server.alias.as_deref())),
        ("description", maybe(server.description.as_deref())),
        ("instructions", maybe(server.instructions.as_deref())),
        ("url", maybe(server.wire.url().filter(|_| all))),
        ("spec_path", maybe(server.wire.document().map(Source::path).filter(|_| all))),
        ("transport", Json::from(server.wire.name())),
        ("auth_type", maybe(server.scheme.name())),
        ("credentials", Json::Null),
        ("mcp_access_groups", texts(&server.groups)),
        ("allowed_tools", texts(&server.allowed_tools)),
        ("allow_all_keys", Json::from(server.for_all_keys)),
        ("mcp_info", if all { server.info.clone() } else { info }),
        ("timeout", Json::from(server.timeout.as_secs_f64())),
        ("is_config", Json::from(!server.stored)),
        ("status", Json::from("unknown")),
    ])
}

/// `POST /v1/mcp/make_public`: these servers and no others.
async fn publish(core: &Core, ctx: &Context, who: &Arc<Identity>, body: &[u8]) -> Result<Json> {
    let field = "mcp_server_ids";
    let ids = Top::parse(body)?.read::<Vec<String>>(field);
    let ids = ids.ok_or_else(|| Error::bad_request(format!("{field}: a list of ids is needed")).with_param(field))?;
    let known = &ctx.snapshot.mcp.servers;
    if let Some(stranger) = ids.iter().find(|id| !known.iter().any(|server| server.id == **id)) {
        let why = format!("MCP Server with ID {stranger} not found");
        return Err(Error::new(ErrorKind::NotFound, why).with_param(field));
    }
    let changed_by = ctx.parts.headers.get("litellm-changed-by").and_then(|by| by.to_str().ok()).map(str::to_owned);
    let (accounts, who) = (core.app.accounts.clone(), who.clone());
    let published = async move {
        let actor = Actor { who: &who, changed_by: changed_by.as_deref() };
        accounts.publish_mcp_servers(actor, ids).await
    };
    background(core, published).await
}

/// `GET /public/mcp_hub`: the servers that were made public. Where they are is for nobody.
pub(crate) fn hub(snapshot: &Snapshot) -> Response<Reply> {
    let public = |server: &&Arc<Server>| snapshot.settings.public_servers.contains(&server.id);
    let one = |server: &Arc<Server>| {
        let told = described(server, false);
        let fields = ["server_id", "alias", "server_name", "transport", "spec_path", "auth_type", "mcp_info"];
        let mut out = Json::object(fields.map(|field| (field, told.get(field).cloned().unwrap_or_default())));
        out.set("name", server.prefix());
        out
    };
    crate::models::answer(&Json::Array(snapshot.mcp.servers.iter().filter(public).map(one).collect()))
}

/// `GET /v1/mcp/server/health?server_ids=`: every server is asked for its tools.
async fn health(core: &Core, ctx: &Context, who: &Identity) -> Vec<Json> {
    let asked: Vec<String> = ctx
        .parts
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.strip_prefix("server_ids="))
        .map(crate::read::decode_path)
        .collect();
    let (view, all) = (seen(ctx, who), who.sees_all());
    let wanted = view.servers.iter().filter(|v| asked.is_empty() || asked.contains(&v.server.id));
    let probes = wanted.map(|visible| async move {
        let outcome = core.app.mcp.list(&core.http, visible, Kind::Tools).await;
        let (status, error) = match outcome {
            Ok(_) => ("healthy", None),
            Err(fault) => ("unhealthy", Some(if all { fault.in_full() } else { fault.to_string() })),
        };
        Json::object([
            ("server_id", Json::from(visible.server.id.as_str())),
            ("status", Json::from(status)),
            ("last_health_check", Json::from(chrono::Utc::now().to_rfc3339())),
            ("health_check_error", Json::from(error)),
        ])
    });
    join_all(probes).await
}

/// Tries a server as a body of `POST /v1/mcp/server` describes it.
async fn tried(core: &Core, verb: Verb, body: &[u8]) -> Result<Json> {
    let bad = || Error::bad_request("the body must be an MCP server").with_param("request_body");
    let raw = std::str::from_utf8(body).ok().and_then(|text| RawJson::parse(text).ok()).ok_or_else(bad)?;
    let mut json: Json = raw.read().map_err(|_| bad())?;
    let credentials = json.remove("credentials").unwrap_or_default();
    llm_accounts::take_credentials(&mut json, &credentials);
    let spec: ServerSpec = json.to_raw().read().map_err(|_| bad())?;
    let name = spec.server_name.clone().or(spec.alias.clone()).unwrap_or_else(|| "test".to_owned());
    // As one of the database: no program is started for it.
    let server = spec.server(&name, true).map_err(|(field, why)| Error::bad_request(why).with_param(field))?;
    let registry = Registry { servers: vec![Arc::new(server)], ..Registry::default() };
    let view = registry.view(Grant::All, &Asked::default(), &HeaderMap::new());
    let Some(of) = view.servers.first() else { return Err(Error::internal("a server that is not seen")) };
    let outcome = core.app.mcp.list(&core.http, of, Kind::Tools).await;
    Ok(match (verb, outcome) {
        (Verb::TestConnection, Ok(_)) => Json::object([("status", "ok")]),
        (Verb::TestConnection, Err(fault)) => Json::object([
            ("status", "error".to_owned()),
            ("message", format!("Failed to connect: {}", fault.in_full())),
        ]),
        (_, Ok(tools)) => rest::shape(tools, None, "Successfully retrieved tools".to_owned()),
        (_, Err(fault)) => rest::shape(Vec::new(), Some("connection_error"), failed(of, &fault)),
    })
}

fn failed(of: &Visible, fault: &llm_mcp::Fault) -> String {
    format!("Failed to get tools from server {}: {}", of.server.name, fault.in_full())
}
