//! Files.

use bytes::Bytes;
use llm_client::Report;
use llm_client::resources::{BATCH, Told};
use llm_providers::batches::Want;
use llm_types::{Error, Json, Result};
use llm_wire::task::FilePart;
use llm_wire::top::Top;

use super::{House, Outcome, here, id_in, whole};
use crate::resources::kept::is_kept;
use crate::resources::request::Sent;

impl House<'_> {
    /// Answers a request for files. What the house keeps as OpenAI does is relayed.
    pub(super) async fn file(&self, call_type: &str, path: &str, sent: Sent) -> Result<Outcome> {
        let batches = self.batches(&|_| true);
        match call_type {
            "acreate_file" => return self.upload(sent).await,
            "afile_content" => return self.content(&id_in(path, "/files/", "/content"), sent).await,
            "afile_list" if self.house.files().is_some() => return Err(batches.unlisted()),
            _ => {}
        }
        let id = id_in(path, "/files/", "");
        let removal = call_type == "afile_delete";
        if let Some(files) = self.house.files() {
            let want = if removal { Want::Removal } else { Want::Facts };
            return batches.stored(files, &id, want).await.map(Outcome::from);
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
            let may_use = |model: &str| self.may_use(model);
            return self.batches(&may_use).put(files, filename, &purpose, data).await.map(Outcome::from);
        }
        let now = u64::try_from(self.ctx.started_us / 1_000_000).unwrap_or_default();
        Ok(self.told(&self.shelf()?.put(filename, &purpose, now, data).await?))
    }

    async fn content(&self, id: &str, sent: Sent) -> Result<Outcome> {
        if is_kept(id) {
            let bytes = self.shelf()?.content(id).await?;
            return Ok(Told::lines(bytes, here(self.core, self.ctx, self.home), Box::default()).into());
        }
        match self.batches(&|_| true).content(id).await? {
            Some(told) => Ok(told.into()),
            None => Ok(Outcome::Relay(sent)),
        }
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
        Told::json(object, here(self.core, self.ctx, self.home), Box::<Report>::default()).into()
    }
}
