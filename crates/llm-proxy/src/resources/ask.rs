//! Whoever keeps something, asked for a caller.

use http::request;
use llm_client::resources::Keeper;
use llm_http::Timeouts;

use super::choose::Home;
use crate::core::Core;
use crate::flow::Context;
use crate::pass::who::query;

/// What of a list a client asks for: how many entries, and behind which one. Ids of ours are those of the house again.
pub(super) fn page(parts: &request::Parts) -> (Option<u32>, Option<String>) {
    let after = query(parts, "after");
    let after = after.map(|id| llm_wire::ids::decode(&id).map_or_else(|| id.into_owned(), |(id, _)| id));
    (query(parts, "limit").and_then(|n| n.parse().ok()), after)
}

/// Who keeps it, with the limits of the configuration.
pub(super) fn keeper<'a>(core: &'a Core, ctx: &'a Context, home: &'a Home) -> Keeper<'a> {
    let timeout = Some(ctx.snapshot.relays.settings.timeout);
    let connect = Some(ctx.snapshot.engine.settings.connect_timeout);
    Keeper {
        engine: &ctx.snapshot.engine,
        http: &core.http,
        target: &home.target,
        deployment: home.deployment.as_ref(),
        model: home.model.as_deref(),
        timeouts: Timeouts { connect, first_byte: timeout, idle: timeout, ..Timeouts::NONE },
        aside: &core.app.background,
    }
}
