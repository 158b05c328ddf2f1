//! What the client is answered: the upstream's bytes as they come, or read where they name ids, secrets or a bill.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::response::Parts;
use llm_accounts::Reservation;
use llm_client::{RelayHead, Relayed, Tail as _};

use super::choose::Home;
use super::owed::{Due, Late, Ledger};
use super::translated::Served;
use super::{Asked, batch, failed, reply};
use crate::body::Reply;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::pass::headers;
use crate::pass::tail::{Facts, RelayTail};

/// Passes an answer on.
pub(super) async fn answer(
    core: &Core,
    ctx: &Context,
    asked: &Asked<'_>,
    relayed: Relayed,
    reservation: Reservation,
) -> Result<Response<Reply>, Refused> {
    if failed::is_one(asked, &relayed.parts) {
        return Box::pin(failed::told(core, ctx, asked, relayed, reservation)).await;
    }
    let Relayed { parts, mut body, from } = relayed;
    let mut tail = RelayTail::new(core, ctx, from.clone(), facts(asked), Some(reservation));
    let done = parts.status.is_success();
    let billed = done && asked.what.call_type == RETRIEVE;
    let secret = done && asked.what.call_type == SECRET;
    let retold = done && reply::is_retold(asked);
    let begun = done && (asked.due != Due::Now || asked.what.call_type == BEGIN);
    let judged = done && asked.report.has_changes();
    if !(reply::is_json(&parts.headers) && (billed || secret || retold || begun || judged)) {
        if done && asked.due != Due::Now {
            let ledger = Ledger::new(core, ctx);
            if asked.due == Due::Begins {
                let remembering = ledger.clone();
                body.on_id(move |id| remembering.remember(id));
            }
            body.set_tail(Box::new(Late::new(ledger, asked.due, tail)));
        } else {
            body.set_tail(Box::new(tail));
        }
        return Ok(headers::response(ctx, parts, &from, Reply::Relay(Box::new(body))));
    }
    let limit = ctx.snapshot.engine.settings.max_reply_bytes;
    let (bytes, mut report) = body.collect(limit).await?;
    if billed {
        tail.charges(Box::pin(batch::bill(core, ctx, asked.home, &bytes, &mut report)).await);
    }
    if begun {
        tail.charges(Ledger::new(core, ctx).settle(asked.due, &bytes, &mut report).await);
    }
    let cost = report.cost.total;
    Box::new(tail).done(report);
    let bytes = match &ctx.who {
        Some(who) if secret => core.app.secrets.wrapped(&bytes, who, asked.home, now_seconds()),
        _ if retold => reply::retold(asked, bytes),
        _ => bytes,
    };
    let mut response = whole(ctx, parts, &from, asked.report.tell(bytes));
    if cost > 0.0 {
        let name = const { http::HeaderName::from_static("x-litellm-response-cost") };
        crate::answer::number(response.headers_mut(), name, cost);
    }
    Ok(response)
}

/// LiteLLM's name of the calls that look at a batch.
const RETRIEVE: &str = "aretrieve_batch";
/// LiteLLM's name of the calls that begin an interaction.
pub(super) const BEGIN: &str = "acreate_interaction";
/// LiteLLM's name of the calls that give a secret out.
const SECRET: &str = "acreate_realtime_client_secret";

fn now_seconds() -> u64 {
    u64::try_from(crate::tail::now_us() / 1_000_000).unwrap_or_default()
}

fn whole(ctx: &Context, parts: Parts, from: &RelayHead, bytes: Bytes) -> Response<Reply> {
    let length = HeaderValue::from(bytes.len());
    let mut response = headers::response(ctx, parts, from, Reply::Whole(bytes));
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}

/// Gives out what was told anew.
pub(super) async fn told(
    core: &Core,
    ctx: &Context,
    asked: &Asked<'_>,
    served: Served,
    reservation: Reservation,
) -> Response<Reply> {
    let Served { parts, body, from, mut report } = served;
    let mut tail = RelayTail::new(core, ctx, from.clone(), facts(asked), Some(reservation));
    if asked.what.call_type == RETRIEVE {
        tail.charges(Box::pin(batch::bill(core, ctx, asked.home, &body, &mut report)).await);
    }
    Box::new(tail).done(report);
    let body = match asked.home.group.as_deref().filter(|_| reply::is_json(&parts.headers)) {
        Some(group) => reply::marked_anew(&body, group),
        None => body,
    };
    whole(ctx, parts, &from, asked.report.tell(body))
}

/// Gives out what was told anew, with the ids that it has.
pub(super) fn as_is(
    core: &Core,
    ctx: &Context,
    asked: &Asked<'_>,
    served: Served,
    reservation: Reservation,
) -> Response<Reply> {
    let Served { parts, body, from, report } = served;
    Box::new(RelayTail::new(core, ctx, from.clone(), facts(asked), Some(reservation))).done(report);
    whole(ctx, parts, &from, asked.report.tell(body))
}

/// What the record says of it.
pub(super) fn facts(asked: &Asked<'_>) -> Facts {
    let Home { target, model, .. } = asked.home;
    Facts {
        provider: Arc::from(target.provider_id()),
        model: Arc::from(model.as_deref().unwrap_or_default()),
        call_type: asked.what.call_type,
        agent: None,
    }
}
