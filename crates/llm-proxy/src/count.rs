//! `POST /v1/messages/count_tokens`.

use bytes::BytesMut;
use http::{HeaderMap, Response};
use llm_client::Call;
use llm_types::Result;

use crate::body::Reply;
use crate::core::Core;
use crate::errors::json;
use crate::flow::Context;

/// Counts the tokens of a Messages request.
///
/// # Errors
/// 400 for an unknown model or a body that is not a Messages request.
pub async fn answer(core: &Core, ctx: &Context, call: &Call) -> Result<Response<Reply>> {
    let count = ctx.snapshot.engine.count_tokens(&core.http, call).await?;
    let mut out = BytesMut::new();
    llm_wire::anthropic::encode_count(count, &mut out);
    Ok(json(200, out.freeze(), HeaderMap::new()))
}
