//! A document is put into a vector store: it is read by OCR where that is wished, uploaded, and attached to the store,
//! which cuts it and computes the vectors.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Response};
use llm_accounts::Identity;
use llm_providers::resource::{DEFAULT, DEFAULT_OF_OCR};
use llm_providers::stores::Document as Deposit;
use llm_types::{Error, Format, Json, OperationKind, Side};
use llm_wire::task::FilePart;
use llm_wire::top::Top;

use super::document::{self, Document};
use super::inside;
use crate::body::Reply;
use crate::core::Core;
use crate::flow::Context;
use crate::inner::{self, Failed};
use crate::{answer, errors, safety};

/// The name of a store that nobody named, as in LiteLLM.
const NAME: &str = "litellm-rag-ingest";
/// Fields of a store's configuration that steer credentials: they are the operator's.
const OPERATORS: [&str; 2] = ["api_key", "litellm_credential_name"];

/// Ingests. A failure of the provider is told as LiteLLM does: 200 with the status `failed`.
pub(super) async fn answer(
    core: &Core,
    ctx: &Context,
    who: &Arc<Identity>,
    top: &Top<'_>,
    files: Vec<FilePart>,
) -> Result<Response<Reply>, Failed> {
    // A form has the whole request as one field.
    let request = top.get("request").filter(|r| r.starts_with('{')).map(|r| Top::parse(r.as_bytes())).transpose()?;
    let top = request.as_ref().unwrap_or(top);
    let options = top.read::<Json>("ingest_options").unwrap_or_default();
    let store = options.get("vector_store").filter(|s| s.as_object().is_some()).ok_or_else(|| {
        Error::bad_request("ingest_options must contain 'vector_store' configuration").with_param("ingest_options")
    })?;
    for (name, value) in store.as_object().unwrap_or_default() {
        safety::field(&ctx.snapshot, name, value)?;
        if OPERATORS.contains(&name.as_str()) {
            let why = format!("{name} is the operator's: configure files_settings or vector_store_registry");
            return Err(Error::bad_request(why).with_param(name).into());
        }
    }
    let document = document::read(core, ctx, top, files).await?;
    let pipeline = Pipeline { core, ctx, who, options: &options, store };
    let told = match pipeline.run(document).await {
        Ok((store, file)) => vec![
            ("status", Json::from("completed")),
            ("vector_store_id", Json::from(store)),
            ("file_id", Json::from(file)),
        ],
        Err(Failed { error, .. }) if error.side == Side::Upstream => vec![
            ("status", Json::from("failed")),
            ("vector_store_id", Json::from("")),
            ("file_id", Json::Null),
            ("error", Json::from(error.message)),
        ],
        Err(failed) => return Err(failed),
    };
    let id = ("id", Json::from(format!("ingest_{}", ctx.id)));
    let body = Json::object(std::iter::once(id).chain(told));
    let headers: HeaderMap = answer::bare_headers(ctx);
    Ok(errors::json(200, Bytes::from(body.to_string()), headers))
}

struct Pipeline<'a> {
    core: &'a Core,
    ctx: &'a Context,
    who: &'a Arc<Identity>,
    options: &'a Json,
    store: &'a Json,
}

impl Pipeline<'_> {
    /// The ids of store and file.
    async fn run(&self, document: Document) -> Result<(String, String), Failed> {
        let document = match document {
            Document::File(file) => Document::File(self.read(file).await?),
            kept @ Document::Kept(_) => kept,
        };
        if let Some(stored) = self.deposited(&document).await? {
            return Ok(stored);
        }
        let store = match self.store.text("vector_store_id").filter(|id| !id.is_empty()) {
            Some(id) => id.to_owned(),
            None => self.create().await?,
        };
        let file = match document {
            Document::File(file) => self.upload(file).await?,
            Document::Kept(id) => id,
        };
        let body = Json::object([("file_id", Json::from(file.as_str())), ("chunking_strategy", self.chunking())]);
        self.ask(&format!("/v1/vector_stores/{}/files", super::segment(&store)?), inside::json(&body)).await?;
        Ok((store, file))
    }

    /// The same in a store of another kind than OpenAI's.
    async fn deposited(&self, document: &Document) -> Result<Option<(String, String)>, Failed> {
        let provider = self.store.text("custom_llm_provider").unwrap_or(DEFAULT);
        let Document::File(file) = document else { return Ok(None) };
        let text = |of: &Json, name: &str| of.text(name).filter(|t| !t.is_empty()).map(str::to_owned);
        let (store, name) = (text(self.store, "vector_store_id"), text(self.options, "name"));
        let empty = Json::Object(Vec::new());
        let field = |name: &str| self.options.get(name).unwrap_or(&empty);
        let unique: String = self.ctx.id.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
        let deposit = Deposit {
            store: store.as_deref(),
            name: name.as_deref().unwrap_or(NAME),
            filename: file.filename.as_deref().unwrap_or("document"),
            content_type: file.content_type.as_deref().unwrap_or("application/octet-stream"),
            data: &file.data,
            options: self.store,
            chunking: field("chunking_strategy"),
            embedding: field("embedding"),
            unique: &unique,
        };
        let stored = inside::deposit(self.core, self.ctx, self.who, provider, deposit).await?;
        Ok(stored.map(|stored| (stored.store, stored.file.unwrap_or_default())))
    }

    /// The document as text, where OCR is wished.
    async fn read(&self, file: FilePart) -> Result<FilePart, Failed> {
        let Some(ocr) = self.options.get("ocr").filter(|o| o.as_object().is_some()) else { return Ok(file) };
        let model = ocr.text("model").unwrap_or(DEFAULT_OF_OCR);
        let image = file.content_type.as_deref().is_some_and(|kind| kind.contains("image"));
        let kind = if image { "image_url" } else { "document_url" };
        let url = document::data_url(&file);
        let document = Json::object([("type", Json::from(kind)), (kind, Json::from(url))]);
        let body = Json::object([("model", Json::from(model)), ("document", document)]);
        let call = (OperationKind::Ocr, Format::MistralOcr);
        let read = inner::whole(self.core, self.ctx, self.who, call, &body).await?;
        let pages = read.get("pages").and_then(Json::as_array).unwrap_or_default();
        let texts: Vec<&str> = pages.iter().filter_map(|page| page.get("markdown")?.as_str()).collect();
        Ok(document::transcribed(&file, texts.join("\n\n"))?)
    }

    async fn create(&self) -> Result<String, Failed> {
        let name = self.options.text("name").filter(|n| !n.is_empty()).unwrap_or(NAME);
        let mut body = Json::object([("name", name)]);
        if let Some(days) = self.store.get("ttl_days").filter(|d| !d.is_null()) {
            let until = Json::object([("anchor", Json::from("last_active_at")), ("days", days.clone())]);
            body.set("expires_after", until);
        }
        id(&self.ask("/v1/vector_stores", inside::json(&body)).await?)
    }

    async fn upload(&self, file: FilePart) -> Result<String, Failed> {
        let fields = [("purpose".to_owned(), "assistants".to_owned())];
        let (body, kind) = llm_client::form::written(&fields, vec![file]);
        let kind = kind.ok_or_else(|| Error::internal("a form without a media type"))?;
        id(&self.ask("/v1/files", (body, kind)).await?)
    }

    async fn ask(&self, path: &str, sent: (llm_http::Body, http::HeaderValue)) -> Result<Json, Failed> {
        let provider = self.store.text("custom_llm_provider").unwrap_or(DEFAULT);
        inside::kept(self.core, self.ctx, self.who, path, provider, sent).await
    }

    /// How the store cuts the file. Sizes in characters, as LiteLLM has them elsewhere, become tokens.
    fn chunking(&self) -> Json {
        let auto = || Json::object([("type", "auto")]);
        let Some(wished) = self.options.get("chunking_strategy").filter(|c| c.as_object().is_some()) else {
            return auto();
        };
        if wished.get("type").is_some() {
            return wished.clone();
        }
        let number = |name: &str| wished.get(name).and_then(Json::as_f64).filter(|n| *n >= 0.0);
        let (size, overlap) = (number("chunk_size"), number("chunk_overlap"));
        if size.is_none() && overlap.is_none() {
            return auto();
        }
        // OpenAI takes 100 to 4096 tokens, and an overlap of half of that at the most.
        let size = (size.unwrap_or(1000.0) / 4.0).clamp(100.0, 4096.0) as u64;
        let overlap = ((overlap.unwrap_or(200.0) / 4.0) as u64).min(size / 2);
        let sizes =
            Json::object([("max_chunk_size_tokens", Json::from(size)), ("chunk_overlap_tokens", Json::from(overlap))]);
        Json::object([("type", Json::from("static")), ("static", sizes)])
    }
}

fn id(reply: &Json) -> Result<String, Failed> {
    let id = reply.text("id").filter(|id| !id.is_empty());
    let missing = || Error::new(llm_types::Kind::InvalidReply, "the provider gave no id");
    Ok(id.ok_or_else(missing)?.to_owned())
}
