//! Fine-tuning jobs of houses that keep them in another way than OpenAI, in OpenAI's words.

use llm_client::resources::Tuning;
use llm_providers::batches::Job;
use llm_types::{Error, Result};

use super::Asked;
use super::ask::{keeper, page};
use super::request::Sent;
use super::translated::{Outcome, id_in, whole};
use crate::core::Core;
use crate::flow::Context;

const JOBS: &str = "/fine_tuning/jobs/";

/// Answers where the provider keeps such jobs in its own way; what OpenAI's clients ask of a job beside that goes on as it is.
///
/// # Errors
/// What the client did wrong, what the house refuses.
pub(super) async fn serve(core: &Core, ctx: &Context, asked: &Asked<'_>, sent: Sent) -> Result<Outcome> {
    let Some(house) = asked.home.target.provider.tuning() else { return Ok(Outcome::Relay(sent)) };
    let (limit, after) = page(&ctx.parts);
    let (facts, cancel) = (id_in(asked.tail, JOBS, ""), id_in(asked.tail, JOBS, "/cancel"));
    let wanted = match asked.what.call_type {
        "acreate_fine_tuning_job" => {
            let body = whole(sent).await?;
            Tuning::Begin(
                serde_json::from_slice(&body)
                    .map_err(|e| Error::bad_request(format!("Invalid JSON payload: {e}")).with_param("request_body"))?,
            )
        }
        "alist_fine_tuning_jobs" => Tuning::Job(Job::List { limit, after: after.as_deref() }),
        "aretrieve_fine_tuning_job" => Tuning::Job(Job::Facts(&facts)),
        "acancel_fine_tuning_job" => Tuning::Job(Job::Cancel(&cancel)),
        _ => return Ok(Outcome::Relay(sent)),
    };
    Ok(keeper(core, ctx, asked.home).tuning(house, wanted).await?.into())
}
