//! Resources that a request of several calls asks for: authorized, routed and logged as calls of their own.

use std::sync::Arc;

use http::Response;
use llm_accounts::Identity;
use llm_http::Body;
use llm_providers::passthrough::safe;
use llm_types::Error;
use llm_wire::ids;

use super::owed::Due;
use super::request::Sent;
use super::{Asked, admit, choose, find, finish, judged, may_search, table, told};
use crate::body::Reply;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::routes::Action;

/// Asks for a resource. `ctx` has method, path and headers of the call; `provider` is asked unless the headers or the
/// configuration name somebody else.
///
/// # Errors
/// What the call is refused for; statuses of the provider are answers.
pub async fn ask(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    path: &str,
    provider: &str,
    body: Body,
) -> Result<Response<Reply>, Refused> {
    safe(path)?;
    let route = find(&ctx.parts.method, path).map(|route| route.action);
    let (Some(Action::Resource(what)), Some((_, tail))) = (route, table::split(path)) else {
        return Err(Error::internal(format!("no resource has the path {path}")).into());
    };
    let sent = Sent::Stream(body);
    may_search(who, &ctx.parts.method, what.family, tail, &sent)?;
    let (tail, group) = ids::resolved(tail);
    let told = told(ctx, Some(provider), group);
    let home = choose::home(ctx, who, what.family, &told, &tail)?;
    // The key was shown for the request, not for this path.
    let asked_for = ctx.route;
    let reservation = admit(core, ctx, who, asked_for, &told, &home).await?;
    let asked = Asked {
        what,
        tail: &tail,
        home: &home,
        held: None,
        shown: None,
        due: Due::Now,
        report: &judged::Report::default(),
    };
    // What a request of several calls holds of each of them is small.
    Box::pin(finish(core, ctx, &asked, sent, reservation)).await
}
