use llm_types::{Error, Kind, UpstreamDetail};
use llm_wire::ReplyView;
use serde::Deserialize;
use std::borrow::Cow;

/// `{"error":{"code","message","type","innererror":{"code","content_filter_result"}}}`
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    error: Inner<'a>,
}

#[derive(Deserialize)]
struct Inner<'a> {
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    innererror: Option<Deep<'a>>,
}

#[derive(Deserialize)]
struct Deep<'a> {
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
}

const POLICY_CODES: [&str; 3] = ["content_policy_violation", "content_filter", "ResponsibleAIPolicyViolation"];
const POLICY_PHRASES: [&str; 5] = [
    "invalid_request_error\", \"param\": \"prompt\"",
    "The response was filtered due to the prompt triggering Azure OpenAI's content management",
    "Your task failed as a result of our safety system",
    "The model produced invalid content",
    "content_filter_policy",
];

/// The errors that the house tells in its own words: filtered content, deployments that are not there.
pub(super) fn decode(reply: &ReplyView<'_>) -> Option<Error> {
    let Body { error } = serde_json::from_slice(reply.body).ok()?;
    let message = error.message.as_deref().unwrap_or_default();
    let code = error.code.as_deref();
    let deep = error.innererror.and_then(|d| d.code);
    let filtered = [code, deep.as_deref()].into_iter().flatten().any(|c| POLICY_CODES.contains(&c))
        || POLICY_PHRASES.iter().any(|p| message.contains(p));
    let kind = if message.contains("This model's maximum context length is") {
        Kind::ContextWindow
    } else if code == Some("DeploymentNotFound") {
        Kind::NotFound
    } else if filtered {
        Kind::ContentPolicy
    } else {
        return None;
    };
    let detail = UpstreamDetail {
        status: reply.status,
        provider: reply.provider.to_owned(),
        error_type: error.kind.map(Cow::into_owned),
        code: code.map(str::to_owned),
        body: bytes::Bytes::copy_from_slice(reply.body.get(..reply.body.len().min(16_384)).unwrap_or_default()),
        headers: reply.headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
    };
    Some(Error::upstream(kind, message, detail))
}
