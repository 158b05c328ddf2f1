//! Azure OpenAI: a model is a deployment, the version is in the query, keys and directory tokens are both taken.

pub(crate) mod entra;
mod error;
mod resource;
mod tuning;

use std::borrow::Cow;

use llm_types::{Error, Format, OperationKind, Result};
use llm_wire::ReplyView;
use llm_wire::task::TaskOut;

use crate::endpoint::{no_base, no_key, row_protocols};
use crate::generated;
use crate::params::Params;
use crate::provider::{Call, Endpoint, Protocols, Provider, Want};
use crate::quirk::{Quirk, Quirks};
use crate::resource::Resource;
use crate::row::ProviderRow;
use crate::rules::Family;
use crate::tuning::TuningHouse;
use entra::Directory;

/// The version of the data plane when nobody names one.
pub(crate) const VERSION: &str = "2025-02-01-preview";
/// The version of the Responses interface when nobody names one.
const RESPONSES_VERSION: &str = "preview";

/// Models of this prefix belong to the speech service, which is not OpenAI's.
const SPEECH: &str = "speech/";

/// Chat, embeddings, Responses.
#[derive(Debug)]
pub struct Azure;

/// Legacy completions.
#[derive(Debug)]
pub struct AzureText;

impl Provider for Azure {
    fn row(&self) -> &'static ProviderRow {
        &generated::AZURE
    }

    fn protocols(&self, want: &Want<'_>) -> Protocols {
        if want.model.starts_with(SPEECH) && want.operation.is_task() {
            let mut out = Protocols::default();
            out.push(Format::AzureSpeech);
            return out;
        }
        row_protocols(self.row(), want)
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        if call.format == Format::AzureSpeech {
            return crate::azure_speech::endpoint(self.row(), call, out);
        }
        endpoint(self.row(), call, out)
    }

    fn wire_model<'a>(&self, model: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(deployment(model))
    }

    fn resource(&self, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
        resource::resource(self.row(), resource, out)
    }

    fn tuning(&self) -> Option<&'static dyn TuningHouse> {
        Some(&tuning::Tuning)
    }

    fn realtime(&self, session: &Resource<'_>, out: &mut Endpoint) -> Result<()> {
        resource::realtime(self.row(), session, out)
    }

    fn task_model<'a>(&self, _: OperationKind, model: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(deployment(model))
    }

    fn rules_model<'a>(&self, model: &'a str, params: &'a Params) -> &'a str {
        rules_model(model, params)
    }

    fn quirks(&self, model: &str, params: &Params) -> Quirks {
        let mut quirks = self.row().quirks_for(model);
        if Family::of(rules_model(model, params)) == Family::OSeries {
            // Those go through another client of LiteLLM's, which writes no `false`.
            quirks.remove(Quirk::ExplicitStream);
            quirks.remove(Quirk::KeepCacheControl);
        }
        if dated(params).is_some_and(|v| v.as_str() < "2024-06") {
            quirks.insert(Quirk::NoRequiredChoice);
        }
        if emulates_schemas(rules_model(model, params), params) {
            quirks.insert(Quirk::SchemaByTool);
        }
        quirks
    }

    fn prepare_task(&self, call: &Call<'_>, endpoint: &Endpoint, out: &mut TaskOut) {
        // A deployment in the path is the model; the same name in the body is refused by some versions for images.
        let images = matches!(call.operation, OperationKind::Image | OperationKind::ImageEdit);
        if images && endpoint.url.contains("/openai/deployments/") {
            out.remove_field("model");
        }
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Option<Error> {
        error::decode(reply)
    }
}

impl Provider for AzureText {
    fn row(&self) -> &'static ProviderRow {
        &generated::AZURE_TEXT
    }

    fn endpoint(&self, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
        endpoint(self.row(), call, out)
    }

    fn decode_error(&self, reply: &ReplyView<'_>) -> Option<Error> {
        error::decode(reply)
    }
}

/// The name of the deployment: without the segment that only names the model's family.
fn deployment(model: &str) -> &str {
    ["o_series/", "gpt5_series/", "responses/"].iter().find_map(|f| model.strip_prefix(f)).unwrap_or(model)
}

/// The version that is asked for, when it is a date.
fn dated(params: &Params) -> Option<String> {
    let version = params.str("api_version").map(str::to_owned).or_else(|| params.env("AZURE_API_VERSION"));
    version.filter(|v| v.starts_with(|c: char| c.is_ascii_digit()))
}

/// JSON schemas came with a version of the interface, and not to the oldest models.
fn emulates_schemas(model: &str, params: &Params) -> bool {
    dated(params).is_some_and(|v| v.as_str() < "2024-08") || model.contains("gpt-3.5") || model.contains("gpt-35")
}

/// The name by which a model's rules are known: `base_model` says more than the name of a deployment, which is free.
fn rules_model<'a>(model: &'a str, params: &'a Params) -> &'a str {
    let base = params.str("base_model").map(|b| b.strip_prefix("azure/").unwrap_or(b));
    base.unwrap_or(model)
}

fn endpoint(row: &ProviderRow, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
    let base = row.base(call.api_base, call.params).ok_or_else(|| no_base(row))?;
    let default = if call.format == Format::OpenAiResponses {
        call.params.env("AZURE_DEFAULT_RESPONSES_API_VERSION").unwrap_or_else(|| RESPONSES_VERSION.to_owned())
    } else {
        VERSION.to_owned()
    };
    // LiteLLM transcribes with its own version, whatever the deployment says.
    let own = Some(call.params).filter(|_| call.operation != OperationKind::Transcribe);
    let version = own.and_then(|p| p.str("api_version")).map(str::to_owned);
    let version = version.or_else(|| call.params.env("AZURE_API_VERSION")).unwrap_or(default);
    if call.operation.family() == OperationKind::Video {
        out.url = videos(&base, call.params.str("api_version"));
        show_key(row, call, out)?;
        return out.set_extra(call.params);
    }
    out.url = url(base.trim_end_matches('/'), call.operation, call.format, deployment(call.model), &version);
    show_key(row, call, out)?;
    out.set("content-type", "application/json")?;
    out.set_extra(call.params)
}

/// Videos know no deployments: the model stands in the body.
fn videos(base: &str, version: Option<&str>) -> String {
    let path = base.split('?').next().unwrap_or(base);
    let root = path.split("/openai").next().unwrap_or(path).trim_end_matches('/');
    let query = version.map(|v| format!("?api-version={v}")).unwrap_or_default();
    format!("{root}/openai/v1/videos{query}")
}

fn url(base: &str, kind: OperationKind, format: Format, deployment: &str, version: &str) -> String {
    let unversioned = matches!(version, "v1" | "latest" | "preview");
    let operation = match (kind, format) {
        (OperationKind::Image, _) => "images/generations",
        (OperationKind::ImageEdit, _) => "images/edits",
        (OperationKind::Transcribe, _) => "audio/transcriptions",
        (OperationKind::Translate, _) => "audio/translations",
        (OperationKind::Speech, _) => "audio/speech",
        (_, Format::OpenAiEmbeddings) => "embeddings",
        (_, Format::OpenAiCompletions) => "completions",
        (_, Format::OpenAiResponses) => "responses",
        _ => "chat/completions",
    };
    let (path, query) = base.split_once('?').map_or((base, ""), |(p, q)| (p.trim_end_matches('/'), q));
    let mut url = if path.ends_with(operation) {
        path.to_owned()
    } else if path.contains("/openai/deployments") {
        format!("{path}/{operation}")
    } else if unversioned {
        let root = path.strip_suffix("/v1").unwrap_or(path);
        format!("{}/openai/v1/{operation}", root.strip_suffix("/openai").unwrap_or(root))
    } else if format == Format::OpenAiResponses {
        format!("{path}/openai/responses")
    } else if path.contains("://gateway.ai.") {
        format!("{path}/{deployment}/{operation}")
    } else {
        format!("{path}/openai/deployments/{}/{operation}", escaped(deployment))
    };
    let given = query.split('&').any(|pair| pair.starts_with("api-version="));
    let own = (!given).then(|| format!("api-version={version}"));
    let query = [Some(query.to_owned()).filter(|q| !q.is_empty()), own].into_iter().flatten().collect::<Vec<_>>();
    // The unversioned data plane is named by its path; only its Responses interface also wants the query.
    let by_path = unversioned && format != Format::OpenAiResponses;
    if !by_path && !query.is_empty() {
        url = format!("{url}?{}", query.join("&"));
    }
    url
}

/// Deployment names may hold what a path segment may not.
fn escaped(segment: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/:@".contains(&b);
    if segment.bytes().all(plain) {
        return Cow::Borrowed(segment);
    }
    let mut out = String::with_capacity(segment.len() + 8);
    for b in segment.bytes() {
        if plain(b) { out.push(char::from(b)) } else { out.push_str(&format!("%{b:02X}")) }
    }
    Cow::Owned(out)
}

/// A key goes into its own header, a directory token is a bearer. A header of the deployment beats both.
fn show_key(row: &ProviderRow, call: &Call<'_>, out: &mut Endpoint) -> Result<()> {
    let own = call.params.pairs("headers").chain(call.params.pairs("extra_headers"));
    if own.into_iter().any(|(k, _)| k.eq_ignore_ascii_case("api-key") || k.eq_ignore_ascii_case("authorization")) {
        return Ok(());
    }
    let token = call.params.secret("azure_ad_token");
    let given = call.api_key.filter(|k| !k.is_empty()).cloned();
    if let Some(key) = given.or_else(|| if token.is_none() { row.key(None, call.params) } else { None }) {
        return out.set("api-key", key.expose());
    }
    match entra::directory(call.params).ok_or_else(|| no_key(row))? {
        Directory::Token(token) => out.set("authorization", &format!("Bearer {}", token.expose())),
        Directory::Ask(need) => {
            out.auth = Some(need);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
