//! Calls that are the provider's as they are.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use llm_http::Body;
use llm_providers::Endpoint;
use llm_providers::resource::Resource;
use llm_types::{Error, Json, Result};

use super::calls::Answered;
use super::kept::{Asked, Sent};
use super::resources::{object, query};
use crate::relay::{Relay, Tariff};
use crate::resources::{
    Family, Keeper, RESULTS, betas, flat, is_answer, is_refused, is_streamed, is_typed_without_body, refused,
    written_out,
};
use crate::target::Target;

/// Asks the provider as it was asked here.
pub(super) async fn relayed(keeper: &Keeper<'_>, asked: &Asked<'_>, sent: Sent) -> Result<Answered> {
    let Keeper { engine, http, target, .. } = *keeper;
    let mut headers = HeaderMap::new();
    let json = || HeaderValue::from_static("application/json");
    let (mut asked_for, mut prompt) = (String::new(), Bytes::new());
    let (body, kind) = match sent {
        Sent::Form(files, fields) => crate::form::written(&texts(&fields)?, files),
        sent @ Sent::Body(_) => {
            let body = written_out(asked.call_type, object(&sent.body(target.provider_id())?)?);
            if asked.family == Family::Interactions && is_streamed(&body) {
                "alt=sse".clone_into(&mut asked_for);
            }
            prompt.clone_from(&body);
            (Body::from(body), Some(json()))
        }
        Sent::Query(_) | Sent::Nothing => {
            if let Sent::Query(fields) = &sent {
                asked_for = query(fields)?;
            }
            (Body::empty(), is_typed_without_body(asked.family, &asked.method, target).then(json))
        }
    };
    let mut endpoint = Endpoint::default();
    let resource = Resource { path: &asked.path, query: &asked_for, ..keeper.resource() };
    target.provider.resource(&resource, &mut endpoint)?;
    endpoint.headers.remove(CONTENT_TYPE);
    headers.extend(kind.map(|kind| (CONTENT_TYPE, kind)));
    betas(asked.family, &mut headers, &mut endpoint);
    let metered = is_answer(asked.family, &asked.method, asked.call_type);
    let relay = Relay {
        method: asked.method.clone(),
        endpoint,
        headers,
        body,
        timeouts: keeper.timeouts,
        tariff: Tariff {
            provider: Arc::from(target.provider_id()),
            model: Arc::from(keeper.model.unwrap_or_default()),
            flat: flat(engine, target, asked.call_type),
            prompt: if metered { prompt } else { Bytes::new() },
            ..Tariff::default()
        },
        metered,
    };
    let relayed = engine.relay(http, relay).await?;
    let limit = if asked.content() { RESULTS } else { engine.settings.max_reply_bytes };
    let (body, report) = relayed.body.collect(limit).await?;
    if is_refused(&relayed.parts, asked.content()) {
        let typed = matches!(asked.family, Family::Files | Family::Batches | Family::FineTuning);
        return Err(refused(target, &relayed.parts, &body, typed));
    }
    let kind = relayed.parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
    Ok(Answered { body: retold(target, asked, body), content_type: kind, report })
}

/// An answer in OpenAI's words, where the provider has others; what was thrown away, as LiteLLM says it.
fn retold(target: &Target, asked: &Asked<'_>, body: Bytes) -> Bytes {
    let told = match asked.family {
        Family::Files if !asked.content() => target.provider.batches().and_then(|house| house.codec().file(&body)),
        Family::Interactions if asked.call_type == "adelete_interaction" => {
            Some(llm_wire::interactions::deleted(asked.id()))
        }
        _ => None,
    };
    told.map_or(body, |told| Bytes::from(told.to_string()))
}

/// The fields of a form. Objects and lists are written as OpenAI's clients write them.
fn texts(fields: &Json) -> Result<Vec<(String, String)>> {
    fn put(name: String, value: &Json, out: &mut Vec<(String, String)>) {
        match value {
            Json::Null => {}
            Json::String(text) => out.push((name, text.clone())),
            Json::Array(several) => several.iter().for_each(|one| put(format!("{name}[]"), one, out)),
            Json::Object(fields) => fields.iter().for_each(|(key, one)| put(format!("{name}[{key}]"), one, out)),
            other => out.push((name, other.to_string())),
        }
    }
    let fields = fields.as_object().ok_or_else(|| Error::bad_request("the fields have to be an object"))?;
    let mut out = Vec::new();
    fields.iter().for_each(|(name, value)| put(name.clone(), value, &mut out));
    Ok(out)
}
