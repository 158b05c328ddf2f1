//! Running one guardrail on a text, outside of any call.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use llm_accounts::Identity;
use llm_guardrails::{CallContext, Direction};
use llm_types::{Error, Json, Kind, Result};

use crate::body::Reply;
use crate::core::Core;
use crate::models::answer;
use crate::snapshot::Snapshot;

/// `POST /guardrails/apply_guardrail`: the text as it may pass.
///
/// # Errors
/// 400 without a name or a text, 404 for a name that no guardrail has, what the guardrail says when it stops the text.
pub(super) async fn apply(
    core: &Core,
    snapshot: &Snapshot,
    who: Option<&Arc<Identity>>,
    body: &Bytes,
) -> Result<Response<Reply>> {
    let asked = crate::read::json(body)?;
    let text = |name: &'static str| {
        let missing = || Error::bad_request(format!("{name} is missing")).with_param(name);
        asked.text(name).ok_or_else(missing)
    };
    let (name, content) = (text("guardrail_name")?, text("text")?);
    let direction = match asked.text("input_type") {
        None | Some("request") => Direction::Request,
        Some("response") => Direction::Response,
        Some(_) => return Err(Error::bad_request("input_type is request or response").with_param("input_type")),
    };
    let caller = who.map(|who| who.caller()).unwrap_or_default();
    let call = CallContext::new("", "", &caller).through(&core.wire);
    let passed = snapshot.guardrails.apply(name, direction, content, &call).await;
    let missing = || Error::new(Kind::NotFound, format!("Guardrail '{name}' not found")).with_param("guardrail_name");
    let passed = passed.ok_or_else(missing)??;
    Ok(answer(&Json::object([("response_text", passed)])))
}
