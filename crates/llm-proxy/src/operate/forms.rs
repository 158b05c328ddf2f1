//! What forms of pages are made of, and files that they bring.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use llm_accounts::{Actor, Identity};
use llm_providers::Auth;
use llm_types::{Error, Json, Result};
use llm_wire::task::FilePart;

use crate::body::Reply;
use crate::core::Core;
use crate::form;
use crate::models::answer;
use crate::templates::Dotprompt;
use crate::validation;

/// `GET /model/settings`: every provider, and what a deployment of it has to say: a key where none is in the environment, the
/// address where it has none of its own.
pub(super) fn providers() -> Response<Reply> {
    let field = |name: &str, what: String| {
        Json::object([
            ("field_name", Json::from(name)),
            ("field_type", Json::from("string")),
            ("field_description", Json::from(what)),
            ("field_value", Json::from("")),
        ])
    };
    let one = |row: &llm_providers::ProviderRow| {
        let mut fields = Vec::new();
        if matches!(row.auth, Auth::Bearer | Auth::Header { .. } | Auth::Query(_)) {
            let variables = row.api_key_env.join(", ");
            fields.push(field("api_key", format!("The key; else of the environment: {variables}")));
        }
        if row.api_base.is_none() {
            let variables = row.api_base_env.join(", ");
            fields.push(field("api_base", format!("The address; else of the environment: {variables}")));
        }
        Json::object([("name", Json::from(row.id)), ("fields", Json::Array(fields))])
    };
    answer(&Json::Array(provider_rows().into_iter().map(one).collect()))
}

/// `GET /public/providers/fields`: every provider, and what a form asks for to make a deployment of it.
pub(super) fn provider_fields() -> Response<Reply> {
    let field = |key: &str, label: &str, required: bool, kind: &str| {
        Json::object([
            ("key", Json::from(key)),
            ("label", Json::from(label)),
            ("placeholder", Json::Null),
            ("tooltip", Json::Null),
            ("required", Json::from(required)),
            ("field_type", Json::from(kind)),
            ("options", Json::Null),
            ("default_value", Json::Null),
        ])
    };
    let one = |row: &llm_providers::ProviderRow| {
        let mut fields = vec![field("api_base", "API Base", row.api_base.is_none(), "text")];
        if matches!(row.auth, Auth::Bearer | Auth::Header { .. } | Auth::Query(_)) {
            fields.push(field("api_key", "API Key", row.api_key_env.is_empty(), "password"));
        }
        let name = if row.display_name.is_empty() { row.id } else { row.display_name };
        Json::object([
            ("provider", Json::from(row.id.to_uppercase())),
            ("provider_display_name", Json::from(name)),
            ("litellm_provider", Json::from(row.id)),
            ("credential_fields", Json::Array(fields)),
            ("default_model_placeholder", Json::from(format!("{}/...", row.id))),
        ])
    };
    answer(&Json::Array(provider_rows().into_iter().map(one).collect()))
}

/// `GET /search_tools/ui/available_providers`: those that search.
pub(super) fn search_providers() -> Response<Reply> {
    let searches = |row: &&llm_providers::ProviderRow| {
        row.tasks.iter().any(|task| task.operation == llm_types::OperationKind::Search)
    };
    let one = |row: &llm_providers::ProviderRow| {
        let name = if row.display_name.is_empty() { row.id } else { row.display_name };
        Json::object([("provider_name", row.id), ("ui_friendly_name", name)])
    };
    let rows = provider_rows().into_iter().filter(searches).map(one).collect();
    answer(&Json::object([("providers", Json::Array(rows))]))
}

fn provider_rows() -> Vec<&'static llm_providers::ProviderRow> {
    let mut rows: Vec<_> = llm_providers::registry::all().map(|provider| provider.row()).collect();
    rows.sort_unstable_by_key(|row| row.id);
    rows.dedup_by_key(|row| row.id);
    rows
}

/// `POST /upload/logo`: a picture, which every gateway shows from now on.
///
/// # Errors
/// 400 for what is no picture, or too large.
pub(super) async fn logo(
    core: &Core,
    parts: &Parts,
    who: Option<&Arc<Identity>>,
    body: Bytes,
) -> Result<Response<Reply>> {
    let who = who.cloned().ok_or_else(|| Error::internal("a picture of nobody"))?;
    let file = file(parts, body).await?;
    let changed_by = parts.headers.get("litellm-changed-by").and_then(|by| by.to_str().ok()).map(str::to_owned);
    let accounts = core.app.accounts.clone();
    let kept = async move {
        let actor = Actor { who: &who, changed_by: changed_by.as_deref() };
        accounts.upload_logo(actor, file.filename.as_deref().unwrap_or_default(), file.data).await
    };
    Ok(answer(&crate::mcp::background(core, kept).await?))
}

/// The file of a form.
async fn file(parts: &Parts, body: Bytes) -> Result<FilePart> {
    let form = match form::boundary(&parts.headers) {
        Some(boundary) => form::whole(body, &boundary).await?,
        None => form::Form::default(),
    };
    let fields = serde_json::from_slice(&form.fields).unwrap_or_default();
    let missing = validation::file("file", &fields, &form.files);
    let file = form.files.into_iter().find(|file| file.name == "file");
    file.ok_or_else(|| validation::refused(missing))
}

/// `POST /utils/dotprompt_json_converter`: a `.prompt` file as JSON.
///
/// # Errors
/// 400 for what is no such file.
pub(super) async fn dotprompt(parts: &Parts, body: Bytes) -> Result<Response<Reply>> {
    let file = file(parts, body).await?;
    let name = file.filename.as_deref().and_then(|name| name.strip_suffix(".prompt"));
    let name = name.ok_or_else(|| Error::bad_request("File must have .prompt extension").with_param("file"))?;
    let text = std::str::from_utf8(&file.data).map_err(|_| Error::bad_request("the file is no text"))?;
    let read =
        Dotprompt::read(text).map_err(|why| Error::bad_request(format!("Error converting prompt file: {why}")))?;
    let json = Json::object([("content", Json::from(read.content)), ("metadata", read.metadata)]);
    Ok(answer(&Json::object([("prompt_id", Json::from(name)), ("json_data", json)])))
}
