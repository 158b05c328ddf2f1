//! Files.

use bytes::Bytes;
use llm_client::Report;
use llm_http::Body;
use llm_providers::Endpoint;
use llm_types::{Error, Json, Result};
use llm_wire::task::FilePart;
use llm_wire::top::Top;

use super::{House, Outcome, Said, Served, id_in, whole};
use crate::resources::kept::is_kept;
use crate::resources::request::Sent;

/// Bytes of a file of results that are read at the most.
const RESULTS: usize = 512 << 20;
/// The media type of results.
const LINES: &str = "application/jsonl";

impl House<'_> {
    /// Answers a request for files. What the house keeps as OpenAI does is relayed.
    pub(super) async fn file(&self, call_type: &str, path: &str, sent: Sent) -> Result<Outcome> {
        match call_type {
            "acreate_file" => self.upload(sent).await,
            "afile_content" => {
                let id = id_in(path, "/files/", "/content");
                self.content(&id, sent).await
            }
            _ => {
                let id = id_in(path, "/files/", "");
                if !is_kept(&id) {
                    return Ok(Outcome::Relay(sent));
                }
                let shelf = self.shelf()?;
                let object = if call_type == "afile_delete" { shelf.remove(&id).await } else { shelf.facts(&id).await };
                Ok(self.told(&object?))
            }
        }
    }

    async fn upload(&self, sent: Sent) -> Result<Outcome> {
        let Some(boundary) = crate::form::boundary(&self.ctx.parts.headers) else { return Ok(Outcome::Relay(sent)) };
        let body = whole(sent).await?;
        let form = crate::form::read(body.clone(), &boundary).await?;
        let purpose = Top::parse(&form.fields)?.str("purpose").map(std::borrow::Cow::into_owned).unwrap_or_default();
        if purpose != "batch" {
            return Ok(Outcome::Relay(Sent::Whole(body)));
        }
        let file = form.files.into_iter().find(|file| file.name == "file");
        let FilePart { filename, data, .. } =
            file.ok_or_else(|| Error::bad_request("the form has no file").with_param("file"))?;
        let now = u64::try_from(self.ctx.started_us / 1_000_000).unwrap_or_default();
        let object = self.shelf()?.put(filename.as_deref().unwrap_or("file"), &purpose, now, data).await?;
        Ok(self.told(&object))
    }

    async fn content(&self, id: &str, sent: Sent) -> Result<Outcome> {
        if is_kept(id) {
            let bytes = self.shelf()?.content(id).await?;
            return Ok(Outcome::Served(Served::new(LINES, bytes, self.here(), Box::default())));
        }
        let Some(said) = self.results(id).await? else { return Ok(Outcome::Relay(sent)) };
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
