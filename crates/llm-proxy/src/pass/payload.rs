//! The body of a relayed request: seen whole where somebody must look, else carried as it comes.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body::Body as _;
use http_body_util::Limited;
use hyper::body::Incoming;
use llm_http::Body;
use llm_types::{Error, Kind, Result};

use crate::flow::Context;
use crate::read;

/// A request body.
#[derive(Debug)]
pub enum Payload {
    /// Nothing.
    None,
    /// All of it: it can be read, and sent again.
    Whole(Bytes),
    /// It goes out once, as it comes.
    Stream(Box<Limited<Incoming>>),
    /// It went out.
    Spent,
}

impl Payload {
    /// Takes a body in. JSON is read whole, for it may name a model; other bodies only when `look` says so.
    ///
    /// # Errors
    /// 413, 400, 408, as for every body.
    pub async fn read(ctx: &Context, body: Incoming, look: bool) -> Result<Self> {
        if body.is_end_stream() {
            return Ok(Self::None);
        }
        let kind = ctx.parts.headers.get(CONTENT_TYPE).map(|v| v.to_str().unwrap_or_default());
        let json = kind.is_none_or(|kind| kind.is_empty() || kind.to_ascii_lowercase().contains("json"));
        if json || look {
            let bytes = read::body(&ctx.snapshot, &ctx.parts, body).await?;
            return Ok(if bytes.is_empty() { Self::None } else { Self::Whole(bytes) });
        }
        let limit = ctx.snapshot.settings.max_upload_bytes;
        let told = ctx.parts.headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
        if told.is_some_and(|n| n > limit as u64) {
            let mb = limit / 1_048_576;
            return Err(Error::new(Kind::TooLarge, format!("Request size is too large. Max size is {mb} MB")));
        }
        Ok(Self::Stream(Box::new(Limited::new(body, limit))))
    }

    /// The bytes, when all of them were seen.
    #[must_use]
    pub const fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Whole(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// What is sent; nothing when it went out before.
    pub fn take(&mut self) -> Option<Body> {
        match self {
            Self::None => Some(Body::empty()),
            Self::Whole(bytes) => Some(Body::from(bytes.clone())),
            Self::Spent => None,
            Self::Stream(_) => match std::mem::replace(self, Self::Spent) {
                Self::Stream(body) => Some(Body::stream(*body)),
                _ => None,
            },
        }
    }
}
