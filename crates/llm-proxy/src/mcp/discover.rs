//! Where a client of MCP gets a token: the challenge of a 401, and the documents that it names (RFC 9728, RFC 8414). They are
//! for everybody, and say nothing of servers but what those want to be known.
//!
//! The gateway issues no tokens by these documents: it names the issuers whose tokens it takes (`litellm_jwtauth`), and for
//! servers that want a token of the caller's own whoever issues those.

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{HeaderMap, Response};
use llm_mcp::discovery::{RESOURCE, texts};
use llm_mcp::{Server, Visible};
use llm_types::{Error, Json, Kind, Result};

use crate::body::Reply;
use crate::core::Core;
use crate::errors;
use crate::flow::Context;

/// The `WWW-Authenticate` of a caller whom the gateway does not know, on a path of the gateway (`/mcp`, `/git/mcp`).
pub(super) fn unknown(core: &Core, ctx: &Context, path: &str) -> HeaderValue {
    let headers = &ctx.parts.headers;
    let shown = headers.contains_key(AUTHORIZATION) || headers.contains_key("x-litellm-api-key");
    let why = if shown { "error=\"invalid_token\", " } else { "" };
    // What the caller needs first is the gateway's: a server's own document would name somebody else.
    let ours = is_protocol(path) && named(ctx, path).is_none_or(|server| !server.scheme.is_callers());
    challenge(core, ctx, if ours { path } else { "/mcp" }, why)
}

/// The `WWW-Authenticate` for a server that wants a token of the caller's own.
pub(super) fn own_token(core: &Core, ctx: &Context, path: &str) -> HeaderValue {
    challenge(core, ctx, path, "")
}

fn challenge(core: &Core, ctx: &Context, path: &str, why: &str) -> HeaderValue {
    let at = format!("{}{RESOURCE}{}", base(core, ctx), path.trim_end_matches('/'));
    HeaderValue::try_from(format!("Bearer {why}resource_metadata=\"{at}\""))
        .unwrap_or(HeaderValue::from_static("Bearer"))
}

/// The server whose tokens are the caller's own business, when it is the only one that a request sees and no token came.
pub(super) fn wants_token(servers: &[Visible]) -> bool {
    matches!(servers, [one] if one.lacks_token())
}

/// `/.well-known/oauth-protected-resource...`: who issues the tokens for a path. `rest` is the path.
pub(super) async fn resource(core: &Core, ctx: &Context, rest: &str) -> Result<Response<Reply>> {
    let rest = ctx.snapshot.settings.below_root(rest).trim_end_matches('/');
    let base = base(core, ctx);
    let ours = || core.app.accounts.trusted_issuers();
    let document = |resource: String, servers: Vec<String>, wanted: &[String]| {
        let header = Json::Array(vec![Json::from("header")]);
        let mut out = Json::object([("resource", Json::from(resource)), ("bearer_methods_supported", header)]);
        // An empty list must not stand there (RFC 9728, section 3.2).
        for (field, list) in [("authorization_servers", servers.as_slice()), ("scopes_supported", wanted)] {
            if !list.is_empty() {
                out.set(field, texts(list));
            }
        }
        out
    };
    let place = format!("{base}{rest}");
    let shown = match named(ctx, rest).filter(|server| server.scheme.is_callers()) {
        None if rest.is_empty() || is_protocol(rest) => document(place, ours(), &[]),
        None => return Err(nothing()),
        Some(server) => {
            let authority = &server.authority;
            match (&authority.issuer, authority.described("")) {
                (Some(issuer), _) => document(place, vec![issuer.clone()], &authority.scopes),
                // The gateway describes it, below the server's name.
                (None, Some(_)) => document(place, vec![format!("{base}/{}", server.prefix())], &authority.scopes),
                (None, None) if server.scheme.is_exchanged() => document(place, ours(), &authority.scopes),
                (None, None) => {
                    let own = core.app.mcp.discovered.resource(&core.http, &server).await;
                    let own = own.ok_or_else(|| {
                        Error::new(Kind::BadGateway, "The MCP server does not say who issues tokens for it.")
                    })?;
                    // As it is: tokens are issued for the server, which judges them.
                    return Ok(errors::json(200, Bytes::from(own.get().to_owned()), public()));
                }
            }
        }
    };
    Ok(errors::json(200, Bytes::from(shown.to_string()), public()))
}

/// `/.well-known/oauth-authorization-server...`: of servers whose authorization server the configuration describes.
pub(super) fn issuer(core: &Core, ctx: &Context, rest: &str) -> Result<Response<Reply>> {
    let rest = ctx.snapshot.settings.below_root(rest).trim_end_matches('/');
    let name = rest.trim_start_matches('/');
    let name = name.strip_prefix("mcp/").or_else(|| name.strip_suffix("/mcp")).unwrap_or(name);
    let name = crate::read::decode_path(name);
    let known = ctx.snapshot.mcp.servers.iter().find(|server| server.is_called(&name));
    let server = known.filter(|server| server.scheme.is_callers()).ok_or_else(nothing)?;
    let issuer = format!("{}{rest}", base(core, ctx));
    let shown = server.authority.described(&issuer).ok_or_else(nothing)?;
    Ok(errors::json(200, Bytes::from(shown.to_string()), public()))
}

fn nothing() -> Error {
    Error::new(Kind::NotFound, "Not Found")
}

/// Pages of other sites may read what is for everybody: clients of MCP run in browsers too.
fn public() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers
}

/// True for paths at which MCP is spoken.
fn is_protocol(path: &str) -> bool {
    super::find(&http::Method::POST, path)
        .is_some_and(|route| route.name.ends_with("/mcp") || route.name.starts_with("/mcp/{"))
}

/// The server that a path of the gateway names.
fn named(ctx: &Context, path: &str) -> Option<std::sync::Arc<Server>> {
    let name = super::find(&http::Method::POST, path).filter(|_| is_protocol(path))?.model?;
    let name = crate::read::decode_path(name);
    ctx.snapshot.mcp.servers.iter().find(|server| server.is_called(&name)).cloned()
}

/// Where the gateway is, seen from outside.
fn base(core: &Core, ctx: &Context) -> String {
    crate::outside::base(core, &ctx.parts)
}
