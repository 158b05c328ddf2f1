//! Vertex AI: Google's own models, those of partners and of the model garden, each in its own language at its own
//! address. <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>

mod batches;
mod claude;
mod family;
mod media;
mod stores;
mod tuning;
mod url;

use std::borrow::Cow;

use bytes::Bytes;
use llm_catalog::{Capability, Catalog};
use llm_types::{AuthNeed, Error, Field, FieldSet, Format, GoogleAuth, OperationKind, Result, Secret};
use llm_wire::{ModelCaps, ReplyView};

use crate::anthropic::client_header;
use crate::batches::BatchHouse;
use crate::gemini::is_imagen;
use crate::generated;
use crate::params::Params;
use crate::provider::{CachedPlace, Call, Endpoint, Protocols, Provider, Want};
use crate::row::ProviderRow;
use crate::stores::StoreHouse;
use crate::tuning::TuningHouse;
use family::Family;
use url::Place;

/// Vertex AI.
#[derive(Debug)]
pub struct VertexAi;

/// Vertex AI in its beta version.
#[derive(Debug)]
pub struct VertexAiBeta;

macro_rules! provider {
    ($name:ident, $row:ident, $beta:literal) => {
        impl Provider for $name {
            fn row(&self) -> &'static ProviderRow {
                &generated::$row
            }

            fn protocols(&self, want: &Want<'_>) -> Protocols {
                protocols(want)
            }

            fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
                endpoint(call, $beta, out)
            }

            fn batches(&self) -> Option<&'static dyn BatchHouse> {
                Some(&batches::Batches)
            }

            fn tuning(&self) -> Option<&'static dyn TuningHouse> {
                Some(&tuning::Tuning)
            }

            fn stores(&self, model: &str) -> Option<&'static dyn StoreHouse> {
                if model.starts_with(stores::SEARCH) { Some(&stores::DataStores) } else { Some(&stores::Corpora) }
            }

            fn prepares(&self, call: &Call<'_>) -> bool {
                call.format == Format::AnthropicMessages
            }

            fn prepare(&self, call: &Call<'_>, body: Bytes) -> Result<Bytes> {
                claude::prepare(call, &body)
            }

            fn steers(&self, call: &Call<'_>) -> bool {
                call.format == Format::AnthropicMessages
            }

            fn steer(&self, _: &Call<'_>, body: Bytes, endpoint: &mut Endpoint) -> Result<Bytes> {
                claude::show_search(&body, endpoint)?;
                Ok(body)
            }

            fn wire_model<'a>(&self, model: &'a str) -> Cow<'a, str> {
                wire_model(model)
            }

            fn cached_contents(&self, call: &Call<'_>) -> Option<CachedPlace> {
                cached_contents(call, $beta)
            }

            fn takes_url(&self, format: Format, url: &str) -> bool {
                media::takes(format, url)
            }

            fn media_facts(&self, call: &Call<'_>, url: &str) -> Option<String> {
                media::facts(call, url)
            }

            fn supported(&self, model: &str, caps: &ModelCaps) -> FieldSet {
                match Family::of(model) {
                    Family::Agent => FieldSet::of(&[Field::User, Field::Stream, Field::StreamOptions]),
                    _ => self.row().supported(model, caps),
                }
            }

            fn bend_caps(&self, catalog: &Catalog, model: &str, caps: &mut ModelCaps) {
                bend_caps(catalog, model, caps);
            }

            fn decode_error(&self, reply: &ReplyView<'_>) -> Option<Error> {
                // partners' errors are told as Google's
                let own = reply.body.windows(8).any(|w| w == b"\"status\"");
                let mut error = (!own).then(|| llm_wire::gemini::decode_error(reply))?;
                // Claude's own word for too many calls: clients wait longer for it than after other failures
                if reply.status == 529 {
                    error.status = Some(529);
                }
                Some(error)
            }
        }
    };
}

provider!(VertexAi, VERTEX_AI, false);
provider!(VertexAiBeta, VERTEX_AI_BETA, true);

fn protocols(want: &Want<'_>) -> Protocols {
    let mut out = Protocols::default();
    if let Some(format) = media::format(want) {
        out.push(format);
        return out;
    }
    match want.operation {
        OperationKind::Generate => Family::of(want.model).chat_format().into_iter().for_each(|f| out.push(f)),
        OperationKind::CountTokens => match Family::of(want.model) {
            Family::Claude => out.push(Format::AnthropicMessages),
            Family::Gemini => out.push(Format::GeminiGenerate),
            _ => {}
        },
        OperationKind::Embed => out.push(Format::VertexEmbed),
        OperationKind::Rerank => out.push(Format::GoogleRerank),
        OperationKind::Image | OperationKind::ImageEdit => match Family::of(want.model) {
            Family::Gemini if !is_imagen(want.model) => out.push(Format::VertexImages),
            Family::Gemini | Family::Predict => out.push(Format::VertexImagen),
            _ => {}
        },
        _ => {}
    }
    out
}

/// Of Google's own models, where the project is known before the credentials are.
fn cached_contents(call: &Call<'_>, beta: bool) -> Option<CachedPlace> {
    if Family::of(call.model) != Family::Gemini || family::is_number(call.model) {
        return None;
    }
    let place = Place::new(call.params, beta);
    let root = place.below(call.api_base);
    let name = format!("projects/{}/locations/{}", place.known_project()?, place.location());
    let model = format!("{name}/publishers/google/models/{}", call.model);
    Some(CachedPlace { url: format!("{root}/cachedContents"), model })
}

/// What a Messages client says in its headers, as LiteLLM passes it on whichever model is asked; what Claude is told of
/// it is filtered later.
fn tell_client(call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
    for name in ["anthropic-version", "anthropic-beta"] {
        let value =
            client_header(call, name).filter(|_| name != "anthropic-beta" || call.format != Format::AnthropicMessages);
        if let Some(value) = value {
            out.set(name, value)?;
            out.per_request = true;
        }
    }
    Ok(())
}

fn endpoint(call: &Call<'_>, beta: bool, out: &mut Endpoint) -> Result<()> {
    let family = Family::of(call.model);
    let beta = beta || family == Family::Ai21 || call.params.get("cached_content").is_some();
    let place = Place::new(call.params, beta);
    out.url = match media::url(&place, call) {
        Some(url) => url,
        None if call.format == Format::GoogleRerank => place.ranking(call),
        None if call.format == Format::VertexAgent => place.agent(call),
        None => place.of(family, call),
    };
    let fixed = matches!(family, Family::OpenApi | Family::Garden | Family::Agent);
    if call.operation == OperationKind::Generate && !fixed {
        out.per_request = true;
        if call.stream {
            out.url.push_str("?alt=sse");
        }
    }
    out.set("content-type", "application/json")?;
    if call.operation == OperationKind::Speech
        && call.format != Format::GeminiSpeech
        && let Some(project) = place.known_project()
    {
        out.set("x-goog-user-project", &project)?;
    }
    if call.client_format == Format::AnthropicMessages {
        tell_client(call, out)?;
    }
    let mut auth = google_auth(call.params);
    if call.format == Format::AnthropicMessages && call.client_format != Format::AnthropicMessages {
        out.set("anthropic-version", "2023-06-01")?;
        out.set("accept", "application/json")?;
        auth.also = Some("x-api-key");
    }
    out.auth = Some(AuthNeed::Google(Box::new(auth)));
    out.set_extra(call.params)?;
    if call.format == Format::AnthropicMessages {
        crate::anthropic::set_betas(&generated::VERTEX_AI, call, false, out)?;
    }
    Ok(())
}

/// The deployment's credentials: JSON (as text or as an object) or the path of a file.
pub(crate) fn google_auth(params: &Params) -> GoogleAuth {
    let own = ["vertex_credentials", "vertex_ai_credentials"].iter().find_map(|name| {
        let value = params.get(name)?;
        Some(Secret::new(value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
    });
    let env =
        || ["VERTEXAI_CREDENTIALS", "VERTEX_CREDENTIALS"].iter().find_map(|name| params.env(name)).map(Secret::new);
    GoogleAuth { credentials: own.filter(|s| !s.is_empty()).or_else(env), ..GoogleAuth::default() }
}

/// The name in the body: models of the common endpoint keep their publisher, Mistral's lose their version.
fn wire_model(model: &str) -> Cow<'_, str> {
    let bare = model.rsplit('/').next().unwrap_or(model);
    match Family::of(model) {
        Family::Mistral | Family::Ai21 => Cow::Borrowed(bare.split('@').next().unwrap_or(bare)),
        Family::Garden if family::is_number(bare) => Cow::Borrowed(bare),
        _ => Cow::Borrowed(model),
    }
}

/// Schemas are asked of Claude natively only where the table says so; LiteLLM knows its bounds by the bare name.
fn bend_caps(catalog: &Catalog, model: &str, caps: &mut ModelCaps) {
    if Family::of(model) != Family::Claude {
        return;
    }
    let native = |m: llm_catalog::ModelRef<'_>| m.supports(Capability::NativeStructuredOutput);
    caps.structured_output = catalog.lookup(generated::VERTEX_AI.id, model).is_some_and(native);
    caps.max_output_tokens = catalog.get(model).and_then(|m| m.max_output_tokens());
}

#[cfg(test)]
mod tests;
