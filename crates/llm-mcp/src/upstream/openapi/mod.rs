//! Operations of an OpenAPI document as tools (`spec_path`): their list is made from the document, a call is one HTTP request.
//!
//! | file | what |
//! |---|---|
//! | here | what takes the place of a session |
//! | `source` | where documents come from, and how long they are remembered |
//! | `document` | a document → its operations (OpenAPI 3.x, and 2.0 as far as it is the same) |
//! | `schema` | schemas without references |
//! | `request` | arguments of a call → the request |
//! | `reply` | the answer → the result of the call |
//!
//! Wire facts: <https://spec.openapis.org/oas/v3.1.0>. Names of tools and arguments are LiteLLM's.

mod document;
mod reply;
mod request;
mod schema;
mod source;

use std::sync::Arc;

use http::HeaderMap;
use http::header::{ACCEPT, HeaderValue};
use llm_types::{Json, RawJson};
use llm_wire::top::Top;

use super::carrier::Carrier;
use crate::fault::Fault;
use crate::rpc::{self, RpcError};
use crate::server::Api;

use document::Document;
pub(crate) use source::Documents;

/// What takes the place of a session: a document and where its operations are called.
pub(crate) struct ApiSession<'t> {
    carrier: Carrier<'t>,
    document: Arc<Document>,
    api: Api,
    headers: HeaderMap,
}

impl std::fmt::Debug for ApiSession<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiSession").finish_non_exhaustive()
    }
}

impl<'t> ApiSession<'t> {
    /// Gets the document. Nothing is shown to whoever has it: credentials are for the API.
    pub(crate) async fn open(
        carrier: Carrier<'t>,
        documents: &Documents,
        api: &Api,
        headers: &HeaderMap,
    ) -> Result<Self, Fault> {
        let document = documents.get(carrier.transport, &api.document).await?;
        let mut headers = headers.clone();
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json, text/*;q=0.9, */*;q=0.5"));
        Ok(Self { carrier, document, api: api.clone(), headers })
    }

    /// Answers what a session would be asked for. There is nothing but tools.
    pub(crate) async fn ask(&self, method: &str, params: &str) -> Result<RawJson, Fault> {
        match method {
            "tools/list" => Ok(self.document.list.clone()),
            "tools/call" => self.call(params).await,
            other => Err(told(rpc::METHOD_NOT_FOUND, format!("Method not found: {other}"))),
        }
    }

    async fn call(&self, params: &str) -> Result<RawJson, Fault> {
        let wrong = |why: String| told(rpc::INVALID_PARAMS, why);
        let top = Top::parse(params.as_bytes()).map_err(|_| wrong("params must be an object".to_owned()))?;
        let name = top.str("name").unwrap_or_default();
        let operation = self.document.find(&name).ok_or_else(|| wrong(format!("Unknown tool: {name}")))?;
        let arguments = top.get("arguments").filter(|a| *a != "null").unwrap_or("{}");
        let arguments =
            Top::parse(arguments.as_bytes()).map_err(|_| wrong("arguments must be an object".to_owned()))?;
        let base = self.api.base.as_deref().or(self.document.base.as_deref());
        let base = base.ok_or(Fault::Broken("its OpenAPI document names no server on its own host: url is needed"))?;
        let made = request::made(operation, base, &self.headers, &arguments).map_err(wrong)?;
        let sent = self.carrier.send(operation.method.clone(), &made.url, &made.headers, made.body).await?;
        reply::result(sent).await
    }
}

fn told(code: i64, why: String) -> Fault {
    Fault::Told(RpcError::new(code, why))
}

/// A value as the text that stands for it in a path, a query or a header; nothing for lists, maps and `null`.
fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(_) | Json::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}
