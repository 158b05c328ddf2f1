//! What providers keep or do beside answering calls: files, batches, fine-tuning jobs, vector stores, assistants, containers,
//! evaluations, skills, interactions, stored answers.
//!
//! The first argument is the provider's id, `openai` or `azure`. A model may stand behind it where the provider wants to know
//! one (`bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0`), a kind of store where it has several (`vertex_ai/search_api`).
//! Bodies are OpenAI's; houses with words of their own are asked in those, and what they say is told in OpenAI's.
//!
//! ```no_run
//! # async fn demo() -> Result<(), llm_client::sdk::Error> {
//! use llm_client::sdk::{FilePart, Json};
//! let client = llm_client::Client::from_env();
//! let file = FilePart {
//!     name: "file".into(),
//!     filename: Some("requests.jsonl".into()),
//!     data: std::fs::read("requests.jsonl").unwrap().into(),
//!     ..FilePart::default()
//! };
//! let file = client.create_file("openai", vec![file], Json::object([("purpose", "batch")]), &[]).await?.json()?;
//! let batch = Json::object([
//!     ("input_file_id", file.text("id").unwrap_or_default()),
//!     ("endpoint", "/v1/chat/completions"),
//!     ("completion_window", "24h"),
//! ]);
//! let batch = client.create_batch("openai", batch, &[]).await?.json()?;
//! let batch = client.retrieve_batch("openai", batch.text("id").unwrap_or_default(), &[]).await?;
//! if let Some(output) = batch.json()?.text("output_file_id") {
//!     let answers = client.file_content("openai", output, &[]).await?;
//!     println!("{}", String::from_utf8_lossy(&answers.body));
//! }
//! println!("{} USD", client.batch_cost("openai", &batch, &[]).await?.cost.total);
//! # Ok(()) }
//! ```

use bytes::Bytes;
use http::Method;
use llm_types::{Error, Json, Result};
use llm_wire::task::FilePart;

use super::Client;
use super::calls::{Answered, Params};
use super::kept::{Asked, Sent};
use crate::resources::Family;
use crate::resources::table::rows;
use crate::stored::StoredCall;
use crate::task::escaped;

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident: $method:ident $version:literal $path:literal [$($id:ident),*] $sends:ident,
        $family:ident, $call_type:literal;)*) => {
        impl Client {
            $(function! { $sends [$(#[$doc])*] $name [$($id),*] $method $path $family $call_type })*
        }
    };
}

macro_rules! function {
    (bare $doc:tt $name:ident $ids:tt $($row:tt)*) => {
        function! { @with $doc $name $ids () (Sent::Nothing) $($row)* }
    };
    (query $doc:tt $name:ident $ids:tt $($row:tt)*) => {
        function! { @with $doc $name $ids (query: Json) (Sent::Query(query)) $($row)* }
    };
    (body $doc:tt $name:ident $ids:tt $($row:tt)*) => {
        function! { @with $doc $name $ids (body: Json) (Sent::Body(body)) $($row)* }
    };
    (form $doc:tt $name:ident $ids:tt $($row:tt)*) => {
        function! { @with $doc $name $ids (files: Vec<FilePart>, fields: Json) (Sent::Form(files, fields)) $($row)* }
    };
    (@with [$($doc:tt)*] $name:ident [$($id:ident),*] ($($more:ident: $type:ty),*) ($sent:expr)
        $method:ident $path:literal $family:ident $call_type:literal) => {
        $($doc)*
        ///
        /// # Errors
        /// `BadRequest` for a provider that has none, or an id that cannot be one; whatever the provider or the way to it
        /// refuses.
        pub async fn $name(
            &self,
            provider: &str,
            $($id: &str,)*
            $($more: $type,)*
            params: Params<'_>,
        ) -> Result<Answered> {
            let asked = Asked {
                family: Family::$family,
                method: Method::$method,
                call_type: $call_type,
                path: path($path, &[$((stringify!($id), $id)),*])?,
                ids: &[$($id),*],
            };
            Box::pin(self.kept(provider, asked, $sent, params)).await
        }
    };
}

rows!(functions);

macro_rules! stored {
    ($($(#[$doc:meta])* $name:ident: $method:ident $behind:literal ($($query:ident)?);)*) => {
        impl Client {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// `NotFound` for a provider that keeps no answers; whatever the provider or the way to it refuses.
                pub async fn $name(
                    &self,
                    provider: &str,
                    response_id: &str,
                    $($query: Json,)?
                    params: Params<'_>,
                ) -> Result<Answered> {
                    let path = path(concat!("/{response_id}", $behind), &[("response_id", response_id)])?;
                    let asked = String::new();
                    $(let asked = query(&$query)? + &asked;)?
                    self.stored(provider, Method::$method, path, asked, params).await
                }
            )*
        }
    };
}

stored! {
    /// An answer of the Responses API that its provider keeps: `include`, `starting_after` ...
    get_responses: GET "" (query);
    /// Such an answer is deleted.
    delete_responses: DELETE "" ();
    /// Such an answer, which is being made in the background, is stopped.
    cancel_responses: POST "/cancel" ();
    /// What such an answer answers: `limit`, `after`, `order`, `include`.
    list_input_items: GET "/input_items" (query);
}

impl Client {
    pub(super) async fn stored(
        &self,
        provider: &str,
        method: Method,
        path: String,
        query: String,
        params: Params<'_>,
    ) -> Result<Answered> {
        let engine = self.engine_of(&super::kept::named(provider)?, params)?;
        let call = StoredCall { deployment: super::DEPLOYMENT.to_owned(), method, path, query };
        let reply = engine.stored(&*self.http, &call).await?;
        Ok(Answered { body: reply.body, content_type: None, report: reply.report })
    }
}

/// A path with ids in it, from which none leads away.
fn path(pattern: &str, ids: &[(&str, &str)]) -> Result<String> {
    let mut out = pattern.to_owned();
    for (name, id) in ids {
        if matches!(*id, "" | "." | "..") {
            return Err(Error::bad_request(format!("{name} cannot be {id:?}")).with_param(*name));
        }
        out = out.replace(&format!("{{{name}}}"), &escaped(id));
    }
    llm_providers::passthrough::safe(&out)?;
    Ok(out)
}

/// The query that an object is. Lists are written as OpenAI's clients write them.
pub(super) fn query(fields: &Json) -> Result<String> {
    let fields = fields.as_object().ok_or_else(|| Error::bad_request("the query has to be an object"))?;
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut pairs: Vec<String> = Vec::new();
    for (name, value) in fields {
        match value {
            Json::Null => {}
            Json::Array(several) => {
                pairs.extend(several.iter().map(|one| format!("{}[]={}", escaped(name), escaped(&text(one)))));
            }
            one => pairs.push(format!("{}={}", escaped(name), escaped(&text(one)))),
        }
    }
    Ok(pairs.join("&"))
}

/// A body as its bytes.
pub(super) fn object(body: &Json) -> Result<Bytes> {
    match body.as_object() {
        Some(_) => Ok(Bytes::from(body.to_string())),
        None => Err(Error::bad_request("the body has to be an object")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_leads_out_of_its_path() {
        assert_eq!(path("/files/{file_id}", &[("file_id", "a/../b?c#d")]).unwrap_err().status(), 400);
        assert_eq!(path("/files/{file_id}", &[("file_id", "gs://b/o p")]).unwrap(), "/files/gs%3A%2F%2Fb%2Fo%20p");
        for id in ["", ".", "..", "%2e%2e", "a\\b"] {
            let error = path("/files/{file_id}/content", &[("file_id", id)]).unwrap_err();
            assert_eq!(error.status(), 400, "{id}");
        }
    }

    #[test]
    fn objects_are_queries() {
        let fields: Json =
            serde_json::from_str(r#"{"limit":2,"after":"a b","include":["x","y"],"none":null,"all":true}"#).unwrap();
        assert_eq!(query(&fields).unwrap(), "limit=2&after=a%20b&include[]=x&include[]=y&all=true");
        assert!(query(&Json::from("limit=2")).is_err());
    }
}
