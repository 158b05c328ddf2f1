//! Files.

use bytes::Bytes;
use llm_client::Report;
use llm_http::Body;
use llm_providers::Endpoint;
use llm_providers::batches::{FileHouse, Upload, Want};
use llm_types::{Error, Json, Result};
use llm_wire::task::FilePart;
use llm_wire::top::Top;

use super::{House, Outcome, Said, Served, id_in, whole};
use crate::resources::kept::{deleted, is_kept};
use crate::resources::request::Sent;

/// Bytes of a file of results that are read at the most.
const RESULTS: usize = 512 << 20;
/// The purpose of files with requests.
const BATCH: &str = "batch";
/// The media type of results.
const LINES: &str = "application/jsonl";

impl House<'_> {
    /// Answers a request for files. What the house keeps as OpenAI does is relayed.
    pub(super) async fn file(&self, call_type: &str, path: &str, sent: Sent) -> Result<Outcome> {
        match call_type {
            "acreate_file" => return self.upload(sent).await,
            "afile_content" => return self.content(&id_in(path, "/files/", "/content"), sent).await,
            "afile_list" if self.house.files().is_some() => {
                let why = format!("files of the provider {} are not listed", self.home.target.provider_id());
                return Err(Error::bad_request(why).with_param("custom_llm_provider"));
            }
            _ => {}
        }
        let id = id_in(path, "/files/", "");
        let removal = call_type == "afile_delete";
        if let Some(files) = self.house.files() {
            return self.stored(files, &id, if removal { Want::Removal } else { Want::Facts }).await;
        }
        if !is_kept(&id) {
            return Ok(Outcome::Relay(sent));
        }
        let shelf = self.shelf()?;
        let object = if removal { shelf.remove(&id).await } else { shelf.facts(&id).await };
        Ok(self.told(&object?))
    }

    async fn upload(&self, sent: Sent) -> Result<Outcome> {
        let Some(boundary) = crate::form::boundary(&self.ctx.parts.headers) else { return Ok(Outcome::Relay(sent)) };
        let body = whole(sent).await?;
        let form = crate::form::whole(body.clone(), &boundary).await?;
        let purpose = Top::parse(&form.fields)?.str("purpose").map(std::borrow::Cow::into_owned).unwrap_or_default();
        if purpose != BATCH && self.house.files().is_none() {
            return Ok(Outcome::Relay(Sent::Whole(body)));
        }
        let file = form.files.into_iter().find(|file| file.name == "file");
        let FilePart { filename, data, .. } =
            file.ok_or_else(|| Error::bad_request("the form has no file").with_param("file"))?;
        let filename = filename.as_deref().unwrap_or("file");
        if let Some(files) = self.house.files() {
            return self.put(files, filename, &purpose, data).await;
        }
        let now = u64::try_from(self.ctx.started_us / 1_000_000).unwrap_or_default();
        Ok(self.told(&self.shelf()?.put(filename, &purpose, now, data).await?))
    }

    /// Puts a file into the house's bucket; the requests of a batch in the house's language.
    async fn put(&self, files: &dyn FileHouse, filename: &str, purpose: &str, data: Bytes) -> Result<Outcome> {
        let (model, data) = if purpose == BATCH {
            let requests = self.requests(&data).await?;
            let model = requests.model.clone().ok_or_else(|| Error::bad_request("the file has no requests"))?;
            (Some(model), requests.file())
        } else {
            (None, data)
        };
        let (unique, size) = (uuid::Uuid::new_v4().to_string(), data.len());
        let upload = Upload { model: model.as_deref(), unique: &unique, filename };
        let mut endpoint = Endpoint::default();
        let id = files.put(&upload, &self.resource(), &mut endpoint)?;
        let said = self.ask(endpoint, Body::from(data), self.small()).await?;
        let mut object = said.viewed(self.home.target.provider_id(), |view| files.facts(&id, view));
        object.set("purpose", purpose);
        object.set("bytes", size as u64);
        if object.get("created_at").and_then(Json::as_i64).is_none() {
            object.set("created_at", self.ctx.started_us / 1_000_000);
        }
        Ok(Outcome::Served(Served::json(&object, said.from, said.report)))
    }

    async fn stored(&self, files: &dyn FileHouse, id: &str, want: Want) -> Result<Outcome> {
        let mut endpoint = Endpoint::default();
        files.at(id, want, &self.resource(), &mut endpoint)?;
        let limit = if want == Want::Content { RESULTS } else { self.small() };
        let said = self.ask(endpoint, Body::empty(), limit).await?;
        Ok(Outcome::Served(match want {
            Want::Content => Served::new(LINES, said.body, said.from, said.report),
            Want::Removal => Served::json(&deleted(id), said.from, said.report),
            Want::Facts => {
                let object = said.viewed(self.home.target.provider_id(), |view| files.facts(id, view));
                Served::json(&object, said.from, said.report)
            }
        }))
    }

    async fn content(&self, id: &str, sent: Sent) -> Result<Outcome> {
        if is_kept(id) {
            let bytes = self.shelf()?.content(id).await?;
            return Ok(Outcome::Served(Served::new(LINES, bytes, self.here(), Box::default())));
        }
        let Some(said) = self.results(id).await? else {
            return match self.house.files() {
                Some(files) => self.stored(files, id, Want::Content).await,
                None => Ok(Outcome::Relay(sent)),
            };
        };
        let told = self.tell(said.body, self.home.model.as_deref()).await?;
        Ok(Outcome::Served(Served::new(LINES, told.lines, said.from, said.report)))
    }

    /// A house's results, when the id is one of results.
    pub(super) async fn results(&self, id: &str) -> Result<Option<Said>> {
        let mut endpoint = Endpoint::default();
        if !self.house.results(id, &self.resource(), &mut endpoint)? {
            return Ok(None);
        }
        self.ask(endpoint, Body::empty(), RESULTS).await.map(Some)
    }

    /// The requests of a batch.
    pub(super) async fn input(&self, id: &str) -> Result<Bytes> {
        if is_kept(id) {
            return self.shelf()?.content(id).await;
        }
        let why = "the file is none that was uploaded with the purpose \"batch\" for this provider";
        Err(Error::bad_request(why).with_param("input_file_id"))
    }

    fn told(&self, object: &Json) -> Outcome {
        Outcome::Served(Served::json(object, self.here(), Box::<Report>::default()))
    }
}
