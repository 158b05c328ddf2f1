//! URLs of images and files that an upstream does not fetch itself: fetched here, under the egress guard, and put into
//! the request as bytes.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use llm_http::{FetchError, FetchLimits, Transport};
use llm_types::generate::{GenerateRequest, MediaSource, Part, PartKind};
use llm_types::{Error, Kind, Result};

/// What was fetched, by URL, and what of it became a file of the upstream's.
#[derive(Debug, Default)]
pub(crate) struct Inlined {
    fetched: Vec<(String, Fetched)>,
    /// Ids of the host's files by the bytes of pictures in base64, see [`crate::pictures`].
    pub(crate) files: Vec<(String, String)>,
    /// Media types by URL, see [`crate::objects`].
    pub(crate) types: Vec<(String, String)>,
}

#[derive(Debug)]
struct Fetched {
    base64: String,
    media_type: Option<String>,
}

impl Inlined {
    /// Fetches the URLs of a request that the upstream wants as bytes, each once.
    ///
    /// # Errors
    /// `ImageFetch` when a document cannot be had.
    pub(crate) async fn fetch(
        http: &dyn Transport,
        limits: &FetchLimits,
        wanted_url: &(dyn Fn(&str) -> bool + Sync),
        request: &GenerateRequest,
    ) -> Result<Self> {
        let mut all = Self::default();
        let (mut urls, mut known) = (Vec::new(), HashSet::new());
        for part in request.turns.iter().flat_map(|t| &t.parts) {
            sources(part, &mut |source, _| {
                if let MediaSource::Url(url) = source
                    && (url.starts_with("http://") || url.starts_with("https://"))
                    && wanted_url(url)
                    && known.insert(url.as_str())
                {
                    urls.push(url.clone());
                }
            });
        }
        for url in urls {
            let got = http.fetch(&url, limits).await.map_err(|e| refused(&url, &e))?;
            let media_type = got.content_type.map(|t| t.split(';').next().unwrap_or_default().trim().to_owned());
            all.fetched.push((url, Fetched { base64: STANDARD.encode(&got.bytes), media_type }));
        }
        Ok(all)
    }

    /// Puts the bytes in place of the URLs, types beside others, and ids in place of pictures that are files of the upstream's.
    pub(crate) fn put_into(&self, request: &mut GenerateRequest) {
        if self.fetched.is_empty() && self.files.is_empty() && self.types.is_empty() {
            return;
        }
        request.turns.iter_mut().flat_map(|t| &mut t.parts).for_each(|part| self.put(part));
    }

    fn put(&self, part: &mut Part) {
        let (source, media_type) = match &mut part.kind {
            PartKind::Image(m) | PartKind::Audio(m) | PartKind::Video(m) => (&mut m.source, &mut m.media_type),
            PartKind::File(f) => (&mut f.source, &mut f.media_type),
            PartKind::ToolResult(result) => return result.parts.iter_mut().for_each(|p| self.put(p)),
            _ => return,
        };
        if let MediaSource::Url(url) = source
            && let Some((_, got)) = self.fetched.iter().find(|(known, _)| known == url)
        {
            *source = MediaSource::Base64(got.base64.clone());
            if media_type.is_none() {
                media_type.clone_from(&got.media_type);
            }
        }
        if let MediaSource::Url(url) = source
            && media_type.is_none()
        {
            *media_type = self.types.iter().find(|(known, _)| known == url).map(|(_, kind)| kind.clone());
        }
        if let MediaSource::Base64(data) = source
            && let Some((_, id)) = self.files.iter().find(|(known, _)| known == data)
        {
            *source = MediaSource::FileId(id.clone());
        }
    }
}

/// A document as a `data:` URL.
///
/// # Errors
/// `ImageFetch` when it cannot be had.
pub(crate) async fn data_url(http: &dyn Transport, limits: &FetchLimits, url: &str) -> Result<String> {
    let got = http.fetch(url, limits).await.map_err(|e| refused(url, &e))?;
    let kind = got.content_type.as_deref().and_then(|t| t.split(';').next()).map_or("", str::trim);
    let kind = if kind.is_empty() { "application/octet-stream" } else { kind };
    Ok(format!("data:{kind};base64,{}", STANDARD.encode(&got.bytes)))
}

/// Where the media of a part come from, those of results of tools too, and their types where these are told.
pub(crate) fn sources<'p>(part: &'p Part, tell: &mut impl FnMut(&'p MediaSource, Option<&'p str>)) {
    let (source, kind) = match &part.kind {
        PartKind::Image(m) | PartKind::Audio(m) | PartKind::Video(m) => (&m.source, &m.media_type),
        PartKind::File(f) => (&f.source, &f.media_type),
        PartKind::ToolResult(result) => return result.parts.iter().for_each(|p| sources(p, tell)),
        _ => return,
    };
    tell(source, kind.as_deref());
}

/// What the client is told; addresses inside the network stay inside.
fn refused(url: &str, error: &FetchError) -> Error {
    let why = match error {
        FetchError::Denied(_) => "the address is not allowed".to_owned(),
        other => other.to_string(),
    };
    Error::new(Kind::ImageFetch, format!("Unable to fetch {url}: {why}"))
}
