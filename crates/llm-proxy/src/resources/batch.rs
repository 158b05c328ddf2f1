//! What a finished batch cost: it is charged to whoever sees it finished first, once.

use bytes::Bytes;
use llm_client::Report;
use llm_client::resources::Finished;
use llm_types::RawJson;

use super::ask::keeper;
use super::choose::Home;
use super::owed;
use crate::core::Core;
use crate::flow::Context;

/// Fills in what a batch consumed and cost, when it is done and was not charged before; the claim with which it is charged.
/// One whose output cannot be read is left for who looks next.
pub(super) async fn bill(
    core: &Core,
    ctx: &Context,
    home: &Home,
    body: &Bytes,
    report: &mut Report,
) -> Option<owed::Claim> {
    let batch = serde_json::from_slice::<Finished<'_>>(body).ok().filter(|batch| batch.status == "completed")?;
    let object = std::str::from_utf8(body).ok().and_then(|text| RawJson::parse(text).ok());
    let claim = owed::Ledger::new(core, ctx).claim(&batch.id, "batch", object).await;
    let claim = claim.unwrap_or_else(|error| {
        tracing::error!(batch = %batch.id, %error, "whether a batch was charged cannot be found out; it is not charged now");
        None
    })?;
    let keeper = keeper(core, ctx, home);
    match Box::pin(keeper.consumed(&batch)).await {
        Ok(by_model) => keeper.price_batch(&by_model, report),
        Err(error) => {
            report.cost_problem = Some(format!("the output of the batch cannot be read: {}", error.message));
            tracing::error!(batch = %batch.id, error = %error.message, "a batch cannot be priced now");
            return None;
        }
    }
    Some(claim)
}
