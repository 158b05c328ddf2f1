//! Batches of houses that keep them in another way than OpenAI, in OpenAI's words.

use std::sync::Arc;

use bytes::Bytes;
use llm_http::Body;
use llm_providers::Endpoint;
use llm_providers::batches::{BatchHouse, Begin, Job};
use llm_types::{Error, Result};
use llm_wire::top::Top;

use super::lines::results;
use super::{Keeper, Question, RESULTS, Requests, Results, Said, Told};
use crate::plan::now_seconds;

/// A house with batches, asked for somebody.
#[derive(Clone, Copy)]
pub struct Batches<'a> {
    /// Who is asked.
    pub keeper: Keeper<'a>,
    /// In which way.
    pub house: &'static dyn BatchHouse,
    /// Whether whoever asks may use a model that a request names.
    pub may_use: &'a (dyn Fn(&str) -> bool + Sync),
}

impl Batches<'_> {
    /// Begins a batch. `body` is OpenAI's; `requests` are those of its file, for houses that take them inline.
    ///
    /// # Errors
    /// What the house refuses; a body without a file.
    pub async fn begin(&self, body: &Bytes, requests: &Requests) -> Result<Told> {
        let top = Top::parse(body)?;
        let input = input_of(&top)?;
        let unique = llm_providers::unique::text();
        let begin = Begin {
            input: &input,
            requests: &requests.all,
            model: self.keeper.model.or(requests.model.as_deref()),
            name: &unique,
            betas: &requests.betas,
        };
        let mut endpoint = Endpoint::default();
        let body = self.house.begin(&begin, &self.keeper.resource(), &mut endpoint)?;
        let Said { body, from, report, .. } = self.ask(endpoint, Body::from(body), self.keeper.small()).await?;
        let mut batch = self.house.codec().batch(&body)?;
        // what the client said of it is known here
        batch.input_file_id = input;
        if let Some(endpoint) = top.str("endpoint") {
            batch.endpoint = endpoint.into_owned();
        }
        batch.times.created = batch.times.created.or_else(|| i64::try_from(now_seconds()).ok());
        Ok(Told::json(&batch.json(), from, report))
    }

    /// Looks at batches, or ends one: the batch after it.
    ///
    /// # Errors
    /// What the house refuses.
    pub async fn job(&self, job: Job<'_>) -> Result<Told> {
        let mut said = self.asked(job).await?;
        match job {
            Job::List { .. } => {
                return Ok(Told::json(&self.house.codec().list(&said.body)?, said.from, said.report));
            }
            Job::Cancel(id) if !self.house.cancel_tells() => said = self.asked(Job::Facts(id)).await?,
            _ => {}
        }
        let Said { body, from, report, .. } = said;
        Ok(Told::json(&self.house.codec().batch(&body)?.json(), from, report))
    }

    async fn asked(&self, job: Job<'_>) -> Result<Said> {
        let mut endpoint = Endpoint::default();
        self.house.job(job, &self.keeper.resource(), &mut endpoint)?;
        self.ask(endpoint, Body::empty(), self.keeper.small()).await
    }

    /// Results in OpenAI's words, when the id is one of results. `model` stands for one that they do not name.
    ///
    /// # Errors
    /// What the house refuses; `InvalidReply` for lines that are no results.
    pub async fn results(&self, id: &str, model: Option<&str>) -> Result<Option<(Results, Said)>> {
        let mut endpoint = Endpoint::default();
        if !self.house.results(id, &self.keeper.resource(), &mut endpoint)? {
            return Ok(None);
        }
        let mut said = self.ask(endpoint, Body::empty(), RESULTS).await?;
        let (engine, target) = (self.keeper.engine.clone(), Arc::clone(self.keeper.target));
        let model = self.keeper.model.or(model).unwrap_or_default().to_owned();
        let (house, lines) = (self.house, std::mem::take(&mut said.body));
        // There may be a hundred thousand: others are answered meanwhile.
        let told = self.keeper.aside.spawn_blocking(move || results(&engine, &target, house, &model, &lines));
        let told = told.await.map_err(|e| Error::internal(e.to_string()))??;
        Ok(Some((told, said)))
    }

    pub(super) async fn ask(&self, endpoint: Endpoint, body: Body, limit: usize) -> Result<Said> {
        let question = Question { endpoint, body, limit, model: None };
        self.keeper.ask(question, |view| self.house.codec().decode_error(view)).await
    }
}

/// The file with the requests of a batch that is to begin.
///
/// # Errors
/// `BadRequest` where none is named.
pub fn input_of(top: &Top<'_>) -> Result<String> {
    let missing = || Error::bad_request("input_file_id is missing").with_param("input_file_id");
    let input = top.str("input_file_id").filter(|id| !id.is_empty()).ok_or_else(missing)?;
    Ok(input.into_owned())
}

impl std::fmt::Debug for Batches<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batches").field("keeper", &self.keeper).field("house", &self.house).finish_non_exhaustive()
    }
}
