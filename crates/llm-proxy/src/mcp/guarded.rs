//! Guardrails of the modes `pre_mcp_call`, `during_mcp_call` and `post_mcp_call`: they judge the arguments and the result of a
//! tool, whether a client or a model calls it.

use futures_util::future::join;
use llm_guardrails::{Guards, Mode, ToolOutcome};
use llm_mcp::Fault;
use llm_types::{Error, Json, Kind, RawJson, Result};
use llm_wire::top::Top;

use crate::flow::Context;

/// Judges the arguments; the parameters anew, when they were edited.
///
/// # Errors
/// Kind `Guardrail`, when one stops the call.
pub(super) async fn before(ctx: &mut Context, guards: &Guards, params: &RawJson) -> Result<Option<RawJson>> {
    if !guards.has(Mode::PreMcpCall) {
        return Ok(None);
    }
    let top = Top::parse(params.get().as_bytes())?;
    let mut arguments = arguments(&top)?;
    let outcome = guards.before_tool(&mut arguments).await?;
    ctx.ran(outcome.ran);
    if !outcome.changed {
        return Ok(None);
    }
    let edited = top.edited(&[("arguments", Some(arguments.get()))]);
    let text = String::from_utf8(edited.to_vec()).map_err(|_| Error::internal("arguments that are no text"))?;
    RawJson::parse(text).map(Some).map_err(|e| Error::internal(format!("edited arguments: {e}")))
}

/// Makes the call beside the guardrails that judge while it runs, and judges its result. What stopped it is told beside what
/// came of it: it was made.
pub(super) async fn beside(
    ctx: &mut Context,
    guards: &Guards,
    params: &RawJson,
    made: impl Future<Output = Result<RawJson, Fault>>,
) -> (Result<RawJson, Fault>, Option<Error>) {
    let outcome = if guards.has(Mode::DuringMcpCall) {
        let judge = async {
            let top = Top::parse(params.get().as_bytes())?;
            guards.during_tool(&arguments(&top)?).await
        };
        let (verdict, outcome) = join(judge, made).await;
        match verdict {
            Ok(judged) => ctx.ran(judged.ran),
            Err(stopped) => return (outcome, Some(stopped)),
        }
        outcome
    } else {
        made.await
    };
    let Some(result) = outcome.as_ref().ok().filter(|_| guards.has(Mode::PostMcpCall)) else { return (outcome, None) };
    match after(ctx, guards, result).await {
        Ok(None) => (outcome, None),
        Ok(Some(edited)) => (Ok(edited), None),
        Err(stopped) => (outcome, Some(stopped)),
    }
}

async fn after(ctx: &mut Context, guards: &Guards, result: &RawJson) -> Result<Option<RawJson>> {
    let unreadable = |e| Error::new(Kind::InvalidReply, format!("a result that cannot be judged: {e}"));
    let mut tree = ToolOutcome(result.read::<Json>().map_err(unreadable)?);
    let outcome = guards.after_tool(&mut tree).await?;
    ctx.ran(outcome.ran);
    Ok(outcome.changed.then(|| tree.0.to_raw()))
}

fn arguments(top: &Top<'_>) -> Result<RawJson> {
    let text = top.get("arguments").filter(|a| *a != "null").unwrap_or("{}");
    RawJson::parse(text).map_err(|_| Error::bad_request("arguments must be an object"))
}
