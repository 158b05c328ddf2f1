//! Batches.

use llm_http::Body;
use llm_providers::Endpoint;
use llm_providers::batches::{Begin, Job};
use llm_types::{Error, Result};
use llm_wire::top::Top;

use super::lines::Requests;
use super::{House, Said, Served, id_in, whole};
use crate::resources::ask::page;
use crate::resources::request::Sent;

impl House<'_> {
    /// Answers a request for batches.
    pub(super) async fn batch(&self, call_type: &str, path: &str, sent: Sent) -> Result<Box<Served>> {
        match call_type {
            "acreate_batch" => self.create(sent).await,
            "alist_batches" => self.list().await,
            "acancel_batch" => {
                let id = id_in(path, "/batches/", "/cancel");
                self.look(Job::Cancel(&id)).await
            }
            _ => {
                let id = id_in(path, "/batches/", "");
                self.look(Job::Facts(&id)).await
            }
        }
    }

    async fn create(&self, sent: Sent) -> Result<Box<Served>> {
        let body = whole(sent).await?;
        let top = Top::parse(&body)?;
        let missing = || Error::bad_request("input_file_id is missing").with_param("input_file_id");
        let input = top.str("input_file_id").filter(|id| !id.is_empty()).ok_or_else(missing)?;
        let requests = match self.house.files() {
            Some(_) => Requests::default(),
            None => self.requests(&self.input(&input).await?).await?,
        };
        let unique = uuid::Uuid::new_v4().to_string();
        let begin = Begin {
            input: &input,
            requests: &requests.all,
            model: self.home.model.as_deref().or(requests.model.as_deref()),
            name: &unique,
            betas: &requests.betas,
        };
        let mut endpoint = Endpoint::default();
        let body = self.house.begin(&begin, &self.resource(), &mut endpoint)?;
        let Said { body, from, report, .. } = self.ask(endpoint, Body::from(body), self.small()).await?;
        let mut batch = self.house.codec().batch(&body)?;
        // what the client said of it is known here
        input.as_ref().clone_into(&mut batch.input_file_id);
        if let Some(endpoint) = top.str("endpoint") {
            batch.endpoint = endpoint.into_owned();
        }
        batch.times.created = batch.times.created.or(Some(self.ctx.started_us / 1_000_000));
        Ok(Served::json(&batch.json(), from, report))
    }

    async fn list(&self) -> Result<Box<Served>> {
        let (limit, after) = page(&self.ctx.parts);
        let Said { body, from, report, .. } = self.job(Job::List { limit, after: after.as_deref() }).await?;
        Ok(Served::json(&self.house.codec().list(&body)?, from, report))
    }

    /// The batch after what was asked for.
    async fn look(&self, job: Job<'_>) -> Result<Box<Served>> {
        let mut said = self.job(job).await?;
        if let Job::Cancel(id) = job
            && !self.house.cancel_tells()
        {
            said = self.job(Job::Facts(id)).await?;
        }
        let Said { body, from, report, .. } = said;
        Ok(Served::json(&self.house.codec().batch(&body)?.json(), from, report))
    }

    async fn job(&self, job: Job<'_>) -> Result<Said> {
        let mut endpoint = Endpoint::default();
        self.house.job(job, &self.resource(), &mut endpoint)?;
        self.ask(endpoint, Body::empty(), self.small()).await
    }
}
