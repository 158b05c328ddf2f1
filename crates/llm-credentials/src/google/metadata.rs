//! The account of the machine itself, from its metadata server.

use http::HeaderName;
use llm_http::Body;
use llm_types::{Error, Kind, Result, Secret};

use crate::flow::{Answer, Flow, denied, encoded, get, show};
use crate::reply::TokenReply;
use crate::shelf::Issued;

const WHO: &str = "Google's metadata server";

/// The token of the machine's account.
pub(super) async fn token(flow: Flow<'_>, scopes: &[&str]) -> Result<Issued<Secret>> {
    let scopes = scopes.join(",");
    let path = format!("instance/service-accounts/default/token?scopes={scopes}");
    let reply: TokenReply = ask(flow, &path).await?.ok_or_else(nothing)?.json(WHO, &[])?;
    reply.issued(WHO, flow.ambient.now())
}

/// An identity token of the machine's account for an audience.
pub(crate) async fn identity(flow: Flow<'_>, audience: &str) -> Result<String> {
    let query = encoded(&[("audience", audience), ("format", "full")]);
    let path = format!("instance/service-accounts/default/identity?{query}");
    text(&ask(flow, &path).await?.ok_or_else(nothing)?)
}

/// The machine's project; `None` when this is no machine of Google's.
pub(super) async fn project(flow: Flow<'_>) -> Result<Option<String>> {
    match ask(flow, "project/project-id").await? {
        Some(answer) => text(&answer).map(Some),
        None => Ok(None),
    }
}

fn text(answer: &Answer) -> Result<String> {
    if !answer.ok() {
        return Err(answer.error(WHO, "", &[]));
    }
    let text = String::from_utf8(answer.body.to_vec());
    text.map(|t| t.trim().to_owned()).map_err(|_| Error::new(Kind::InvalidReply, "metadata that is no text"))
}

/// `None`: there is no such server.
async fn ask(flow: Flow<'_>, path: &str) -> Result<Option<Answer>> {
    if flow.ambient.flag("NO_GCE_CHECK") {
        return Ok(None);
    }
    let host = flow.ambient.first(&["GCE_METADATA_HOST", "GCE_METADATA_ROOT"]);
    let host = host.unwrap_or_else(|| "metadata.google.internal".to_owned());
    let mut request: http::Request<Body> = get(&format!("http://{host}/computeMetadata/v1/{path}"))?;
    show(&mut request, HeaderName::from_static("metadata-flavor"), "Google")?;
    match flow.send_near(WHO, request).await {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if matches!(error.kind, Kind::Connection | Kind::Timeout) => Ok(None),
        Err(error) => Err(error),
    }
}

fn nothing() -> Error {
    denied(
        "there are no Google credentials: none given, no GOOGLE_APPLICATION_CREDENTIALS, no application default \
         credentials of gcloud, and no metadata server",
    )
}
