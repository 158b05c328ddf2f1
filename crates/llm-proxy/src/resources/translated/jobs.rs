//! Batches.

use llm_client::resources::{Requests, Told, input_of};
use llm_providers::batches::Job;
use llm_types::Result;
use llm_wire::top::Top;

use super::{House, id_in, whole};
use crate::resources::ask::page;
use crate::resources::request::Sent;

impl House<'_> {
    /// Answers a request for batches.
    pub(super) async fn batch(&self, call_type: &str, path: &str, sent: Sent) -> Result<Told> {
        let batches = self.batches(&|_| true);
        match call_type {
            "acreate_batch" => self.create(sent).await,
            "alist_batches" => {
                let (limit, after) = page(&self.ctx.parts);
                batches.job(Job::List { limit, after: after.as_deref() }).await
            }
            "acancel_batch" => batches.job(Job::Cancel(&id_in(path, "/batches/", "/cancel"))).await,
            _ => batches.job(Job::Facts(&id_in(path, "/batches/", ""))).await,
        }
    }

    async fn create(&self, sent: Sent) -> Result<Told> {
        let body = whole(sent).await?;
        let input = input_of(&Top::parse(&body)?)?;
        let may_use = |model: &str| self.may_use(model);
        let batches = self.batches(&may_use);
        let requests = match self.house.files() {
            Some(_) => Requests::default(),
            None => batches.requests(&self.input(&input).await?).await?,
        };
        batches.begin(&body, &requests).await
    }
}
