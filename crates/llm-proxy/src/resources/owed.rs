//! What was begun and is charged later, once: batches, interactions in the background. Rows of the database remember it.

use bytes::Bytes;
use llm_client::Report;
use llm_store::{Filter, ManagedObjectRow};
use llm_types::{Error, Json, Kind, RawJson, Result};
use llm_wire::top::Top;

use crate::core::Core;
use crate::flow::Context;

/// What such a row is for, before the id of an interaction that was begun, and of one that was charged.
const BEGUN: &str = "interaction:";
const CHARGED: &str = "interaction charged:";

/// True for who comes first: the thing is written down as charged. Without a database everybody does.
///
/// # Errors
/// The database fails.
pub(super) async fn claim(core: &Core, ctx: &Context, id: &str, purpose: &str, body: &Bytes) -> Result<bool> {
    let object = std::str::from_utf8(body).ok().and_then(|text| RawJson::parse(text).ok());
    write(
        core,
        ctx,
        ManagedObjectRow {
            unified_object_id: id.to_owned(),
            model_object_id: id.to_owned(),
            file_object: object.unwrap_or_else(|| Json::Null.to_raw()),
            file_purpose: purpose.to_owned(),
            status: Some("complete".to_owned()),
            batch_processed: true,
            ..ManagedObjectRow::default()
        },
    )
    .await
}

async fn write(core: &Core, ctx: &Context, row: ManagedObjectRow) -> Result<bool> {
    let Some(store) = core.app.store.clone() else { return Ok(true) };
    let caller = ctx.who.as_ref().map(|w| w.caller()).unwrap_or_default();
    let row = ManagedObjectRow {
        created_by: caller.user_id.as_deref().map(str::to_owned),
        team_id: caller.team_id.as_deref().map(str::to_owned),
        api_key: caller.key_hash.as_deref().map(str::to_owned),
        ..row
    };
    let id = row.unified_object_id.clone();
    let done = core.app.background.spawn(async move {
        let mut table = store.table::<ManagedObjectRow>();
        if !table.find(Filter::new().is("unified_object_id", id)).await?.is_empty() {
            return Ok(false);
        }
        // The id is unique: of two who come at once one fails here.
        match table.insert(&row).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_transient() => Err(error),
            Err(_) => Ok(false),
        }
    });
    match done.await {
        Ok(Ok(first)) => Ok(first),
        Ok(Err(error)) => Err(unavailable(&error.to_string())),
        Err(error) => Err(unavailable(&error.to_string())),
    }
}

/// True for an interaction that was begun in the background and is still to be charged.
///
/// # Errors
/// The database fails.
pub(super) async fn is_owed(core: &Core, id: &str) -> Result<bool> {
    let Some(store) = core.app.store.clone() else { return Ok(false) };
    let names = [BEGUN, CHARGED].map(|kind| format!("{kind}{id}"));
    let done = core.app.background.spawn(async move {
        let mut table = store.table::<ManagedObjectRow>();
        let mut known = [false, false];
        for (known, name) in known.iter_mut().zip(names) {
            *known = !table.find(Filter::new().is("unified_object_id", name)).await?.is_empty();
        }
        Ok::<_, llm_store::StoreError>(known)
    });
    match done.await {
        Ok(Ok([begun, charged])) => Ok(begun && !charged),
        Ok(Err(error)) => Err(unavailable(&error.to_string())),
        Err(error) => Err(unavailable(&error.to_string())),
    }
}

/// Settles what an answer says of an interaction: one that is not at its end costs nothing yet and is remembered, one
/// that is `owed` is charged to whoever sees its end first.
pub(super) async fn settle(core: &Core, ctx: &Context, owed: bool, body: &Bytes, report: &mut Report) {
    let Ok(top) = Top::parse(body) else { return };
    let Some(id) = top.str("id").filter(|id| !id.is_empty()) else { return };
    let ended = !matches!(top.str("status").as_deref(), Some("in_progress" | "queued"));
    let settled = match (owed, ended) {
        (false, true) => return,
        (true, true) => claim(core, ctx, &format!("{CHARGED}{id}"), "interaction", body).await,
        (false, false) => begun(core, ctx, &id).await.map(|()| false),
        (true, false) => Ok(false),
    };
    match settled {
        Ok(true) => {}
        Ok(false) => free(report),
        Err(error) => {
            tracing::error!(interaction = %id, error = %error.message, "what an interaction costs cannot be remembered; it is charged now");
        }
    }
}

async fn begun(core: &Core, ctx: &Context, id: &str) -> Result<()> {
    let id = format!("{BEGUN}{id}");
    let row = ManagedObjectRow {
        unified_object_id: id.clone(),
        model_object_id: id,
        file_purpose: "interaction".to_owned(),
        status: Some("in_progress".to_owned()),
        ..ManagedObjectRow::default()
    };
    write(core, ctx, row).await.map(drop)
}

/// Claims the charge of an interaction whose end comes as a stream.
///
/// # Errors
/// The database fails.
pub(super) async fn claim_stream(core: &Core, ctx: &Context, id: &str) -> Result<bool> {
    claim(core, ctx, &format!("{CHARGED}{id}"), "interaction", &Bytes::new()).await
}

fn free(report: &mut Report) {
    report.usage = llm_types::Usage::default();
    report.cost = llm_types::record::Cost::default();
    report.usage_raw = None;
    report.cost_problem = None;
}

fn unavailable(why: &str) -> Error {
    Error::new(Kind::Unavailable, why.to_owned())
}
