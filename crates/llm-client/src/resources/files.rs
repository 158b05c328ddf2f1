//! Files with the requests of batches, at houses that keep them in buckets.

use bytes::Bytes;
use llm_http::Body;
use llm_providers::Endpoint;
use llm_providers::batches::{FileHouse, Upload, Want};
use llm_types::{Error, Json, Result};

use super::{Batches, RESULTS, Told};
use crate::plan::now_seconds;

/// The purpose of files with requests.
pub const BATCH: &str = "batch";

impl Batches<'_> {
    /// Puts a file into the house's bucket; the requests of a batch in the house's language.
    ///
    /// # Errors
    /// What the house refuses, and requests that cannot be written so.
    pub async fn put(&self, files: &dyn FileHouse, filename: &str, purpose: &str, data: Bytes) -> Result<Told> {
        let (model, data) = if purpose == BATCH {
            let requests = self.requests(&data).await?;
            let model = requests.model.clone().ok_or_else(|| Error::bad_request("the file has no requests"))?;
            (Some(model), requests.file())
        } else {
            (None, data)
        };
        let (unique, size) = (llm_providers::unique::text(), data.len());
        let upload = Upload { model: model.as_deref(), unique: &unique, filename };
        let mut endpoint = Endpoint::default();
        let id = files.put(&upload, &self.keeper.resource(), &mut endpoint)?;
        let said = self.ask(endpoint, Body::from(data), self.keeper.small()).await?;
        let mut object = said.viewed(self.keeper.target.provider_id(), |view| files.facts(&id, view));
        object.set("purpose", purpose);
        object.set("bytes", size as u64);
        if object.get("created_at").and_then(Json::as_i64).is_none() {
            object.set("created_at", now_seconds());
        }
        Ok(Told::json(&object, said.from, said.report))
    }

    /// A file of the house's bucket.
    ///
    /// # Errors
    /// What the house refuses.
    pub async fn stored(&self, files: &dyn FileHouse, id: &str, want: Want) -> Result<Told> {
        let mut endpoint = Endpoint::default();
        files.at(id, want, &self.keeper.resource(), &mut endpoint)?;
        let limit = if want == Want::Content { RESULTS } else { self.keeper.small() };
        let said = self.ask(endpoint, Body::empty(), limit).await?;
        Ok(match want {
            Want::Content => Told::lines(said.body, said.from, said.report),
            Want::Removal => Told::json(&deleted(id), said.from, said.report),
            Want::Facts => {
                let object = said.viewed(self.keeper.target.provider_id(), |view| files.facts(id, view));
                Told::json(&object, said.from, said.report)
            }
        })
    }

    /// What is in a file; nothing where the provider gives it out as OpenAI does.
    ///
    /// # Errors
    /// What the house refuses.
    pub async fn content(&self, id: &str) -> Result<Option<Told>> {
        if let Some((results, said)) = self.results(id, None).await? {
            return Ok(Some(Told::lines(results.lines, said.from, said.report)));
        }
        match self.house.files() {
            Some(files) => self.stored(files, id, Want::Content).await.map(Some),
            None => Ok(None),
        }
    }

    /// What is said of files that are not listed.
    #[must_use]
    pub fn unlisted(&self) -> Error {
        let why = format!("files of the provider {} are not listed", self.keeper.target.provider_id());
        Error::bad_request(why).with_param("custom_llm_provider")
    }
}

/// OpenAI's words for a file that is gone.
#[must_use]
pub fn deleted(id: &str) -> Json {
    Json::object([("id", Json::from(id)), ("object", Json::from("file")), ("deleted", Json::from(true))])
}
