//! Answers that their hosts make behind the client's back (`background: true`). Whoever asks for one pays for the prompt;
//! the rest is charged when somebody sees the end: once, however many see it, on whichever gateway.

use std::sync::Arc;

use llm_accounts::{Identity, Intent};
use llm_client::{Head, Report, StoredReply, Tail as _};
use llm_types::record::Cost;
use llm_types::{Json, Result};
use serde::Deserialize;

use super::{ResponseId, Verb};
use crate::core::Core;
use crate::flow::Context;
use crate::pass::tail::{Facts, RelayTail};
use crate::pass::wish::Named;
use crate::resources::owed::{Ledger, tells};

/// What rows of such answers are for.
const PURPOSE: &str = "response";

/// An answer that may end behind the client's back.
#[derive(Debug)]
pub struct Owed(Ledger);

impl Owed {
    /// Whether the call of `ctx` asks for one.
    #[must_use]
    pub fn of(core: &Core, ctx: &Context) -> Option<Self> {
        ctx.turn.as_ref().filter(|turn| turn.in_background()).map(|_| Self(Ledger::new(core, ctx)))
    }

    /// Remembers what an answer cost so far, unless its host has already told what it consumed.
    pub async fn remember(self, head: &Head, report: &Report) {
        if let Some((name, so_far)) = noted(head, report) {
            write(&self.0, &name, so_far).await;
        }
    }

    /// The same, for who cannot wait.
    pub fn remember_later(self, head: &Head, report: &Report) {
        let Some((name, so_far)) = noted(head, report) else { return };
        let ledger = self.0.clone();
        self.0.later(async move { write(&ledger, &name, so_far).await });
    }
}

/// The name of the row of an answer that is not at its end, and what it cost so far.
fn noted(head: &Head, report: &Report) -> Option<(String, Json)> {
    let id = report.response_id.as_deref().filter(|_| !tells(report))?;
    let so_far = Json::object([
        ("cost", Json::from(report.cost.total)),
        ("input_tokens", Json::from(report.usage.input_text)),
        ("output_tokens", Json::from(report.usage.output_text)),
    ]);
    Some((name(&head.deployment.id, id), so_far))
}

async fn write(ledger: &Ledger, name: &str, so_far: Json) {
    if let Err(error) = ledger.note(name, PURPOSE, so_far.to_raw()).await {
        tracing::error!(%name, error = %error.message, "an answer in the background cannot be remembered: its end may go uncharged");
    }
}

fn name(deployment: &str, upstream: &str) -> String {
    format!("response:{deployment}:{upstream}")
}

/// The row that says that the end of an answer is paid for.
fn charged(name: &str) -> String {
    format!("{name}:charged")
}

/// What somebody saw of a stored answer. What it cost beyond its beginning is charged to who sees its end first.
///
/// # Errors
/// The database fails: the end is not told to who would not pay for it.
pub(super) async fn seen(
    core: &Core,
    ctx: &Context,
    who: &Arc<Identity>,
    id: &ResponseId,
    verb: Verb,
    reply: &StoredReply,
) -> Result<()> {
    if !tells(&reply.report) {
        return Ok(());
    }
    let ledger = Ledger::new(core, ctx);
    let name = name(&id.deployment, &id.upstream);
    let Some(begun) = ledger.find(name.clone()).await? else { return Ok(()) };
    let Some(claim) = ledger.claim(&charged(&name), PURPOSE, None).await? else { return Ok(()) };
    let so_far: SoFar = begun.file_object.read().unwrap_or_default();
    let mut report = Box::new(Report {
        usage: reply.report.usage,
        usage_raw: reply.report.usage_raw.clone(),
        cost: rest(reply.report.cost, so_far.cost),
        cost_problem: reply.report.cost_problem.clone(),
        response_id: Some(id.upstream.clone()),
        ..Report::default()
    });
    let usage = &mut report.usage;
    usage.input_text = usage.input_text.saturating_sub(so_far.input_tokens);
    usage.output_text = usage.output_text.saturating_sub(so_far.output_tokens);
    let group = reply.from.deployment.as_ref().map(|deployment| Arc::clone(&deployment.group)).unwrap_or_default();
    let wish = Named::of(&group).wish(ctx, &group, None);
    // It was admitted when it began: nobody is asked whether it may end.
    let intent = Intent { choices: 0, ..wish.intent(ctx, 0) };
    let reservation = core.app.accounts.beside(who, &intent, false);
    let facts = Facts {
        provider: Arc::clone(&reply.provider),
        model: Arc::clone(&reply.model),
        call_type: call_type(verb),
        agent: None,
    };
    let mut tail = Box::new(RelayTail::new(core, ctx, reply.from.clone(), facts, reservation));
    tail.charges(Some(claim));
    tail.done(report);
    Ok(())
}

/// True for an answer whose end nobody has paid for.
///
/// # Errors
/// The database fails.
pub(super) async fn is_owed(core: &Core, ctx: &Context, id: &ResponseId) -> Result<bool> {
    let name = name(&id.deployment, &id.upstream);
    let charged = charged(&name);
    Ledger::new(core, ctx).is_open(name, charged).await
}

/// What was charged for the beginning of an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SoFar {
    cost: f64,
    input_tokens: u64,
    output_tokens: u64,
}

/// What is left of a cost; nothing is given back.
fn rest(mut cost: Cost, paid: f64) -> Cost {
    let whole = cost.total;
    cost.total = (whole - paid).max(0.0);
    let share = if whole > 0.0 { cost.total / whole } else { 1.0 };
    for part in [
        &mut cost.input,
        &mut cost.output,
        &mut cost.cache_read,
        &mut cost.cache_write,
        &mut cost.reasoning,
        &mut cost.tools,
        &mut cost.original,
        &mut cost.discount,
        &mut cost.margin,
    ] {
        *part *= share;
    }
    cost
}

/// LiteLLM's names of the calls.
const fn call_type(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "aget_responses",
        Verb::Delete => "adelete_responses",
        Verb::Cancel => "acancel_responses",
        Verb::InputItems => "alist_input_items",
    }
}
