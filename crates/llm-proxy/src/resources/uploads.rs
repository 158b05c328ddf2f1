//! Files of houses that are told of a file before they get it, in OpenAI's words.

use llm_accounts::Expires;
use llm_http::Body;
use llm_providers::Endpoint;
use llm_providers::uploads::{Announced, Look, UploadHouse};
use llm_types::{Error, Json, Result};
use llm_wire::task::FilePart;

use super::Asked;
use super::ask::{House, Said, page, resource};
use super::kept::deleted;
use super::request::Sent;
use super::translated::{Outcome, Served, id_in, whole};
use crate::core::Core;
use crate::flow::Context;

/// Answers where the provider keeps files so.
///
/// # Errors
/// What the client did wrong, what the house refuses.
pub(super) async fn serve(core: &Core, ctx: &Context, asked: &Asked<'_>, sent: Sent) -> Result<Outcome> {
    let Some(house) = asked.home.target.provider.uploads() else { return Ok(Outcome::Relay(sent)) };
    let house = House { core, ctx, asked, house };
    let served = match asked.what.call_type {
        "acreate_file" => house.put(sent).await?,
        "afile_list" => {
            let (limit, after) = page(&ctx.parts);
            let said = house.look(Look::List { limit, after: after.as_deref() }).await?;
            Served::json(&house.house.told(&said.json()?), said.from, said.report)
        }
        "afile_retrieve" => {
            let said = house.look(Look::Facts(&id_in(asked.tail, "/files/", ""))).await?;
            Served::json(&house.house.told(&said.json()?), said.from, said.report)
        }
        "afile_delete" => {
            let id = id_in(asked.tail, "/files/", "");
            let Said { from, report, .. } = house.look(Look::Removal(&id)).await?;
            Served::json(&deleted(&id), from, report)
        }
        _ => {
            let why = format!("the provider {} does not give files back", asked.home.target.provider_id());
            return Err(Error::bad_request(why).with_param("custom_llm_provider"));
        }
    };
    Ok(Outcome::Served(served))
}

impl House<'_, dyn UploadHouse> {
    async fn put(&self, sent: Sent) -> Result<Box<Served>> {
        if let Some(who) = &self.ctx.who
            && who.enforced_expiry(Expires::Files)?.is_some()
        {
            let provider = self.asked.home.target.provider_id();
            let why = format!(
                "'enforced_file_expires_after' of the team cannot hold: {provider} keeps files for a time of its own"
            );
            return Err(Error::bad_request(why).with_param("expires_after"));
        }
        let form = crate::form::boundary(&self.ctx.parts.headers)
            .ok_or_else(|| Error::bad_request("an upload is a form with the fields 'purpose' and 'file'"))?;
        let form = crate::form::whole(whole(sent).await?, &form).await?;
        let fields: Json = serde_json::from_slice(&form.fields).unwrap_or_default();
        let file = form.files.into_iter().find(|file| file.name == "file");
        let FilePart { filename, content_type, data, .. } =
            file.ok_or_else(|| Error::bad_request("the form has no file").with_param("file"))?;
        let file = Announced {
            filename: filename.as_deref().unwrap_or("file"),
            content_type: content_type.as_deref().unwrap_or("application/octet-stream"),
            size: data.len(),
        };
        let place = resource(self.asked.home);
        let mut endpoint = Endpoint::default();
        let body = self.house.announce(&file, &place, &mut endpoint)?;
        let said = self.ask(endpoint, Body::from(body)).await?;
        let mut endpoint = Endpoint::default();
        said.viewed(self.asked.home.target.provider_id(), |view| self.house.send(view, &place, &mut endpoint))?;
        let said = self.ask(endpoint, Body::from(data)).await?;
        let mut object = self.house.told(&said.json()?);
        if let Some(purpose) = fields.text("purpose") {
            object.set("purpose", purpose);
        }
        Ok(Served::json(&object, said.from, said.report))
    }

    async fn look(&self, look: Look<'_>) -> Result<Said> {
        let mut endpoint = Endpoint::default();
        self.house.look(look, &resource(self.asked.home), &mut endpoint)?;
        self.ask(endpoint, Body::empty()).await
    }
}
