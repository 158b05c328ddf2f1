//! A call of a tool: admitted, judged, made, billed. It is one row, with the price that the server's configuration gives the
//! tool.

use std::sync::Arc;

use llm_accounts::{Identity, Intent, Reservation};
use llm_client::Report;
use llm_guardrails::Direction;
use llm_mcp::hub::Kind as ListKind;
use llm_mcp::{Fault, RpcError, View, Visible, answer, rpc};
use llm_types::record::{Cost, LogRecord};
use llm_types::{Error, Kind, RawJson};
use llm_wire::top::Top;

use super::guarded;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::guard;
use crate::kept::Words;
use crate::pass::wish::Named;
use crate::tail::{Draft, Ledger, settle};

/// What an MCP error is for a client that speaks no MCP.
pub(super) fn fault(error: RpcError) -> Error {
    let client = matches!(error.code, rpc::INVALID_PARAMS | rpc::METHOD_NOT_FOUND);
    Error::new(if client { Kind::BadRequest } else { Kind::Api }, error.message)
}

/// Why there is no result.
#[derive(Debug)]
pub(super) enum Failed {
    /// The client asked for something that there is not.
    Told(RpcError),
    /// The call was not admitted.
    Refused(Box<Refused>),
}

impl From<RpcError> for Failed {
    fn from(error: RpcError) -> Self {
        Self::Told(error)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Refused(Box::new(error.into()))
    }
}

/// Calls the tool that a client knows as `name`. `path` is the one that was called, `params` are the client's. A server that
/// fails gives a result that says so: a model can read it.
pub(super) async fn tool(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    (path, view): (&str, &View),
    name: &str,
    params: &RawJson,
) -> Result<RawJson, Failed> {
    let (to, own) = match view.tool(name) {
        Ok((to, own)) => (to, own.to_owned()),
        // A bare name may be one server's alone.
        Err(error) => among(core, view, name).await.ok_or(error)?,
    };
    allowed(to, &own, params)?;
    let guards = guard::open(ctx, name)?;
    let cost = to.server.cost(&own);
    let reservation = admit(core, ctx, who, (path, &to.server.name), cost).await?;
    let judged = match guarded::before(ctx, &guards, params).await {
        Ok(judged) => judged,
        Err(error) => {
            // A model can read it, and clients of MCP end their sessions over statuses of errors.
            let told = answer::failed(&error.message);
            Ledger::refused(core, ctx, Refused::after(error, reservation));
            return Ok(told);
        }
    };
    let params = judged.as_ref().unwrap_or(params);
    if judged.is_some() {
        allowed(to, &own, params)?;
    }
    // From here on the server may have acted, whoever hangs up.
    reservation.mark_sent();
    let made = answer::call(&core.app.mcp, &core.http, to, params, &own);
    let (outcome, stopped) = guarded::beside(ctx, &guards, params, made).await;
    let exists = exists(core, to, &own, &outcome).await;
    let result = outcome.as_ref().ok().filter(|_| stopped.is_none());
    let logged = match Words::of(ctx) {
        Words::Unsaid => None,
        Words::Hidden => result.and_then(|_| Words::response()),
        Words::Told { .. } => result.map(|result| guards.for_log(Direction::Response, result)),
    };
    book(core, ctx, to, (name, &own, exists), (&outcome, stopped.as_ref(), logged), reservation);
    match (outcome, stopped) {
        // It was made and is billed: the model reads why it has no result.
        (Ok(_), Some(stopped)) => Ok(answer::failed(&stopped.message)),
        (Ok(result), None) => Ok(result),
        (Err(Fault::Told(error)), _) => Err(Failed::Told(error)),
        (Err(fault), _) => Ok(answer::failed(&fault.error(&to.server.name).message)),
    }
}

/// The one server that shows a tool of this name.
async fn among<'v>(core: &Core, view: &'v View, name: &str) -> Option<(&'v Visible, String)> {
    let tools = answer::tools(&core.app.mcp, &core.http, view).await.ok()?;
    let mut found = tools.into_iter().filter(|listed| listed.own == name);
    match (found.next(), found.next()) {
        (Some(one), None) => Some((one.of, one.own)),
        _ => None,
    }
}

fn allowed(to: &Visible, own: &str, params: &RawJson) -> Result<(), RpcError> {
    let top = Top::parse(params.get().as_bytes()).unwrap_or_default();
    let arguments = top.get("arguments").filter(|a| *a != "null").unwrap_or("{}");
    let Ok(arguments) = Top::parse(arguments.as_bytes()) else {
        return Err(RpcError::new(rpc::INVALID_PARAMS, "arguments must be an object"));
    };
    match to.server.forbidden(own, arguments.iter().map(|(name, _)| name)) {
        None => Ok(()),
        Some(name) => Err(RpcError::new(rpc::INVALID_PARAMS, format!("The argument {name} of {own} is not allowed"))),
    }
}

async fn admit(
    core: &Core,
    ctx: &mut Context,
    who: &Arc<Identity>,
    (path, server): (&str, &str),
    cost: f64,
) -> Result<Reservation, Error> {
    // One "token" that costs what the call costs. Free calls keep to budgets all the same: a key without money is stopped.
    let price = (cost > 0.0).then(|| (cost, 0.0).into());
    let wish = Named::default().wish(ctx, "", price);
    let nothing = Intent { model: "", group: "", fallback_models: &[], ..wish.intent(ctx, u64::from(price.is_some())) };
    let intent = Intent { max_output_tokens: Some(0), choices: 1, price, tool_server: Some(server), ..nothing };
    let admitted = core.app.accounts.admit_shared(who, path, &intent).await;
    ctx.wish = Some(wish);
    admitted
}

/// False for a name that the server does not know, as far as it can be told: with one server in sight every name is one of its
/// own, and some answer unknown ones with a result that says so. Rows of calls that failed count for tools that are known alone.
async fn exists(core: &Core, to: &Visible, own: &str, outcome: &Result<RawJson, Fault>) -> bool {
    let Ok(result) = outcome else { return true };
    if !Top::parse(result.get().as_bytes()).is_ok_and(|top| top.is_true("isError")) {
        return true;
    }
    match core.app.mcp.list(&core.http, to, ListKind::Tools).await {
        Ok(tools) => tools.iter().any(|tool| tool.text("name") == Some(own)),
        Err(fault) => {
            tracing::warn!(server = %to.server.name, fault = fault.in_full(), "the tools of an MCP server are not known");
            false
        }
    }
}

/// Writes the row, settles, tells callbacks. `logged` is what may be seen of the result. Calls that failed cost nothing; those
/// whose result was stopped were made.
fn book(
    core: &Core,
    ctx: &Context,
    to: &Visible,
    (name, own, exists): (&str, &str, bool),
    (outcome, stopped, logged): (&Result<RawJson, Fault>, Option<&Error>, Option<RawJson>),
    reservation: Reservation,
) {
    let server = &to.server;
    if let Err(fault) = outcome {
        tracing::warn!(call = %ctx.id, server = %server.name, fault = fault.in_full(), "a tool was not called");
    }
    let failed = outcome.as_ref().err().map(|fault| fault.error(&server.name));
    let error = failed.as_ref().or(stopped);
    let total = if failed.is_some() { 0.0 } else { server.cost(own) };
    let cost = Cost { total, original: total, tools: total, ..Cost::default() };
    let fill = |record: &mut LogRecord| {
        record.model = Arc::from(format!("MCP: {name}"));
        record.model_group = Arc::clone(&record.model);
        record.mcp_tool = exists.then(|| Arc::from(format!("{}/{own}", server.name)));
        record.cost = cost;
        record.cache_hit = None;
        record.response = logged;
    };
    let record = Draft::bare(ctx).ended(error, fill);
    let report = Report { cost, ..Report::default() };
    settle(&core.app, record, &report, reservation, failed.is_none());
}
