//! Signature 4 of a request.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign as signature,
};
use aws_sigv4::sign::v4::SigningParams;
use http::header::{CONTENT_TYPE, DATE, HOST};
use http::{HeaderName, HeaderValue, Request};
use llm_http::Body;
use llm_types::{Error, Result};
use sha2::{Digest, Sha256};

use super::Keys;
use crate::flow::denied;

/// What a signature puts into a request; anything of that name from before goes away.
const SET: [&str; 4] = ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"];

/// What a signature is for.
#[derive(Clone, Copy)]
pub(crate) struct Signing<'a> {
    pub(crate) service: &'a str,
    pub(crate) region: &'a str,
    pub(crate) now: SystemTime,
    /// Further headers to sign.
    pub(crate) also: &'a [HeaderName],
}

/// Signs `request`. Only `host`, `content-type`, `date` and `x-amz-*` are signed,
/// as LiteLLM does: whatever a proxy on the way adds, changes or drops leaves the signature good. The path is signed as
/// it stands in the URI, escaped once more, except for S3 which wants it as it is.
///
/// # Errors
/// When the body is a stream, whose hash nobody knows before it is sent, or a header is not text.
pub(crate) fn sign(request: &mut Request<Body>, keys: &Keys, signing: Signing<'_>) -> Result<()> {
    SET.iter().for_each(|name| {
        request.headers_mut().remove(*name);
    });
    let hash = body_hash(request.body())?;
    let identity = Credentials::new(
        keys.id.as_str(),
        keys.secret.expose(),
        keys.token.as_ref().map(|token| token.expose().to_owned()),
        None,
        "llm-credentials",
    )
    .into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(signing.region)
        .name(signing.service)
        .time(signing.now)
        .settings(settings(signing.service))
        .build()
        .map_err(|error| Error::internal(format!("an AWS signature: {error}")))?
        .into();
    let uri = request.uri().to_string();
    let headers = signed_headers(request, signing.also)?;
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let signable = SignableRequest::new(request.method().as_str(), &uri, headers, SignableBody::Precomputed(hash));
    let signable = signable.map_err(|error| Error::bad_request(format!("the request cannot be signed: {error}")))?;
    let (instructions, _) = signature(signable, &params)
        .map_err(|error| Error::internal(format!("an AWS signature: {error}")))?
        .into_parts();
    for (name, value) in instructions.headers() {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Error::internal("an AWS header"))?;
        let value = HeaderValue::from_str(value).map_err(|_| denied("the AWS keys have characters of no header"))?;
        request.headers_mut().insert(name, sensitive(value));
    }
    Ok(())
}

fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

fn settings(service: &str) -> SigningSettings {
    let mut settings = SigningSettings::default();
    if service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    settings
}

fn signed_headers(request: &Request<Body>, also: &[HeaderName]) -> Result<Vec<(String, String)>> {
    let ours = |name: &HeaderName| {
        [CONTENT_TYPE, DATE, HOST].contains(name) || name.as_str().starts_with("x-amz-") || also.contains(name)
    };
    let text = |name: &HeaderName, value: &HeaderValue| {
        let value = value.to_str().map_err(|_| Error::bad_request(format!("the header {name} is not text")))?;
        Ok((name.as_str().to_owned(), value.to_owned()))
    };
    request.headers().iter().filter(|(name, _)| ours(name)).map(|(name, value)| text(name, value)).collect()
}

fn body_hash(body: &Body) -> Result<String> {
    let mut hash = Sha256::new();
    let mut seen = 0;
    for slice in body.slices() {
        hash.update(slice);
        seen += slice.len() as u64;
    }
    match body.len() {
        Some(length) if length == seen => Ok(hex::encode(hash.finalize())),
        _ => Err(Error::bad_request("a body that is streamed cannot be signed")),
    }
}

#[cfg(test)]
mod tests;
