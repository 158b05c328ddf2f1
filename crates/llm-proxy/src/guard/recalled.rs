//! Answers that the cache has, for a caller with guardrails that judge answers, or the call while it runs.

use std::future::ready;

use bytes::Bytes;
use llm_client::Call;
use llm_guardrails::{Guards, Mode};
use llm_types::{OperationKind, Result};
use llm_wire::codec::{ReplyContext, ReplyView};

use super::{after_task, beside, told, withheld};
use crate::flow::Context;
use crate::recall::{self, Hit, Shape};

/// A stored answer, whole, as this caller may have it: judged as if the model had just given it.
///
/// # Errors
/// Kind `Guardrail`, when one stops the call or the answer; 502 for an answer that cannot be judged.
pub async fn recalled(guards: &Guards, ctx: &mut Context, call: &Call, mut hit: Hit) -> Result<Hit> {
    let ((), stopped) = beside(guards, call, ready(())).await;
    if let Some(error) = stopped {
        return Err(error);
    }
    if call.operation != OperationKind::Generate {
        if guards.has(Mode::PostCall) {
            hit.body = after_task(guards, ctx, call, hit.body).await?;
        }
        return Ok(hit);
    }
    if guards.has(Mode::PostCall) {
        hit.body = conversation(guards, ctx, call, hit.body).await?;
    }
    if call.stream {
        let model = call.echo.as_deref();
        hit.body = recall::events(call.format, model, call.include_usage, &hit.body).ok_or_else(withheld)?;
        hit.kind = Shape::Stream;
    }
    Ok(hit)
}

async fn conversation(guards: &Guards, ctx: &mut Context, call: &Call, body: Bytes) -> Result<Bytes> {
    let codec = llm_wire::registry::upstream_generate(call.format).ok_or_else(withheld)?;
    let view = ReplyView { status: 200, provider: "", headers: &[], body: &body };
    let mut content = codec.decode_response(&view, &ReplyContext::default()).map_err(|_| withheld())?;
    let outcome = guards.after(&mut content).await?;
    ctx.ran(outcome.ran);
    Ok(if outcome.changed { told(call, &content, body.len()) } else { body })
}
