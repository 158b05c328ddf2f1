//! Retrieval: `POST /v1/rag/ingest` puts a document into a vector store, `POST /v1/rag/query` answers from one. Both are
//! made of calls that clients could make themselves; each is authorized, limited, billed and logged as such.
//!
//! | file | what |
//! |---|---|
//! | here | the steps of every request |
//! | `document` | what is to be ingested: a file, a text, a URL, a file that the provider has |
//! | `ingest` | OCR, vector store, file |
//! | `query` | search, rerank, completion |
//! | `inside` | the calls that go to no model |
//!
//! Facts: LiteLLM's documentation of both endpoints.

mod document;
mod ingest;
mod inside;
mod query;

pub(crate) use inside::{Missed, asked, beside, json};

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use hyper::body::Incoming;
use llm_types::{Error, Format, OperationKind};
use llm_wire::task::FilePart;
use llm_wire::top::Top;

use crate::body::Reply;
use crate::core::Core;
use crate::flow::{Context, Refused};
use crate::inner::Failed;
use crate::{answer, errors, form, read, safety};

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// A document is put into a vector store.
    Ingest,
    /// A question is answered from one.
    Query,
}

/// An id as a segment of a path.
///
/// # Errors
/// 400 for what cannot be one.
pub(crate) fn segment(id: &str) -> Result<&str, Error> {
    let may = |c: char| c.is_ascii_alphanumeric() || "-_=.~".contains(c);
    if id.is_empty() || id.starts_with('.') || !id.chars().all(may) {
        return Err(Error::bad_request(format!("{id:?} is no id of a vector store")).with_param("vector_store_id"));
    }
    Ok(id)
}

/// Answers a request.
pub async fn serve(
    core: &Core,
    verb: Verb,
    name: &'static str,
    parts: Parts,
    body: Incoming,
    peer: SocketAddr,
) -> Response<Reply> {
    let mut ctx = Context::new(core, name, OperationKind::Generate, Format::OpenAiChat, parts, peer);
    match steps(core, &mut ctx, verb, body).await {
        Ok(response) => response,
        Err(Failed { error, booked: false }) => crate::pass::refuse(core, &ctx, Refused::from(error)),
        Err(Failed { error, booked: true }) => {
            let refused = Refused::from(error);
            errors::respond(&refused.error, ctx.format, answer::error_headers(&ctx, &refused))
        }
    }
}

async fn steps(core: &Core, ctx: &mut Context, verb: Verb, body: Incoming) -> Result<Response<Reply>, Failed> {
    let who = core.identify(&ctx.parts).await?;
    ctx.who = Some(Arc::clone(&who));
    let (body, files): (Bytes, Vec<FilePart>) = match form::boundary(&ctx.parts.headers) {
        Some(boundary) => {
            let bytes = read::body(&ctx.snapshot, &ctx.parts, body).await?;
            let form = form::whole(bytes, &boundary).await?;
            (form.fields, form.files)
        }
        None => (read::body(&ctx.snapshot, &ctx.parts, body).await?, Vec::new()),
    };
    let top = Top::parse(&body)?;
    safety::body(&ctx.snapshot, &top, &who, "")?;
    match verb {
        Verb::Ingest => ingest::answer(core, ctx, &who, &top, files).await,
        Verb::Query => query::answer(core, ctx, &who, &top).await,
    }
}
