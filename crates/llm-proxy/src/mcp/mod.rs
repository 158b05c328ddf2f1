//! The MCP gateway: `/mcp` speaks MCP to clients, `/mcp-rest` the same in REST. Servers, sessions and the protocol are
//! `llm-mcp`'s; here it is said who calls, what is set aside and what is billed.
//!
//! | file | what |
//! |---|---|
//! | here | routes and the steps that all have in common |
//! | `view` | which servers a caller sees |
//! | `protocol` | streamable HTTP |
//! | `rest` | `/mcp-rest/tools/*` |
//! | `call` | a call of a tool: admitted, judged (`guarded`), made, billed |
//! | `inside` | tools inside of conversations with models: `offered` says which, `spoken` how they are told |
//! | `manage` | `/v1/mcp/*` as far as it is read, `/mcp-rest/test/*` |
//! | `held` | what callers hold for servers, stored and shown to them |
//! | `discover` | who issues tokens, for callers that have none |

mod call;
mod discover;
mod guarded;
mod held;
pub mod inside;
mod manage;
mod offered;
mod protocol;
mod rest;
mod spoken;
mod view;

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::WWW_AUTHENTICATE;
use http::request::Parts;
use http::{Method, Response};
use hyper::body::Incoming;
use llm_mcp::discovery;
use llm_types::{Format, OperationKind};

use crate::body::Reply;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::routes::{Action, Permission, Route};
pub(crate) use held::background;
pub(crate) use manage::hub;
use view::Place;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// MCP itself.
    Protocol,
    /// `GET /mcp-rest/tools/list`
    ListTools,
    /// `POST /mcp-rest/tools/call`
    CallTool,
    /// `GET /v1/mcp/server`
    Servers,
    /// `GET /v1/mcp/server/{server_id}`
    Server,
    /// `GET /v1/mcp/server/health`
    Health,
    /// `GET /v1/mcp/tools`
    Tools,
    /// `GET /v1/mcp/access_groups`
    Groups,
    /// `POST /v1/mcp/make_public`
    Publish,
    /// `POST /mcp-rest/test/connection`
    TestConnection,
    /// `POST /mcp-rest/test/tools/list`
    TestTools,
    /// `GET /v1/mcp/user-credentials`
    OwnCredentials,
    /// `/v1/mcp/server/{server_id}/user-credential` and its like
    Held(held::Ask),
    /// `GET /.well-known/oauth-protected-resource...`
    Resource,
    /// `GET /.well-known/oauth-authorization-server...`
    Issuer,
}

/// Paths that name nothing.
static PLAIN: &[(Method, &str, Verb)] = &[
    (Method::GET, "/mcp-rest/tools/list", Verb::ListTools),
    (Method::POST, "/mcp-rest/tools/call", Verb::CallTool),
    (Method::POST, "/mcp-rest/test/connection", Verb::TestConnection),
    (Method::POST, "/mcp-rest/test/tools/list", Verb::TestTools),
    (Method::GET, "/v1/mcp/server", Verb::Servers),
    (Method::GET, "/v1/mcp/server/health", Verb::Health),
    (Method::GET, "/v1/mcp/tools", Verb::Tools),
    (Method::GET, "/v1/mcp/access_groups", Verb::Groups),
    (Method::POST, "/v1/mcp/make_public", Verb::Publish),
    (Method::GET, "/v1/mcp/user-credentials", Verb::OwnCredentials),
];

const SERVER: &str = "/v1/mcp/server/{server_id}";

const TOOLSET: &str = "/toolset/{toolset_name}/mcp";

/// Finds the route of a request. `/mcp/{server}` and `/{server}/mcp` name servers, access groups or a toolset.
#[must_use]
pub fn find<'p>(method: &Method, path: &'p str) -> Option<Route<'p>> {
    let route = |verb, name, model| {
        Some(Route { action: Action::Mcp(verb), permission: Permission::Llm, name, model, streams: false })
    };
    if let Some((_, name, verb)) = PLAIN.iter().find(|(m, p, _)| m == method && *p == path) {
        return route(*verb, name, None);
    }
    for (name, verb) in [(discovery::RESOURCE, Verb::Resource), (discovery::ISSUER, Verb::Issuer)] {
        let rest = path.strip_prefix(name).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        if let Some(rest) = rest.filter(|_| *method == Method::GET) {
            let found = route(verb, name, Some(rest))?;
            return Some(Route { permission: Permission::Public, ..found });
        }
    }
    if let Some((name, ask, id)) = held::find(method, path) {
        return route(Verb::Held(ask), name, Some(id));
    }
    match path.strip_suffix('/').unwrap_or(path) {
        "/mcp" => route(Verb::Protocol, "/mcp", None),
        path => {
            let own = |named: &&str| !named.is_empty() && !named.contains('/');
            let server = path.strip_prefix("/v1/mcp/server/").filter(own).filter(|_| *method == Method::GET);
            if let Some(id) = server {
                return route(Verb::Server, SERVER, Some(id));
            }
            if let Some(named) = path.strip_prefix("/mcp/").filter(own) {
                return route(Verb::Protocol, "/mcp/{mcp_server_name}", Some(named));
            }
            let set = path.strip_prefix("/toolset/").and_then(|rest| rest.strip_suffix("/mcp")).filter(own);
            if let Some(named) = set {
                return route(Verb::Protocol, TOOLSET, Some(named));
            }
            let named = path.strip_prefix('/')?.strip_suffix("/mcp").filter(own)?;
            route(Verb::Protocol, "/{mcp_server_name}/mcp", Some(named))
        }
    }
}

/// Every path with its methods.
pub fn all() -> impl Iterator<Item = (Method, &'static str)> {
    let paths = ["/mcp", "/mcp/{mcp_server_name}", "/{mcp_server_name}/mcp", TOOLSET];
    let protocol = paths.into_iter().map(|path| (Method::POST, path));
    let plain = PLAIN.iter().map(|(method, path, _)| (method.clone(), *path));
    let open = [discovery::RESOURCE, discovery::ISSUER].map(|path| (Method::GET, path));
    protocol.chain(plain).chain([(Method::GET, SERVER)]).chain(held::all()).chain(open)
}

/// Answers a request.
pub async fn serve(
    core: &Core,
    verb: Verb,
    route: &Route<'_>,
    path: &str,
    parts: Parts,
    body: Incoming,
    peer: SocketAddr,
) -> Response<Reply> {
    let mut ctx = Context::new(core, route.name, OperationKind::Tool, Format::OpenAiChat, parts, peer);
    match steps(core, &mut ctx, verb, (route, path), body).await {
        Ok(response) => response,
        Err(refused) => {
            let unknown = refused.error.status() == 401;
            let mut response = crate::pass::refuse(core, &ctx, refused);
            if unknown {
                // Clients of MCP look for it.
                response.headers_mut().insert(WWW_AUTHENTICATE, discover::unknown(core, &ctx, path));
            }
            response
        }
    }
}

async fn steps(
    core: &Core,
    ctx: &mut Context,
    verb: Verb,
    (route, path): (&Route<'_>, &str),
    body: Incoming,
) -> Result<Response<Reply>, Refused> {
    match verb {
        Verb::Resource => return Ok(discover::resource(core, ctx, route.model.unwrap_or_default()).await?),
        Verb::Issuer => return Ok(discover::issuer(core, ctx, route.model.unwrap_or_default())?),
        _ => {}
    }
    // Nothing is known of anybody whose key does not hold: there is no caller without rights.
    let who = core.identify(&ctx.parts).await?;
    ctx.who = Some(Arc::clone(&who));
    if matches!(verb, Verb::Protocol | Verb::ListTools | Verb::CallTool) {
        core.app.accounts.permitted(&who, route.name, path)?;
    }
    match verb {
        Verb::Protocol => {
            let place = match route.model {
                None => Place::All,
                Some(name) if route.name == TOOLSET => Place::Toolset(name),
                Some(name) => Place::Named(name),
            };
            protocol::answer(core, ctx, &who, (place, path), body).await
        }
        Verb::ListTools => rest::list(core, ctx, &who).await,
        Verb::CallTool => rest::call(core, ctx, &who, body).await,
        Verb::Held(ask) => Ok(held::answer(core, ctx, &who, (ask, route.model.unwrap_or_default()), body).await?),
        asked => Ok(manage::answer(core, ctx, &who, (asked, route.model), body).await?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_servers() {
        let found = |path| find(&Method::POST, path).map(|r| (r.name, r.model));
        assert_eq!(found("/mcp"), Some(("/mcp", None)));
        assert_eq!(found("/mcp/"), Some(("/mcp", None)));
        assert_eq!(found("/mcp/git"), Some(("/mcp/{mcp_server_name}", Some("git"))));
        assert_eq!(found("/git/mcp"), Some(("/{mcp_server_name}/mcp", Some("git"))));
        assert_eq!(found("/git/mcp/"), Some(("/{mcp_server_name}/mcp", Some("git"))));
        assert_eq!(found("/a/b/mcp"), None);
        assert_eq!(found("/toolset/daily/mcp"), Some((TOOLSET, Some("daily"))));
        assert_eq!(found("/toolset/a/b/mcp"), None);
        assert_eq!(found("/mcp/a/b"), None);
        assert_eq!(found("//mcp"), None);
        assert_eq!(found("/mcp-rest/tools/list"), None);
        let got = |path| find(&Method::GET, path).map(|r| (r.name, r.model));
        assert_eq!(got("/mcp-rest/tools/list"), Some(("/mcp-rest/tools/list", None)));
        assert_eq!(got("/v1/mcp/server/health"), Some(("/v1/mcp/server/health", None)));
        assert_eq!(got("/v1/mcp/server/s-1"), Some((SERVER, Some("s-1"))));
        assert_eq!(found("/v1/mcp/server"), None, "management writes");
        let held = "/v1/mcp/server/{server_id}/user-credential";
        assert_eq!(found("/v1/mcp/server/s-1/user-credential"), Some((held, Some("s-1"))));
        assert_eq!(found("/v1/mcp/server/s-1/other"), None);
        let open = got("/.well-known/oauth-protected-resource/mcp/git");
        assert_eq!(open, Some((discovery::RESOURCE, Some("/mcp/git"))));
        assert_eq!(got("/.well-known/oauth-protected-resources"), None);
    }
}
