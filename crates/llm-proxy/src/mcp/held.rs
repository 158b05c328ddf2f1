//! What callers hold for servers: their keys (`byok`) and tokens are stored, shown to servers on their calls alone, renewed,
//! and listed without secrets (`/v1/mcp/server/{server_id}/user-credential` and its like).

use std::sync::Arc;

use bytes::Bytes;
use chrono::{Duration, Utc};
use futures_util::future::join_all;
use http::{HeaderMap, Method, Response};
use hyper::body::Incoming;
use llm_accounts::{Held, HeldCredential, HeldToken, Identity, Outcome, Permission, Problem};
use llm_mcp::credential::Scheme;
use llm_mcp::{Server, View, Visible, held};
use llm_types::{Error, Json, Kind, Result, Secret};
use llm_wire::top::Top;

use super::manage::seen;
use crate::body::Reply;
use crate::core::Core;
use crate::errors;
use crate::flow::Context;
use crate::pass::who::query;

/// What is asked of what somebody holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// `POST .../user-credential`
    Keep,
    /// `DELETE .../user-credential`
    Drop,
    /// `POST .../oauth-user-credential`
    KeepToken,
    /// `DELETE .../oauth-user-credential`
    DropToken,
    /// `GET .../oauth-user-credential/status`
    Status,
    /// `GET .../user-credentials`
    Holders,
}

/// Below `/v1/mcp/server/{server_id}`.
static BELOW: &[(Method, &str, Ask)] = &[
    (Method::POST, "/v1/mcp/server/{server_id}/user-credential", Ask::Keep),
    (Method::DELETE, "/v1/mcp/server/{server_id}/user-credential", Ask::Drop),
    (Method::POST, "/v1/mcp/server/{server_id}/oauth-user-credential", Ask::KeepToken),
    (Method::DELETE, "/v1/mcp/server/{server_id}/oauth-user-credential", Ask::DropToken),
    (Method::GET, "/v1/mcp/server/{server_id}/oauth-user-credential/status", Ask::Status),
    (Method::GET, "/v1/mcp/server/{server_id}/user-credentials", Ask::Holders),
];

/// The route of a path below a server, and the server's id.
pub(super) fn find<'p>(method: &Method, path: &'p str) -> Option<(&'static str, Ask, &'p str)> {
    let (id, rest) = path.strip_prefix("/v1/mcp/server/")?.split_once('/')?;
    let below = |name: &str| name.split_once("{server_id}/").is_some_and(|(_, below)| below == rest);
    let (_, name, ask) = BELOW.iter().find(|(known, name, _)| known == method && below(name))?;
    Some((*name, *ask, id)).filter(|_| !id.is_empty())
}

/// Every path with its methods.
pub(super) fn all() -> impl Iterator<Item = (Method, &'static str)> {
    BELOW.iter().map(|(method, path, _)| (method.clone(), *path))
}

/// Shows servers what the caller holds for them, where no credential came along. `known` is what was read of the store before.
///
/// # Errors
/// When the store fails: that is not the same as holding nothing.
pub(super) async fn show(
    core: &Core,
    who: &Identity,
    view: &mut View,
    known: &mut Option<Vec<HeldCredential>>,
) -> Result<()> {
    let (true, Some(user)) = (view.servers.iter().any(|visible| visible.wants.is_some()), who.user_id()) else {
        return Ok(());
    };
    let held: &[HeldCredential] = match known {
        Some(held) => held,
        None => known.insert(of(core, user).await?),
    };
    let wanting = view.servers.iter_mut().filter(|visible| visible.wants.is_some());
    // Whose token has ended gets a new one meanwhile: at one server it does not wait for another.
    join_all(wanting.map(async |visible| {
        let Some(found) = held.iter().find(|held| held.server == visible.server.id) else { return };
        if let Some(secret) = usable(core, user, visible, &found.kind).await {
            visible.hold(&secret);
        }
    }))
    .await;
    Ok(())
}

/// What may be shown of it now; nothing for what fits no server of this kind, and for tokens that ended and cannot be renewed.
async fn usable(core: &Core, user: &str, visible: &Visible, held: &Held) -> Option<Secret> {
    let Scheme::Own(own) = &visible.server.scheme else { return None };
    match held {
        Held::Key(key) => (!own.token).then(|| key.clone()),
        Held::Token(token) if own.token => match token.has_ended(Utc::now()) {
            false => Some(token.access.clone()),
            true => renewed(core, user, &visible.server).await,
        },
        Held::Token(_) => None,
    }
}

/// A new token in the place of one that ended. Whoever comes second finds it stored.
async fn renewed(core: &Core, user: &str, server: &Arc<Server>) -> Option<Secret> {
    let Scheme::Own(own) = &server.scheme else { return None };
    let by = own.refresh.as_ref()?;
    let _turn = core.app.mcp.renewals.turn(user, &server.id).await;
    let now = of(core, user).await.ok()?.into_iter().find(|held| held.server == server.id)?;
    let Held::Token(token) = now.kind else { return None };
    if !token.has_ended(Utc::now()) {
        return Some(token.access);
    }
    let new = match held::renewed(&core.http, by, token.refresh.as_ref()?).await {
        Ok(new) => new,
        Err(fault) => {
            tracing::warn!(server = %server.name, fault = fault.in_full(), "a token of a person was not renewed");
            return None;
        }
    };
    let token = HeldToken {
        access: new.access.clone(),
        refresh: new.refresh.or(token.refresh),
        expires_at: new.seconds.and_then(Duration::try_seconds).and_then(|left| Utc::now().checked_add_signed(left)),
        connected_at: token.connected_at,
        scopes: token.scopes,
    };
    let (accounts, user, id) = (core.app.accounts.clone(), user.to_owned(), server.id.clone());
    let stored = async move { accounts.hold_credential(&user, &id, &Held::Token(Box::new(token))).await };
    if let Err(error) = background(core, stored).await {
        tracing::error!(server = %server.name, error = error.message, "a renewed token of a person was not stored");
    }
    Some(new.access)
}

async fn of(core: &Core, user: &str) -> Result<Vec<HeldCredential>> {
    let (accounts, user) = (core.app.accounts.clone(), user.to_owned());
    background(core, async move { accounts.held_credentials(&user).await }).await
}

/// Work with the store, where the store is.
pub(crate) async fn background<T: Send + 'static>(
    core: &Core,
    work: impl Future<Output = Outcome<T>> + Send + 'static,
) -> Result<T> {
    let done = core.app.background.spawn(work).await.map_err(|_| Error::internal("the call broke off"))?;
    done.map_err(|problem| match problem {
        Problem::Refused(error) => *error,
        fields @ Problem::Fields(_) => Error::bad_request(fields.text()),
    })
}

/// Answers a call.
pub(super) async fn answer(
    core: &Core,
    ctx: &Context,
    who: &Arc<Identity>,
    (ask, id): (Ask, &str),
    body: Incoming,
) -> Result<Response<Reply>> {
    let path = ctx.snapshot.settings.below_root(ctx.parts.uri.path());
    let reads = matches!(ask, Ask::Status | Ask::Holders);
    who.authorize(if ask == Ask::Holders { Permission::Admin } else { Permission::AnyKey }, path, reads)?;
    let id = crate::read::decode_path(id);
    let accounts = core.app.accounts.clone();
    let shown = match ask {
        Ask::Holders => background(core, async move { accounts.credential_holders(&id).await }).await?,
        Ask::Keep | Ask::KeepToken => {
            let user = user(who)?;
            let server = server(ctx, who, &id)?;
            let body = crate::read::body(&ctx.snapshot, &ctx.parts, body).await?;
            keep(core, ask, &user, &server, &Top::parse(&body)?).await?
        }
        Ask::Drop | Ask::DropToken => {
            let named = query(&ctx.parts, "user_id").map(std::borrow::Cow::into_owned).filter(|user| !user.is_empty());
            let user = match named {
                Some(other) if who.user_id() != Some(&other) && !who.is_admin() => {
                    let why = "Proxy admin access required to revoke another user's MCP credential.";
                    return Err(Error::new(Kind::PermissionDenied, why).with_type("auth_error"));
                }
                Some(other) => other,
                None => user(who)?,
            };
            let (kind, server) = (if ask == Ask::Drop { "byok" } else { "oauth2" }, id.clone());
            background(core, async move { accounts.drop_credential(&user, &server, kind).await }).await?;
            if ask == Ask::Drop { has(&id, false) } else { status(&id, None) }
        }
        Ask::Status => {
            let held = of(core, &user(who)?).await?.into_iter().find(|held| held.server == id);
            let token = held.and_then(|held| if let Held::Token(token) = held.kind { Some(token) } else { None });
            status(&id, token.as_deref())
        }
    };
    Ok(errors::json(200, Bytes::from(shown.to_string()), HeaderMap::new()))
}

/// `GET /v1/mcp/user-credentials`: the servers that the caller holds a token for.
pub(super) async fn own(core: &Core, ctx: &Context, who: &Arc<Identity>) -> Result<Json> {
    let held = of(core, &user(who)?).await?;
    let each = held.iter().filter_map(|held| {
        let Held::Token(token) = &held.kind else { return None };
        let server = ctx.snapshot.mcp.servers.iter().find(|server| server.id == held.server);
        let mut out = status(&held.server, Some(token));
        out.remove("is_expired");
        out.set("credential_type", held.kind.name());
        out.set("server_name", Json::from(server.map(|server| server.name.as_str())));
        out.set("alias", Json::from(server.and_then(|server| server.alias.as_deref())));
        Some(out)
    });
    Ok(Json::Array(each.collect()))
}

async fn keep(core: &Core, ask: Ask, user: &str, server: &Arc<Server>, top: &Top<'_>) -> Result<Json> {
    let needed = |field: &'static str| {
        let text = top.str(field).map(std::borrow::Cow::into_owned).filter(|text| !text.is_empty());
        text.ok_or_else(|| Error::bad_request(format!("{field} is required")).with_param(field))
    };
    let Scheme::Own(own) = &server.scheme else {
        return Err(Error::bad_request("This MCP server takes no credentials of users").with_param("server_id"));
    };
    let held = match ask {
        Ask::Keep if own.token => {
            return Err(Error::bad_request("This MCP server does not support BYOK credentials").with_param("server_id"));
        }
        Ask::Keep => {
            let key = needed("credential")?;
            if top.get("save") == Some("false") {
                return Ok(has(&server.id, false));
            }
            Held::Key(Secret::new(key))
        }
        _ if !own.token => {
            return Err(Error::bad_request("This MCP server takes keys, not tokens").with_param("server_id"));
        }
        _ => {
            let left = top.read::<i64>("expires_in").and_then(Duration::try_seconds);
            Held::Token(Box::new(HeldToken {
                access: Secret::new(needed("access_token")?),
                refresh: top.str("refresh_token").filter(|token| !token.is_empty()).map(Secret::new),
                expires_at: left.and_then(|left| Utc::now().checked_add_signed(left)),
                connected_at: Some(Utc::now()),
                scopes: top.read::<Vec<String>>("scopes").unwrap_or_default(),
            }))
        }
    };
    let shown = if let Held::Token(token) = &held { status(&server.id, Some(token)) } else { has(&server.id, true) };
    let (accounts, user, id) = (core.app.accounts.clone(), user.to_owned(), server.id.clone());
    background(core, async move { accounts.hold_credential(&user, &id, &held).await }).await?;
    Ok(shown)
}

/// The person that a key stands for. What nobody holds cannot be kept.
fn user(who: &Identity) -> Result<String> {
    let user = who.user_id().filter(|user| !user.is_empty());
    user.map(str::to_owned).ok_or_else(|| Error::bad_request("User ID not found in token").with_param("user_id"))
}

/// A server that the caller may use. Others do not exist, whoever knows their ids.
fn server(ctx: &Context, who: &Arc<Identity>, id: &str) -> Result<Arc<Server>> {
    let view = seen(ctx, who);
    let found = view.servers.into_iter().map(|visible| visible.server).find(|server| server.id == id);
    found.ok_or_else(|| {
        let kind = if who.sees_all() { Kind::NotFound } else { Kind::PermissionDenied };
        Error::new(kind, format!("MCP server {id} does not exist, or this key may not use it"))
    })
}

fn has(server: &str, has: bool) -> Json {
    Json::object([("server_id", Json::from(server)), ("has_credential", Json::from(has))])
}

fn status(server: &str, token: Option<&HeldToken>) -> Json {
    let mut out = has(server, token.is_some());
    for (field, time) in [
        ("expires_at", token.and_then(|token| token.expires_at)),
        ("connected_at", token.and_then(|token| token.connected_at)),
    ] {
        out.set(field, Json::from(time.map(|time| time.to_rfc3339()).as_deref()));
    }
    out.set("is_expired", token.is_some_and(|token| token.expires_at.is_some_and(|end| end < Utc::now())));
    out
}
