//! Pictures that a host takes only as files of its own: they are put there first, then the request names them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use http::header::AUTHORIZATION;
use llm_http::{Timeouts, Transport};
use llm_providers::Want;
use llm_types::generate::{Media, MediaSource, PartKind};
use llm_types::{Error, Json, Kind, OperationKind, Result};
use llm_wire::codec::ReplyView;
use llm_wire::task::FilePart;
use sha2::{Digest, Sha256};

use crate::beside::ask_with;
use crate::call::Call;
use crate::engine::EngineSettings;
use crate::form;
use crate::media::Inlined;
use crate::plan::now_seconds;
use crate::send::header_pairs;
use crate::target::{Address, CallFacts, Target};

/// Seconds for which a file is named again instead of being put there again.
const LIFE: u64 = 3600;
/// How long putting one there may take.
const LIMIT: Duration = Duration::from_secs(60);
/// The type of a picture that does not tell its own.
const USUAL: &str = "image/jpeg";

/// Puts the pictures of a conversation where its host wants them, each once, and notes their ids. Nothing to do for
/// most hosts.
///
/// # Errors
/// 400 for a picture that is not base64; what credentials, transport and the host say.
pub(crate) async fn upload(
    settings: &EngineSettings,
    http: &dyn Transport,
    call: &Call,
    (target, facts): (&Target, &CallFacts<'_>),
    media: &mut Inlined,
) -> Result<()> {
    let Some(url) = target.provider.picture_files(&target.provider_call(facts)) else { return Ok(()) };
    let decoded = call.decoded()?;
    if !decoded.turns.iter().flat_map(|t| &t.parts).any(|p| matches!(p.kind, PartKind::Image(_))) {
        return Ok(());
    }
    let mut request = decoded.clone();
    media.put_into(&mut request);
    let address = target.address(facts)?;
    let place = Place { settings, http, target, address: &address, url: &url };
    for part in request.turns.iter().flat_map(|t| &t.parts) {
        if let PartKind::Image(Media { source: MediaSource::Base64(data), media_type, .. }) = &part.kind
            && !media.files.iter().any(|(known, _)| known == data)
        {
            let id = place.id_of(data, media_type.as_deref().unwrap_or(USUAL)).await?;
            media.files.push((data.clone(), id));
        }
    }
    Ok(())
}

/// A conversation for a provider of another language, as it will be sent. Nothing for other calls.
pub(crate) fn translated<'a>(call: &'a Call, target: &Target, model: &'a str) -> Option<CallFacts<'a>> {
    if call.operation != OperationKind::Generate {
        return None;
    }
    let want = Want { operation: call.operation, format: call.format, model };
    let upstream = target.protocols(&want).best()?;
    (upstream != call.format).then_some(CallFacts {
        operation: call.operation,
        format: upstream,
        client_format: call.format,
        model,
        stream: call.stream,
        betas: &[],
        headers: &call.headers,
    })
}

/// The files of a host, as a deployment sees them.
struct Place<'a> {
    settings: &'a EngineSettings,
    http: &'a dyn Transport,
    target: &'a Target,
    address: &'a Address,
    url: &'a str,
}

impl Place<'_> {
    async fn id_of(&self, data: &str, kind: &str) -> Result<String> {
        let key = self.key(data);
        if let Some(id) = self.settings.cached.get(&key) {
            return Ok(id);
        }
        let bytes = STANDARD.decode(data).map_err(|_| {
            Error::bad_request("Invalid value for 'messages': a picture is not base64").with_param("messages")
        })?;
        let id = self.put(bytes, kind, &key).await?;
        self.settings.cached.keep_until(&key, &id, now_seconds() + LIFE);
        Ok(id)
    }

    /// Files belong to whose credentials put them there.
    fn key(&self, data: &str) -> String {
        let shown = self.address.endpoint.headers.get(AUTHORIZATION).map(|v| v.as_bytes()).unwrap_or_default();
        let key = self.target.api_key.as_ref().map(|k| k.expose().as_bytes()).unwrap_or_default();
        let mut hash = Sha256::new();
        for piece in [self.url.as_bytes(), shown, key, data.as_bytes()] {
            hash.update((piece.len() as u64).to_le_bytes());
            hash.update(piece);
        }
        hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
    }

    async fn put(&self, bytes: Vec<u8>, kind: &str, key: &str) -> Result<String> {
        let provider = self.target.provider_id();
        let end = kind.rsplit('/').next().unwrap_or("jpeg");
        let file = FilePart {
            name: "file".to_owned(),
            filename: Some(format!("{}.{end}", key.get(..32).unwrap_or(key))),
            content_type: Some(kind.to_owned()),
            data: Bytes::from(bytes),
            more: None,
        };
        let body = form::written(&[("purpose".to_owned(), "general".to_owned())], vec![file]);
        let timeouts = Timeouts { connect: Some(self.settings.connect_timeout), total: Some(LIMIT), ..Timeouts::NONE };
        let asked = (Method::POST, self.url);
        let (parts, body) = ask_with(self.http, self.settings, self.address, provider, asked, body, timeouts).await?;
        if !parts.status.is_success() {
            let pairs = header_pairs(&parts.headers);
            let view = ReplyView { status: parts.status.as_u16(), provider, headers: &pairs, body: &body };
            let codec = llm_wire::registry::upstream_generate(self.address.of.1);
            return Err(codec.map_or_else(
                || Error::internal(format!("a picture was refused with {}", parts.status)),
                |codec| codec.decode_error(&view),
            ));
        }
        let reply = serde_json::from_slice::<Json>(&body).unwrap_or_default();
        let id = reply.text("id").filter(|id| !id.is_empty());
        id.map(str::to_owned).ok_or_else(|| {
            let why = format!("litellm.APIError: {provider}Exception - the host named no id of a picture");
            Error::new(Kind::InvalidReply, why)
        })
    }
}
