//! Interactions of models whose hosts do not know them: they become responses, and those are told as interactions.

use http::Method;
use llm_types::{Error, Format, Json, OperationKind, Result};
use llm_wire::interactions;

use super::Client;
use super::calls::{Answered, Params};
use super::kept::{Asked, Sent};
use crate::call::Call;
use crate::target::Target;

impl Client {
    pub(super) async fn bridged(
        &self,
        target: &Target,
        asked: Asked<'_>,
        sent: Sent,
        params: Params<'_>,
    ) -> Result<Answered> {
        let provider = target.provider_id();
        let id = asked.id();
        let path = asked.path.strip_prefix("/interactions").unwrap_or_default().to_owned();
        let answered = match asked.call_type {
            "acreate_interaction" => return self.begin_bridged(provider, sent, params).await,
            "aget_interaction" | "acancel_interaction" => {
                self.stored(provider, asked.method, path, String::new(), params).await?
            }
            "adelete_interaction" => {
                let gone = self.stored(provider, Method::DELETE, path, String::new(), params).await?;
                return Ok(Answered { body: interactions::deleted(id).to_string().into(), ..gone });
            }
            _ => {
                let why = format!("agents of the provider {provider} are not served");
                return Err(Error::bad_request(why).with_param("provider"));
            }
        };
        told(answered, None)
    }

    async fn begin_bridged(&self, provider: &str, sent: Sent, params: Params<'_>) -> Result<Answered> {
        let body = sent.body(provider)?;
        let missing = || Error::bad_request("the interaction names no model").with_param("model");
        let model = body.text("model").ok_or_else(missing)?.to_owned();
        let mut asked = interactions::request(&body)?;
        if asked.get("stream").is_some_and(|stream| *stream == Json::from(true)) {
            let why = format!("interactions of the provider {provider} are not streamed here: stream its responses");
            return Err(Error::bad_request(why).with_param("stream"));
        }
        let full = format!("{provider}/{model}");
        asked.set("model", full.as_str());
        let mut call =
            Call::new(OperationKind::Generate, Format::OpenAiResponses, asked.to_string().into(), full.as_str());
        // A wish that Google's models know (how much to think) is no reason to refuse the call elsewhere.
        call.controls.drop_params = Some(true);
        told(self.whole(&full, call, params).await?, Some(&model))
    }
}

/// A response as an interaction.
fn told(answered: Answered, model: Option<&str>) -> Result<Answered> {
    let response = answered.json()?;
    let model = model.or_else(|| response.text("model")).unwrap_or_default();
    Ok(Answered { body: interactions::answer(&response, model).to_string().into(), ..answered })
}
