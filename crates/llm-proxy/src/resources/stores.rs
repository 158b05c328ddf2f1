//! Searches in vector stores of houses that are asked in another way than OpenAI.

use llm_client::resources::Told;
use llm_types::{Error, Json, Result};

use super::Asked;
use super::ask::keeper;
use super::request::Sent;
use super::translated::{Outcome, id_in, whole};
use crate::core::Core;
use crate::flow::Context;

/// Answers where a house's stores are searched in its own way.
///
/// # Errors
/// What the client did wrong, what the house refuses; what is not a search.
pub(super) async fn serve(core: &Core, ctx: &Context, asked: &Asked<'_>, sent: Sent) -> Result<Outcome> {
    let target = &asked.home.target;
    let Some(house) = target.provider.stores(&target.model) else { return Ok(Outcome::Relay(sent)) };
    if asked.what.call_type != "avector_store_search" {
        let why = format!("vector stores of the provider {} can only be searched", target.provider_id());
        return Err(Error::bad_request(why).with_param("custom_llm_provider"));
    }
    let store = id_in(asked.tail, "/vector_stores/", "/search");
    let body: Json = serde_json::from_slice(&whole(sent).await?).map_err(|e| Error::bad_request(e.to_string()))?;
    let found = keeper(core, ctx, asked.home).search(house, &store, &body).await?;
    Ok(Told::from(found).into())
}
