//! What is asked of services of AWS that are one path, see [`Scheme::AwsJson`].

use http::Method;
use llm_providers::passthrough::{Mount, Scheme};
use llm_types::{Error, Result};
use llm_wire::top::Top;

use super::payload::Payload;
use crate::flow::Context;

/// An operation and its price.
#[derive(Debug)]
pub(super) struct Operation {
    /// Its name.
    pub name: String,
    /// The name that stands for a model in spend rows.
    pub model: String,
    /// US dollars.
    pub cost: f64,
}

/// The operation of a request; nothing for other mounts.
///
/// # Errors
/// `BadRequest` for anything but a POST of a JSON object, and for operations that may not be called.
pub(super) fn read(ctx: &Context, mount: &Mount, rest: &str, payload: &Payload) -> Result<Option<Operation>> {
    let Scheme::AwsJson(service) = mount.scheme else { return Ok(None) };
    let header = ctx.parts.headers.get("x-amz-target").and_then(|v| v.to_str().ok());
    let name = service.operation(mount, rest, header)?.to_owned();
    let object = || Error::bad_request("Request body must be a JSON object");
    if ctx.parts.method != Method::POST {
        return Err(Error::bad_request(format!("/{} takes POST only", mount.path)));
    }
    let body = payload.bytes().ok_or_else(object)?;
    let top = Top::parse(body).map_err(|_| object())?;
    let characters = top.read::<String>("Text").map_or(0, |text| text.chars().count());
    Ok(Some(Operation { model: format!("{}/{name}", mount.provider), cost: service.price(&name, characters), name }))
}
