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

/// Fills in what a batch consumed and cost, when it is done and was not charged before.
pub(super) async fn bill(core: &Core, ctx: &Context, home: &Home, body: &Bytes, report: &mut Report) {
    let Ok(batch) = serde_json::from_slice::<Finished<'_>>(body) else { return };
    if batch.status != "completed" {
        return;
    }
    let object = std::str::from_utf8(body).ok().and_then(|text| RawJson::parse(text).ok());
    match owed::Ledger::new(core, ctx).claim(&batch.id, "batch", object).await {
        Ok(true) => {}
        Ok(false) => return,
        Err(error) => {
            tracing::error!(batch = %batch.id, %error, "whether a batch was charged cannot be found out; it is not charged now");
            return;
        }
    }
    let keeper = keeper(core, ctx, home);
    match keeper.consumed(&batch).await {
        Ok(by_model) => keeper.price_batch(&by_model, report),
        Err(error) => {
            report.cost_problem = Some(format!("the output of the batch cannot be read: {}", error.message));
            tracing::error!(batch = %batch.id, error = %error.message, "a batch cannot be priced");
        }
    }
}
