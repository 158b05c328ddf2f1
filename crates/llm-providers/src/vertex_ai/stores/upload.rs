//! A document is uploaded to a corpus of the RAG engine, which cuts it and computes the vectors. A corpus is made where none
//! is named, which is a job that is polled.
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/rag-api>

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use llm_types::{Error, Json, Result};

use super::super::url::Place;
use super::signed;
use crate::provider::Endpoint;
use crate::resource::Resource;
use crate::stores::ingest::{told, unreadable};
use crate::stores::{Came, Document, Ingestion, Step};

/// A job is looked at so often, with this pause; LiteLLM's.
const LOOKS: u32 = 30;
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Upload<'a> {
    document: Document<'a>,
    resource: Resource<'a>,
    stage: Stage,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    Begin,
    /// So many looks at the job.
    Making(u32),
    Sent(String),
}

impl<'a> Upload<'a> {
    pub(super) fn new(document: Document<'a>, resource: Resource<'a>) -> Result<Self> {
        let fits = |id: &str| id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_/.:".contains(&b));
        match document.store {
            Some(id) if !fits(id) || id.split('/').any(|s| matches!(s, "." | "..")) => {
                Err(Error::bad_request(format!("{id:?} is no corpus")).with_param("vector_store_id"))
            }
            _ => Ok(Self { document, resource, stage: Stage::Begin }),
        }
    }

    fn place(&self) -> Place<'a> {
        Place::new(self.resource.params, true)
    }

    /// Host, and what stands before the version.
    fn host(&self) -> String {
        let below = self.place().below(self.resource.api_base);
        below.split("/v1beta1/projects/").next().unwrap_or(&below).to_owned()
    }

    fn make(&mut self, out: &mut Endpoint) -> Result<Step> {
        out.url = format!("{}/ragCorpora", self.place().below(self.resource.api_base));
        signed(&self.resource, out)?;
        let mut body = Json::object([("displayName", self.document.name)]);
        if let Some(description) = self.document.option("description") {
            body.set("description", description);
        }
        let mut database = self.document.options.get("vector_db_config").filter(|c| c.as_object().is_some()).cloned();
        if let Some(model) = self.document.option("embedding_model") {
            let endpoint = Json::object([("vertexPredictionEndpoint", Json::object([("endpoint", model)]))]);
            database.get_or_insert_with(|| Json::Object(Vec::new())).set("ragEmbeddingModelConfig", endpoint);
        }
        if let Some(database) = database {
            body.set("vectorDbConfig", database);
        }
        self.stage = Stage::Making(0);
        Ok(Step::Ask(Bytes::from(body.to_string())))
    }

    fn upload(&mut self, corpus: String, out: &mut Endpoint) -> Result<Step> {
        let corpus = match corpus.starts_with("projects/") {
            true => corpus,
            false => {
                let place = self.place();
                format!("projects/{}/locations/{}/ragCorpora/{corpus}", place.project(), place.location())
            }
        };
        out.url = format!("{}/upload/v1beta1/{corpus}/ragFiles:upload", self.host());
        signed(&self.resource, out)?;
        // No text holds the boundary by chance.
        let boundary = format!("llm-{}", self.document.unique);
        out.set("content-type", &format!("multipart/form-data; boundary={boundary}"))?;
        out.set("x-goog-upload-protocol", "multipart")?;
        let mut file = Json::object([("display_name", self.document.plain_name())]);
        if let Some(description) = self.document.option("file_description") {
            file.set("description", description);
        }
        let mut metadata = Json::object([("rag_file", file)]);
        let sizes = ["chunk_size", "chunk_overlap"];
        let sizes = sizes.iter().filter_map(|name| Some((*name, Json::from(self.document.cut(name)?))));
        let sizes = Json::object(sizes);
        if sizes.as_object().is_some_and(|sizes| !sizes.is_empty()) {
            let cut = Json::object([("fixed_length_chunking", sizes)]);
            let transformation = Json::object([("rag_file_chunking_config", cut)]);
            metadata.set("upload_rag_file_config", Json::object([("rag_file_transformation_config", transformation)]));
        }
        let name = self.document.plain_name().replace(['"', '\r', '\n'], "_");
        let kind = self.document.content_type.replace(['\r', '\n'], " ");
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"metadata\"\r\nContent-Type: application/json\r\n\r\n{metadata}\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n"
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        let body = [head.as_bytes(), self.document.data, tail.as_bytes()].concat();
        self.stage = Stage::Sent(corpus);
        Ok(Step::Ask(Bytes::from(body)))
    }
}

impl Ingestion for Upload<'_> {
    fn next(&mut self, came: Came<'_>, out: &mut Endpoint) -> Result<Step> {
        match (self.stage.clone(), self.document.store) {
            (Stage::Begin, None) => self.make(out),
            (Stage::Begin, Some(store)) => self.upload(store.to_owned(), out),
            (Stage::Making(looks), _) => {
                let job = came.json()?;
                if let Some(error) = job.get("error") {
                    return Err(unreadable(&format!("the corpus was not made: {error}")));
                }
                if job.get("done").and_then(Json::as_bool) == Some(true) {
                    return self.upload(told(&job, &["response", "name"])?.to_owned(), out);
                }
                if looks == LOOKS {
                    return Err(unreadable("the corpus is not made in time"));
                }
                let name = told(&job, &["name"])?;
                let fits = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_/.".contains(&b));
                if !fits || name.split('/').any(|s| matches!(s, "." | "..")) {
                    return Err(unreadable("the name of its job is none"));
                }
                out.method = Method::GET;
                out.url = format!("{}/v1beta1/{name}", self.host());
                signed(&self.resource, out)?;
                self.stage = Stage::Making(looks + 1);
                Ok(Step::Later(PAUSE, Bytes::new()))
            }
            (Stage::Sent(store), _) => {
                let reply = came.json()?;
                if let Some(error) = reply.get("error") {
                    return Err(unreadable(&format!("the document was not taken: {error}")));
                }
                let file = reply.get("ragFile").unwrap_or(&reply).get("name").and_then(Json::as_str);
                Ok(Step::Done { store, file: file.map(str::to_owned) })
            }
        }
    }
}
