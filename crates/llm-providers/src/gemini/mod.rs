//! Google AI Studio: <https://ai.google.dev/api>. The model and the verb stand in the URL; the key has a header of its
//! own.

mod files;
mod stores;

use bytes::Bytes;
use llm_types::{Format, OperationKind, Result};
use llm_wire::top::Top;

use crate::endpoint::{no_key, row_protocols};
use crate::generated;
use crate::provider::{CachedPlace, Call, Endpoint, Protocols, Provider, Want};
use crate::resource::{Resource, not_served};
use crate::row::ProviderRow;
use crate::stores::StoreHouse;
use crate::uploads::UploadHouse;

/// Where it is, without the version.
const HOME: &str = "https://generativelanguage.googleapis.com";

/// The provider.
#[derive(Debug)]
pub struct Gemini;

impl Provider for Gemini {
    fn row(&self) -> &'static ProviderRow {
        &generated::GEMINI
    }

    fn protocols(&self, want: &Want<'_>) -> Protocols {
        match want.operation {
            OperationKind::Image | OperationKind::ImageEdit => {
                let mut out = Protocols::default();
                out.push(if is_imagen(want.model) { Format::GeminiImagen } else { Format::GeminiImages });
                out
            }
            OperationKind::Speech => {
                let mut out = Protocols::default();
                out.push(Format::GeminiSpeech);
                out
            }
            _ => row_protocols(self.row(), want),
        }
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        let row = self.row();
        let model = call.model.strip_prefix("models/").unwrap_or(call.model);
        let verb = verb(call);
        out.url = match row.base(call.api_base, call.params) {
            Some(base) if base.trim_end_matches('/') != HOME => {
                format!("{}/models/{model}:{verb}", within(base.trim_end_matches('/'), call.operation))
            }
            _ => format!("{HOME}/{}/models/{model}:{verb}", version(call, model)),
        };
        if call.operation == OperationKind::Generate {
            out.per_request = true;
            if call.stream {
                out.url.push_str("?alt=sse");
            }
        }
        let key = row.key(call.api_key, call.params).ok_or_else(|| no_key(row))?;
        out.set("x-goog-api-key", key.expose())?;
        out.set("content-type", "application/json")?;
        out.set_extra(call.params)
    }

    fn cached_contents(&self, call: &Call<'_>) -> Option<CachedPlace> {
        let model = call.model.strip_prefix("models/").unwrap_or(call.model);
        let url = match self.row().base(call.api_base, call.params) {
            Some(base) if base.trim_end_matches('/') != HOME => {
                format!("{}/cachedContents", base.trim_end_matches('/'))
            }
            _ => format!("{HOME}/v1beta/cachedContents"),
        };
        Some(CachedPlace { url, model: format!("models/{model}") })
    }

    fn interacts(&self) -> bool {
        true
    }

    /// Interactions and agents: <https://ai.google.dev/api/interactions-api>.
    fn resource(&self, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
        let row = self.row();
        if !matches!(resource.kind(), "interactions" | "agents" | "files") {
            return Err(not_served(row, resource));
        }
        let base = row.base(resource.api_base, resource.params).unwrap_or_else(|| HOME.into());
        let base = base.trim_end_matches('/');
        let base = ["/v1beta", "/v1alpha", "/v1"].iter().find_map(|v| base.strip_suffix(v)).unwrap_or(base);
        out.url = resource.with_query(format!("{base}/v1beta{}", resource.path));
        let key = row.key(resource.api_key, resource.params).ok_or_else(|| no_key(row))?;
        out.set("x-goog-api-key", key.expose())?;
        out.set_extra(resource.params)
    }

    fn uploads(&self) -> Option<&'static dyn UploadHouse> {
        Some(&files::Files)
    }

    fn stores(&self, _model: &str) -> Option<&'static dyn StoreHouse> {
        Some(&stores::FileSearch)
    }

    fn prepares(&self, call: &Call<'_>) -> bool {
        call.format == Format::GeminiGenerate && call.client_format != Format::GeminiGenerate
    }

    /// Labels for the bill are known to Vertex AI only.
    fn prepare(&self, _call: &Call<'_>, body: Bytes) -> Result<Bytes> {
        let top = Top::parse(&body)?;
        Ok(if top.get("labels").is_some() { top.edited(&[("labels", None)]) } else { body })
    }
}

/// An address that a deployment names has the version in it, but for videos: there LiteLLM adds it.
fn within(base: &str, operation: OperationKind) -> String {
    let named = ["/v1", "/v1beta", "/v1alpha"].iter().any(|version| base.ends_with(version));
    if operation == OperationKind::Video && !named { format!("{base}/v1beta") } else { base.to_owned() }
}

/// Models that draw by `predict`.
pub(crate) fn is_imagen(model: &str) -> bool {
    model.contains("imagen") || model.contains("imagegeneration")
}

/// What the model is asked to do.
pub(crate) fn verb(call: &Call<'_>) -> &'static str {
    match (call.operation, call.format) {
        (OperationKind::CountTokens, _) => "countTokens",
        (OperationKind::Embed, Format::GeminiEmbed) => "batchEmbedContents",
        (OperationKind::Embed, _) | (_, Format::GeminiImagen) => "predict",
        (OperationKind::Video, _) => "predictLongRunning",
        (OperationKind::VideoStatus | OperationKind::VideoContent, _) => "fetchPredictOperation",
        (OperationKind::Generate, _) if call.stream => "streamGenerateContent",
        _ => "generateContent",
    }
}

/// Gemini 3 and newer are asked in the alpha version, as LiteLLM does.
fn version(call: &Call<'_>, model: &str) -> &'static str {
    let digits =
        model.strip_prefix("gemini-").map(|tail| tail.chars().take_while(char::is_ascii_digit).collect::<String>());
    let new = digits.and_then(|d| d.parse::<u32>().ok()).is_some_and(|generation| generation >= 3);
    if new && matches!(call.operation, OperationKind::Generate | OperationKind::Speech) { "v1alpha" } else { "v1beta" }
}

#[cfg(test)]
mod tests;
