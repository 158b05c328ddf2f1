//! Fine-tuning jobs of houses that keep them in another way than OpenAI, in OpenAI's words.

use llm_http::Body;
use llm_providers::Endpoint;
use llm_providers::batches::Job;
use llm_providers::tuning::TuningHouse;
use llm_types::{Error, Json, Result};

use super::Asked;
use super::ask::{House, Said, page, resource};
use super::request::Sent;
use super::translated::{Outcome, Served, id_in, whole};
use crate::core::Core;
use crate::flow::Context;

const JOBS: &str = "/fine_tuning/jobs/";

/// Answers where the provider keeps such jobs in its own way; what OpenAI's clients ask of a job beside that goes on as it is.
///
/// # Errors
/// What the client did wrong, what the house refuses.
pub(super) async fn serve(core: &Core, ctx: &Context, asked: &Asked<'_>, sent: Sent) -> Result<Outcome> {
    let Some(house) = asked.home.target.provider.tuning() else { return Ok(Outcome::Relay(sent)) };
    let house = House { core, ctx, asked, house };
    let served = match asked.what.call_type {
        "acreate_fine_tuning_job" => house.create(sent).await?,
        "alist_fine_tuning_jobs" => house.list().await?,
        "aretrieve_fine_tuning_job" => house.look(Job::Facts(&id_in(asked.tail, JOBS, ""))).await?,
        "acancel_fine_tuning_job" => house.look(Job::Cancel(&id_in(asked.tail, JOBS, "/cancel"))).await?,
        _ => return Ok(Outcome::Relay(sent)),
    };
    Ok(Outcome::Served(served))
}

impl House<'_, dyn TuningHouse> {
    async fn create(&self, sent: Sent) -> Result<Box<Served>> {
        let body = whole(sent).await?;
        let mut wish: Json = serde_json::from_slice(&body)
            .map_err(|e| Error::bad_request(format!("Invalid JSON payload: {e}")).with_param("request_body"))?;
        if let Some(model) = &self.asked.home.model {
            wish.set("model", model.as_str());
        }
        let mut endpoint = Endpoint::default();
        let body = self.house.begin(wish, &resource(self.asked.home), &mut endpoint)?;
        let said = self.ask(endpoint, Body::from(body.to_string())).await?;
        self.told(said)
    }

    async fn list(&self) -> Result<Box<Served>> {
        let (limit, after) = page(&self.ctx.parts);
        let said = self.job(Job::List { limit, after: after.as_deref() }).await?;
        Ok(Served::json(&self.house.page(said.json()?), said.from, said.report))
    }

    /// The job after what was asked for.
    async fn look(&self, job: Job<'_>) -> Result<Box<Served>> {
        let mut said = self.job(job).await?;
        if let Job::Cancel(id) = job
            && !self.house.cancel_tells()
        {
            said = self.job(Job::Facts(id)).await?;
        }
        self.told(said)
    }

    fn told(&self, said: Said) -> Result<Box<Served>> {
        Ok(Served::json(&self.house.told(said.json()?), said.from, said.report))
    }

    async fn job(&self, job: Job<'_>) -> Result<Said> {
        let mut endpoint = Endpoint::default();
        self.house.job(job, &resource(self.asked.home), &mut endpoint)?;
        self.ask(endpoint, Body::empty()).await
    }
}
