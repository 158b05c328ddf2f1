//! Files of houses that are told of a file before they get it, in OpenAI's words.

use llm_http::Body;
use llm_providers::Endpoint;
use llm_providers::uploads::{Announced, Look, UploadHouse};
use llm_types::Result;
use llm_wire::task::FilePart;

use super::files::deleted;
use super::{Keeper, Told};

/// What is wanted of files.
#[derive(Debug)]
pub enum Uploading<'a> {
    /// One is put there, for a purpose.
    Put(FilePart, Option<&'a str>),
    /// One or all are looked at, one is removed.
    Look(Look<'a>),
}

impl Keeper<'_> {
    /// Asks a house for files.
    ///
    /// # Errors
    /// What the house refuses.
    pub async fn uploads(&self, house: &dyn UploadHouse, wanted: Uploading<'_>) -> Result<Told> {
        let look = match wanted {
            Uploading::Put(file, purpose) => return self.put_upload(house, file, purpose).await,
            Uploading::Look(look) => look,
        };
        let mut endpoint = Endpoint::default();
        house.look(look, &self.resource(), &mut endpoint)?;
        let said = self.told(endpoint, Body::empty()).await?;
        let object = match look {
            Look::Removal(id) => deleted(id),
            _ => house.told(&said.json()?),
        };
        Ok(Told::json(&object, said.from, said.report))
    }

    async fn put_upload(&self, house: &dyn UploadHouse, file: FilePart, purpose: Option<&str>) -> Result<Told> {
        let FilePart { filename, content_type, data, .. } = file;
        let file = Announced {
            filename: filename.as_deref().unwrap_or("file"),
            content_type: content_type.as_deref().unwrap_or("application/octet-stream"),
            size: data.len(),
        };
        let place = self.resource();
        let mut endpoint = Endpoint::default();
        let body = house.announce(&file, &place, &mut endpoint)?;
        let said = self.told(endpoint, Body::from(body)).await?;
        let mut endpoint = Endpoint::default();
        said.viewed(self.target.provider_id(), |view| house.send(view, &place, &mut endpoint))?;
        let said = self.told(endpoint, Body::from(data)).await?;
        let mut object = house.told(&said.json()?);
        if let Some(purpose) = purpose {
            object.set("purpose", purpose);
        }
        Ok(Told::json(&object, said.from, said.report))
    }
}
