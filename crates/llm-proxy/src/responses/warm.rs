//! `generate: false`: nothing is made, the input is remembered, so that a later request can go on from it.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Response};
use llm_accounts::Identity;
use llm_types::{Error, Kind, Result};
use llm_wire::sse;
use llm_wire::top::Top;

use super::{background, turn};
use crate::body::Reply;
use crate::core::Core;
use crate::flow::Context;
use crate::{errors, read, templates};

const NOTHING: &str = r#"{"input_tokens":0,"input_tokens_details":{"cached_tokens":0},"output_tokens":0,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":0}"#;

/// Answers with an empty response, as a stream. No model is asked and nothing is billed.
///
/// # Errors
/// As for a call: the model is not the caller's, the answer before it is unknown.
pub(super) async fn answer(core: &Core, ctx: &Context, who: &Arc<Identity>, body: &Bytes) -> Result<Response<Reply>> {
    let filled = templates::fill(core, ctx, who, &Top::parse(body)?)?;
    let body = filled.as_ref().unwrap_or(body);
    let top = Top::parse(body)?;
    let mut wish = read::wish(ctx, &top, None, who)?;
    read::safe(&ctx.snapshot, &top, who, &wish.group)?;
    if !who.may_call(ctx.route) || !who.may_use(&wish.model) {
        let why = format!("this key may not use the model {}", wish.model);
        return Err(Error::new(Kind::PermissionDenied, why).with_type("key_model_access_denied").with_param("model"));
    }
    let prepared = turn::prepare(&core.app.responses, ctx, who, &mut wish, (body, &top)).await?;
    let id = prepared.turn.promised(&format!("warm_{}", ctx.id));
    let begun = background::begun(&id, ctx, &prepared.turn, &read::call(ctx, &wish, body.clone()));
    let begun = Top::parse(&begun)?.edited(&[("background", Some("false"))]);
    let done = Top::parse(&begun)?.edited(&[("status", Some("\"completed\"")), ("usage", Some(NOTHING))]);
    prepared.turn.kept_beside(&id, done.clone());
    let mut out = BytesMut::new();
    for (number, (kind, response)) in [("response.created", &begun), ("response.completed", &done)].iter().enumerate() {
        let response = String::from_utf8_lossy(response);
        let data = format!("{{\"type\":\"{kind}\",\"sequence_number\":{number},\"response\":{response}}}");
        sse::write(Some(kind), data.as_bytes(), &mut out);
    }
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    Ok(errors::whole(200, out.freeze(), headers))
}
