//! Houses whose files are announced first and sent then, to an address that their answer names.

use std::fmt;

use bytes::Bytes;
use llm_types::{Json, Result};
use llm_wire::ReplyView;

use crate::provider::Endpoint;
use crate::resource::Resource;

/// A file that is to be uploaded.
#[derive(Debug, Clone, Copy)]
pub struct Announced<'a> {
    /// Its name.
    pub filename: &'a str,
    /// Its media type.
    pub content_type: &'a str,
    /// Its bytes.
    pub size: usize,
}

/// What is wanted of files.
#[derive(Debug, Clone, Copy)]
pub enum Look<'a> {
    /// What one is.
    Facts(&'a str),
    /// Its end.
    Removal(&'a str),
    /// A page of all: how many, and behind which one.
    List {
        /// How many at the most.
        limit: Option<u32>,
        /// What the page before named as the next.
        after: Option<&'a str>,
    },
}

/// A house with files.
pub trait UploadHouse: Send + Sync + fmt::Debug {
    /// Where a file is announced, and the body for it.
    ///
    /// # Errors
    /// Without a credential.
    fn announce(&self, file: &Announced<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<Bytes>;

    /// Where its bytes go, as the answer to the announcement says.
    ///
    /// # Errors
    /// `InvalidReply` for an answer that names no address, or one at another host.
    fn send(&self, said: &ReplyView<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()>;

    /// Where files are looked at, with the method for it.
    ///
    /// # Errors
    /// 404 for what cannot be an id.
    fn look(&self, look: Look<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()>;

    /// A file, or a page of them, in OpenAI's words.
    fn told(&self, said: &Json) -> Json;
}
