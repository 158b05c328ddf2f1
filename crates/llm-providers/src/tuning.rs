//! Houses that keep fine-tuning jobs in another way than OpenAI: where their jobs are, and what stands in them.

use std::fmt;

use llm_types::{Json, Result};

use crate::batches::Job;
use crate::provider::Endpoint;
use crate::resource::Resource;

/// A house with fine-tuning jobs.
pub trait TuningHouse: Send + Sync + fmt::Debug {
    /// Where a job begins, and the request for it. `asked` is OpenAI's:
    /// <https://platform.openai.com/docs/api-reference/fine-tuning/create>
    ///
    /// # Errors
    /// Without a base URL or a credential; what the house cannot be asked for.
    fn begin(&self, asked: Json, resource: &Resource<'_>, out: &mut Endpoint) -> Result<Json>;

    /// Where jobs are looked at and ended, with the method for it.
    ///
    /// # Errors
    /// As [`Self::begin`].
    fn job(&self, job: Job<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()>;

    /// True where the answer to an end is the job.
    fn cancel_tells(&self) -> bool {
        true
    }

    /// A job of the house in OpenAI's words.
    fn told(&self, job: Json) -> Json;

    /// A page of jobs in OpenAI's words.
    fn page(&self, page: Json) -> Json;
}
