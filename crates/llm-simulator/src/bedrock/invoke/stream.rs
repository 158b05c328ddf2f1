//! A maker's events inside AWS's messages. The last one has AWS's own counts.

use base64::Engine;

use crate::content::{Answer, Usage, compose, usage};
use crate::reply::{Frame, FrameKind, Framing, Payload, Reply};
use crate::service::Call;
use crate::template::{fill, quote};

use super::super::{STREAM_TYPE, eventstream, headers};
use super::frames;

/// An Anthropic reply: its events wrapped, its counts in headers when it is whole.
pub(super) fn wrapped(call: &Call<'_>, reply: Reply) -> Reply {
    let frames = match reply.payload {
        // Anthropic's own headers stay behind
        payload @ Payload::Whole(_) => {
            return Reply { status: reply.status, headers: headers(call, "application/json"), payload };
        }
        Payload::Frames(frames) => frames,
    };
    let mut out: Vec<(FrameKind, String)> = frames
        .iter()
        .filter_map(|frame| {
            let text = String::from_utf8_lossy(&frame.bytes).into_owned();
            let data = text.split_once("data: ")?.1.trim_end().to_owned();
            Some((frame.kind, data))
        })
        // AWS keeps the line open by itself
        .filter(|(_, data)| !data.starts_with("{\"type\":\"ping\"") && !data.contains("\"type\": \"ping\""))
        .collect();
    let counts = usage(call.prompt, call.script, &[compose(call.prompt, call.script, 0)]);
    end(&mut out, counts);
    sent(call, out)
}

/// Nova: Converse's events, each below its name.
pub(super) fn nova(call: &Call<'_>, answer: &Answer, counts: Usage) -> Reply {
    let events = super::super::stream::events(call, answer, counts);
    let mut out: Vec<(FrameKind, String)> =
        events.into_iter().map(|(kind, name, payload)| (kind, format!("{{\"{name}\":{payload}}}"))).collect();
    end(&mut out, counts);
    sent(call, out)
}

/// Pieces of a text and their end.
pub(super) fn text(call: &Call<'_>, pieces: Vec<String>, last: String, counts: Usage) -> Reply {
    let mut out: Vec<(FrameKind, String)> = pieces.into_iter().map(|piece| (FrameKind::Content, piece)).collect();
    out.push((FrameKind::End, last));
    end(&mut out, counts);
    sent(call, out)
}

/// A whole reply with AWS's counts in its headers.
pub(super) fn counted(mut reply: Reply, counts: Usage) -> Reply {
    reply.headers.push(("x-amzn-bedrock-input-token-count", counts.prompt.to_string()));
    reply.headers.push(("x-amzn-bedrock-output-token-count", counts.completion.to_string()));
    reply.headers.push(("x-amzn-bedrock-invocation-latency", "551".to_owned()));
    reply
}

/// Puts AWS's counts into the last event.
fn end(events: &mut [(FrameKind, String)], counts: Usage) {
    if let Some((_, last)) = events.last_mut()
        && let Some(open) = last.strip_suffix('}')
    {
        let values = [("prompt", counts.prompt.to_string()), ("completion", counts.completion.to_string())];
        let metrics = fill(frames::METRICS, &values.each_ref().map(|(key, value)| (*key, value.as_str())));
        *last = format!("{open},{metrics}}}");
    }
}

fn sent(call: &Call<'_>, events: Vec<(FrameKind, String)>) -> Reply {
    let frames = events.into_iter().map(|(kind, event)| {
        let bytes = quote(&base64::engine::general_purpose::STANDARD.encode(event));
        let payload = fill(frames::CHUNK, &[("bytes", &bytes)]);
        Frame::framed(Framing::Messages, kind, eventstream::event("chunk", &payload))
    });
    let mut headers = headers(call, STREAM_TYPE);
    headers.push(("x-amzn-bedrock-content-type", "application/json".to_owned()));
    Reply { status: 200, headers, payload: Payload::Frames(frames.collect()) }
}
