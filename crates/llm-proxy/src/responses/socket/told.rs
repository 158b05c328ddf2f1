//! What a client is told: an answer's events as frames.

use bytes::Bytes;
use futures_util::SinkExt as _;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response};
use http_body_util::BodyExt as _;
use llm_types::{Error, Format};
use llm_wire::sse::{Item, Splitter};
use tokio_tungstenite::tungstenite::Message;

use super::{Gone, Out};
use crate::body::Reply;
use crate::errors;

/// Bytes of an event at the most.
const EVENT: usize = 64 << 20;

/// An error: `{"type":"error","status":429,"error":{...}}`, as OpenAI tells it here.
pub(super) async fn error(error: &Error, out: &mut Out) -> Result<(), Gone> {
    let response = errors::respond(error, Format::OpenAiResponses, HeaderMap::new());
    let status = response.status().as_u16();
    let body = match response.into_body() {
        Reply::Whole(body) => body,
        _ => Bytes::from_static(b"{}"),
    };
    let rest = String::from_utf8_lossy(body.get(1..).unwrap_or(b"}")).into_owned();
    let text = format!("{{\"type\":\"error\",\"status\":{status},{rest}");
    out.send(Message::text(text)).await.map_err(|_| Gone)
}

/// The events of an answer, one frame each.
pub(super) async fn events(response: Response<Reply>, out: &mut Out) -> Result<(), Gone> {
    let events = response.headers().get(CONTENT_TYPE).is_some_and(|k| k.as_bytes().starts_with(b"text/event-stream"));
    let mut body = response.into_body();
    if let (false, Reply::Whole(whole)) = (events, &body) {
        let text = format!("{{\"type\":\"response.completed\",\"response\":{}}}", String::from_utf8_lossy(whole));
        return out.send(Message::text(text)).await.map_err(|_| Gone);
    }
    let mut splitter = Splitter::new(EVENT);
    while let Some(frame) = body.frame().await {
        let data = match frame {
            Ok(frame) => frame.into_data().unwrap_or_default(),
            Err(broken) => {
                return self::error(&Error::new(llm_types::Kind::MidStream, broken.to_string()), out).await;
            }
        };
        let mut texts = Vec::new();
        let read = splitter.feed(&data, |item| {
            if let Item::Frame(frame) = item
                && !frame.is_done()
            {
                texts.push(String::from_utf8_lossy(&frame.data).into_owned());
            }
        });
        for text in texts {
            out.feed(Message::text(text)).await.map_err(|_| Gone)?;
        }
        out.flush().await.map_err(|_| Gone)?;
        if read.is_err() {
            return self::error(&Error::internal("an event is too long"), out).await;
        }
    }
    Ok(())
}
