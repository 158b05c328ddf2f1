//! Calls about a video find the deployment that made it by what its id says.

use std::sync::Arc;

use bytes::Bytes;
use llm_accounts::Identity;
use llm_types::{Error, Json, OperationKind, Result};
use llm_wire::ids::{Made, decode_made};
use llm_wire::top::Top;

use crate::flow::Context;
use crate::read::decode_path;
use crate::usable;
use crate::wish::Wish;

/// A call about a video, as the rest of the flow reads it.
#[derive(Debug)]
pub(crate) struct About {
    /// The fields of the query and of the body, and what the upstream calls the video.
    pub body: Bytes,
    /// The deployment that made it, or the model that the client names.
    pub model: Option<String>,
}

/// Reads a call about a video. Nothing for other calls.
///
/// # Errors
/// `BadRequest` when neither the id nor the client says where the video was made, or the body is none.
pub(crate) fn about(ctx: &Context, video: Option<&str>, body: &Bytes) -> Result<Option<About>> {
    if ctx.operation.family() != OperationKind::Video || ctx.operation == OperationKind::Video {
        return Ok(None);
    }
    let mut fields: Vec<(String, Json)> = Vec::new();
    for pair in ctx.parts.uri.query().unwrap_or_default().split('&').filter(|p| !p.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        fields.push((decode_path(name), Json::from(decode_path(&value.replace('+', " ")))));
    }
    if !body.is_empty() {
        for (name, raw) in Top::parse(body)?.iter() {
            let value = serde_json::from_str(raw).map_err(|e| Error::bad_request(e.to_string()).with_param(name))?;
            fields.retain(|(known, _)| known != name);
            fields.push((name.to_owned(), value));
        }
    }
    let named = fields.iter().position(|(name, _)| name == "model").map(|at| fields.remove(at).1);
    let header = ctx.steering.get("x-litellm-model");
    let named = named.as_ref().and_then(Json::as_str).or(header).map(str::to_owned);
    let said = video.and_then(|video| decode_made(Made::Video, video));
    // An id that no deployment of these made says nothing of where it is.
    let there = |deployment: &String| ctx.snapshot.engine.router.deployment(deployment).is_some();
    let model = said.as_ref().map(|s| s.deployment.clone()).filter(there).or(named);
    if model.is_none() && ctx.snapshot.settings.default_model.is_none() {
        let why = "this id does not say which model made the video: name it as ?model=";
        return Err(Error::bad_request(why).with_param("model"));
    }
    if let Some(video) = video {
        let own = said.map_or_else(|| video.to_owned(), |s| s.id);
        fields.push(("video_id".to_owned(), Json::from(own)));
    }
    Ok(Some(About { body: Bytes::from(Json::Object(fields).to_string()), model }))
}

/// Who of a caller's identities acts on what a deployment made; nothing for calls that name none.
pub(crate) fn acting<'w>(ctx: &Context, who: &'w Arc<Identity>, named: &str) -> Option<&'w Arc<Identity>> {
    let router = &ctx.snapshot.engine.router;
    let is_video = ctx.operation.family() == OperationKind::Video;
    let deployment = router.deployment(named).filter(|_| is_video)?;
    Some(who.acting_where(|who| usable::name(router, who, deployment).is_some()))
}

/// A key may use a deployment when it may use the model that it serves, under any of its names.
///
/// # Errors
/// 403 for a deployment of another team.
pub(crate) fn behind(ctx: &Context, who: &Identity, wish: &mut Wish) -> Result<()> {
    if ctx.operation.family() != OperationKind::Video {
        return Ok(());
    }
    let router = &ctx.snapshot.engine.router;
    if let Some(deployment) = router.deployment(&wish.model) {
        if !usable::is_shared(who, deployment) {
            return Err(usable::refused(deployment, "video_id"));
        }
        let name = usable::name(router, who, deployment);
        wish.model = name.unwrap_or_else(|| Arc::clone(deployment.public_name()));
    }
    Ok(())
}
