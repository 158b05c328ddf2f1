//! A document is uploaded to a file search store, which cuts it and computes the vectors: the store is made where none is
//! named, the upload is announced, then the bytes go to the address that the answer names.
//! <https://ai.google.dev/api/file-search/file-search-stores>

use bytes::Bytes;
use http::Method;
use llm_types::{Error, Json, Result};

use super::{base, shown};
use crate::gemini::files;
use crate::provider::Endpoint;
use crate::resource::Resource;
use crate::stores::ingest::{told, unreadable};
use crate::stores::{Came, Document, Ingestion, Step};

/// How a document is cut, when only one of both numbers is said; LiteLLM's.
const TOKENS: u64 = 800;
const OVERLAP: u64 = 400;

#[derive(Debug)]
pub(super) struct Upload<'a> {
    document: Document<'a>,
    resource: Resource<'a>,
    store: String,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begin,
    Making,
    Announced,
    Sent,
}

impl<'a> Upload<'a> {
    pub(super) fn new(document: Document<'a>, resource: Resource<'a>) -> Result<Self> {
        let store = document.store.unwrap_or_default().to_owned();
        let name = store.strip_prefix("fileSearchStores/").unwrap_or(&store);
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) {
            let why = format!("{store:?} is no file search store");
            return Err(Error::bad_request(why).with_param("vector_store_id"));
        }
        Ok(Self { document, resource, store, stage: Stage::Begin })
    }

    fn announce(&mut self, out: &mut Endpoint) -> Result<Step> {
        let name = self.store.strip_prefix("fileSearchStores/").unwrap_or(&self.store);
        out.url = format!("{}/upload/v1beta/fileSearchStores/{name}:uploadToFileSearchStore", base(&self.resource));
        shown(&self.resource, out)?;
        files::announce(self.document.data.len(), self.document.content_type, out)?;
        let mut body = Json::object([("displayName", self.document.plain_name())]);
        if let Some(chunking) = self.chunking() {
            body.set("chunkingConfig", Json::object([("whiteSpaceConfig", chunking)]));
        }
        if let Some(metadata) = self.document.options.get("custom_metadata").filter(|m| m.as_array().is_some()) {
            body.set("customMetadata", metadata.clone());
        }
        self.stage = Stage::Announced;
        Ok(Step::Ask(Bytes::from(body.to_string())))
    }

    /// Google's own fields (`white_space_config`), else sizes in characters, of which four make a token.
    fn chunking(&self) -> Option<Json> {
        let own = self.document.chunking.get("white_space_config");
        let number = |name: &str| own.and_then(|own| own.get(name)).and_then(Json::as_i64);
        let sizes = |size: u64, overlap: u64| {
            Json::object([("maxTokensPerChunk", Json::from(size)), ("maxOverlapTokens", Json::from(overlap))])
        };
        if own.is_some() {
            let read = |name, usual| number(name).and_then(|n| u64::try_from(n).ok()).unwrap_or(usual);
            return Some(sizes(read("max_tokens_per_chunk", TOKENS), read("max_overlap_tokens", OVERLAP)));
        }
        let size = self.document.cut("chunk_size")?;
        Some(sizes((size / 4).max(1), self.document.cut("chunk_overlap").unwrap_or(0) / 4))
    }
}

impl Ingestion for Upload<'_> {
    fn next(&mut self, came: Came<'_>, out: &mut Endpoint) -> Result<Step> {
        match self.stage {
            Stage::Begin if self.store.is_empty() => {
                out.url = format!("{}/v1beta/fileSearchStores", base(&self.resource));
                shown(&self.resource, out)?;
                self.stage = Stage::Making;
                Ok(Step::Ask(Bytes::from(Json::object([("displayName", self.document.name)]).to_string())))
            }
            Stage::Begin => self.announce(out),
            Stage::Making => {
                told(&came.json()?, &["name"])?.clone_into(&mut self.store);
                self.announce(out)
            }
            Stage::Announced => {
                let reply = came.said()?;
                let place = files::place(&reply, &self.resource).map_err(unreadable)?;
                place.clone_into(&mut out.url);
                out.method = Method::PUT;
                files::finish(out)?;
                self.stage = Stage::Sent;
                Ok(Step::Ask(self.document.data.clone()))
            }
            Stage::Sent => {
                let reply = came.json()?;
                let response = reply.get("response").and_then(|r| r.get("documentName"));
                let file =
                    response.or_else(|| reply.get("name")).or_else(|| reply.get("file").and_then(|f| f.get("name")));
                let file = file.and_then(Json::as_str).map(str::to_owned);
                Ok(Step::Done { store: std::mem::take(&mut self.store), file })
            }
        }
    }
}
