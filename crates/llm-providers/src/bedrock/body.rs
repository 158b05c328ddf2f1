//! The last changes to bodies.

use bytes::{Bytes, BytesMut};
use llm_types::{Json, Result};
use llm_wire::bedrock::model::Family;
use llm_wire::top::{Top, write_json};

use super::native;
use crate::anthropic::guest;
use crate::generated;
use crate::provider::Call;

/// The version of Messages that Bedrock speaks.
const VERSION: &str = "\"bedrock-2023-05-31\"";

fn text<T: serde::Serialize + ?Sized>(value: &T) -> String {
    let mut out = BytesMut::new();
    write_json(value, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Claude's Messages: the path says model and stream; instructions are a list of blocks.
pub(super) fn messages(call: &Call<'_>, body: &Bytes, betas: Vec<String>) -> Result<Bytes> {
    invoked(call, body, betas, &["model", "stream", "model_id", "guardrailConfig"], true)
}

/// The same where the body says which model is asked, and whether it streams.
pub(super) fn named_messages(call: &Call<'_>, body: &Bytes, betas: Vec<String>) -> Result<Bytes> {
    invoked(call, body, betas, &["model_id", "guardrailConfig"], false)
}

fn invoked(
    call: &Call<'_>,
    body: &Bytes,
    mut betas: Vec<String>,
    leave: &[&'static str],
    strict: bool,
) -> Result<Bytes> {
    let body = if strict { native::known(call, body, &mut betas)? } else { body.clone() };
    let top = Top::parse(&body)?;
    let moved = guest::edits(&generated::BEDROCK, call, &top);
    let betas = (!betas.is_empty()).then(|| text(&betas));
    let mut edits: Vec<(&str, Option<&str>)> = leave.iter().map(|name| (*name, None)).collect();
    edits.push(("anthropic_version", Some(VERSION)));
    edits.extend(moved.iter().map(|(name, new)| (*name, new.as_deref())));
    edits.extend(betas.as_deref().map(|b| ("anthropic_beta", Some(b))));
    Ok(top.edited(&edits))
}

/// `Converse` hands betas on to the model.
pub(super) fn converse(body: &Bytes, betas: &[String]) -> Result<Bytes> {
    if betas.is_empty() {
        return Ok(body.clone());
    }
    let top = Top::parse(body)?;
    let mut more: Json = top.read("additionalModelRequestFields").unwrap_or_else(|| Json::Object(Vec::new()));
    more.set("anthropic_beta", Json::Array(betas.iter().map(|b| Json::from(b.as_str())).collect()));
    Ok(top.edited(&[("additionalModelRequestFields", Some(&more.to_string()))]))
}

/// Nova's own body is that of `Converse` with fewer fields; cache points stand inside of what they follow.
pub(super) fn nova(body: &Bytes) -> Result<Bytes> {
    const KEPT: [&str; 5] = ["schemaVersion", "messages", "system", "inferenceConfig", "toolConfig"];
    let top = Top::parse(body)?;
    let mut out = Json::Object(Vec::new());
    for (key, raw) in top.iter().filter(|(k, _)| KEPT.contains(k)) {
        out.set(key, serde_json::from_str::<Json>(raw).unwrap_or_default());
    }
    if let Some(Json::Array(system)) = out.get_mut("system") {
        inline_cache_points(system);
    }
    if let Some(Json::Array(messages)) = out.get_mut("messages") {
        for message in messages {
            if let Some(Json::Array(content)) = message.get_mut("content") {
                inline_cache_points(content);
            }
        }
    }
    Ok(Bytes::from(out.to_string()))
}

fn inline_cache_points(blocks: &mut Vec<Json>) {
    let mut out: Vec<Json> = Vec::with_capacity(blocks.len());
    for block in blocks.drain(..) {
        match (block.get("cachePoint").cloned(), out.last_mut()) {
            (Some(point), Some(before)) if before.get("text").is_some() => before.set("cachePoint", point),
            (Some(_), _) => {} // nothing that could carry it
            (None, _) => out.push(block),
        }
    }
    *blocks = out;
}

/// OpenAI's body: the path says what streams.
pub(super) fn chat(body: &Bytes, model: &str) -> Result<Bytes> {
    let top = Top::parse(body)?;
    let mut edits = vec![("stream", None), ("stream_options", None), ("model_id", None), ("guardrailConfig", None)];
    if Family::of(model) == Family::Kimi {
        edits.push(("model", None));
    }
    Ok(top.edited(&edits))
}

/// The order of documents is asked of an ARN. Nothing when the model is one already.
pub(super) fn rerank(body: &Bytes, region: &str) -> Option<Bytes> {
    let mut tree: Json = serde_json::from_slice(body).ok()?;
    let config = tree.get_mut("rerankingConfiguration")?.get_mut("bedrockRerankingConfiguration")?;
    let model = config.get_mut("modelConfiguration")?;
    let id = model.get("modelArn")?.as_str().filter(|id| !id.starts_with("arn:"))?.to_owned();
    let partition = if region.starts_with("cn-") { "aws-cn" } else { "aws" };
    model.set("modelArn", format!("arn:{partition}:bedrock:{region}::foundation-model/{id}"));
    Some(Bytes::from(tree.to_string()))
}
