//! Vector stores of houses that are searched in another way than OpenAI's: where, with which words, and what they found.
//! The shape outside is OpenAI's: <https://platform.openai.com/docs/api-reference/vector-stores/search>

mod chunks;
pub mod ingest;

use std::fmt;

use bytes::Bytes;
use llm_types::{Error, Json, Result};
use llm_wire::ReplyView;

use crate::params::Params;
use crate::provider::Endpoint;
use crate::resource::Resource;

pub use chunks::chunks;
pub use ingest::{Came, Document, Ingestion, Step};

/// A search.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// The id of the store.
    pub store: &'a str,
    /// What is looked for.
    pub query: &'a str,
    /// The query as a vector, for houses that want one: a JSON array.
    pub vector: Option<&'a Json>,
    /// Results at the most.
    pub limit: Option<i64>,
    /// The client's whole body, for filters and what else a house takes.
    pub body: &'a Json,
}

impl Search<'_> {
    /// A field of the client's body that says something.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Json> {
        self.body.get(name).filter(|value| **value != Json::Null)
    }

    /// The vector.
    ///
    /// # Errors
    /// When nobody made one.
    pub fn vector(&self) -> Result<Json> {
        self.vector.cloned().ok_or_else(|| Error::internal("a search without the vector of its query"))
    }
}

/// The model that makes the vector of a query.
#[derive(Debug, Clone)]
pub struct Embedder {
    /// Its name: of a model group, or `provider/model`.
    pub model: String,
    /// Its own parameters: address, key.
    pub params: Vec<(String, Json)>,
}

impl Embedder {
    /// The one that `litellm_embedding_model` and `litellm_embedding_config` name.
    ///
    /// # Errors
    /// `BadRequest` when none is named.
    pub fn configured(params: &Params) -> Result<Self> {
        let model = params.str("litellm_embedding_model").ok_or_else(|| {
            Error::bad_request("this vector store needs litellm_embedding_model, which makes the vectors of queries")
                .with_param("litellm_embedding_model")
        })?;
        let config = params.get("litellm_embedding_config").and_then(Json::as_object).unwrap_or_default();
        Ok(Self { model: model.to_owned(), params: config.to_vec() })
    }
}

/// Something that was found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The id of the file that it is from.
    pub file_id: Option<String>,
    /// The file's name.
    pub filename: Option<String>,
    /// How well it fits.
    pub score: Option<f64>,
    /// The text.
    pub text: String,
    /// What else is known of it.
    pub attributes: Vec<(String, Json)>,
}

impl Found {
    /// OpenAI's object.
    #[must_use]
    pub fn json(&self) -> Json {
        let text = Json::object([("type", Json::from("text")), ("text", Json::from(self.text.as_str()))]);
        Json::object([
            ("file_id", Json::from(self.file_id.as_deref())),
            ("filename", Json::from(self.filename.as_deref())),
            ("score", Json::from(self.score)),
            ("attributes", Json::Object(self.attributes.clone())),
            ("content", Json::Array(vec![text])),
        ])
    }
}

/// A house with vector stores.
pub trait StoreHouse: Send + Sync + fmt::Debug {
    /// Who makes the vector of a query; nothing where the house does.
    ///
    /// # Errors
    /// `BadRequest` when somebody must and nobody is named.
    fn embedder(&self, _params: &Params) -> Result<Option<Embedder>> {
        Ok(None)
    }

    /// Where a search goes, and its body.
    ///
    /// # Errors
    /// `BadRequest` when a setting is missing or a filter cannot be said, or as `Provider::endpoint`.
    fn search(&self, search: &Search<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<Bytes>;

    /// What was found, best first.
    fn found(&self, reply: &Json, params: &Params) -> Vec<Found>;

    /// True where ids of stores reach whatever the operator's account holds: documents of other callers than administrators
    /// go only where the configuration names the store.
    fn is_account(&self) -> bool {
        false
    }

    /// What puts a document into one of its stores.
    ///
    /// # Errors
    /// `BadRequest` where that is not known, or the document cannot be taken.
    fn ingest<'a>(&self, _document: Document<'a>, _resource: Resource<'a>) -> Result<Box<dyn Ingestion + 'a>> {
        let why = "documents cannot be put into vector stores of this provider here";
        Err(Error::bad_request(why).with_param("custom_llm_provider"))
    }

    /// Reads an error reply.
    fn decode_error(&self, reply: &ReplyView<'_>) -> Error;

    /// The model whose usage the answer tells, where a model does the search.
    fn model(&self, _params: &Params) -> Option<String> {
        None
    }

    /// The entry of the price table for a search.
    fn price(&self) -> Option<&'static str> {
        None
    }
}

/// The text of a field; empty when there is none.
pub(crate) fn text<'j>(of: &'j Json, name: &str) -> &'j str {
    of.text(name).unwrap_or_default()
}

/// The items of a list; none when there is no list.
pub(crate) fn items<'j>(of: &'j Json, name: &str) -> &'j [Json] {
    of.get(name).and_then(Json::as_array).unwrap_or_default()
}

/// A text that says something.
pub(crate) fn filled(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// The fields of an object but some.
pub(crate) fn but(of: &Json, left_out: &[&str]) -> Vec<(String, Json)> {
    let fields = of.as_object().unwrap_or_default().iter();
    fields.filter(|(name, _)| !left_out.contains(&name.as_str())).cloned().collect()
}

#[cfg(test)]
mod tests;
