//! Fine-tuning jobs of houses that keep them in another way than OpenAI, in OpenAI's words.

use llm_http::Body;
use llm_providers::Endpoint;
use llm_providers::batches::Job;
use llm_providers::tuning::TuningHouse;
use llm_types::{Json, Result};

use super::{Keeper, Said, Told};

/// What is wanted of fine-tuning jobs.
#[derive(Debug)]
pub enum Tuning<'a> {
    /// One that is to begin: OpenAI's request.
    Begin(Json),
    /// One or all of them.
    Job(Job<'a>),
}

impl Keeper<'_> {
    /// Asks a house for fine-tuning jobs.
    ///
    /// # Errors
    /// What the house refuses, and what cannot be asked of it.
    pub async fn tuning(&self, house: &dyn TuningHouse, wanted: Tuning<'_>) -> Result<Told> {
        let job = match wanted {
            Tuning::Begin(mut wish) => {
                if let Some(model) = self.model {
                    wish.set("model", model);
                }
                let mut endpoint = Endpoint::default();
                let body = house.begin(wish, &self.resource(), &mut endpoint)?;
                return told(house, self.told(endpoint, Body::from(body.to_string())).await?);
            }
            Tuning::Job(job) => job,
        };
        let mut said = self.tuning_job(house, job).await?;
        match job {
            Job::List { .. } => return Ok(Told::json(&house.page(said.json()?), said.from, said.report)),
            Job::Cancel(id) if !house.cancel_tells() => said = self.tuning_job(house, Job::Facts(id)).await?,
            _ => {}
        }
        told(house, said)
    }

    async fn tuning_job(&self, house: &dyn TuningHouse, job: Job<'_>) -> Result<Said> {
        let mut endpoint = Endpoint::default();
        house.job(job, &self.resource(), &mut endpoint)?;
        self.told(endpoint, Body::empty()).await
    }
}

fn told(house: &dyn TuningHouse, said: Said) -> Result<Told> {
    Ok(Told::json(&house.told(said.json()?), said.from, said.report))
}
