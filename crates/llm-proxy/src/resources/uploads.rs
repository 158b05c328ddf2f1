//! Files of houses that are told of a file before they get it, in OpenAI's words.

use llm_accounts::Expires;
use llm_client::resources::Uploading;
use llm_providers::uploads::Look;
use llm_types::{Error, Json, Result};

use super::Asked;
use super::ask::{keeper, page};
use super::request::Sent;
use super::translated::{Outcome, id_in, whole};
use crate::core::Core;
use crate::flow::Context;

/// Answers where the provider keeps files so.
///
/// # Errors
/// What the client did wrong, what the house refuses.
pub(super) async fn serve(core: &Core, ctx: &Context, asked: &Asked<'_>, sent: Sent) -> Result<Outcome> {
    let Some(house) = asked.home.target.provider.uploads() else { return Ok(Outcome::Relay(sent)) };
    let keeper = keeper(core, ctx, asked.home);
    let (limit, after) = page(&ctx.parts);
    let id = id_in(asked.tail, "/files/", "");
    let wanted = match asked.what.call_type {
        "acreate_file" => {
            let (file, purpose) = put(ctx, asked, sent).await?;
            return Ok(keeper.uploads(house, Uploading::Put(file, purpose.as_deref())).await?.into());
        }
        "afile_list" => Look::List { limit, after: after.as_deref() },
        "afile_retrieve" => Look::Facts(&id),
        "afile_delete" => Look::Removal(&id),
        _ => {
            let why = format!("the provider {} does not give files back", asked.home.target.provider_id());
            return Err(Error::bad_request(why).with_param("custom_llm_provider"));
        }
    };
    Ok(keeper.uploads(house, Uploading::Look(wanted)).await?.into())
}

/// The file that a client sends, and its purpose.
async fn put(ctx: &Context, asked: &Asked<'_>, sent: Sent) -> Result<(llm_wire::task::FilePart, Option<String>)> {
    if let Some(who) = &ctx.who
        && who.enforced_expiry(Expires::Files)?.is_some()
    {
        let provider = asked.home.target.provider_id();
        let why = format!(
            "'enforced_file_expires_after' of the team cannot hold: {provider} keeps files for a time of its own"
        );
        return Err(Error::bad_request(why).with_param("expires_after"));
    }
    let form = crate::form::boundary(&ctx.parts.headers)
        .ok_or_else(|| Error::bad_request("an upload is a form with the fields 'purpose' and 'file'"))?;
    let form = crate::form::whole(whole(sent).await?, &form).await?;
    let fields: Json = serde_json::from_slice(&form.fields).unwrap_or_default();
    let file = form.files.into_iter().find(|file| file.name == "file");
    let file = file.ok_or_else(|| Error::bad_request("the form has no file").with_param("file"))?;
    Ok((file, fields.text("purpose").map(str::to_owned)))
}
