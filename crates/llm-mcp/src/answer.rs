//! What clients are answered, except calls of tools, which are for the caller of this crate to admit and to bill.

use llm_http::Transport;
use llm_types::{Json, RawJson};
use llm_wire::top::Top;

use crate::fault::Fault;
use crate::hub::{Hub, Kind};
use crate::registry::{View, Visible};
use crate::rpc::{self, Request, RpcError};
use crate::version;

/// A tool as the client sees it, and whose it is.
#[derive(Debug)]
pub struct Listed<'v> {
    /// The server.
    pub of: &'v Visible,
    /// The server's own name of the tool.
    pub own: String,
    /// The tool, as the server tells it, under the client's name for it.
    pub tool: Json,
}

/// Answers a request.
///
/// # Errors
/// What is told to the client.
pub async fn answer(hub: &Hub, transport: &dyn Transport, view: &View, request: &Request) -> Result<RawJson, RpcError> {
    let params = Top::parse(request.params.get().as_bytes())
        .map_err(|_| RpcError::new(rpc::INVALID_PARAMS, "params must be an object"))?;
    match request.method.as_str() {
        "initialize" => Ok(greeting(view, &params).to_raw()),
        "ping" => Ok(Json::Object(Vec::new()).to_raw()),
        "tools/list" => {
            let tools = tools(hub, transport, view).await?;
            Ok(list(Kind::Tools, tools.into_iter().map(|listed| listed.tool).collect()))
        }
        "prompts/list" => Ok(list(Kind::Prompts, prompts(hub, transport, view).await?)),
        "prompts/get" => {
            let name = needed(&params, "name")?;
            let (to, own) = view.find(&name).ok_or_else(|| unknown("prompt", &name))?;
            renamed(hub, transport, to, request, own).await
        }
        "resources/list" => everything(hub, transport, view, Kind::Resources).await,
        "resources/templates/list" => everything(hub, transport, view, Kind::Templates).await,
        "resources/read" => {
            let uri = needed(&params, "uri")?;
            let to = keeper(hub, transport, view, &uri).await?;
            let read = hub.ask(transport, to, "resources/read", request.params.get()).await;
            read.map_err(|fault| fault.told(&to.server.name))
        }
        other => Err(RpcError::new(rpc::METHOD_NOT_FOUND, format!("Method not found: {other}"))),
    }
}

/// The tools that a caller may use, under the names that it sees.
///
/// # Errors
/// When no server answers.
pub async fn tools<'v>(hub: &Hub, transport: &dyn Transport, view: &'v View) -> Result<Vec<Listed<'v>>, RpcError> {
    let mut out = Vec::new();
    for (of, items) in hub.lists(transport, view, Kind::Tools).await? {
        for mut tool in items {
            let Some(own) = tool.text("name").map(str::to_owned) else { continue };
            if !view.allows(&of.server, &own) {
                continue;
            }
            let told = |list: &[(String, String)]| {
                list.iter().find(|(listed, _)| of.server.tool_is_called(&own, listed)).map(|(_, text)| text.clone())
            };
            for (field, text) in [("title", told(&of.server.titles)), ("description", told(&of.server.descriptions))] {
                if let Some(text) = text {
                    tool.set(field, text);
                }
            }
            tool.set("name", view.name(&of.server, &own));
            out.push(Listed { of, own, tool });
        }
    }
    Ok(out)
}

/// Calls a tool that the caller may call. `params` are those of the client, `own` is the server's name of the tool.
///
/// # Errors
/// What the server says, or why it could not be asked.
pub async fn call(
    hub: &Hub,
    transport: &dyn Transport,
    to: &Visible,
    params: &RawJson,
    own: &str,
) -> Result<RawJson, Fault> {
    hub.ask(transport, to, "tools/call", &with_name(params, own)).await
}

/// The result of a call that failed behind the gateway: a model can read it.
#[must_use]
pub fn failed(why: &str) -> RawJson {
    let text = Json::object([("type", Json::from("text")), ("text", Json::from(format!("Error: {why}")))]);
    Json::object([("content", Json::Array(vec![text])), ("isError", Json::from(true))]).to_raw()
}

fn greeting(view: &View, params: &Top<'_>) -> Json {
    let asked = params.str("protocolVersion").unwrap_or_default();
    let nothing = || Json::Object(Vec::new());
    let capabilities = Json::object([("tools", nothing()), ("prompts", nothing()), ("resources", nothing())]);
    let info = [("name", Json::from("llm-proxy")), ("version", Json::from(env!("CARGO_PKG_VERSION")))];
    let mut out = Json::object([
        ("protocolVersion", Json::from(version::agreed(&asked))),
        ("capabilities", capabilities),
        ("serverInfo", Json::object(info)),
    ]);
    let told: Vec<String> = view
        .servers
        .iter()
        .filter_map(|v| {
            let text = v.server.instructions.as_deref().filter(|text| !text.is_empty())?;
            Some(if view.prefixes() { format!("{}: {text}", v.server.prefix()) } else { text.to_owned() })
        })
        .collect();
    if !told.is_empty() {
        out.set("instructions", told.join("\n\n"));
    }
    out
}

async fn prompts(hub: &Hub, transport: &dyn Transport, view: &View) -> Result<Vec<Json>, RpcError> {
    let mut out = Vec::new();
    for (of, items) in hub.lists(transport, view, Kind::Prompts).await? {
        for mut item in items {
            if let Some(own) = item.text("name").map(str::to_owned) {
                item.set("name", view.name(&of.server, &own));
            }
            out.push(item);
        }
    }
    Ok(out)
}

async fn everything(hub: &Hub, transport: &dyn Transport, view: &View, kind: Kind) -> Result<RawJson, RpcError> {
    let lists = hub.lists(transport, view, kind).await?;
    Ok(list(kind, lists.into_iter().flat_map(|(_, items)| items).collect()))
}

fn list(kind: Kind, items: Vec<Json>) -> RawJson {
    Json::object([(kind.field(), Json::Array(items))]).to_raw()
}

/// The server that has a resource: it lists it, or a template that it fits.
async fn keeper<'v>(hub: &Hub, transport: &dyn Transport, view: &'v View, uri: &str) -> Result<&'v Visible, RpcError> {
    if let [one] = view.servers.as_slice() {
        return Ok(one);
    }
    let field = |item: &Json, name: &str| item.text(name).map(str::to_owned);
    for (of, items) in hub.lists(transport, view, Kind::Resources).await? {
        if items.iter().any(|item| field(item, "uri").as_deref() == Some(uri)) {
            return Ok(of);
        }
    }
    for (of, items) in hub.lists(transport, view, Kind::Templates).await? {
        if items.iter().filter_map(|item| field(item, "uriTemplate")).any(|template| fits(&template, uri)) {
            return Ok(of);
        }
    }
    Err(RpcError::new(rpc::RESOURCE_NOT_FOUND, format!("Resource not found: {uri}")))
}

/// True when a URI begins and ends as the template does around its variables.
fn fits(template: &str, uri: &str) -> bool {
    let before = template.split('{').next().unwrap_or_default();
    let behind = template.rsplit('}').next().filter(|_| template.contains('}')).unwrap_or_default();
    !before.is_empty() && uri.strip_prefix(before).is_some_and(|rest| rest.ends_with(behind))
}

async fn renamed(
    hub: &Hub,
    transport: &dyn Transport,
    to: &Visible,
    request: &Request,
    own: &str,
) -> Result<RawJson, RpcError> {
    let asked = hub.ask(transport, to, &request.method, &with_name(&request.params, own)).await;
    asked.map_err(|fault| fault.told(&to.server.name))
}

/// The parameters with the server's own name in them. What else stands there stays as it is.
fn with_name(params: &RawJson, own: &str) -> String {
    let name = RawJson::string(own);
    let edited = Top::parse(params.get().as_bytes()).map(|top| top.edited(&[("name", Some(name.get()))]));
    let edited = edited.ok().and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
    edited.unwrap_or_else(|| params.get().to_owned())
}

fn needed(params: &Top<'_>, field: &str) -> Result<String, RpcError> {
    let text = params.str(field).map(std::borrow::Cow::into_owned).filter(|text| !text.is_empty());
    text.ok_or_else(|| RpcError::new(rpc::INVALID_PARAMS, format!("{field} must be a text")))
}

fn unknown(what: &str, name: &str) -> RpcError {
    RpcError::new(rpc::INVALID_PARAMS, format!("Unknown {what}: {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_is_changed() {
        let params = RawJson::parse(r#"{"name":"git-log","arguments":{"n":123456789012345678901}}"#).unwrap();
        assert_eq!(with_name(&params, "log"), r#"{"name":"log","arguments":{"n":123456789012345678901}}"#);
    }

    #[test]
    fn templates_are_fitted_around_their_variables() {
        assert!(fits("demo://text/{id}", "demo://text/7"));
        assert!(fits("demo://{id}/raw", "demo://7/raw"));
        assert!(!fits("demo://{id}/raw", "demo://7/cooked"));
        assert!(!fits("{any}", "demo://7"));
    }
}
