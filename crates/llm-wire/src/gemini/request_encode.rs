//! A request to the upstream.

use bytes::{Bytes, BytesMut};
use llm_types::generate::GenerateRequest;
use llm_types::{Json, RawJson, Result};

use super::model::Model;
use super::request_decode::is;
use super::tools_encode::Tools;
use super::{FORMAT, config_encode, contents_encode, native_encode};
use crate::codec::EncodeContext;
use crate::openai::object::Obj;
use crate::top::Top;

/// Fields of the body that callers of other formats may write at the top of a request: LiteLLM's name and the body's.
const DIRECT: [(&str, &str); 4] = [
    ("safety_settings", "safetySettings"),
    ("safetySettings", "safetySettings"),
    ("cached_content", "cachedContent"),
    ("cachedContent", "cachedContent"),
];

/// Writes a request: as it came when it came in this format, else translated.
pub(super) fn encode(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
    if req.extra.format() == Some(FORMAT) {
        native_encode::encode(req, out);
        return Ok(());
    }
    let start = out.len();
    foreign(req, ctx, out)?;
    if let Some(extra) = req.extra.get("extra_body") {
        let written = out.split_off(start).freeze();
        out.extend_from_slice(&merged(&written, extra));
    }
    Ok(())
}

fn foreign(req: &GenerateRequest, ctx: &mut EncodeContext<'_>, out: &mut BytesMut) -> Result<()> {
    let model = Model::of(ctx.model);
    let mut body = Obj::open(out);
    let resolution = contents_encode::write(req, model, ctx, &mut body)?;
    let tools = Tools::of(req, ctx);
    tools.write(req, &mut body);
    tools.write_config(req, ctx, &mut body);
    for (name, key) in DIRECT {
        body.raw(key, req.extra.get(name).filter(|v| !v.is_null()));
    }
    config_encode::write(req, model, &tools, resolution, ctx, &mut body)?;
    if let Some(tier) = &req.service_tier {
        body.str("serviceTier", &service_tier(tier));
    }
    // taken out again where headers are made
    body.raw("extra_headers", req.extra.get("extra_headers"));
    if let Some(labels) = labels(req) {
        crate::top::write_json(&labels, body.key("labels"));
    }
    Ok(())
}

fn service_tier(tier: &str) -> String {
    match tier {
        "auto" => "priority".to_owned(),
        "default" => "standard".to_owned(),
        other => other.to_ascii_lowercase(),
    }
}

/// Labels for the bill: the caller's own, else the texts of the request's metadata.
fn labels(req: &GenerateRequest) -> Option<Json> {
    if let Some(labels) = req.extra.get("labels").filter(|l| !l.is_null()) {
        return labels.read().ok();
    }
    let Json::Object(mut fields) = req.metadata.as_ref()?.read::<Json>().ok()? else { return None };
    fields.retain(|(_, value)| value.as_str().is_some());
    (!fields.is_empty()).then_some(Json::Object(fields))
}

/// The body with the caller's own fields put in, each in place of the one of the same name.
fn merged(body: &Bytes, extra: &RawJson) -> Bytes {
    let (Ok(top), Ok(more)) = (Top::parse(body), extra.read::<Top<'_>>()) else { return body.clone() };
    let written = |key: &str| top.iter().map(|(k, _)| k).find(|k| is(key, &k.replace('_', ""))).map(str::to_owned);
    let names: Vec<(String, &str)> =
        more.iter().map(|(key, value)| (written(key).unwrap_or_else(|| key.to_owned()), value)).collect();
    let edits: Vec<(&str, Option<&str>)> = names.iter().map(|(key, value)| (key.as_str(), Some(*value))).collect();
    top.edited(&edits)
}
