//! Houses that keep batches in another way than OpenAI: where their jobs and files are, and what begins a job.
//! What stands in files, jobs and results is `llm_wire::batches`.

pub mod file;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use llm_types::{OperationKind, RawJson, Result};
use llm_wire::batches::BatchCodec;

use crate::provider::Endpoint;
use crate::resource::Resource;

pub(crate) use file::Bucket;
pub use file::{FileHouse, Upload, Want};

/// A batch that is to begin.
#[derive(Debug, Clone, Copy, Default)]
pub struct Begin<'a> {
    /// The house's id of the file with the requests.
    pub input: &'a str,
    /// The requests, for houses that take them inline.
    pub requests: &'a [RawJson],
    /// The model, as far as the client or its file named one.
    pub model: Option<&'a str>,
    /// A name that no other batch has.
    pub name: &'a str,
    /// `anthropic-beta` values that the requests made necessary.
    pub betas: &'a str,
}

/// What is wanted of a job.
#[derive(Debug, Clone, Copy)]
pub enum Job<'a> {
    /// A page of all: how many, and behind which one.
    List {
        /// How many at the most.
        limit: Option<u32>,
        /// The id of the last one of the page before.
        after: Option<&'a str>,
    },
    /// What it is.
    Facts(&'a str),
    /// Its end.
    Cancel(&'a str),
}

/// A house with jobs.
pub trait BatchHouse: Send + Sync + fmt::Debug {
    /// How it writes things down.
    fn codec(&self) -> &'static dyn BatchCodec;

    /// Where its files are; nothing where it takes requests inline.
    fn files(&self) -> Option<&'static dyn FileHouse> {
        None
    }

    /// The model string by which requests of a kind are translated, when the client named this one.
    fn model<'a>(&self, model: &'a str, _operation: OperationKind) -> Cow<'a, str> {
        Cow::Borrowed(model)
    }

    /// Where a job begins, and the body that begins it.
    ///
    /// # Errors
    /// `BadRequest` when a setting is missing, or as `Provider::endpoint`.
    fn begin(&self, begin: &Begin<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<Bytes>;

    /// Where a job is. Sets the method.
    ///
    /// # Errors
    /// As [`Self::begin`].
    fn job(&self, job: Job<'_>, resource: &Resource<'_>, out: &mut Endpoint) -> Result<()>;

    /// True where the answer to [`Job::Cancel`] is the job.
    fn cancel_tells(&self) -> bool {
        true
    }

    /// Where the results are that have this id; nothing when it is no id of results.
    ///
    /// # Errors
    /// As [`Self::begin`].
    fn results(&self, id: &str, resource: &Resource<'_>, out: &mut Endpoint) -> Result<bool>;
}
