//! A document is put into a store of a house that is not OpenAI's kind: which requests that takes, one after the other.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use llm_types::{Error, Json, Kind, Result};
use llm_wire::ReplyView;

use super::Embedder;
use crate::provider::Endpoint;

/// A document for a store.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// The id of the store; none: a new one is made.
    pub store: Option<&'a str>,
    /// What a new one is called.
    pub name: &'a str,
    /// The name of the file.
    pub filename: &'a str,
    /// Its media type.
    pub content_type: &'a str,
    /// Its bytes.
    pub data: &'a Bytes,
    /// What the client says of the store (`vector_store`), without credentials.
    pub options: &'a Json,
    /// How it is to be cut (`chunking_strategy`).
    pub chunking: &'a Json,
    /// What makes the vectors (`embedding`), for houses that want them.
    pub embedding: &'a Json,
    /// Letters and digits that no other call has.
    pub unique: &'a str,
}

impl Document<'_> {
    /// A text of the client's that says something of the store.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.text(name).filter(|text| !text.is_empty())
    }

    /// A number of `chunking_strategy`.
    #[must_use]
    pub fn cut(&self, name: &str) -> Option<u64> {
        self.chunking.get(name).and_then(Json::as_i64).and_then(|n| u64::try_from(n).ok())
    }

    /// The file's name as a piece of a path: no separators, nothing that means a folder.
    #[must_use]
    pub fn plain_name(&self) -> String {
        let last = self.filename.rsplit(['/', '\\']).next().unwrap_or_default();
        let name: String = last.chars().filter(|c| !c.is_control()).take(200).collect();
        if matches!(name.trim_matches('.'), "") { "document".to_owned() } else { name }
    }
}

/// What is to be done next.
#[derive(Debug)]
pub enum Step {
    /// The house is asked this; where is in the endpoint.
    Ask(Bytes),
    /// The same, after a while.
    Later(Duration, Bytes),
    /// The vectors of texts are needed.
    Vectors(Embedder, Vec<String>),
    /// The document is in the store.
    Done {
        /// The store.
        store: String,
        /// What the house calls the document.
        file: Option<String>,
    },
}

/// What came of the step before.
#[derive(Debug)]
pub enum Came<'a> {
    /// There was none.
    Nothing,
    /// An answer of success.
    Said(ReplyView<'a>),
    /// The house refused.
    Refused(Error),
    /// Vectors, one for each text.
    Vectors(Vec<Json>),
}

impl<'a> Came<'a> {
    /// The answer.
    ///
    /// # Errors
    /// The house's refusal.
    pub fn said(self) -> Result<ReplyView<'a>> {
        match self {
            Self::Said(reply) => Ok(reply),
            Self::Refused(error) => Err(error),
            Self::Nothing | Self::Vectors(_) => Err(Error::internal("a step of an ingestion without an answer")),
        }
    }

    /// The answer as JSON.
    ///
    /// # Errors
    /// The house's refusal; `InvalidReply` for what is no JSON.
    pub fn json(self) -> Result<Json> {
        let reply = self.said()?;
        serde_json::from_slice(reply.body).map_err(|e| unreadable(&format!("its answer is no JSON: {e}")))
    }
}

/// An ingestion under way.
pub trait Ingestion: Send + fmt::Debug {
    /// The next step, given what came of the one before; at the beginning of nothing. `out` is empty, and names the method.
    ///
    /// # Errors
    /// What the document or its options cannot be used for; the house's refusal, unless it can go on all the same.
    fn next(&mut self, came: Came<'_>, out: &mut Endpoint) -> Result<Step>;
}

/// `InvalidReply`, and why.
pub(crate) fn unreadable(why: &str) -> Error {
    Error::new(Kind::InvalidReply, format!("the vector store cannot be used: {why}"))
}

/// A field of an answer that has to be there.
pub(crate) fn told<'j>(reply: &'j Json, path: &[&str]) -> Result<&'j str> {
    let found = path.iter().try_fold(reply, |tree, name| tree.get(name)).and_then(Json::as_str);
    found.filter(|text| !text.is_empty()).ok_or_else(|| unreadable(&format!("it names no {}", path.join("."))))
}

/// The document as text.
///
/// # Errors
/// `BadRequest` for bytes that are none: somebody has to read it first.
pub(crate) fn text<'d>(document: &Document<'d>) -> Result<Cow<'d, str>> {
    let text = std::str::from_utf8(document.data).ok().filter(|text| !text.trim().is_empty());
    text.map(Cow::Borrowed).ok_or_else(|| {
        let why = "this vector store takes texts: add `ocr` to have the document read, or send its text";
        Error::bad_request(why).with_param("file")
    })
}
